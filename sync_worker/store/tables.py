"""Tables and constraints. Every key begins with `portal`; times are aware UTC; money is decimal; what JSON holds is said beside it.

Text has no length here: PostgreSQL would refuse a whole page for one long value, and SQLite would not even notice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, MetaData, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from sync_worker.store import documents

metadata = MetaData()


class Utc(TypeDecorator[datetime]):
    """Aware UTC, to the microsecond: timestamptz in PostgreSQL, in SQLite text of one width, whose order is the order of time."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        if dialect.name != "sqlite":
            return value
        return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(" ", "microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """Exact decimals, their scale kept: numeric in PostgreSQL, text in SQLite (which would make them floats)."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value or abs(value), "f")  # as numeric spells it: no exponent, no minus before zero

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Document(TypeDecorator[Any]):
    """JSON, with None as SQL's null: jsonb in PostgreSQL, text in SQLite (whose JSON columns turn a bare `25` into a number)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSONB(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else documents.dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else documents.load(value)


def _json(name: str, *, is_required: bool = False) -> Column[Any]:
    return Column(name, Document, nullable=not is_required)


def _portal() -> Column[str]:
    return Column("portal", Text, primary_key=True)


_OPEN = text("resolved_at IS NULL")
_UNFINISHED = text("finished_at IS NULL")
_CURRENT = text("is_current")
_BOUND, _UNBOUND = text("resolved_id IS NOT NULL"), text("resolved_id IS NULL")

portals = Table(
    "portals",
    metadata,
    _portal(),
    Column("mode", Text, nullable=False),  # contracts | rules; set once
    Column("mode_set_at", Utc, nullable=False),
    Column("read_no", Integer, nullable=False, server_default="0"),  # drawn before each request; orders reads against our writes
    Column("paused_until_at", Utc),
    Column("paused_because", Text),
)

cursors = Table(
    "cursors",
    metadata,
    _portal(),
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
)

companies = Table(
    "companies",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),  # uuid5(portal, crm, CRM id): the same again after a crash
    Column("crm_id", Text),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("account_type", Text, nullable=False),
    Column("account_owner_email", Text),
    _json("attributes", is_required=True),  # {field: plain value}
    _json("second_partner_values", is_required=True),  # [value], as the CRM spells them
    Column("crm_modified_at", Utc),
    Column("settled_no", Integer, nullable=False, server_default="0"),  # a read drawn before this number is late
    Column("portal_id_written_at", Utc),  # null = the patch-back's outbox
    Column("deleted_at", Utc),
    Column("digest", BigInteger),  # of the CRM's record as it was last applied without a problem
    Index("companies_by_crm_id", "portal", "crm_id", unique=True),
    Index("companies_by_name", "portal", "name"),
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
    _portal(),
    Column("object", Text, primary_key=True),
    Column("old_crm_id", Text, primary_key=True),
    Column("crm_id", Text, nullable=False),  # the survivor of a merge
)

contract_values = Table(
    "contract_values",
    metadata,
    _portal(),
    Column("company_id", Text, primary_key=True),  # the partner whose CRM record carries the value
    Column("value", Text, primary_key=True),
    Column("resolved_id", Text),  # the second partner; null = names nobody
    Column("how", Text, nullable=False),  # map | crm_id | name | person | ""
    Column("since_at", Utc, nullable=False),
    Column("run_id", Text, nullable=False),
    Index("contract_values_bound", "portal", "resolved_id", sqlite_where=_BOUND, postgresql_where=_BOUND),
    Index("contract_values_unbound", "portal", "value", "company_id", sqlite_where=_UNBOUND, postgresql_where=_UNBOUND),
)

deals = Table(
    "deals",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),  # +1 with every change
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("owner_company", Text),
    Column("second_partner", Text),
    Column("name", Text),
    Column("prospect_name", Text),
    Column("contact_first_name", Text),
    Column("contact_last_name", Text),
    Column("contact_email", Text),
    Column("amount", Money),
    Column("currency", Text),
    Column("expected_close_on", Date),
    Column("deal_type", Text),
    Column("licence_count", BigInteger),
    Column("term_years", BigInteger),
    Column("billing_cycle", Text),
    Column("stage", Text),
    Column("outcome", Text),
    Column("vendor_approval", Text),
    Column("distributor_approval", Text),
    Column("lifecycle", Text),
    Column("is_registered", Boolean),
    Column("quote_state", Text),
    Column("expires_on", Date),
    Column("crm_owner", Text),
    _json("attributes", is_required=True),
    Index("deals_by_owner_company", "portal", "owner_company"),
    Index("deals_by_second_partner", "portal", "second_partner"),
)

deal_links = Table(
    "deal_links",
    metadata,
    _portal(),
    Column("object", Text, primary_key=True),
    Column("crm_id", Text, primary_key=True),
    Column("deal_id", Text, nullable=False),
    Column("is_current", Boolean, nullable=False),
    _json("base", is_required=True),  # {field: [portal value, CRM spelling]} both sides last agreed on
    Column("crm_modified_at", Utc),
    Column("settled_no", Integer, nullable=False, server_default="0"),
    Column("deleted_at", Utc),
    Index("deal_links_current", "portal", "deal_id", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)

deal_changes = Table(
    "deal_changes",
    metadata,
    _portal(),
    Column("deal_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),  # the deal's version that this change made
    Column("field", Text, primary_key=True),  # "" = the deal as it came in, whole
    Column("at", Utc, nullable=False),
    Column("side", Text, nullable=False),  # portal | crm | worker
    Column("actor", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    _json("old"),
    _json("new"),
    Column("note", Text, nullable=False, server_default=""),
)

outbox = Table(
    "outbox",
    metadata,
    _portal(),
    Column("object", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("state", Text, nullable=False),  # ready | claimed | uncertain | parked
    Column("generation", Integer, nullable=False),  # raised by every later edit
    Column("claimed_generation", Integer, nullable=False, server_default="0"),
    Column("claim_token", Text),
    Column("claim_until_at", Utc),
    _json("sent"),  # {field: [portal value, spelling]} computed at the claim; null = nothing under way
    Column("due_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("cause_run", Text, nullable=False),
    Index("outbox_due", "portal", "state", "due_at"),
)

notices = Table(
    "notices",
    metadata,
    _portal(),
    Column("object", Text, primary_key=True),
    Column("crm_id", Text, primary_key=True),
    Column("first_seen_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("count", Integer, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # failure (not applied) | problem (applied, but something is wrong with it)
    Column("object", Text, nullable=False),
    Column("record", Text, nullable=False),  # CRM id when reading, our id when writing
    Column("name", Text, nullable=False, server_default=""),  # what people call the record
    Column("stage", Text, nullable=False),  # ingest | push | pull
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False, server_default=""),  # canonical; a value of a set stands in brackets
    Column("message", Text, nullable=False),
    _json("payload"),  # the native record, or what was sent
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
    Index("failures_waiting", "portal", "waits_for", sqlite_where=_OPEN, postgresql_where=_OPEN),
)

interventions = Table(
    "interventions",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),
    Column("verb", Text, nullable=False),  # replay | discard | release
    Column("selection", Text, nullable=False),  # as it was asked for
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_at", Utc, nullable=False),
    Column("is_queued", Boolean, nullable=False),  # for whichever worker is free
    Column("finished_at", Utc),  # null = some of it is left
    Index("interventions_left", "portal", "asked_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
)

tries = Table(
    "tries",
    metadata,
    _portal(),
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
    _portal(),
    Column("object", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("failed_count", Integer, nullable=False),  # in a row
    Column("rest_s", Integer, nullable=False),
    Column("until_at", Utc),  # null = closed
)

conflicts = Table(
    "conflicts",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),
    Column("deal_id", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("code", Text, nullable=False),
    _json("base_value"),
    _json("crm_value"),
    _json("portal_value"),
    Column("taken", Text, nullable=False),  # crm | portal | "" = waits for a person
    Column("run_id", Text, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("resolved_at", Utc),
    Index("conflicts_open", "portal", "deal_id", "field", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)

runs = Table(
    "runs",
    metadata,
    _portal(),
    Column("id", Text, primary_key=True),
    Column("verb", Text, nullable=False),  # pull | refresh | push | patch_back | register | decide | edit | expire
    Column("object", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
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
    _json("skips"),  # {reason: count}
    Index("runs_by_start", "portal", "started_at"),
)

catalogs = Table(
    "catalogs",
    metadata,
    _portal(),
    Column("native", Text, primary_key=True),
    Column("fetched_at", Utc, nullable=False),
    _json("document", is_required=True),  # describe, as cached
)
