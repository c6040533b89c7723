"""The feed: what the portal is told, in order, and what of it is still owed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from sync_worker.store.tables.columns import Utc, json_column, metadata, portal_column

feeds = Table(
    "feeds",
    metadata,
    portal_column(),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("failed_count", Integer, nullable=False, server_default="0"),  # in a row
    Column("rests_until_at", Utc),  # the receiver is down
    Column("paused_at", Utc),  # until a person resumes
    Column("paused_because", Text),
    Column("delivered_at", Utc),  # the last one
    Column("lease_token", Text),  # one sender at a time
    Column("lease_until_at", Utc),
)

events = Table(
    "events",
    metadata,
    portal_column(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # strictly in the order of commits
    Column("id", Text, nullable=False),  # the webhook-id: the same however often it is sent
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),  # company | deal
    Column("record_id", Text, nullable=False),  # "" = of no single record
    Column("at", Utc, nullable=False),
    json_column("data", is_required=True),
    Index("events_by_time", "portal", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    portal_column(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # owed; gone once delivered
    Column("record", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("round", Integer, nullable=False, server_default="0"),  # raised by a replay: what is in flight then does not settle it
    Column("due_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("deliveries_by_record", "portal", "record", "record_id", "seq"),
    Index("deliveries_due", "portal", "due_at"),
)
