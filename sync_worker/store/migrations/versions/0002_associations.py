"""Associations: memberships of rules, and how they came to be; what the mass-change brake has counted."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _brake()
    _rules()
    _history()


def _brake() -> None:
    op.create_table(
        "removals",
        required("portal", TEXT),
        required("run_id", TEXT),
        required("kind", TEXT),
        required("count", INTEGER),
        required("at", UTC),
        key("portal", "run_id", "kind"),
    )


def _rules() -> None:
    op.create_table(
        "evaluations",
        required("portal", TEXT),
        required("no", INTEGER),
        required("digest", TEXT),
        required("document", DOCUMENT),
        required("position", TEXT),
        required("run_id", TEXT),
        required("began_at", UTC),
        column("stood_at", UTC),
        column("told_at", UTC),
        key("portal", "no"),
    )
    op.create_table(
        "rule_members",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("rule", TEXT),
        required("side", TEXT),
        required("key", TEXT),
        required("since_at", UTC),
        column("until_at", UTC),
        required("from_no", INTEGER),
        column("until_no", INTEGER),
        required("run_id", TEXT),
        key("portal", "company_id", "rule", "side", "key", "since_at", "from_no"),
    )
    index("rule_members_by_key", "rule_members", ["portal", "rule", "side", "key", "company_id"])
    op.create_table(
        "rule_names",
        required("portal", TEXT),
        required("side", TEXT),
        required("name", TEXT),
        column("company_id", TEXT),
        key("portal", "side", "name"),
    )
    index("rule_names_bound", "rule_names", ["portal", "company_id"])


def _history() -> None:
    op.create_table(
        "past_contracts",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("value", TEXT),
        required("until_at", UTC),
        required("resolved_id", TEXT),
        required("how", TEXT),
        required("since_at", UTC),
        required("run_id", TEXT),
        key("portal", "company_id", "value", "until_at"),
    )
    index("past_contracts_bound", "past_contracts", ["portal", "resolved_id"])
    op.create_table(
        "company_pasts",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("until_at", UTC),
        required("status", TEXT),
        required("account_type", TEXT),
        required("is_deleted", BOOLEAN),
        key("portal", "company_id", "until_at"),
    )
