"""What every revision says its tables in: column kinds as they were when it was written, and indexes on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

TEXT, INTEGER, BIGINT, BOOLEAN, DATE = sa.Text(), sa.Integer(), sa.BigInteger(), sa.Boolean(), sa.Date()
UTC = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
DOCUMENT = sa.Text().with_variant(JSONB(), "postgresql")

column, key = sa.Column, sa.PrimaryKeyConstraint


def required(name: str, kind: Any, *, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=default, nullable=False)


def index(name: str, table: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
