"""Tables: mails, notifications, journeys, journey_versions, journey_log."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import PublicId, Utc, json_column, metadata, portal_column

_WAITING, _SETTLED = text("settled_at IS NULL"), text("settled_at IS NOT NULL")
_HELD = text("held_by IS NOT NULL")

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
    Column("outcome", Text, nullable=False, server_default=""),  # sent | given_up | discarded | "" = waits
    Column("error", Text, nullable=False, server_default=""),  # the server's words, last
    Column("quote_id", Text),  # whose page and sheet go with it
    Column("held_by", Text),  # the journey whose mails wait for a person
    Index("mails_by_event", "portal", "event", "address", unique=True),  # once per (event, person)
    Index("mails_held", "portal", "held_by", sqlite_where=_HELD, postgresql_where=_HELD),
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
    Column("deal_id", PublicId, nullable=False),
    Column("event", Text, nullable=False),
    Column("topic", Text, nullable=False),
    json_column("words", is_required=True),  # what is said: as a mail's context
    Column("at", Utc, nullable=False),
    Column("read_at", Utc),
    Index("notifications_by_user", "portal", "user_id", "at", "id"),
    Index("notifications_unread", "portal", "user_id", "deal_id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    Index("notifications_by_time", "portal", "at", "id"),
)

journeys = Table(
    "journeys",
    metadata,
    portal_column(),
    Column("key", Text, primary_key=True),
    Column("version", Integer, nullable=False),  # the one that counts
    Column("is_on", Boolean, nullable=False),
    Column("file", Text, nullable=False, server_default=""),  # that keeps it; "" = the API does
    Column("looked_at", Utc),  # when a person released or discarded its held mails
    Column("deleted_at", Utc),
)

journey_versions = Table(
    "journey_versions",
    metadata,
    portal_column(),
    Column("key", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", Text, nullable=False),  # of what was written
    json_column("document", is_required=True),
    Column("saved_at", Utc, nullable=False),
    Column("saved_by", Text, nullable=False),
)

journey_log = Table(
    "journey_log",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("journey", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("deal_id", PublicId, nullable=False),
    Column("user_id", Text, nullable=False),  # the portal's own id, or an address that the portal knows no user of; "" = no single person
    Column("recipient", Text, nullable=False, server_default=""),
    Column("outcome", Text, nullable=False),  # told | not_told | held | discarded
    Column("why", Text, nullable=False, server_default=""),
    Column("mail_id", Text),
    Index("journey_log_by_event", "portal", "journey", "event", "user_id", unique=True),  # once per (journey, event, person)
    Index("journey_log_by_time", "portal", "journey", "at", "id"),
    Index("journey_log_old", "portal", "at", "id"),
)
