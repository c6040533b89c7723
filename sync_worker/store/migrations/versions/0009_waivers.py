"""A subgroup's deal that need not name its distributor, because the vendor said so."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, UTC, key, required

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "waivers",
        required("portal", TEXT),
        required("deal_id", TEXT),
        required("company_id", TEXT),
        required("parent_id", TEXT),
        required("at", UTC),
        required("actor", TEXT),
        required("reason", TEXT),
        key("portal", "deal_id"),
    )
