"""What the database's errors mean to the steps, and how they are told: in few words, without a statement and without the values in it.

A driver's own text quotes keys and whole rows, so none of it is passed on where a value of ours was refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from sync_worker.errors import StaleRead, StoreDown

# SQLite's primary result codes, and PostgreSQL's classes of SQLSTATE
_SQLITE_DOWN: Final = {3, 5, 6, 8, 10, 11, 13, 14, 15, 26}  # perm busy locked readonly ioerr corrupt full cantopen protocol notadb
_POSTGRESQL_DOWN: Final = {"08", "28", "3D", "53", "57", "58"}  # connection, credentials, no database, resources, shutdown, disk
_READ_ONLY: Final = "25006"  # what writes, on a standby or in a transaction that only reads
_UNSUPPORTED: Final = "0A000"  # on a standby: what it cannot do because it is one
_STANDBY: Final = ("during recovery", "hot standby")
_LOST_RACE: Final = {"40001", "40P01"}  # serialization, deadlock
_SQLITE_CONSTRAINT: Final = 19
_MOST_WORDS: Final = 300  # characters of what a server says of itself

_CAUSES: Final[Mapping[str | int, str]] = {
    "23505": "a row with this key is there already",
    "23503": "a row that is named is not there",
    "23502": "a value is missing",
    "23514": "a value is not allowed",
    "22": "a value is too large, or of another kind than its column",
    "25": "a reading transaction may not write",
    "42": "the statement does not fit the schema",
    2067: "a row with this key is there already",
    1555: "a row with this key is there already",
    787: "a row that is named is not there",
    1299: "a value is missing",
    275: "a value is not allowed",
    8: "a reading transaction may not write",
}
"""SQLSTATE, its class, or SQLite's extended result code → the cause."""


class StatementRefused(Exception):
    """The database refused a statement of ours: a bug. The words hold names of tables and columns, and no value."""


@contextmanager
def down(*, is_reading: bool) -> Iterator[None]:
    """A database that is out of reach, full or locked is one thing to the steps: StoreDown. Anything else is a bug, told in few words.

    **Raises** StoreDown, StaleRead, StatementRefused.
    """
    try:
        yield
    except SQLAlchemyError as error:
        ours = _ours(error)
        if ours is None or (is_reading and _is_write_in_a_look(error)):
            raise StatementRefused(_told(error)).with_traceback(error.__traceback__) from None  # theirs quotes the statement
        raise ours from None


def _ours(error: SQLAlchemyError) -> StoreDown | StaleRead | None:
    if isinstance(error, NoFreeConnection):
        return StoreDown("the database is out of reach: no connection became free")
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state in _LOST_RACE:
        return StaleRead(f"the database ended one of two writers that waited for each other: {_server_words(error.orig)}")
    if state == "42P01" or "no such table" in str(error.orig):
        return StoreDown("the database has no such table; bring its schema up to date: sync-worker db upgrade")
    if _is_standby(error.orig, state):
        return StoreDown(f"the database takes no writes: it is a standby, or was made read-only; {_server_words(error.orig)}")
    if error.connection_invalidated or _is_down(error.orig, state):
        return StoreDown(f"the database is out of reach: {_server_words(error.orig)}")
    return None


def _is_write_in_a_look(error: SQLAlchemyError) -> bool:
    """Our own mistake: a transaction that only reads was asked to write."""
    original = getattr(error, "orig", None)
    return "readonly" in str(original) or getattr(original, "sqlstate", None) == _READ_ONLY


def _is_standby(error: BaseException | None, state: str | None) -> bool:
    if state is None:
        return "session is read-only" in str(error)  # libpq's word for a host that it does not connect to
    return state == _READ_ONLY or (state == _UNSUPPORTED and any(words in str(error) for words in _STANDBY))


def _is_down(error: BaseException | None, state: str | None) -> bool:
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        return code & 0xFF in _SQLITE_DOWN
    if state is not None:
        return state[:2] in _POSTGRESQL_DOWN
    return type(error).__name__ in ("OperationalError", "InterfaceError")


def _server_words(error: BaseException | None) -> str:
    """What the server says of itself, without details and context."""
    diagnosis = getattr(error, "diag", None)
    words = " ".join((getattr(diagnosis, "message_primary", None) or str(error)).split())
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}…"


def _told(error: SQLAlchemyError) -> str:
    """The cause and where it lies, as far as that is said in names."""
    cause: BaseException = error.orig if isinstance(error, StatementError) and error.orig else error
    state, code = getattr(cause, "sqlstate", None), getattr(cause, "sqlite_errorcode", None)
    known = _CAUSES.get(state or "") or _CAUSES.get((state or "")[:2]) or _CAUSES.get(code or "") or _CAUSES.get((code or 0) & 0xFF)
    where = _sqlite_names(cause) if code is not None else _postgresql_names(cause)
    kind = f"{type(cause).__name__}{f' {state}' if state else ''}"
    return f"the database did not take a statement: {known or 'the cause is of the kind named here'} ({', '.join([kind, *where])})"


def _sqlite_names(error: BaseException) -> list[str]:
    """`table.column` of a constraint; any other message may quote."""
    is_constraint = getattr(error, "sqlite_errorcode", 0) & 0xFF == _SQLITE_CONSTRAINT
    return [str(error).partition(": ")[2]] if is_constraint and ": " in str(error) else []


def _postgresql_names(error: BaseException) -> list[str]:
    diagnosis = getattr(error, "diag", None)
    names = {kind: getattr(diagnosis, f"{kind}_name", None) for kind in ("table", "column", "constraint")}
    return [f"{kind} {name}" for kind, name in names.items() if name]
