"""The feed's log: what the portal is to be told, written in the commit of the change it tells of, numbered in the order of commits.

Each event is owed until it is delivered (`deliveries.py`). A portal without a feed costs nothing here: `Tx.events` names what is wanted.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.tell.event import COMPANY, By, Event, associations_events, document, loaded_event
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.tables import cursors, deliveries, events, feeds
from sync_worker.telemetry.correlation import run_under_way

_IDENTITY: Final = uuid.UUID("0d5f3a56-31b1-4c1c-8f0e-6f4b7a4f2a10")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was written. **Shapes** `data`: what is sent; `id`: the same each time."""

    seq: int
    id: str
    kind: str
    record: str
    record_id: str
    at: datetime
    data: Any


TOLD: Final = tuple(events.c[name] for name in StoredEvent.__slots__)
"""The columns of `Told`, in its order."""


def tell(tx: Tx, found: Iterable[Event | None]) -> None:
    """Writes the events the portal wants, and owes them. In the transaction of the change, which orders them."""
    wanted = [event for event in found if event and event.kind in tx.events]
    if not wanted:
        return
    first = _draw(tx, len(wanted))
    rows = [_row(tx, event, first + place) for place, event in enumerate(wanted)]
    tx.connection.execute(insert(events), rows)
    owed = ("portal", "seq", "record", "record_id")
    tx.connection.execute(insert(deliveries), [{**{name: row[name] for name in owed}, "due_at": tx.shared_now} for row in rows])


def tell_of_companies(tx: Tx, found: Iterable[Event | None]) -> None:
    """The same for what belongs to companies: what the CRM says of it is silent while companies are loaded for the first time."""
    told = [event for event in found if event]
    is_silent = bool(tx.events) and any(event.by.side == "crm" for event in told) and is_loading(tx, COMPANY)
    tell(tx, [event for event in told if not (is_silent and event.by.side == "crm")])


def tell_associations(tx: Tx, company_ids: Collection[str]) -> None:
    """Whom these companies may work with has changed; silent while companies are loaded for the first time."""
    if company_ids and "associations.changed" in tx.events and not is_loading(tx, COMPANY):
        tell(tx, associations_events(company_ids, By("worker", "associations", run_under_way())))


def tell_loaded(tx: Tx, object_: str) -> None:
    """A first load is complete; what else is in its last commit is silent too."""
    tx.loaded.add(object_)
    tell(tx, [loaded_event(object_, By("worker", "first load", run_under_way()))])


def is_loading(tx: Tx, record: str) -> bool:
    """Whether companies, or deals, are being read for the first time: the portal is told once, at the end."""
    if any((object_ == COMPANY) == (record == COMPANY) for object_ in tx.loaded):
        return True
    return bool(tx.connection.execute(_loading(is_company=record == COMPANY), {"its_portal": tx.portal}).scalar())


@cache
def _loading(*, is_company: bool) -> Select[Any]:
    """Asked for each page, so made once."""
    mine = cursors.c.object == COMPANY if is_company else cursors.c.object != COMPANY
    return select(exists().where(cursors.c.portal == bindparam("its_portal"), mine, cursors.c.last_pulled_at.is_(None)))


def listed(tx: Tx, *, after: int = 0, limit: int | None = 100) -> list[StoredEvent]:
    """Events that follow `after`, in order."""
    query = select(*TOLD).where(events.c.portal == tx.portal, events.c.seq > after)
    return [StoredEvent(*row) for row in tx.connection.execute(query.order_by(events.c.seq).limit(limit))]


def latest(tx: Tx, *, limit: int | None) -> list[StoredEvent]:
    """The last events, in order."""
    query = select(*TOLD).where(events.c.portal == tx.portal).order_by(events.c.seq.desc()).limit(limit)
    return [StoredEvent(*row) for row in tx.connection.execute(query)][::-1]


def get(tx: Tx, seq: int) -> StoredEvent | None:
    """One event."""
    row = tx.connection.execute(select(*TOLD).where(events.c.portal == tx.portal, events.c.seq == seq)).first()
    return StoredEvent(*row) if row else None


def first_since(tx: Tx, moment: datetime) -> int | None:
    """The first event of that moment or later."""
    query = select(func.min(events.c.seq)).where(events.c.portal == tx.portal, events.c.at >= moment)
    found: int | None = tx.connection.execute(query).scalar()
    return found


