"""Tables: users, groups, tokens, links and sessions of the console, answers."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
)

from sync_worker.store.core.columns import PublicId, Utc, json_column, metadata, portal_column

users = Table(
    "users",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # the portal's own
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # account_owner | executive | manager | sales; counts in every company of theirs
    Column("primary_company", PublicId),
    Column("is_vendor_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("updated_at", Utc, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    portal_column(),
    Column("user_id", Text, primary_key=True),
    Column("company_id", PublicId, primary_key=True),  # the primary one among them
    Index("memberships_by_company", "portal", "company_id", "user_id"),
)

user_groups = Table(
    "user_groups",
    metadata,
    portal_column(),
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    json_column("conditions", is_required=True),  # as last written
    Column("no", Integer, nullable=False),  # of these conditions
    Column("stood_no", Integer, nullable=False),  # of those whose companies count; 0 = none yet
    json_column("stood_conditions", is_required=True),
    Column("position", Text, nullable=False),  # the last company that was evaluated
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("stood_at", Utc),
    Column("is_settled", Boolean, nullable=False),  # false = companies are to be evaluated, or rows of earlier conditions cleared away
    Column("is_deleted", Boolean, nullable=False),
)

group_companies = Table(
    "group_companies",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    Column("group_key", Text, primary_key=True),
    Column("no", Integer, primary_key=True),  # of the conditions that the company meets
    Index("group_companies_by_group", "portal", "group_key", "no", "company_id"),
)

console_links = Table(
    "console_links",
    metadata,
    portal_column(),  # "": of every portal
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("role", Text, nullable=False),  # operator | vendor
    Column("name", Text, nullable=False),  # of the person who gets it
    Column("made_by", Text, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("until_at", Utc, nullable=False),
    Column("used_at", Utc),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    portal_column(),  # "": of every portal
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),  # written down with what the person does
    Column("begun_at", Utc, nullable=False),
    Column("until_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),  # to the minute
    Column("ended_at", Utc),  # by the person, or by an operator
)

tokens = Table(
    "tokens",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # part of the token, so it may be shown
    Column("name", Text, nullable=False),  # who uses it
    Column("hash", Text, nullable=False),  # sha-256 of the whole token, which is 256 random bits
    json_column("scopes", is_required=True),  # [scope]
    Column("made_by", Text, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("last_used_at", Utc),  # to the hour
    Column("revoked_at", Utc),
    Column("revoked_by", Text),
)

answers = Table(
    "answers",
    metadata,
    portal_column(),
    Column("token_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # Idempotency-Key, as the caller chose it
    Column("request_hash", Text, nullable=False),
    Column("claim", Text, nullable=False),  # of the request under way
    Column("begun_at", Utc, nullable=False),
    Column("claim_until_at", Utc, nullable=False),
    Column("status", Integer),  # null = still under way
    json_column("headers"),
    Column("body", Text),
    Index("answers_by_time", "portal", "begun_at"),
)
