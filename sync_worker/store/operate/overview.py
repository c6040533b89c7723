"""What the database says of all portals at once, for monitoring: six statements, even if there are many portals.

The one reading that crosses portals; nothing here is of a record, and nothing is shown to a portal's people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, literal, select

from sync_worker.store.core.engine import Store
from sync_worker.store.core.tables import cursors, deliveries, events, failures, portals
from sync_worker.store.operate.tables import halts
from sync_worker.store.sync.tables import breakers, notices, outbox

NOTICED: Final = "noticed"


@dataclass(frozen=True, slots=True)
class Read:
    """How far one record type of a portal is read.

    **Shapes** `record`: "" = the portal has read nothing yet; `high_water_at`: when the portal began, until its first load is complete.
    """

    portal: str
    record: str
    high_water_at: datetime
    paused_until_at: datetime | None  # the whole portal
    rests_until_at: datetime | None  # this record type alone
    is_halted: bool = False  # a person has paused the portal


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one portal. **Shapes** `state`: of the outbox, or NOTICED: records to read again."""

    portal: str
    state: str
    count: int
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """Open failures of one cause."""

    portal: str
    kind: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class OwedEvents:
    """Events a portal is still owed, and since when the oldest."""

    portal: str
    count: int
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything, as of the moment `at` on the clock that all processes share."""

    at: datetime
    reads: list[Read]
    waiting: list[Waiting]
    opened: list[Open]
    owed: list[OwedEvents]
    breakers: dict[str, int]  # cause → in how many places nothing is tried for now


def overview(store: Store) -> Overview:
    """One snapshot. **Raises** StoreDown."""
    with store.reading("") as tx:
        at, found = tx.shared_now, [tx.connection.execute(query).all() for query in (_READS, _OUTBOX, _NOTICES, _OPEN, _OWED, _BREAKERS)]
    reads, written, noticed, opened, owed, resting = found
    waiting = [Waiting(*row) for row in (*written, *noticed)]
    resting_in = {code: count for code, count in resting}
    return Overview(
        at, [Read(*row) for row in reads], waiting, [Open(*row) for row in opened], [OwedEvents(*row) for row in owed], resting_in
    )


_READS: Select[Any] = select(
    portals.c.portal,
    func.coalesce(cursors.c.object, ""),
    func.coalesce(cursors.c.high_water_at, portals.c.mode_set_at),
    portals.c.paused_until_at,
    cursors.c.paused_until_at,
    exists().where(halts.c.portal == portals.c.portal),
).join_from(portals, cursors, portals.c.portal == cursors.c.portal, isouter=True)
_OUTBOX: Select[Any] = select(outbox.c.portal, outbox.c.state, func.count(), func.min(outbox.c.due_at)).group_by(
    outbox.c.portal, outbox.c.state
)
_NOTICES: Select[Any] = select(notices.c.portal, literal(NOTICED), func.count(), func.min(notices.c.first_seen_at)).group_by(
    notices.c.portal
)
_OPEN: Select[Any] = (
    select(failures.c.portal, failures.c.kind, failures.c.code, func.count())
    .where(failures.c.resolved_at.is_(None))
    .group_by(failures.c.portal, failures.c.kind, failures.c.code)
)
_OWED: Select[Any] = (
    select(deliveries.c.portal, func.count(), func.min(events.c.at))
    .join_from(deliveries, events, and_(events.c.portal == deliveries.c.portal, events.c.seq == deliveries.c.seq))
    .group_by(deliveries.c.portal)
)
_BREAKERS: Select[Any] = select(breakers.c.code, func.count()).where(breakers.c.until_at.is_not(None)).group_by(breakers.c.code)
