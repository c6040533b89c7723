"""The engine and its transactions.

A transaction that changes a portal's domain rows first takes that portal's lock, so that two pages never wait for each other's rows
crosswise. SQLite: one writer at a time per process and BEGIN IMMEDIATE, because a deferred transaction that turns into a writer fails
at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from sync_worker.domain.values import plain
from sync_worker.errors import StoreDown
from sync_worker.store.tables import portals

BUSY_TIMEOUT_MS = 30_000  # how long SQLite waits for another process's write


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction for one portal. `now` is its one moment."""

    connection: Connection
    portal: str
    now: datetime

    @property
    def is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"


class Store:
    """One database. Safe to share among threads; give every process its own."""

    def __init__(self, url: str, *, clock: Callable[[], datetime]) -> None:
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.engine = _engine(self.url)
        self._clock = clock
        self._one_writer = threading.Lock()

    @contextmanager
    def transaction(self, portal: str) -> Iterator[Tx]:
        """Changes to the portal's domain rows; holds the portal's lock until the commit."""
        with self._writing(portal) as tx:
            if tx.is_postgresql:
                tx.connection.execute(select(portals.c.portal).where(portals.c.portal == portal).with_for_update())
            yield tx

    @contextmanager
    def side_transaction(self, portal: str) -> Iterator[Tx]:
        """Claims, leases, notices and read numbers: short, and without the portal's lock."""
        with self._writing(portal) as tx:
            yield tx

    @contextmanager
    def reading(self, portal: str) -> Iterator[Tx]:
        """A consistent look; changes nothing."""
        with _down(), self.engine.connect() as connection, connection.begin():
            yield Tx(connection, portal, self._clock())

    @contextmanager
    def schema(self, *, writes: bool) -> Iterator[Connection]:
        """A transaction of no portal, for migrations."""
        with _down(), self.engine.connect().execution_options(writes=writes) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _writing(self, portal: str) -> Iterator[Tx]:
        with _down():
            if self.engine.dialect.name != "sqlite":
                with self.engine.begin() as connection:
                    yield Tx(connection, portal, self._clock())
                return
            with self._one_writer, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                yield Tx(connection, portal, self._clock())


def upsert(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = ()) -> None:
    """Inserts rows or replaces those of the same key, sorted by key so that two writers meet in one order.

    **Shapes** every row has the same columns; columns in `keep` are left as they are where the row exists.
    """
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    insert = (postgresql if tx.is_postgresql else sqlite).insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys and name not in keep}
    statement = insert.on_conflict_do_update(index_elements=keys, set_=changed) if changed else insert.on_conflict_do_nothing()
    tx.connection.execute(statement, sorted(rows, key=lambda row: tuple(str(row[key]) for key in keys)))


def _engine(url: str) -> Engine:
    options: dict[str, Any] = {"json_serializer": _dump, "json_deserializer": orjson.loads}
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, **options)
    engine = create_engine(url, poolclass=NullPool, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=plain).decode()


@contextmanager
def _down() -> Iterator[None]:
    """A database that is out of reach, full or locked is one thing to the steps: StoreDown."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError"):
            raise StoreDown(f"the database is out of reach: {error.orig}") from error
        raise
    except SQLAlchemyError:
        raise
