"""Tables: deals, their notes and files, quotes, licences."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from sync_worker.store.core.columns import Money, PublicId, Utc, json_column, metadata, portal_column

NAME_CHARS: Final = 100  # of a text, by which deals are ordered; a cursor holds it
SUMMED: Final = ["amount", "second_partner", "stage", "outcome", "lifecycle", "expected_close_on", "registered_at"]
"""What sums over all deals need: PostgreSQL reads them from the index alone, a fifth of the table."""
_CURRENT = text("is_current")
_OPEN = text("resolved_at IS NULL")
_SIGNED = text("signed_at IS NOT NULL")
_UNCOMPLETED = text("signed_at IS NOT NULL AND completed_at IS NULL")

deals = Table(
    "deals",
    metadata,
    portal_column(),
    Column("id", PublicId, primary_key=True),
    Column("version", Integer, nullable=False),  # +1 with every change
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("owner_company", PublicId),
    Column("second_partner", PublicId),
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
    Column("renews_until", Date),  # a renewal that waits for the vendor
    Column("crm_owner", Text),
    Column("owner_user", Text),  # the deal owner, the rep
    Column("registered_by", Text),  # the user who did, perhaps on behalf of another
    Column("vendor_decided_by", Text),  # who decided on each track, when and why; empty while it waits
    Column("vendor_decided_on", Date),
    Column("vendor_reason", Text),
    Column("distributor_decided_by", Text),
    Column("distributor_decided_on", Date),
    Column("distributor_reason", Text),
    Column("prospect_key", Text),  # the prospect as compared with others; null = says nothing
    Column("contact_key", Text),
    json_column("attributes", is_required=True),
    Column("registered_at", Utc),  # when it was registered first; null = a draft, or never registered
    Index("deals_by_owner_company", "portal", "owner_company"),
    Index("deals_by_second_partner", "portal", "second_partner"),
    Index("deals_by_change", "portal", "updated_at", "id"),
    Index("deals_summed", "portal", "owner_company", "currency", postgresql_include=SUMMED),
    Index("deals_by_prospect", "portal", "prospect_key"),
    Index("deals_by_contact", "portal", "contact_key"),
)

deal_links = Table(
    "deal_links",
    metadata,
    portal_column(),
    Column("object", Text, primary_key=True),
    Column("crm_id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("is_current", Boolean, nullable=False),
    json_column("base", is_required=True),  # {field: [portal value, CRM spelling]} both sides last agreed on
    Column("crm_modified_at", Utc),
    Column("settled_no", Integer, nullable=False, server_default="0"),
    Column("deleted_at", Utc),
    Column("written_at", Utc),  # our last write: when, by which run, at which attempt
    Column("written_run", PublicId),
    Column("written_attempt", Integer),
    Column("own_stamp_at", Utc),  # the record's stamp in that write's answer, where it can be relied on
    Index("deal_links_current", "portal", "deal_id", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)

deal_changes = Table(
    "deal_changes",
    metadata,
    portal_column(),
    Column("deal_id", PublicId, primary_key=True),
    Column("version", Integer, primary_key=True),  # the deal's version that this change made
    Column("field", Text, primary_key=True),  # "" = the deal as it came in, whole
    Column("at", Utc, nullable=False),
    Column("side", Text, nullable=False),  # portal | crm | worker
    Column("actor", Text, nullable=False),
    Column("run_id", PublicId, nullable=False),
    json_column("old"),
    json_column("new"),
    Column("note", Text, nullable=False, server_default=""),
    Index("deal_changes_by_run", "portal", "run_id"),
)

deal_notes = Table(
    "deal_notes",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("text", Text, nullable=False),
    Column("author_id", Text, nullable=False),  # the user; the row goes with the user
    Column("author", Text, nullable=False),  # name, role and side as they were then
    Column("role", Text, nullable=False),
    Column("side", Text, nullable=False),  # owner_company | second_partner | vendor | account_owner
    Column("added_at", Utc, nullable=False),
    Column("edited_at", Utc),
    Index("deal_notes_by_deal", "portal", "deal_id", "added_at", "id"),
    Index("deal_notes_by_time", "portal", "added_at", "id"),
    Index("deal_notes_by_author", "portal", "author_id"),
)

deal_files = Table(
    "deal_files",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("name", Text, nullable=False),  # as the person's file was called; never a path
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("key", Text, nullable=False),  # of the file
    Column("author_id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("added_at", Utc, nullable=False),
    Index("deal_files_by_deal", "portal", "deal_id", "added_at", "id"),
    Index("deal_files_by_time", "portal", "added_at", "id"),
    Index("deal_files_by_author", "portal", "author_id"),
)

conflicts = Table(
    "conflicts",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("field", Text, nullable=False),
    Column("code", Text, nullable=False),
    json_column("base_value"),
    json_column("crm_value"),
    json_column("portal_value"),
    Column("rule", Text, nullable=False),  # the field's: crm | portal | newest | ask
    Column("taken", Text, nullable=False),  # crm | portal | "" = waits for a person
    Column("decision", Text, nullable=False, server_default=""),  # crm | portal: a person's, which counts for these two values
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("resolution", Text, nullable=False, server_default=""),  # rule | person | agreed | moved: how it ended
    Column("run_id", PublicId, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("last_seen_at", Utc, nullable=False),
    Column("resolved_at", Utc),
    Index("conflicts_by_run", "portal", "run_id"),
    Index("conflicts_open", "portal", "deal_id", "field", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
)

quotes = Table(
    "quotes",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("pricing", Text, nullable=False),  # retail | distributor | reseller
    Column("version", Integer, nullable=False),  # 1, 2, … of this deal and pricing
    Column("currency", Text, nullable=False),
    Column("total", Money, nullable=False),
    json_column("numbers", is_required=True),  # the whole quote, as quote_numbers says
    Column("made_at", Utc, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("sent_at", Utc),
    Column("sent_by", Text),
    Column("signed_at", Utc),
    Column("signed_by", Text),
    Column("signed_for", Text),  # the signer's company
    Column("completed_at", Utc),  # of a signed one: nothing is left to be done
    Column("offered_at", Utc),  # sent by the vendor after finalize was requested: it may be signed
    Column("offered_by", Text),
    Index("quotes_by_version", "portal", "deal_id", "pricing", "version", unique=True),
    Index("quotes_signed", "portal", "deal_id", unique=True, sqlite_where=_SIGNED, postgresql_where=_SIGNED),  # one signature a deal
    Index("quotes_uncompleted", "portal", "deal_id", sqlite_where=_UNCOMPLETED, postgresql_where=_UNCOMPLETED),
)

prices = Table(
    "prices",
    metadata,
    portal_column(),
    Column("product_key", Text, primary_key=True),  # the name without case and spaces
    Column("currency", Text, primary_key=True),
    Column("valid_from", Date, primary_key=True),
    Column("said_at", Utc, primary_key=True),  # of several the latest counts
    Column("product", Text, nullable=False),
    Column("unit_price", Money),  # null: not sold from that day on
    Column("said_by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),  # why, where somebody said so
)

licences = Table(
    "licences",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", PublicId, nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, … of this deal
    Column("company_id", PublicId, nullable=False),
    Column("name", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("issued_at", Utc, nullable=False),
    Index("licences_by_number", "portal", "deal_id", "number", unique=True),
    Index("licences_by_company", "portal", "company_id"),
)
