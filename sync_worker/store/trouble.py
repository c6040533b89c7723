"""What the database's errors mean to the steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from sync_worker.errors import StaleRead, StoreDown

# SQLite's primary result codes, and PostgreSQL's classes of SQLSTATE
_SQLITE_DOWN: Final = {3, 5, 6, 8, 10, 11, 13, 14, 15, 26}  # perm busy locked readonly ioerr corrupt full cantopen protocol notadb
_POSTGRESQL_DOWN: Final = {"08", "28", "3D", "53", "57", "58"}  # connection, credentials, no database, resources, shutdown, disk
_LOST_RACE: Final = {"40001", "40P01"}  # serialization, deadlock


@contextmanager
def down(*, is_reading: bool) -> Iterator[None]:
    """A database that is out of reach, full or locked is one thing to the steps: StoreDown. What is a bug stays what it is."""
    try:
        yield
    except SQLAlchemyError as error:
        ours = _ours(error)
        if ours is None or (is_reading and "readonly" in str(ours)):  # a write in `reading` is a bug
            raise
        raise ours from error


def _ours(error: SQLAlchemyError) -> StoreDown | StaleRead | None:
    if isinstance(error, NoFreeConnection):
        return StoreDown("the database is out of reach: no connection came free")
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state in _LOST_RACE:
        return StaleRead(f"the database broke a tie between two writers: {error.orig}")
    if state == "42P01" or "no such table" in str(error.orig):
        return StoreDown("the database has no such table; bring its schema up to date: sync-worker db upgrade")
    if error.connection_invalidated or _is_down(error.orig, state):
        return StoreDown(f"the database is out of reach: {error.orig}")
    return None


def _is_down(error: BaseException | None, state: str | None) -> bool:
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _SQLITE_DOWN
    if state is not None:
        return state[:2] in _POSTGRESQL_DOWN
    return type(error).__name__ in ("OperationalError", "InterfaceError")
