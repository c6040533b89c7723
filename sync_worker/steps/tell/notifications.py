"""NOTIFICATIONS: what a person was told, as the portal shows it: lines of deals that the person may still see, read or unread.

A line whose deal is hidden from the person by now is not shown, not counted and not marked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import User
from sync_worker.domain.people.visibility import shares
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import viewer_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import pipeline
from sync_worker.store.tell import notifications
from sync_worker.store.tell.notifications import WHOLE, NotificationFilter, NotificationRow

BATCH_COUNT: Final = 200  # lines looked at between two questions of what the person may see


def listed(
    tx: Tx, tenant: Tenant, user: User, wanted: NotificationFilter, *, after: tuple[datetime, str] | None, limit: int
) -> list[NotificationRow]:
    """The person's lines that follow `after`, the newest first."""
    found: list[NotificationRow] = []
    while len(found) < limit:
        rows = notifications.listed(tx, user.id, wanted, after=after, limit=BATCH_COUNT)
        seen = _seen(tx, tenant, user, {row.notification.deal_id for row in rows})
        found += [row for row in rows if row.notification.deal_id in seen]
        if len(rows) < BATCH_COUNT:
            break
        after = (rows[-1].at, rows[-1].notification.id)
    return found[:limit]


def unread_count(tx: Tx, tenant: Tenant, user: User) -> int:
    """How many lines the person has not read."""
    counts = notifications.unread_by_deal(tx, user.id)
    return sum(counts[deal_id] for deal_id in _seen(tx, tenant, user, counts))


def mark_read(tx: Tx, tenant: Tenant, user: User, notification_id: str) -> NotificationRow | Refusal:
    """The line, read from now on."""
    row = notifications.get(tx, user.id, notification_id)
    if row is None or not _seen(tx, tenant, user, [row.notification.deal_id]):
        return Refusal("notification_unknown", f"{user.name} has no notification {notification_id}", "the user, by an id of the list")
    notifications.mark_read(tx, user.id, notification_id)
    return notifications.get(tx, user.id, notification_id) or row


def mark_all_read(tx: Tx, tenant: Tenant, user: User, until: datetime | None) -> int:
    """The person has read all lines that were written until then. Returns how many were unread."""
    wanted = NotificationFilter(until=until) if until else WHOLE
    seen = _seen(tx, tenant, user, notifications.unread_by_deal(tx, user.id, wanted))
    return notifications.mark_all_read(tx, user.id, seen, wanted)


def others_refusal(looker: User, user_id: str) -> Refusal | None:
    """A person's notifications are for that person alone."""
    if looker.id == user_id:
        return None
    return Refusal("notifications_not_yours", f"{looker.name} may not see the notifications of another user", "the user whose they are")


def _seen(tx: Tx, tenant: Tenant, user: User, deal_ids: Collection[str]) -> frozenset[str]:
    """Those of these deals that the person may see now."""
    return pipeline.seen_among(tx, shares(viewer_of(tx, tenant, user)), deal_ids) if deal_ids else frozenset()