def replay(tx: Tx, from_seq: int) -> int:
    """Makes every event from this one on due again, at once, whatever became of it before. Returns how many."""
    return _owe(tx, events.c.seq >= from_seq)


def owe_again(tx: Tx, seqs: Sequence[int]) -> int:
    """Makes these events due again, at once. Returns how many."""
    return _owe(tx, events.c.seq.in_(seqs))


def reach(tx: Tx) -> tuple[int, int]:
    """The number of the oldest event there is, or where there is none of the next one; and the last number that was drawn."""
    first: int | None = tx.connection.execute(select(func.min(events.c.seq)).where(events.c.portal == tx.portal)).scalar()
    last: int | None = tx.connection.execute(select(feeds.c.last_seq).where(feeds.c.portal == tx.portal)).scalar()
    return (first if first is not None else (last or 0) + 1), last or 0


def forget(tx: Tx, seqs: Sequence[int]) -> int:
    """Clears away these events, which are the oldest. Returns how many of them were never delivered."""
    if not seqs:
        return 0
    _draw(tx, 0)
    lost = delete(deliveries).where(deliveries.c.portal == tx.portal, deliveries.c.seq <= seqs[-1])
    lost_count = tx.connection.execute(lost).rowcount
    tx.connection.execute(delete(events).where(events.c.portal == tx.portal, events.c.seq <= seqs[-1]))
    return lost_count


def forget_record(tx: Tx, record: str, record_id: str) -> None:
    """Clears away every event about one record, told or not."""
    mine = (events.c.portal == tx.portal, events.c.record == record, events.c.record_id == record_id)
    if not tx.connection.execute(select(exists().where(*mine))).scalar():
        return
    _draw(tx, 0)  # the process that settles waits, or is done
    owed = (deliveries.c.portal == tx.portal, deliveries.c.record == record, deliveries.c.record_id == record_id)
    tx.connection.execute(delete(deliveries).where(*owed))
    tx.connection.execute(delete(events).where(*mine))


def _owe(tx: Tx, which: ColumnElement[bool]) -> int:
    """**Source** SQLite takes `ON CONFLICT` after a SELECT for a join, unless it has a WHERE."""
    _draw(tx, 0)  # the process that settles waits, or is done
    due_at = literal(tx.shared_now, deliveries.c.due_at.type).label("due_at")
    key = (events.c.portal, events.c.seq, events.c.record, events.c.record_id)
    again = select(*key, due_at, literal(0).label("attempts"), literal(1).label("round")).where(events.c.portal == tx.portal, which)
    insert_ = (postgresql if tx.is_postgresql else sqlite).insert(deliveries)
    names = ["portal", "seq", "record", "record_id", "due_at", "attempts", "round"]
    statement = insert_.from_select(names, again).on_conflict_do_update(
        index_elements=["portal", "seq"],
        set_={"due_at": tx.shared_now, "attempts": 0, "round": deliveries.c.round + 1},
    )
    count: int = tx.connection.execute(select(func.count()).select_from(again.subquery())).scalar_one()
    tx.connection.execute(statement)
    tx.connection.execute(update(feeds).where(feeds.c.portal == tx.portal).values(rests_until_at=None, failed_count=0))
    return count


def _draw(tx: Tx, count: int) -> int:
    """So many numbers of the portal's order, the first of them; holds the feed's row until the commit."""
    insert_ = (postgresql if tx.is_postgresql else sqlite).insert(feeds).values(portal=tx.portal, last_seq=count)
    drawn = insert_.on_conflict_do_update(index_elements=["portal"], set_={"last_seq": feeds.c.last_seq + count})
    last: int = tx.connection.execute(drawn.returning(feeds.c.last_seq)).scalar_one()
    return last - count + 1


def _row(tx: Tx, event: Event, seq: int) -> dict[str, Any]:
    return {
        "portal": tx.portal,
        "seq": seq,
        "id": f"evt_{uuid.uuid5(_IDENTITY, f'{tx.portal}/{seq}/{tx.now.isoformat()}').hex}",
        "kind": event.kind,
        "record": event.record,
        "record_id": event.record_id,
        "at": tx.now,
        "data": document(event, portal=tx.portal, seq=seq),
    }
