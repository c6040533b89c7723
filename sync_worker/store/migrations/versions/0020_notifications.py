"""What each person is shown, read or not."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import DOCUMENT, TEXT, UTC, column, index, key, required

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    texts = [required(name, TEXT) for name in ("portal", "id", "user_id", "deal_id", "event", "topic")]
    rest = [required("words", DOCUMENT), required("at", UTC), column("read_at", UTC)]
    op.create_table("notifications", *texts, *rest, key("portal", "id"))
    index("notifications_by_user", "notifications", ["portal", "user_id", "at", "id"])
    index("notifications_unread", "notifications", ["portal", "user_id", "deal_id"], where="read_at IS NULL")
    index("notifications_by_time", "notifications", ["portal", "at", "id"])
