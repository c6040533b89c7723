"""How far we have read, and who is reading: cursor, lease and fence in one row per portal and object.

The fence rises with every lease; a page's commit compares it, so a reader that was stopped and woke up late cannot move anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, bindparam, or_, select, update

from sync_worker.errors import StaleRead
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.core.tables import cursors

LEASE_S = 30  # how long the reading of a killed worker waits; renewed every ten seconds and by each page's commit


@dataclass(frozen=True, slots=True)
class Cursor:
    """One object's cursor as its lease holder sees it. **Shapes** `position` "" = no scan under way."""

    object: str
    high_water_at: datetime | None
    window_from_at: datetime | None
    window_until_at: datetime | None
    position: str
    kind: str
    fence: int
    last_pulled_at: datetime | None
    lease_until_at: datetime | None = None
    paused_until_at: datetime | None = None
    paused_code: str | None = None
    paused_because: str | None = None


def get(tx: Tx, object_: str) -> Cursor | None:
    """The cursor, None before the first read."""
    row = tx.connection.execute(_one(), {"its_portal": tx.portal, "its_object": object_}).first()
    return Cursor(*row) if row else None


def acquire(tx: Tx, object_: str, token: str) -> Cursor | None:
    """The lease with a new fence; None while another reader holds it."""
    upsert(tx, cursors, [{"portal": tx.portal, "object": object_}])
    until_at = tx.shared_now + timedelta(seconds=LEASE_S)
    lease = {"new_token": token, "new_until_at": until_at, "now": tx.shared_now}
    taken = tx.connection.execute(_taking(), {"its_portal": tx.portal, "its_object": object_, **lease})
    return get(tx, object_) if taken.rowcount else None


def hold(tx: Tx, cursor: Cursor) -> None:
    """Renews the lease inside a page's commit. **Raises** StaleRead when somebody else reads by now."""
    _fenced(tx, cursor, lease_until_at=tx.shared_now + timedelta(seconds=LEASE_S))


def held(tx: Tx, cursor: Cursor) -> Cursor:
    """The cursor as it stands by now, its lease renewed. **Raises** StaleRead."""
    hold(tx, cursor)
    found = get(tx, cursor.object)
    assert found is not None  # noqa: S101  # its row was just written
    return found


def open_window(tx: Tx, cursor: Cursor, *, from_at: datetime | None, until_at: datetime, kind: str) -> None:
    """Begins a scan. **Raises** StaleRead."""
    _fenced(tx, cursor, window_from_at=from_at, window_until_at=until_at, position="", kind=kind)


def move(tx: Tx, cursor: Cursor, position: str) -> None:
    """Everything up to `position` is in this commit or an earlier one. **Raises** StaleRead."""
    _fenced(tx, cursor, position=position, lease_until_at=tx.shared_now + timedelta(seconds=LEASE_S))


def close_window(tx: Tx, cursor: Cursor, until_at: datetime) -> None:
    """The scan is complete: the high water rises to its end. **Raises** StaleRead."""
    _fenced(
        tx,
        cursor,
        high_water_at=until_at,
        window_from_at=None,
        window_until_at=None,
        position="",
        kind="changes",
        last_pulled_at=tx.shared_now,
    )
    if cursor.last_pulled_at is None:
        feed.tell_loaded(tx, cursor.object)


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a record type is left alone, and until when. **Shapes** `code`: of the failure or problem that says so; `because`: for people."""

    until_at: datetime
    code: str
    because: str


def pause(tx: Tx, object_: str, until_at: datetime, *, code: str, because: str) -> None:
    """No process begins work on this record type by itself before `until_at`."""
    upsert(tx, cursors, [{"portal": tx.portal, "object": object_}])
    _set_pause(tx, object_, until_at, code, because)


def unpause(tx: Tx, object_: str) -> None:
    """Ends the rest of this record type: its work may begin at once."""
    _set_pause(tx, object_, None, None, None)


def paused(tx: Tx) -> dict[str, Pause]:
    """The record types that rest now."""
    rows = tx.connection.execute(_resting(), {"its_portal": tx.portal, "now": tx.shared_now})
    return {object_: Pause(until_at, code or "", because or "") for object_, until_at, code, because in rows}


def _set_pause(tx: Tx, object_: str, until_at: datetime | None, code: str | None, because: str | None) -> None:
    here = (cursors.c.portal == tx.portal, cursors.c.object == object_)
    values = {"paused_until_at": until_at, "paused_code": code, "paused_because": because}
    tx.connection.execute(update(cursors).where(*here).values(**values))


def release(tx: Tx, cursor: Cursor) -> None:
    """Lets the next reader in. Harmless when the lease was lost."""
    _moved(tx, cursor, lease_token=None, lease_until_at=None)


def _fenced(tx: Tx, cursor: Cursor, **values: object) -> None:
    moved_count = _moved(tx, cursor, **values)
    if moved_count != 1:
        raise StaleRead(f"another reader took over {cursor.object} of portal {tx.portal}; what it reads is newer")


def _moved(tx: Tx, cursor: Cursor, **values: object) -> int:
    here = {"its_portal": tx.portal, "its_object": cursor.object, "its_fence": cursor.fence}
    new = {f"new_{name}": value for name, value in values.items()}
    return tx.connection.execute(_moving(tuple(values)), {**here, **new}).rowcount


# Each read asks these several times, so they are made once.

_HERE = (cursors.c.portal == bindparam("its_portal"), cursors.c.object == bindparam("its_object"))


@cache
def _one() -> Select[Any]:
    return select(*(cursors.c[name] for name in Cursor.__slots__)).where(*_HERE)


@cache
def _taking() -> Update:
    is_free = or_(cursors.c.lease_until_at.is_(None), cursors.c.lease_until_at < bindparam("now"))
    lease = {"lease_token": bindparam("new_token"), "lease_until_at": bindparam("new_until_at"), "fence": cursors.c.fence + 1}
    return update(cursors).where(*_HERE, is_free).values(**lease)


@cache
def _moving(names: tuple[str, ...]) -> Update:
    return (
        update(cursors).where(*_HERE, cursors.c.fence == bindparam("its_fence")).values({name: bindparam(f"new_{name}") for name in names})
    )


@cache
def _resting() -> Select[Any]:
    columns = (cursors.c.object, cursors.c.paused_until_at, cursors.c.paused_code, cursors.c.paused_because)
    return select(*columns).where(cursors.c.portal == bindparam("its_portal"), cursors.c.paused_until_at > bindparam("now"))
