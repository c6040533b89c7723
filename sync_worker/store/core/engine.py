"""The engine and its transactions.

A transaction that changes a portal's domain rows first takes that portal's lock, so that two pages never wait for each other's rows
crosswise. SQLite: one writer at a time per process and BEGIN IMMEDIATE, because a deferred transaction that turns into a writer fails
at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from operator import itemgetter
from types import TracebackType
from typing import Any, Final, TypeAlias

import orjson
import psycopg
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    any_,
    create_engine,
    event,
    func,
    literal,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg as postgresql_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync_worker.store.core import documents
from sync_worker.store.core import postgresql as postgresql_server
from sync_worker.store.core.trouble import down

Row: TypeAlias = tuple[Any, ...]
SharedClock: TypeAlias = Callable[[Connection], datetime]

COPY_COUNT: Final = 100  # rows from which PostgreSQL's COPY, three statements more, is cheaper than a row at a time
CACHE_KB: Final = 16_000  # of SQLite's pages: ids are random, so a chunk of a first load touches pages all over every index
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

    **Shapes** `shared_clock`: what `Tx.shared_now` is read from. None is PostgreSQL's own clock; processes on one SQLite file are on one
    machine, so there it is `clock`.

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
        self.engine = _engine(self.url)
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
        with down(is_reading=not writes), self.engine.connect() as connection:
            options: dict[str, Any] = {"writes": writes}
            if not writes and connection.dialect.name == "postgresql":
                options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            with connection.execution_options(**options).begin():
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


# ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


def among(tx: Tx, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """The column is one of these texts: as one parameter, so that ten thousand of them are neither too many nor parsed one by one."""
    if tx.is_postgresql:
        return column == any_(literal(list(values), postgresql.ARRAY(Text)))
    return column.in_(select(func.json_each(orjson.dumps(list(values)).decode()).table_valued("value").c.value))


def begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """The column begins with exactly this text; LIKE has wildcards, and another idea of case on each database."""
    return func.substr(column, 1, len(prefix)) == prefix


def upsert(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Sequence[str] = ()) -> None:
    """As `put`, for rows that say their columns. **Shapes** every row has the same columns."""
    if rows:
        names = tuple(column.name for column in table.columns if column.name in rows[0])
        put(tx, table, names, map(itemgetter(*names), rows), keep=keep)


def put(tx: Tx, table: Table, names: tuple[str, ...], rows: Iterable[Row], *, keep: Sequence[str] = ()) -> None:
    """Inserts rows or replaces those of the same key, sorted by key so that two writers meet in one order.

    **Shapes** `names`: the columns of every row, in the table's order; those in `keep` are left as they are where the row exists. Of two
    rows with one key the last one counts.
    **Source** 200,000 rows pass here in a first load. SQLAlchemy compiles, we bind, column by column; beyond some dozens of rows PostgreSQL
    takes them by binary COPY, at a third of the CPU (docs/store.md).
    """
    plan = _plan(tx.connection.dialect, table, names, tuple(keep))
    by_key = {plan.key(row): row for row in rows}
    if not by_key:
        return
    bound = plan.bound([row for _, row in sorted(by_key.items())])
    if tx.is_postgresql and len(bound) >= COPY_COUNT:
        _copy(tx.connection, plan, bound)
    else:
        tx.connection.exec_driver_sql(plan.sql, bound)


def add(tx: Tx, table: Table, names: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Inserts rows of which none is there yet: nothing is looked up, and PostgreSQL copies them straight in."""
    plan = _plan(tx.connection.dialect, table, names, ())
    bound = plan.bound(list(rows))
    if tx.is_postgresql and len(bound) >= COPY_COUNT:
        with _copying(tx.connection, plan.copy_in) as cursor:
            _write(cursor, plan.copy_in, plan.types, bound)
    elif bound:
        tx.connection.exec_driver_sql(plan.insert, bound)


def _copy(connection: Connection, plan: _Plan, rows: Sequence[Row]) -> None:
    """By COPY into a table of this transaction's own, and one statement from there."""
    with _copying(connection, plan.merge) as cursor:
        cursor.execute(plan.make_incoming)
        _write(cursor, plan.copy, plan.types, rows)
        cursor.execute(plan.merge)


