"""When the last webhook of each record type came."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, UTC, key, required

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table("webhooks", required("portal", TEXT), required("object", TEXT), required("last_at", UTC), key("portal", "object"))
