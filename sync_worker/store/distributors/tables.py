"""Tables: subgroups, terms, agreements."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import PublicId, Utc, json_column, metadata, portal_column

_LASTING = text("until_at IS NULL")

subgroups = Table(
    "subgroups",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("since_at", Utc, primary_key=True),
    Column("parent_id", PublicId, nullable=False),
    Column("how", Text, nullable=False),  # created | promoted
    Column("since_by", Text, nullable=False),
    Column("until_at", Utc),
    Column("until_by", Text),
    Index("subgroups_lasting", "portal", "company_id", unique=True, sqlite_where=_LASTING, postgresql_where=_LASTING),  # one parent
    Index("subgroups_by_parent", "portal", "parent_id"),
)

waivers = Table(
    "waivers",
    metadata,
    portal_column(),
    Column("deal_id", PublicId, primary_key=True),
    Column("company_id", PublicId, nullable=False),  # the deal's owner company then, a subgroup
    Column("parent_id", PublicId, nullable=False),  # the distributor that the deal need not name
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

terms = Table(
    "terms",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("upper_id", PublicId, primary_key=True),
    Column("since_at", Utc, primary_key=True),
    Column("may_register", Boolean, nullable=False),
    json_column("percents", is_required=True),  # {deal type: "12.50"}
    Column("actor", Text, nullable=False),
)

agreements = Table(
    "agreements",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("company_id", PublicId, nullable=False),
    Column("upper_id", PublicId, nullable=False),
    Column("version", Integer, nullable=False),  # 1, 2, … of this pair
    Column("name", Text, nullable=False),  # as the person's file was called; never a path
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("key", Text, nullable=False),  # of the file
    Column("uploaded_at", Utc, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Index("agreements_by_version", "portal", "company_id", "upper_id", "version", unique=True),
)