@contextmanager
def _copying(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's cursor; its errors as SQLAlchemy's."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def _write(cursor: Any, statement: str, types: Sequence[str], rows: Iterable[Row]) -> None:
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


@dataclass(frozen=True, slots=True)
class _Plan:
    """One way of writing one table's rows, compiled once.

    **Shapes** `sql`, `insert`: one row, by position, that may be there already, or not. `binds`: (position, how the database wants that
    column's values), where it wants them otherwise. The rest is for COPY, "" on SQLite.
    """

    sql: str
    insert: str
    key: Callable[[Row], Any]
    binds: tuple[tuple[int, Callable[[Any], Any]], ...]
    make_incoming: str = ""
    copy: str = ""
    copy_in: str = ""
    types: tuple[str, ...] = ()
    merge: str = ""

    def bound(self, rows: Sequence[Row]) -> Sequence[Row]:
        columns = list(zip(*rows, strict=True))
        for position, bind in self.binds if rows else ():
            columns[position] = tuple([bind(value) for value in columns[position]])
        return list(zip(*columns, strict=True))


@lru_cache(maxsize=100)
def _plan(dialect: Dialect, table: Table, names: tuple[str, ...], keep: tuple[str, ...]) -> _Plan:
    keys = [column.name for column in table.primary_key]
    key = itemgetter(*map(names.index, keys))
    binders = [(position, _binder(table.c[name].type, dialect)) for position, name in enumerate(names)]
    binds = tuple((position, bind) for position, bind in binders if bind)
    changed = [name for name in names if name not in keys and name not in keep]
    if dialect.name == "sqlite":
        one = sqlite.insert(table).values(dict.fromkeys(names))
        return _Plan(_merging(one, keys, changed, dialect), str(one.compile(dialect=dialect)), key, binds)
    by_position: Dialect = postgresql_psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    incoming = Table(f"incoming_{table.name}", MetaData(), *(Column(name, table.c[name].type) for name in names), prefixes=["TEMPORARY"])
    insert_ = postgresql.insert(table).values(dict.fromkeys(names))
    selected = postgresql.insert(table).from_select(names, select(incoming))
    return _Plan(
        _merging(insert_, keys, changed, by_position),
        str(insert_.compile(dialect=by_position)),
        key,
        binds,
        make_incoming=f"DROP TABLE IF EXISTS pg_temp.{incoming.name}; {CreateTable(incoming).compile(dialect=dialect)} ON COMMIT DROP",
        copy=f"COPY {incoming.name} FROM STDIN (FORMAT BINARY)",
        copy_in=f"COPY {table.name} ({', '.join(map(dialect.identifier_preparer.quote, names))}) FROM STDIN (FORMAT BINARY)",
        types=tuple(table.c[name].type.compile(dialect).lower() for name in names),
        merge=_merging(selected, keys, changed, dialect),
    )


def _merging(insert: Any, keys: Sequence[str], changed: Sequence[str], dialect: Dialect) -> str:
    """The insert as SQL that replaces what is there already."""
    if changed:
        insert = insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in changed})
    else:
        insert = insert.on_conflict_do_nothing()
    return str(insert.compile(dialect=dialect))


def _binder(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """How a column's values are bound; a type of ours over one that needs no binding is asked directly, at half the price."""
    if isinstance(type_, TypeDecorator) and type_.load_dialect_impl(dialect).bind_processor(dialect) is None:
        return partial(type_.process_bind_param, dialect=dialect)
    return type_.dialect_impl(dialect).bind_processor(dialect)


# ── the engine ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _engine(url: str) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True, "json_serializer": documents.dump, "json_deserializer": documents.load}
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_pre_ping=True, connect_args=postgresql_server.arguments(make_url(url)), **options)
        postgresql_server.keep_to_the_primary(engine)
        return engine
    engine = create_engine(url, max_overflow=SQLITE_CONNECTIONS, pool_use_lifo=True, **options)  # the same few, whose caches are warm
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KB}",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
