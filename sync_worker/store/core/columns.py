"""The column types that SQLite and PostgreSQL do not share, and the columns every table begins with."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
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

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return _read(value) if dialect.name == "sqlite" else value.astimezone(UTC)


@lru_cache(maxsize=1000)  # the moment of a commit stands in each of its rows
def _spelled(moment: datetime) -> str:
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(" ", "microseconds")


_read = lru_cache(maxsize=1000)(datetime.fromisoformat)


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

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else documents.load(value)


def json_column(name: str, *, is_required: bool = False) -> Column[Any]:
    return Column(name, Document, nullable=not is_required)


def portal_column() -> Column[str]:
    return Column("portal", Text, primary_key=True)
