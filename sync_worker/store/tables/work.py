"""What is due, what failed, and what people did about it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from sync_worker.store.tables.columns import Utc, json_column, metadata, portal_column

_OPEN = text("resolved_at IS NULL")
_RESOLVED = text("resolved_at IS NOT NULL")
_UNFINISHED = text("finished_at IS NULL")

outbox = Table(
    "outbox",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
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
    Column("cause_run", Text, nullable=False),
    Index("outbox_due", "portal", "state", "due_at"),
)

unlearned_sends = Table(
    "unlearned_sends",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
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
    Column("is_queued", Boolean, nullable=False),  # for whichever worker is free
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
    Column("crm_modified_at", Utc, nullable=False),  # of the reading that found it to be none of ours, though it carries our key
)

failures = Table(
    "failures",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # failure (not applied) | problem (applied, but something is wrong with it)
    Column("object", Text, nullable=False),
    Column("record", Text, nullable=False),  # CRM id when reading, our id when writing
    Column("name", Text, nullable=False, server_default=""),  # what people call the record
    Column("stage", Text, nullable=False),  # ingest | push | pull | deliver
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False, server_default=""),  # canonical; a value of a set stands in brackets
    Column("message", Text, nullable=False),
    json_column("payload"),  # the native record, or what was sent
    Column("payload_hash", Text, nullable=False, server_default=""),
    Column("mapping_hash", Text, nullable=False, server_default=""),
    Column("waits_for", Text),  # CRM id of a parent not seen yet
    Column("run_id", Text, nullable=False),
    Column("first_seen_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("count", Integer, nullable=False),
    Column("discarded_at", Utc),  # a person wants to hear no more of it, until it is news again
    Column("resolved_at", Utc),
    Column("resolution", Text),
    Index("failures_open", "portal", "object", "record", "stage", "code", "field", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("failures_resolved", "portal", "resolved_at", "id", sqlite_where=_RESOLVED, postgresql_where=_RESOLVED),
    Index("failures_waiting", "portal", "waits_for", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

interventions = Table(
    "interventions",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("verb", Text, nullable=False),  # replay | discard | release | mode | rebind | erase
    Column("selection", Text, nullable=False),  # as it was asked for
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_at", Utc, nullable=False),
    Column("is_queued", Boolean, nullable=False),  # for whichever worker is free
    Column("finished_at", Utc),  # null = some of it is left
    Index("interventions_by_time", "portal", "asked_at", "id"),
    Index("interventions_left", "portal", "asked_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
)

tries = Table(
    "tries",
    metadata,
    portal_column(),
    Column("failure_id", Text, primary_key=True),
    Column("intervention_id", Text, primary_key=True),
    Column("place", Integer, nullable=False),  # in the order received
    Column("outcome", Text, nullable=False, server_default=""),  # "" = marked, not tried yet; see store/interventions.py
    Column("became", Text),  # the failure that took its place
    Column("tried_at", Utc),
    Index("tries_of_intervention", "portal", "intervention_id", "place"),
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
