"""What distributors do for their resellers: terms, agreements, quotes, licences, mail."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BIGINT, BOOLEAN, DATE, DOCUMENT, INTEGER, MONEY, TEXT, UTC, column, index, key, required

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _pairs()
    _sales()
    _mails()


def _pairs() -> None:
    op.create_table(
        "subgroups",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("since_at", UTC),
        required("parent_id", TEXT),
        required("how", TEXT),
        required("since_by", TEXT),
        column("until_at", UTC),
        column("until_by", TEXT),
        key("portal", "company_id", "since_at"),
    )
    index("subgroups_lasting", "subgroups", ["portal", "company_id"], unique=True, where="until_at IS NULL")
    index("subgroups_by_parent", "subgroups", ["portal", "parent_id"])
    op.create_table(
        "company_links",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("base", DOCUMENT),
        column("written_at", UTC),
        column("written_run", TEXT),
        column("written_attempt", INTEGER),
        key("portal", "company_id"),
    )
    op.create_table(
        "terms",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("upper_id", TEXT),
        required("since_at", UTC),
        required("may_register", BOOLEAN),
        required("percents", DOCUMENT),
        required("actor", TEXT),
        key("portal", "company_id", "upper_id", "since_at"),
    )
    op.create_table(
        "agreements",
        required("portal", TEXT),
        required("id", TEXT),
        required("company_id", TEXT),
        required("upper_id", TEXT),
        required("version", INTEGER),
        required("name", TEXT),
        required("media_type", TEXT),
        required("size_bytes", BIGINT),
        required("sha256", TEXT),
        required("key", TEXT),
        required("uploaded_at", UTC),
        required("uploaded_by", TEXT),
        key("portal", "id"),
    )
    index("agreements_by_version", "agreements", ["portal", "company_id", "upper_id", "version"], unique=True)


def _sales() -> None:
    op.create_table(
        "quotes",
        required("portal", TEXT),
        required("id", TEXT),
        required("deal_id", TEXT),
        required("pricing", TEXT),
        required("version", INTEGER),
        required("currency", TEXT),
        required("total", MONEY),
        required("numbers", DOCUMENT),
        required("made_at", UTC),
        required("made_by", TEXT),
        column("sent_at", UTC),
        column("sent_by", TEXT),
        column("signed_at", UTC),
        column("signed_by", TEXT),
        column("signed_for", TEXT),
        column("completed_at", UTC),
        key("portal", "id"),
    )
    index("quotes_by_version", "quotes", ["portal", "deal_id", "pricing", "version"], unique=True)
    index("quotes_signed", "quotes", ["portal", "deal_id"], unique=True, where="signed_at IS NOT NULL")
    index("quotes_uncompleted", "quotes", ["portal", "deal_id"], where="signed_at IS NOT NULL AND completed_at IS NULL")
    op.create_table(
        "licences",
        required("portal", TEXT),
        required("id", TEXT),
        required("deal_id", TEXT),
        required("number", INTEGER),
        required("company_id", TEXT),
        required("name", TEXT),
        required("count", BIGINT),
        required("starts_on", DATE),
        required("ends_on", DATE),
        required("issued_at", UTC),
        key("portal", "id"),
    )
    index("licences_by_number", "licences", ["portal", "deal_id", "number"], unique=True)
    index("licences_by_company", "licences", ["portal", "company_id"])


def _mails() -> None:
    op.create_table(
        "mails",
        required("portal", TEXT),
        required("id", TEXT),
        required("event", TEXT),
        required("address", TEXT),
        required("template", TEXT),
        required("context", DOCUMENT),
        required("written_at", UTC),
        required("due_at", UTC),
        required("attempts", INTEGER, default="0"),
        column("claim_token", TEXT),
        column("claim_until_at", UTC),
        column("settled_at", UTC),
        required("outcome", TEXT, default=""),
        required("error", TEXT, default=""),
        key("portal", "id"),
    )
    index("mails_by_event", "mails", ["portal", "event", "address"], unique=True)
    index("mails_waiting", "mails", ["portal", "due_at"], where="settled_at IS NULL")
