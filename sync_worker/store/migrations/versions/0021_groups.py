"""Dynamic groups, and the companies that are in them."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "user_groups",
        required("portal", TEXT),
        required("key", TEXT),
        required("name", TEXT),
        required("conditions", DOCUMENT),
        required("no", INTEGER),
        required("stood_no", INTEGER),
        required("stood_conditions", DOCUMENT),
        required("position", TEXT),
        required("changed_by", TEXT),
        required("changed_at", UTC),
        column("stood_at", UTC),
        required("is_settled", BOOLEAN),
        required("is_deleted", BOOLEAN),
        key("portal", "key"),
    )
    op.create_table(
        "group_companies",
        required("portal", TEXT),
        required("company_id", TEXT),
        required("group_key", TEXT),
        required("no", INTEGER),
        key("portal", "company_id", "group_key", "no"),
    )
    index("group_companies_by_group", "group_companies", ["portal", "group_key", "no", "company_id"])
