"""Tables: what people did and asked, and processes."""

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

from sync_worker.store.core.columns import Utc, json_column, metadata, portal_column

_UNFINISHED = text("finished_at IS NULL")

interventions = Table(
    "interventions",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("verb", Text, nullable=False),  # replay | discard | release | mode | rebind | erase | pause | resume | stop | edit
    Column("selection", Text, nullable=False),  # as it was asked for
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_at", Utc, nullable=False),
    Column("is_queued", Boolean, nullable=False),  # for a free worker
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
    Column("outcome", Text, nullable=False, server_default=""),  # "" = marked, not tried yet; see store/operate/interventions.py
    Column("became", Text),  # the failure that took its place
    Column("tried_at", Utc),
    Index("tries_of_intervention", "portal", "intervention_id", "place"),
)

halts = Table(
    "halts",
    metadata,
    portal_column(),
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

inquiries = Table(
    "inquiries",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # see InquiryKind
    Column("actor", Text, nullable=False),
    Column("is_full", Boolean, nullable=False),  # a plan that reads every record
    Column("asked_at", Utc, nullable=False),
    Column("begun_at", Utc),  # null = no worker has taken it up
    Column("finished_at", Utc),
    Column("words", Text, nullable=False, server_default=""),  # what a worker is at
    Column("done_count", Integer, nullable=False, server_default="0"),
    Column("total_count", Integer),  # null = not known
    Column("tries", Integer, nullable=False, server_default="0"),  # the times that a worker took it up
    json_column("result"),
    Column("error", Text, nullable=False, server_default=""),
    Column("claim_token", Text),
    Column("claim_until_at", Utc),
    Column("said", Text, nullable=False, server_default=""),  # the rules to try; why a person repairs
    Index("inquiries_open", "portal", "kind", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
    Index("inquiries_by_time", "portal", "asked_at", "id"),
)

grants = Table(
    "grants",
    metadata,
    portal_column(),
    Column("org", Text, nullable=False),  # the org's or the hub's id
    Column("sealed", Text, nullable=False),  # the refresh token; the key is not in the database
    Column("actor", Text, nullable=False),  # who consented
    Column("edition", Integer, nullable=False),  # 1 at the first consent
    Column("at", Utc, nullable=False),
    Column("replaced_at", Utc),  # when the CRM last put another token in its place
    Column("turn", Text),  # of the one process that asks with it now
    Column("turn_until_at", Utc),
)

consents = Table(
    "consents",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),  # part of the state
    Column("hash", Text, nullable=False),
    Column("session_id", Text, nullable=False),  # the console's
    Column("redirect_uri", Text, nullable=False),
    Column("sealed", Text, nullable=False),  # the verifier of PKCE
    Column("until_at", Utc, nullable=False),
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
