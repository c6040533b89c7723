"""What distributors do for their resellers: subgroups, terms, agreements, quotes, licences; and the mail that tells of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, Table, Text, text

from sync_worker.store.tables.columns import Money, Utc, json_column, metadata, portal_column

_LASTING = text("until_at IS NULL")
_SIGNED = text("signed_at IS NOT NULL")
_UNCOMPLETED = text("signed_at IS NOT NULL AND completed_at IS NULL")
_WAITING, _SETTLED = text("settled_at IS NULL"), text("settled_at IS NOT NULL")

subgroups = Table(
    "subgroups",
    metadata,
    portal_column(),
    Column("company_id", Text, primary_key=True),
    Column("since_at", Utc, primary_key=True),
    Column("parent_id", Text, nullable=False),
    Column("how", Text, nullable=False),  # created | promoted
    Column("since_by", Text, nullable=False),
    Column("until_at", Utc),
    Column("until_by", Text),
    Index("subgroups_lasting", "portal", "company_id", unique=True, sqlite_where=_LASTING, postgresql_where=_LASTING),  # one parent
    Index("subgroups_by_parent", "portal", "parent_id"),
)

company_links = Table(
    "company_links",
    metadata,
    portal_column(),
    Column("company_id", Text, primary_key=True),
    json_column("base", is_required=True),  # {field: [portal value, CRM spelling]}
    Column("written_at", Utc),  # our last write, null before the first
    Column("written_run", Text),
    Column("written_attempt", Integer),
)

waivers = Table(
    "waivers",
    metadata,
    portal_column(),
    Column("deal_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),  # the deal's owner company then, a subgroup
    Column("parent_id", Text, nullable=False),  # the distributor that the deal need not name
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

terms = Table(
    "terms",
    metadata,
    portal_column(),
    Column("company_id", Text, primary_key=True),
    Column("upper_id", Text, primary_key=True),
    Column("since_at", Utc, primary_key=True),
    Column("may_register", Boolean, nullable=False),
    json_column("percents", is_required=True),  # {deal type: "12.50"}
    Column("actor", Text, nullable=False),
)

agreements = Table(
    "agreements",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("upper_id", Text, nullable=False),
    Column("version", Integer, nullable=False),  # 1, 2, … of this pair
    Column("name", Text, nullable=False),  # as the person's file was called; never a path
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("key", Text, nullable=False),  # of the file
    Column("uploaded_at", Utc, nullable=False),
    Column("uploaded_by", Text, nullable=False),
    Index("agreements_by_version", "portal", "company_id", "upper_id", "version", unique=True),
)

quotes = Table(
    "quotes",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", Text, nullable=False),
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
)

licences = Table(
    "licences",
    metadata,
    portal_column(),
    Column("id", Text, primary_key=True),
    Column("deal_id", Text, nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, … of this deal
    Column("company_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date, nullable=False),
    Column("issued_at", Utc, nullable=False),
    Index("licences_by_number", "portal", "deal_id", "number", unique=True),
    Index("licences_by_company", "portal", "company_id"),
)

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
