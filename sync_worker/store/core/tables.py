"""Tables: the portal's row, runs, failures, companies, the feed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import PublicId, Utc, json_column, metadata, portal_column

_RUNNING = text("state = 'running'")
_OPEN = text("resolved_at IS NULL")
_RESOLVED = text("resolved_at IS NOT NULL")
_WAITS = text("resolved_at IS NULL AND waits_for IS NOT NULL")
_HAS_OWNER, _IS_VENDOR = text("account_owner_email IS NOT NULL"), text("account_type = 'vendor'")
_IS_ODD_NAME, _IS_ODD = text("name_folded IS NOT NULL"), text("value_folded IS NOT NULL")

portals = Table(
    "portals",
    metadata,
    portal_column(),
    Column("mode", Text, nullable=False),  # contracts | rules: what answers now; set once
    Column("next_mode", Text),  # what an operator has set instead, until everything is derived under it
    Column("next_position", Text, nullable=False, server_default=""),  # the last company of that derivation
    Column("mode_set_at", Utc, nullable=False),
    Column("read_no", Integer, nullable=False, server_default="0"),  # drawn before each request; orders reads against our writes
    Column("paused_until_at", Utc),
    Column("paused_because", Text),
)

runs = Table(
    "runs",
    metadata,
    portal_column(),
    Column("id", PublicId, primary_key=True),
    Column("verb", Text, nullable=False),  # pull | refresh | push | patch_back | register | decide | edit | expire
    Column("object", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),  # when its process last said that it is at it
    Column("finished_at", Utc),
    Column("state", Text, nullable=False),  # running | done | failed | stopped
    Column("error", Text, nullable=False, server_default=""),
    Column("calls", Integer, nullable=False, server_default="0"),
    # reading: read = applied + unchanged + skipped + failed, always
    Column("read", Integer, nullable=False, server_default="0"),
    Column("applied", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    # writing: claimed = written + unchanged + deferred + parked + uncertain
    Column("claimed", Integer, nullable=False, server_default="0"),
    Column("written", Integer, nullable=False, server_default="0"),
    Column("deferred", Integer, nullable=False, server_default="0"),
    Column("parked", Integer, nullable=False, server_default="0"),
    Column("uncertain", Integer, nullable=False, server_default="0"),
    json_column("skips"),  # {reason: count}
    Index("runs_by_start", "portal", "started_at"),
    Index("runs_under_way", "portal", "seen_at", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
)

catalogs = Table(
    "catalogs",
    metadata,
    portal_column(),
    Column("native", Text, primary_key=True),
    Column("fetched_at", Utc, nullable=False),
    json_column("document", is_required=True),  # describe, as cached
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
    Column("run_id", PublicId, nullable=False),
    Column("first_seen_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("count", Integer, nullable=False),
    Column("discarded_at", Utc),  # a person does not want to hear of it until it is news again
    Column("resolved_at", Utc),
    Column("resolution", Text),
    Index("failures_open", "portal", "object", "record", "stage", "code", "field", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("failures_resolved", "portal", "resolved_at", "id", sqlite_where=_RESOLVED, postgresql_where=_RESOLVED),
    Index("failures_waiting", "portal", "waits_for", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

companies = Table(
    "companies",
    metadata,
    portal_column(),
    Column("id", PublicId, primary_key=True),  # uuid5(portal, crm, CRM id): the same again after a crash
    Column("crm_id", Text),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("account_type", Text, nullable=False),
    Column("account_owner_email", Text),
    json_column("attributes", is_required=True),  # {field: plain value}
    json_column("second_partner_values", is_required=True),  # [value], as the CRM spells them
    Column("crm_modified_at", Utc),
    Column("settled_no", Integer, nullable=False, server_default="0"),  # a read drawn before this number is late
    Column("portal_id_written_at", Utc),  # null = the patch-back's outbox
    Column("deleted_at", Utc),
    Column("digest", BigInteger),  # of the CRM's record as it was last applied without a problem
    Column("patch_token", Text),  # whose patch-back is under way
    Column("patch_until_at", Utc),  # until when a worker has it, or until when it rests
    Column("patch_tries", Integer, nullable=False, server_default="0"),  # in a row, without its being known to be written
    Column("name_folded", Text),  # the form in which names are compared, where the name itself is another
    Column("own_stamp_at", Utc),  # the record's stamp in the answer to our own last write, where it can be relied on
    Index("companies_by_crm_id", "portal", "crm_id", unique=True),
    Index("companies_by_name", "portal", "name"),
    Index("companies_by_folded_name", "portal", "name_folded", sqlite_where=_IS_ODD_NAME, postgresql_where=_IS_ODD_NAME),
    Index("companies_by_account_owner", "portal", text("lower(account_owner_email)"), sqlite_where=_HAS_OWNER, postgresql_where=_HAS_OWNER),
    Index("companies_of_vendor", "portal", "id", sqlite_where=_IS_VENDOR, postgresql_where=_IS_VENDOR),
    Index(
        "companies_to_patch",  # in the order of arrival: a first load adds 100,000 rows at its end, not all over it
        "portal",
        "crm_modified_at",
        sqlite_where=text("portal_id_written_at IS NULL"),
        postgresql_where=text("portal_id_written_at IS NULL"),
    ),
)

aliases = Table(
    "aliases",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("old_crm_id", Text, primary_key=True),
    Column("crm_id", Text, nullable=False),  # the survivor of a merge
)

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
    Column("id", Text, nullable=False),  # the webhook-id: the same each time it is sent
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

cursors = Table(
    "cursors",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),  # the record as the mapping names it: company, lead, opportunity, …
    Column("high_water_at", Utc),  # every change up to here is applied or in failures
    Column("window_from_at", Utc),  # the scan under way, if position is set
    Column("window_until_at", Utc),
    Column("position", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default="first"),  # first | changes | full
    Column("last_pulled_at", Utc),
    Column("lease_token", Text),  # one reader at a time per portal and object
    Column("lease_until_at", Utc),
    Column("fence", Integer, nullable=False, server_default="0"),  # compared in every page's commit
    Column("paused_until_at", Utc),  # this record type alone rests
    Column("paused_code", Text),  # held_for_review: the brake holds it; schema_changed: the CRM does not show a field of it
    Column("paused_because", Text),  # in words, for people
)
