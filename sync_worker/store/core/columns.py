"""The column types that SQLite and PostgreSQL do not share, what is asked of such columns, and the columns every table begins with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Date, DateTime, MetaData, Numeric, Text, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync_worker.store.core import documents

metadata = MetaData()


class Utc(TypeDecorator[datetime]):
    """Aware UTC, to the microsecond: timestamptz in PostgreSQL, in SQLite text of one width, whose order is the order of time."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        if dialect.name != "sqlite":
            return value
        return _spelled(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """In the place of `process_result_value`, which costs two calls a value."""
        return _read if dialect.name == "sqlite" else _in_utc


@lru_cache(maxsize=1000)  # the moment of a commit stands in each of its rows
def _spelled(moment: datetime) -> str:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(" ", "microseconds")


@lru_cache(maxsize=1000)
def _read(spelled: str | None) -> datetime | None:
    return None if spelled is None else datetime.fromisoformat(spelled)


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Exact decimals, their scale kept: numeric in PostgreSQL, text in SQLite (which would make them floats)."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value or abs(value), "f")  # as numeric spells it: no exponent, no minus before zero

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Document(TypeDecorator[Any]):
    """JSON, with None as SQL's null: jsonb in PostgreSQL, text in SQLite (whose JSON columns turn a bare `25` into a number)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSONB(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else documents.dump(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """In the place of `process_result_value`: what PostgreSQL's driver has decoded costs no call more."""
        return _loaded if dialect.name == "sqlite" else self.impl_instance.result_processor(dialect, coltype)


def _loaded(document: str | None) -> Any:
    return None if document is None else documents.load(document)


def json_column(name: str, *, is_required: bool = False) -> Column[Any]:
    return Column(name, Document, nullable=not is_required)


def portal_column() -> Column[str]:
    return Column("portal", Text, primary_key=True)


# ── what is asked of such columns ────────────────────────────────────────────────────────────────────────────────────


class ExactSum(FunctionElement[Decimal]):
    """The sum of amounts, to the last digit. SQLite would add floats."""

    type = Money()
    inherit_cache = True

    def __init__(self, amount: ColumnElement[Any]) -> None:
        super().__init__(amount)


class AsNumber(FunctionElement[Decimal]):
    """An amount that is compared as a number. SQLite would compare its digits as text."""

    type = Money()
    inherit_cache = True

    def __init__(self, amount: ColumnElement[Any]) -> None:
        super().__init__(amount)


class LocalDay(FunctionElement[date]):
    """The day of a moment, by the calendar of a time zone."""

    type = Date()
    inherit_cache = True

    def __init__(self, moment: ColumnElement[Any], zone: str) -> None:
        super().__init__(moment, literal(zone, Text()))


class MonthOf(FunctionElement[str]):
    """The month of a day: `2026-03`."""

    type = Text()
    inherit_cache = True

    def __init__(self, day: ColumnElement[Any]) -> None:
        super().__init__(day)


class AsciiLower(FunctionElement[str]):
    """A text with the letters A to Z in small. PostgreSQL needs half the time of a `lower` that knows all letters."""

    type = Text()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)


class InList(FunctionElement[bool]):
    """A text is one of a list that is one parameter. It has no type: SQLite would be asked whether it equals 1, and use no index."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], listing: ColumnElement[Any]) -> None:
        super().__init__(column, listing)


_SPELLINGS: Final = {
    ExactSum: ("sum({})", "exact_sum({})"),
    AsNumber: ("{}", "({}) COLLATE exact_number"),
    LocalDay: ("CAST({} AT TIME ZONE {} AS DATE)", "local_day({}, {})"),
    MonthOf: ("to_char({}, 'YYYY-MM')", "substr({}, 1, 7)"),
    InList: ("{} = ANY ({})", "{} IN (SELECT value FROM json_each({}))"),
    AsciiLower: ('lower({} COLLATE "C")', "lower({})"),
}
"""Function → how PostgreSQL spells it, and how SQLite does, with the functions below."""


def _spelling(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    on_postgresql, on_sqlite = _SPELLINGS[type(element)]
    words = on_sqlite if compiler.dialect.name == "sqlite" else on_postgresql
    return words.format(*(compiler.process(part, **options) for part in element.clauses))


for _function in _SPELLINGS:
    compiles(_function)(_spelling)


class _Adding:
    """SQLite's `exact_sum`: null where there is no amount, as `sum` has it."""

    _room = Context(prec=1000)  # no sum of amounts loses a digit

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, amount: str | None) -> None:
        if amount is not None:
            self._total = self._room.add(self._total or Decimal(0), Decimal(amount))

    def finalize(self) -> str | None:
        return None if self._total is None else format(self._total, "f")


def _compare(one: str, other: str) -> int:
    return (Decimal(one) > Decimal(other)) - (Decimal(one) < Decimal(other))


def _local_day(moment: str | None, zone: str) -> str | None:
    read = _read(moment)
    return None if read is None else read.astimezone(ZoneInfo(zone)).date().isoformat()


def _lower(text: Any) -> str | None:
    """SQLite's own knows the letters A to Z only."""
    return None if text is None else str(text).lower()


def teach_sqlite(connection: Any) -> None:
    """Gives a connection to SQLite the functions that PostgreSQL has of its own."""
    connection.create_aggregate("exact_sum", 1, _Adding)
    connection.create_collation("exact_number", _compare)
    connection.create_function("local_day", 2, _local_day, deterministic=True)
    connection.create_function("lower", 1, _lower, deterministic=True)
