"""Tables: what is owed to the CRM and heard of it."""

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

_UNFINISHED = text("finished_at IS NULL")

outbox = Table(
    "outbox",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("record_id", PublicId, primary_key=True),
    Column("state", Text, nullable=False),  # ready | claimed | uncertain | parked
    Column("generation", Integer, nullable=False),  # raised by every later edit
    Column("claimed_generation", Integer, nullable=False, server_default="0"),
    Column("claim_token", Text),
    Column("claim_until_at", Utc),
    json_column("sent"),  # {field: [portal value, spelling]} computed at the claim; null = nothing computed
    Column("sent_at", Utc),  # when the call with it began; null = it has not
    Column("due_at", Utc, nullable=False),
    Column("refused", Integer, nullable=False, server_default="0"),  # tries that the CRM refused
    Column("unanswered", Integer, nullable=False, server_default="0"),  # sends not known to have gone through, the one under way included
    Column("cause_run", PublicId, nullable=False),
    Index("outbox_due", "portal", "state", "due_at", "object", "record_id"),  # in the order of a claim: one commit owes thousands at once
)

unlearned_sends = Table(
    "unlearned_sends",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("record_id", PublicId, primary_key=True),
    Column("sent_at", Utc, primary_key=True),  # when its call began, or was last known to be under way
    Column("until_at", Utc, nullable=False),  # what the CRM shows of it afterwards is not of it
    Column("look_at", Utc, nullable=False),  # when its record is read again
    json_column("sent", is_required=True),  # as in the outbox
    Index("unlearned_sends_due", "portal", "look_at"),
)

notices = Table(
    "notices",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("crm_id", Text, primary_key=True),
    Column("first_seen_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("count", Integer, nullable=False),
    Index("notices_oldest", "portal", "object", "first_seen_at", "crm_id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("last_at", Utc, nullable=False),  # when the CRM told last of a record of this type
)

backfills = Table(
    "backfills",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("field", Text, primary_key=True),  # as the mapping names it; attributes stand flat
    Column("order_no", Integer, nullable=False),  # how often it was asked for: each time it begins at the first record
    Column("asked_at", Utc, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("is_queued", Boolean, nullable=False),  # for a free worker
    Column("mapping_hash", Text, nullable=False, server_default=""),  # that it is read by; "" = it has not begun
    Column("way", Text, nullable=False, server_default=""),  # by_id | scan
    Column("until_at", Utc),  # where a scan ends, by the CRM's clock
    Column("position", Text, nullable=False, server_default=""),
    Column("done_count", Integer, nullable=False, server_default="0"),
    Column("total_count", Integer),
    Column("finished_at", Utc),  # null = some of it is left
    Index("backfills_left", "portal", "object", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
)

strangers = Table(
    "strangers",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("crm_id", Text, primary_key=True),
    Column("crm_modified_at", Utc, nullable=False),  # of the reading that found that it is not ours, though it carries our key
)

removals = Table(
    "removals",
    metadata,
    portal_column(),
    Column("run_id", PublicId, primary_key=True),
    Column("kind", Text, primary_key=True),  # active companies | associations
    Column("count", Integer, nullable=False),
    Column("at", Utc, nullable=False),  # of the run's last commit that took something away
)

company_links = Table(
    "company_links",
    metadata,
    portal_column(),
    Column("company_id", PublicId, primary_key=True),
    json_column("base", is_required=True),  # {field: [portal value, CRM spelling]}
    Column("written_at", Utc),  # our last write, null before the first
    Column("written_run", PublicId),
    Column("written_attempt", Integer),
)

breakers = Table(
    "breakers",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("failed_count", Integer, nullable=False),  # in a row
    Column("rest_s", Integer, nullable=False),
    Column("until_at", Utc),  # null = closed
)
