"""Sends whose outcome was never learned."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import DOCUMENT, TEXT, UTC, index, key, required

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "unlearned_sends",
        required("portal", TEXT),
        required("object", TEXT),
        required("record_id", TEXT),
        required("sent_at", UTC),
        required("until_at", UTC),
        required("look_at", UTC),
        required("sent", DOCUMENT),
        key("portal", "object", "record_id", "sent_at"),
    )
    index("unlearned_sends_due", "unlearned_sends", ["portal", "look_at"])
