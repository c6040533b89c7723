"""Tables: mails, notifications."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import Utc, json_column, metadata, portal_column

_WAITING, _SETTLED = text("settled_at IS NULL"), text("settled_at IS NOT NULL")

mails = Table(
    "mails",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # the Message-ID is made of it
    Column("event", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("template", Text, nullable=False),
    json_column("context", is_required=True),  # what the template is filled with
    Column("written_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim_token", Text),
    Column("claim_until_at", Utc),
    Column("settled_at", Utc),
    Column("outcome", Text, nullable=False, server_default=""),  # sent | given_up | "" = waits
    Column("error", Text, nullable=False, server_default=""),  # the server's words, last
    Column("quote_id", Text),  # whose page and sheet go with it
    Index("mails_by_event", "portal", "event", "address", unique=True),  # once per (event, person)
    Index("mails_settled", "portal", "settled_at", "id", sqlite_where=_SETTLED, postgresql_where=_SETTLED),
    Index("mails_waiting", "portal", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
)

_UNREAD = text("read_at IS NULL")

notifications = Table(
    "notifications",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # made of the event and the user: once per (event, person)
    Column("user_id", Text, nullable=False),
    Column("deal_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("topic", Text, nullable=False),
    json_column("words", is_required=True),  # what is said: as a mail's context
    Column("at", Utc, nullable=False),
    Column("read_at", Utc),
    Index("notifications_by_user", "portal", "user_id", "at", "id"),
    Index("notifications_unread", "portal", "user_id", "deal_id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    Index("notifications_by_time", "portal", "at", "id"),
)
