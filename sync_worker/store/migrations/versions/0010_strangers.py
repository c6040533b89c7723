"""What the nightly comparison has read and found to be none of ours."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, UTC, key, required

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "strangers",
        required("portal", TEXT),
        required("object", TEXT),
        required("crm_id", TEXT),
        required("crm_modified_at", UTC),
        key("portal", "object", "crm_id"),
    )
