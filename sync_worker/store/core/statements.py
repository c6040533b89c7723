"""How rows are written many at once, and conditions that both databases understand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg as postgresql_psycopg
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync_worker.store.core.columns import IdText, InIdList, InList, PublicId, Utc, id_bytes
from sync_worker.store.core.engine import Tx

Row: TypeAlias = tuple[Any, ...]


COPY_COUNT: Final = 100  # rows from which PostgreSQL's COPY, three statements more, is cheaper than a row at a time


def among(tx: Tx, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """The column is one of these texts: as one parameter, so that ten thousand of them are neither too many nor parsed one by one."""
    return _in_list(column)(column, literal(listing(tx, column, values), _kind(tx.is_postgresql)))


def among_listed(column: ColumnElement[Any], name: str, is_postgresql: bool) -> ColumnElement[bool]:
    """As `among`, for a statement that is made once: the parameter is given as `listing` gives it."""
    return _in_list(column)(column, bindparam(name, type_=_kind(is_postgresql)))


def listing(tx: Tx, column: ColumnElement[Any], values: Collection[str]) -> list[str] | str:
    """These texts as one parameter, for a comparison with this column.

    **Source** psycopg takes 14 µs to spell one item of a list of bytes, and half a microsecond for a text. PostgreSQL turns a list of texts
    into one of bytes before it plans; of a list that comes as one text it does not know the length, and plans for ten items.
    """
    if not tx.is_postgresql:
        return orjson.dumps(list(values)).decode()
    if not isinstance(column.type, PublicId):
        return list(values)
    return [rf"\x{(id_bytes(value) or b'').hex()}" for value in values]


def each(tx: Tx, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[str]:
    """A column to select from, for rows of this column: these texts in their order, so that two writers meet in one."""
    listed, is_id = literal(listing(tx, column, sorted(values)), _kind(tx.is_postgresql)), isinstance(column.type, PublicId)
    if tx.is_postgresql:
        return func.unnest(cast(listed, postgresql.ARRAY(PublicId)) if is_id else listed).column_valued("item")
    text = func.json_each(listed).table_valued("value").c.value
    return func.id_bytes(text, type_=PublicId()) if is_id else text


def _kind(is_postgresql: bool) -> TypeEngine[Any]:
    """Of the parameter."""
    return postgresql.ARRAY(Text) if is_postgresql else Text()


def _in_list(column: ColumnElement[Any]) -> type[InList]:
    return InIdList if isinstance(column.type, PublicId) else InList


def begins(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """The column begins with exactly this text; LIKE has wildcards, and another idea of case on each database."""
    text = IdText(column) if isinstance(column.type, PublicId) else column
    return func.substr(text, 1, len(prefix), type_=Text()) == prefix


def has(*conditions: ColumnElement[bool], by: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether there is such a row. **Shapes** `by`: the column that follows, in the index, those which the conditions name.

    It is not an EXISTS. Where one portal holds all rows of a table, PostgreSQL takes every portal for that one, and reads the whole table
    for each of the others. An order that only the index gives keeps it to the index.
    """
    return select(literal(1)).where(*conditions).order_by(by).limit(1).scalar_subquery().is_not(None)


def lacks(*conditions: ColumnElement[bool], by: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row of the statement around this one has no such row. **Shapes** `by`: as in `has`.

    PostgreSQL looks for it once for each row that the statement comes to. Without the OFFSET it makes a join of both tables; where it knows
    little of how their rows are spread, it reads and sorts all of them to give two hundred.
    """
    return ~select(literal(1)).where(*conditions).order_by(by).offset(0).exists()


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
    if by_key:
        _put(tx, plan, plan.bound([row for _, row in sorted(by_key.items())]))


def put_columns(tx: Tx, table: Table, columns: Mapping[str, Sequence[Any]], *, keep: Sequence[str] = ()) -> None:
    """As `put`, of rows of this portal that come column by column. **Shapes** `columns`: after the portal's, in the table's order; one
    row for each key.
    """
    plan = _plan(tx.connection.dialect, table, ("portal", *columns), tuple(keep))
    if rows := _rows_of(tx, plan, columns):
        _put(tx, plan, rows)


def _put(tx: Tx, plan: _Plan, bound: Sequence[Row]) -> None:
    if tx.is_postgresql and len(bound) >= COPY_COUNT:
        _copy(tx.connection, plan, bound)
    else:
        tx.connection.exec_driver_sql(plan.sql, bound)


def add(tx: Tx, table: Table, names: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Inserts rows of which none is there yet: nothing is looked up, and PostgreSQL copies them straight in."""
    plan = _plan(tx.connection.dialect, table, names, ())
    _add(tx, plan, plan.bound(list(rows)))


def add_columns(tx: Tx, table: Table, columns: Mapping[str, Sequence[Any]]) -> None:
    """As `add`, of rows of this portal that come column by column, sorted by key. **Shapes** as `put_columns`."""
    plan = _plan(tx.connection.dialect, table, ("portal", *columns), ())
    _add(tx, plan, _rows_of(tx, plan, columns))


def _rows_of(tx: Tx, plan: _Plan, columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Bound, and sorted by key so that two writers meet in one order."""
    count = len(next(iter(columns.values())))
    rows = plan.bound_columns([[tx.portal] * count, *columns.values()]) if count else []
    rows.sort(key=plan.key)
    return rows


def _add(tx: Tx, plan: _Plan, bound: Sequence[Row]) -> None:
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
    theirs: Any = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor:
            yield cursor
    except theirs as error:
        raise DBAPIError.instance(statement, None, error, theirs) from error


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
        return self.bound_columns(list(zip(*rows, strict=True))) if rows else ()

    def bound_columns(self, columns: list[Sequence[Any]]) -> list[Row]:
        for position, bind in self.binds:
            columns[position] = [bind(value) for value in columns[position]]
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
    if isinstance(type_, PublicId | Utc):
        return type_.bind_processor(dialect)
    if isinstance(type_, TypeDecorator) and type_.load_dialect_impl(dialect).bind_processor(dialect) is None:
        return partial(type_.process_bind_param, dialect=dialect)
    return type_.dialect_impl(dialect).bind_processor(dialect)
