"""“This id changed”: hints to read a record again, coalesced per record. Whatever comes while an id is being read survives the reading."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, literal, select, true
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, each
from sync_worker.store.sync.tables import notices


@dataclass(frozen=True, slots=True)
class Notice:
    """One record to read again; `count` tells whether it was noticed once more since."""

    crm_id: str
    count: int
    first_seen_at: datetime | None = field(default=None, compare=False)


def add(tx: Tx, object_: str, crm_ids: Iterable[str]) -> None:
    """Marks the records as to be read; a second notice of one record only counts up."""
    noticed = set(crm_ids)
    if not noticed:
        return
    row = {"portal": tx.portal, "object": object_, "first_seen_at": tx.now, "last_seen_at": tx.now, "count": 1}
    values = [literal(value, notices.c[name].type) for name, value in row.items()]
    insert = (postgresql if tx.is_postgresql else sqlite).insert(notices)
    insert = insert.from_select([*row, "crm_id"], select(*values, each(tx, notices.c.crm_id, noticed)).where(true()))
    again = {"last_seen_at": insert.excluded.last_seen_at, "count": notices.c.count + 1}
    tx.connection.execute(insert.on_conflict_do_update(index_elements=["portal", "object", "crm_id"], set_=again))


def oldest(tx: Tx, object_: str, limit: int) -> list[Notice]:
    """The longest waiting, at most `limit`."""
    here = {"its_portal": tx.portal, "its_object": object_, "most": limit}
    return [Notice(*row) for row in tx.connection.execute(_oldest(), here)]


@cache
def _oldest() -> Select[Any]:
    """Asked after each read, so made once."""
    here = (notices.c.portal == bindparam("its_portal"), notices.c.object == bindparam("its_object"))
    query = select(notices.c.crm_id, notices.c.count, notices.c.first_seen_at).where(*here)
    return query.order_by(notices.c.first_seen_at, notices.c.crm_id).limit(bindparam("most"))


def waiting(tx: Tx, object_: str, crm_ids: Collection[str]) -> set[str]:
    """Those of these records that wait to be read."""
    here = notices.c.portal == tx.portal, notices.c.object == object_, among(tx, notices.c.crm_id, crm_ids)
    return set(tx.connection.execute(select(notices.c.crm_id).where(*here)).scalars())


def settle(tx: Tx, object_: str, taken: Sequence[Notice]) -> None:
    """Forgets what was read, except notices that were renewed meanwhile."""
    if not taken:
        return
    seen = {notice.crm_id: notice.count for notice in taken}
    here = and_(notices.c.portal == tx.portal, notices.c.object == object_)
    query = select(notices.c.crm_id, notices.c.count).where(here, among(tx, notices.c.crm_id, seen))
    found = tx.connection.execute(
        query.with_for_update(skip_locked=True)
    )  # locked = being renewed at this moment: it stays, and we never wait
    settled = [crm_id for crm_id, count in found if seen[crm_id] == count]
    tx.connection.execute(delete(notices).where(here, among(tx, notices.c.crm_id, settled)))


def counts(tx: Tx) -> dict[str, int]:
    """How many records of each object wait to be read."""
    return {object_: count for object_, count in tx.connection.execute(_counts(), {"its_portal": tx.portal})}


@cache
def _counts() -> Select[Any]:
    return select(notices.c.object, func.count()).where(notices.c.portal == bindparam("its_portal")).group_by(notices.c.object)
