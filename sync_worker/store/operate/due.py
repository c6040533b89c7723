"""What is due, of every portal at once: two statements, even if there are many portals; each looks no further than a first row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, or_, select

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import has
from sync_worker.store.core.tables import companies, cursors, deliveries, feeds, portals
from sync_worker.store.deals.quotes import UNCOMPLETED
from sync_worker.store.deals.tables import quotes
from sync_worker.store.operate.tables import halts, inquiries, interventions
from sync_worker.store.people.tables import user_groups
from sync_worker.store.sync.outbox import is_any_due
from sync_worker.store.sync.patch_backs import TO_PATCH
from sync_worker.store.sync.tables import backfills, notices, unlearned_sends
from sync_worker.store.tell.tables import mails


@dataclass(frozen=True, slots=True)
class ReadingDue:
    """How one record type stands.

    **Shapes** `pulled_at`: None before the first load is complete. `is_filling`: a field of all its records was left to us to read.
    """

    pulled_at: datetime | None
    is_noticed: bool
    is_filling: bool = False
    paused_until_at: datetime | None = None

    def rests(self, now: datetime) -> bool:
        """Whether this record type alone is paused."""
        return self.paused_until_at is not None and self.paused_until_at > now


@dataclass(frozen=True, slots=True)
class PortalDue:
    """How one portal stands.

    **Shapes** `owes`: something is due in the outbox, or a send without outcome is to be looked for;
    `is_unpatched`: a company's portal id is; `is_replaying`: a replay was left to us;
    `is_feed_due`: the portal is owed an event; `is_mail_due`: somebody a letter;
    `is_completing`: a signed deal its licences, or its end;
    `is_deriving`: contracts are to be derived again, because an operator has set that mode; `is_regrouping`: a group is to be evaluated;
    `is_inquiring`: a person asked something, and no worker is at it; `is_halted`: a person has paused the portal.
    """

    mode_set_at: datetime
    paused_until_at: datetime | None
    owes: bool
    is_unpatched: bool
    is_replaying: bool
    is_feed_due: bool
    is_mail_due: bool
    is_completing: bool
    is_deriving: bool
    is_regrouping: bool
    is_halted: bool
    is_inquiring: bool = False
    readings: Mapping[str, ReadingDue] = field(default_factory=dict)

    def rests(self, now: datetime) -> bool:
        """Whether an error or a person has paused the portal."""
        return self.is_halted or (self.paused_until_at is not None and self.paused_until_at > now)


def standings(tx: Tx) -> dict[str, PortalDue]:
    """By portal: the transaction's, or where that is "" every one that was ever synced."""
    readings: dict[str, dict[str, ReadingDue]] = {}
    columns = (cursors.c.portal, cursors.c.object, cursors.c.last_pulled_at, _is_noticed(), _is_filling(), cursors.c.paused_until_at)
    for portal, object_, pulled_at, is_noticed, is_filling, paused_until_at in tx.connection.execute(
        select(*columns).where(_mine(tx, cursors.c.portal))
    ):
        readings.setdefault(portal, {})[object_] = ReadingDue(pulled_at, bool(is_noticed), bool(is_filling), paused_until_at)
    looks = _looks(tx)
    standing = select(portals.c.portal, portals.c.mode_set_at, portals.c.paused_until_at, *looks.values())
    found = {}
    for portal, mode_set_at, paused_until_at, *seen in tx.connection.execute(standing.where(_mine(tx, portals.c.portal))):
        flags = dict(zip(looks, map(bool, seen), strict=True))
        found[portal] = PortalDue(mode_set_at, paused_until_at, **flags, readings=readings.get(portal, {}))
    return found


def _looks(tx: Tx) -> dict[str, ColumnElement[bool]]:
    return {
        "owes": _owes(tx),
        "is_unpatched": _is_unpatched(tx),
        "is_replaying": has(_ours(interventions), _LEFT, by=interventions.c.asked_at),
        "is_feed_due": _is_feed_due(tx),
        "is_mail_due": _is_mail_due(tx),
        "is_completing": has(_ours(quotes), UNCOMPLETED, by=quotes.c.deal_id),
        "is_halted": has(_ours(halts), by=halts.c.portal),
        "is_regrouping": has(_ours(user_groups), user_groups.c.is_settled.is_(False), by=user_groups.c.key),
        "is_inquiring": _is_inquiring(tx),
        "is_deriving": portals.c.next_mode == "contracts",
    }


def _ours(table: Table) -> ColumnElement[bool]:
    is_ours: ColumnElement[bool] = table.c.portal == portals.c.portal
    return is_ours


def _mine(tx: Tx, column: ColumnElement[str]) -> ColumnElement[bool]:
    return column == tx.portal if tx.portal else column != ""


def _owes(tx: Tx) -> ColumnElement[bool]:
    is_to_look = has(_ours(unlearned_sends), unlearned_sends.c.look_at <= tx.shared_now, by=unlearned_sends.c.look_at)
    return or_(is_any_due(portals.c.portal, tx.shared_now), is_to_look)


def _is_noticed() -> ColumnElement[bool]:
    return has(notices.c.portal == cursors.c.portal, notices.c.object == cursors.c.object, by=notices.c.first_seen_at)


def _is_filling() -> ColumnElement[bool]:
    mine = and_(backfills.c.portal == cursors.c.portal, backfills.c.object == cursors.c.object)
    return has(mine, backfills.c.finished_at.is_(None), backfills.c.is_queued.is_(True), by=backfills.c.object)


def _is_feed_due(tx: Tx) -> ColumnElement[bool]:
    """As `deliveries.is_due`, of every portal."""
    is_awake = and_(feeds.c.paused_at.is_(None), or_(feeds.c.rests_until_at.is_(None), feeds.c.rests_until_at <= tx.shared_now))
    is_owed = has(_ours(deliveries), deliveries.c.due_at <= tx.shared_now, by=deliveries.c.due_at)
    return and_(has(_ours(feeds), is_awake, by=feeds.c.portal), is_owed)


def _is_mail_due(tx: Tx) -> ColumnElement[bool]:
    """As `mails.has_due`, of every portal."""
    is_free = or_(mails.c.claim_until_at.is_(None), mails.c.claim_until_at < tx.shared_now)
    is_waiting = (mails.c.settled_at.is_(None), mails.c.held_by.is_(None), mails.c.due_at <= tx.shared_now, is_free)
    return has(_ours(mails), *is_waiting, by=mails.c.due_at)


def _is_inquiring(tx: Tx) -> ColumnElement[bool]:
    """As `inquiries.claim`, of every portal."""
    is_free = or_(inquiries.c.claim_until_at.is_(None), inquiries.c.claim_until_at < tx.shared_now)
    return has(_ours(inquiries), inquiries.c.finished_at.is_(None), is_free, by=inquiries.c.kind)


def _is_unpatched(tx: Tx) -> ColumnElement[bool]:
    """As `patch_backs.is_due`, of every portal."""
    is_free = or_(companies.c.patch_until_at.is_(None), companies.c.patch_until_at < tx.shared_now)
    return has(_ours(companies), TO_PATCH, is_free, by=companies.c.crm_modified_at)


_LEFT = and_(interventions.c.finished_at.is_(None), interventions.c.is_queued.is_(True))
