"""The ground: the portal itself, how far it has read, what it did, what the CRM described."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, text

from sync_worker.store.tables.columns import Utc, json_column, metadata, portal_column

_RUNNING = text("state = 'running'")

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
    Column("paused_until_at", Utc),  # this record type alone rests: the brake holds it
)

halts = Table(
    "halts",
    metadata,
    portal_column(),
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
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

processes = Table(
    "processes",
    metadata,
    portal_column(),  # "": a process serves every portal
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # run | web | schedule | worker
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("configuration", Text, nullable=False),  # digest of the files it was started with
    Column("started_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),  # when it last said that it is there
)

sweeps = Table(
    "sweeps",
    metadata,
    portal_column(),
    Column("what", Text, primary_key=True),  # of which rows some stay for good, so that they are looked at once: runs
    Column("last_at", Utc, nullable=False),  # the last row that was looked at
    Column("last_id", Text, nullable=False),
)
