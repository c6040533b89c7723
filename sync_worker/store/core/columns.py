"""The column types that SQLite and PostgreSQL do not share, what is asked of such columns, and the columns every table begins with."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Date, DateTime, Integer, LargeBinary, MetaData, Numeric, Text, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync_worker.store.core import documents

metadata = MetaData()


class Utc(TypeDecorator[datetime]):
    """Aware UTC, to the microsecond: timestamptz in PostgreSQL, in SQLite the microseconds since 1970."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else DateTime(timezone=True))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _counted if dialect.name == "sqlite" else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """In the place of `process_result_value`, which costs two calls a value."""
        return _moment if dialect.name == "sqlite" else _in_utc


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


@lru_cache(maxsize=1000)  # the moment of a commit stands in each of its rows
def _counted(moment: datetime | None) -> int | None:
    aware = _aware(moment)
    return None if aware is None else (aware - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=1000)
def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


class _Bytes(LargeBinary):
    """Bytes that the drivers take and give as they are; SQLAlchemy would wrap each one."""

    def bind_processor(self, dialect: Dialect) -> None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


class PublicId(TypeDecorator[str]):
    """The id of a company, a deal or a run: the text of a uuid outside the store, its 16 bytes in both databases (docs/store.md).

    Bytes are ordered as the texts are, so that a page continues after the last id of the page before, and "" comes before every id. A text
    that is not a uuid in its usual spelling is kept as it is, in UTF-8: a person may ask for any text, and finds nothing.
    """

    impl = _Bytes
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], bytes | None]:
        return id_bytes

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], str | None]:
        return id_text


_UUID_BYTES: Final = 16
_IS_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_IDS_KEPT: Final = 4000  # those of two chunks, each of which stands in several rows


@lru_cache(maxsize=_IDS_KEPT)
def id_bytes(text: str | None) -> bytes | None:
    """An id as the databases hold it. A text of 16 bytes gets a space at its end, which tells it from a uuid."""
    if text is None:
        return None
    if _IS_UUID(text):
        return bytes.fromhex(text.replace("-", ""))
    spelled = text.encode(errors="surrogatepass")
    return spelled + b" " if len(spelled) == _UUID_BYTES else spelled


@lru_cache(maxsize=_IDS_KEPT)
def id_text(held: bytes | None) -> str | None:
    """An id as everything outside the store knows it."""
    if held is None:
        return None
    if len(held) == _UUID_BYTES:
        spelled = held.hex()
        return f"{spelled[:8]}-{spelled[8:12]}-{spelled[12:16]}-{spelled[16:20]}-{spelled[20:]}"
    spelled = held.decode(errors="surrogatepass")
    return spelled.removesuffix(" ") if len(held) == _UUID_BYTES + 1 else spelled


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


class IdText(FunctionElement[str]):
    """An id as text, where it is compared with a column that holds ids of several kinds, or with the beginning of an id."""

    type = Text()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)


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


class InIdList(InList):
    """The same of an id, which the databases hold as bytes."""

    inherit_cache = True


_SPELLINGS: Final = {
    ExactSum: ("sum({})", "exact_sum({})"),
    AsNumber: ("{}", "({}) COLLATE exact_number"),
    LocalDay: ("CAST({} AT TIME ZONE {} AS DATE)", "local_day({}, {})"),
    MonthOf: ("to_char({}, 'YYYY-MM')", "substr({}, 1, 7)"),
    InList: ("{} = ANY ({})", "{} IN (SELECT value FROM json_each({}))"),
    InIdList: ("{} = ANY (CAST({} AS bytea[]))", "{} IN (SELECT id_bytes(value) FROM json_each({}))"),
    IdText: (
        (  # without its own collation it has that of the name UTF8, and no index serves a comparison
            "(CASE octet_length({0}) WHEN 16 THEN CAST(encode({0}, 'hex') AS uuid)::text "
            "ELSE rtrim(convert_from({0}, 'UTF8')) END) COLLATE \"default\""
        ),
        "id_text({})",
    ),
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


def _local_day(microseconds: int | None, zone: str) -> str | None:
    moment = _moment(microseconds)
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).date().isoformat()


def _lower(text: Any) -> str | None:
    """SQLite's own knows the letters A to Z only."""
    return None if text is None else str(text).lower()


def teach_sqlite(connection: Any) -> None:
    """Gives a connection to SQLite the functions that PostgreSQL has of its own."""
    connection.create_aggregate("exact_sum", 1, _Adding)
    connection.create_collation("exact_number", _compare)
    connection.create_function("local_day", 2, _local_day, deterministic=True)
    connection.create_function("id_bytes", 1, id_bytes, deterministic=True)
    connection.create_function("id_text", 1, id_text, deterministic=True)
    connection.create_function("lower", 1, _lower, deterministic=True)
