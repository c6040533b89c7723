"""People as the portal told of them, and the companies they belong to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text

from sync_worker.store.tables.columns import Utc, metadata, portal_column

users = Table(
    "users",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # the portal's own
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # account_owner | executive | manager | sales; counts in every company of theirs
    Column("primary_company", Text),
    Column("is_vendor_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    portal_column(),
    Column("user_id", Text, primary_key=True),
    Column("company_id", Text, primary_key=True),  # the primary one among them
    Index("memberships_by_company", "portal", "company_id", "user_id"),
)
