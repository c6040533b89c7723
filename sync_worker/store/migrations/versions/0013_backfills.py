"""Backfills: one field of all records that are held already, read once more."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, INTEGER, TEXT, UTC, column, index, key, required

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "backfills",
        required("portal", TEXT),
        required("object", TEXT),
        required("field", TEXT),
        required("order_no", INTEGER),
        required("asked_at", UTC),
        required("asked_by", TEXT),
        required("is_queued", BOOLEAN),
        required("mapping_hash", TEXT, default=""),
        required("way", TEXT, default=""),
        column("until_at", UTC),
        required("position", TEXT, default=""),
        required("done_count", INTEGER, default="0"),
        column("total_count", INTEGER),
        column("finished_at", UTC),
        key("portal", "object", "field"),
    )
    index("backfills_left", "backfills", ["portal", "object"], where="finished_at IS NULL")
