"""The feed: events for the portal, and how far they have been delivered."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import BIGINT, DOCUMENT, INTEGER, TEXT, UTC, column, index, key, required

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "feeds",
        required("portal", TEXT),
        required("last_seq", BIGINT, default="0"),
        required("failed_count", INTEGER, default="0"),
        column("rests_until_at", UTC),
        column("paused_at", UTC),
        column("paused_because", TEXT),
        column("delivered_at", UTC),
        column("lease_token", TEXT),
        column("lease_until_at", UTC),
        key("portal"),
    )
    op.create_table(
        "events",
        required("portal", TEXT),
        required("seq", BIGINT),
        required("id", TEXT),
        required("kind", TEXT),
        required("record", TEXT),
        required("record_id", TEXT),
        required("at", UTC),
        required("data", DOCUMENT),
        key("portal", "seq"),
    )
    index("events_by_time", "events", ["portal", "at"])
    op.create_table(
        "deliveries",
        required("portal", TEXT),
        required("seq", BIGINT),
        required("record", TEXT),
        required("record_id", TEXT),
        required("round", INTEGER, default="0"),
        required("due_at", UTC),
        required("attempts", INTEGER, default="0"),
        key("portal", "seq"),
    )
    index("deliveries_by_record", "deliveries", ["portal", "record", "record_id", "seq"])
    index("deliveries_due", "deliveries", ["portal", "due_at"])
