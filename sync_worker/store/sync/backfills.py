"""Fields that are to be read for all records that are held already: who asked, by which way they are read, and how far that has come.

One row per record type and field. Asking again begins at the first record again, even if a worker is at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from sync_worker.errors import StaleRead
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.sync.tables import backfills


@dataclass(frozen=True, slots=True)
class Backfill:
    """One field of one record type.

    **Shapes** `order_no`: how often it was asked for; `is_queued`: the workers do it, not the caller; `mapping_hash` "" = not begun;
    `until_at`: where a scan ends; `position`: "" = at the first record; `finished_at` None = some of it is left.
    """

    object: str
    field: str
    order_no: int
    asked_at: datetime
    asked_by: str
    is_queued: bool
    mapping_hash: str = ""
    way: str = ""
    until_at: datetime | None = None
    position: str = ""
    done_count: int = 0
    total_count: int | None = None
    finished_at: datetime | None = None


def order(tx: Tx, object_: str, field_name: str, *, by: str, is_queued: bool) -> None:
    """From this commit on all records of ours owe us this field, from the first one on."""
    before = get(tx, object_, field_name)
    asked = Backfill(object_, field_name, before.order_no + 1 if before else 1, tx.now, by, is_queued)
    upsert(tx, backfills, [{"portal": tx.portal, **_values(asked)}])


def get(tx: Tx, object_: str, field_name: str) -> Backfill | None:
    """How this one stands; None where it was never asked for."""
    found = _found(tx, select(backfills).where(*_this(tx, object_, field_name)))
    return found[0] if found else None


def unfinished(tx: Tx) -> list[Backfill]:
    """Those of which something is left, the one that was asked for first before the others."""
    here = (backfills.c.portal == tx.portal, backfills.c.finished_at.is_(None))
    return _found(tx, select(backfills).where(*here).order_by(backfills.c.asked_at, backfills.c.object, backfills.c.field))


def begin(tx: Tx, one: Backfill, *, way: str, until_at: datetime | None, total_count: int | None, mapping_hash: str) -> Backfill:
    """It is read by that way, from the first record on, under this mapping. **Raises** StaleRead."""
    values = {"way": way, "until_at": until_at, "position": "", "done_count": 0, "total_count": total_count}
    _set(tx, one, mapping_hash=mapping_hash, **values)
    begun = get(tx, one.object, one.field)
    assert begun is not None  # noqa: S101  # just written
    return begun


def move(tx: Tx, one: Backfill, position: str, *, done_count: int) -> None:
    """Everything up to `position` is in this commit or an earlier one. **Raises** StaleRead."""
    _set(tx, one, position=position, done_count=done_count)


def finish(tx: Tx, one: Backfill, *, done_count: int) -> None:
    """Nothing of it is left. **Raises** StaleRead."""
    _set(tx, one, done_count=done_count, finished_at=tx.now)


def _set(tx: Tx, one: Backfill, **values: Any) -> None:
    here = (*_this(tx, one.object, one.field), backfills.c.order_no == one.order_no)
    if tx.connection.execute(update(backfills).where(*here).values(**values)).rowcount != 1:
        raise StaleRead(f"the backfill of {one.field} of {one.object} in portal {tx.portal} was asked for again; it begins again")


def _this(tx: Tx, object_: str, field_name: str) -> tuple[Any, Any, Any]:
    return backfills.c.portal == tx.portal, backfills.c.object == object_, backfills.c.field == field_name


def _values(one: Backfill) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Backfill.__slots__}


def _found(tx: Tx, query: Select[Any]) -> list[Backfill]:
    return [Backfill(**{name: row[name] for name in Backfill.__slots__}) for row in tx.connection.execute(query).mappings()]
