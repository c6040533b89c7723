"""WITHHOLD: a letter that waited is not sent to somebody who is inactive by now, or who may not see its deal any more.

A mail server can be away for hours, and mails of a journey can wait for a person for days. What journeys say goes to the roles that they
name, so there only inactive people are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from sync_worker.domain.core.user import User
from sync_worker.domain.people.visibility import shares
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.people.users import viewer_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import pipeline
from sync_worker.store.people import people
from sync_worker.store.tell import notifications
from sync_worker.store.tell.mails import MailRow

INACTIVE = "the person is inactive in the portal"
OUT_OF_SIGHT = "the person may not see the deal any more"


def withheld(tx: Tx, tenant: Tenant, rows: Sequence[MailRow]) -> dict[str, str]:
    """Those of the letters that must not be sent, by id, and why. An address that the portal knows no user of gets its letters."""
    known: dict[str, list[User]] = {}
    for user in people.by_emails(tx, {row.mail.address for row in rows}):
        known.setdefault(user.email.casefold(), []).append(user)
    deal_ids = notifications.deals_told(tx, {row.mail.event for row in rows}, {user.id for users in known.values() for user in users})
    seen = dict(_seen(tx, tenant, known, deal_ids))
    found = ((row.mail.id, _why(row.mail.event, known.get(row.mail.address, ()), deal_ids, seen)) for row in rows)
    return {mail_id: why for mail_id, why in found if why}


def _why(event: str, users: Collection[User], deal_ids: Mapping[tuple[str, str], str], seen: Mapping[str, frozenset[str]]) -> str:
    """**Shapes** `users`: those with the address; `deal_ids`: (event, user) -> the deal that the user was told of."""
    active = [user for user in users if user.is_active]
    if not active:
        return INACTIVE if users else ""
    told = [(user.id, deal_id) for user in active if (deal_id := deal_ids.get((event, user.id)))]
    return "" if not told or any(deal_id in seen[user_id] for user_id, deal_id in told) else OUT_OF_SIGHT


def _seen(
    tx: Tx, tenant: Tenant, known: Mapping[str, Collection[User]], deal_ids: Mapping[tuple[str, str], str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Those of the deals that each user was told of which the user may see now."""
    for user in (user for users in known.values() for user in users if user.is_active):
        theirs = {deal_id for (_, user_id), deal_id in deal_ids.items() if user_id == user.id}
        yield user.id, pipeline.seen_among(tx, shares(viewer_of(tx, tenant, user)), theirs) if theirs else frozenset()
