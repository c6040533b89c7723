"""The engine and its transactions.

A transaction that changes a portal's domain rows first takes that portal's lock, so that two pages never wait for each other's rows
crosswise. SQLite: one writer at a time per process and BEGIN IMMEDIATE, because a deferred transaction that turns into a writer fails
at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from types import TracebackType
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    func,
    make_url,
    select,
)

from sync_worker.store.core import documents
from sync_worker.store.core import postgresql as postgresql_server
from sync_worker.store.core.columns import teach_sqlite
from sync_worker.store.core.trouble import down

SharedClock: TypeAlias = Callable[[Connection], datetime]

CACHE_KB: Final = 16_000  # of SQLite's pages, for who writes: ids are random, so a chunk of a first load touches pages all over every index
READER_CACHE_KB: Final = 2_000  # for each who reads
CHECKPOINT_PAGES: Final = 16_000  # the log may grow to 64 MB before it is written back: a page changed ten times is written once
BUSY_TIMEOUT_MS: Final = 30_000  # how long SQLite waits for another process's write
SQLITE_CONNECTIONS: Final = 50  # readers never wait for each other; more threads than this have nothing to do here


@dataclass(frozen=True)  # without slots: `shared_now` is kept once it was asked for
class Tx:
    """One transaction for one portal. `now` is its one moment, by the clock of this machine.

    **Shapes** `events`: the kinds the portal wants to be told of, none without a feed. `loaded`: record types whose first load it ends.
    """

    connection: Connection
    portal: str
    now: datetime
    shared_clock: SharedClock
    events: frozenset[str] = frozenset()
    loaded: set[str] = field(default_factory=set)

    @cached_property
    def shared_now(self) -> datetime:
        """Its second moment, by the clock that all processes share. What one process writes for another to judge is written and judged
        by it: until when a lease or a claim lasts, when something is due, until when something rests, when a run was last heard of.
        Machines whose clocks are minutes apart would take claims from each other, and a write could be made twice.
        """
        return self.shared_clock(self.connection)

    @property
    def is_postgresql(self) -> bool:
        return self.connection.dialect.name == "postgresql"


class Store:
    """One database. Safe to share among threads; give every process its own.

    **Shapes** `engine`: for who reads; `writers`: for who writes, the same one on PostgreSQL. `shared_clock`: what `Tx.shared_now` is read
    from. None is PostgreSQL's own clock; processes on one SQLite file are on one machine, so there it is `clock`.

    **Raises** From every transaction: StoreDown (at a commit: perhaps committed), StaleRead where PostgreSQL broke a deadlock, and for a
    bug StatementRefused, which holds no value. A second writing transaction inside one is a bug, and said so: it would wait for the first
    for ever.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime],
        shared_clock: Callable[[], datetime] | None = None,
        events: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        scheme, _, rest = url.partition("://")
        self.url = f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else url
        self.engine, self.writers = self._engines()
        self._clock = clock
        given = shared_clock or (clock if self.engine.dialect.name == "sqlite" else None)
        self._shared_clock: SharedClock = (lambda _connection: given()) if given else _server_clock
        self._events = events or {}
        self._one_writer = Turns()
        self._here = threading.local()

    @contextmanager
    def transaction(self, portal: str) -> Iterator[Tx]:
        """Changes to the portal's domain rows; holds the portal's lock until the commit."""
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(portal, 0))))
            yield self._tx(connection, portal)

    @contextmanager
    def side_transaction(self, portal: str) -> Iterator[Tx]:
        """Claims, leases, notices and read numbers: short, and without the portal's lock."""
        with self._writing() as connection:
            yield self._tx(connection, portal)

    @contextmanager
    def reading(self, portal: str) -> Iterator[Tx]:
        """A consistent look: one snapshot, whatever others commit meanwhile. Changes nothing, and cannot."""
        with self._connected(writes=False) as connection:
            yield self._tx(connection, portal)

    @contextmanager
    def schema(self, *, writes: bool) -> Iterator[Connection]:
        """A transaction of no portal, for migrations; and for a look at all of them."""
        with self._writing() if writes else self._connected(writes=False) as connection:
            yield connection

    @property
    def shown_url(self) -> str:
        """The address without its password and its options, which may hold another."""
        return self.engine.url.set(query={}).render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()
        self.writers.dispose()

    def _engines(self) -> tuple[Engine, Engine]:
        """For who reads, and for who writes: on SQLite a connection apart, as only one writes at a time. Its cache is large and stays warm,
        and no other grows so large.
        """
        if self.url.startswith("sqlite"):
            return _sqlite_engine(self.url, READER_CACHE_KB, writes=False), _sqlite_engine(self.url, CACHE_KB, writes=True, pool_size=1)
        engine = _postgresql_engine(self.url)
        return engine, engine

    def _tx(self, connection: Connection, portal: str) -> Tx:
        return Tx(connection, portal, self._clock(), self._shared_clock, self._events.get(portal, frozenset()))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if getattr(self._here, "is_writing", False):
            raise RuntimeError("a writing transaction inside another one of this thread would wait for it for ever")
        self._here.is_writing = True
        try:
            if self.engine.dialect.name == "sqlite":
                with self._one_writer, self._connected(writes=True) as connection:
                    yield connection
            else:
                with self._connected(writes=True) as connection:
                    yield connection
        finally:
            self._here.is_writing = False

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Connection]:
        with down(is_reading=not writes), (self.writers if writes else self.engine).connect() as connection:
            if not writes and connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection


def _server_clock(connection: Connection) -> datetime:
    """PostgreSQL's, at this moment: `now()` there is when the transaction began, perhaps before it waited for a lock."""
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


class Turns:
    """One thread at a time, in the order of asking. A `threading.Lock` goes to the quickest, and that is who has just let it go: a long
    read that commits chunk by chunk would keep everybody out until its end.
    """

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._is_taken = False

    def __enter__(self) -> None:
        with self._door:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            mine.acquire()  # handed over by the thread that is done
        except BaseException:  # interrupted while waiting
            self._withdraw(mine)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._door:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False

    def _withdraw(self, mine: threading.Lock) -> None:
        with self._door:
            is_waiting = mine in self._waiting
            if is_waiting:
                self._waiting.remove(mine)
        if not is_waiting:  # it was handed over in that moment
            self.__exit__(None, None, None)


def _postgresql_engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, connect_args=postgresql_server.arguments(make_url(url)), **_OPTIONS)
    postgresql_server.keep_to_the_primary(engine)
    return engine


STATEMENT_COUNT: Final = 1500  # that stay compiled: a process that does everything has some 1,300, and SQLAlchemy keeps 500 by itself
_OPTIONS: Final[Mapping[str, Any]] = {
    "hide_parameters": True,
    "json_serializer": documents.dump,
    "json_deserializer": documents.load,
    "query_cache_size": STATEMENT_COUNT,
}


def _sqlite_engine(url: str, cache_kb: int, *, writes: bool, **pool: int) -> Engine:
    engine = create_engine(url, max_overflow=SQLITE_CONNECTIONS, pool_use_lifo=True, **pool, **_OPTIONS)
    event.listen(engine, "connect", partial(_prepare_sqlite, cache_kb, writes))
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    setattr(engine.dialect, "do_begin", lambda connection: connection.driver_connection.execute(begin))  # noqa: B010  (it says none itself)
    return engine


def _prepare_sqlite(cache_kb: int, writes: bool, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    teach_sqlite(connection)
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"cache_size=-{cache_kb}",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        f"query_only={'OFF' if writes else 'ON'}",
    ):
        connection.execute(f"PRAGMA {pragma}")
