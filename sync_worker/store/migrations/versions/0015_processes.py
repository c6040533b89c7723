"""The processes, as each one says every few seconds that it is there."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import INTEGER, TEXT, UTC, key, required

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "processes",
        required("portal", TEXT),
        required("id", TEXT),
        required("kind", TEXT),
        required("host", TEXT),
        required("pid", INTEGER),
        required("version", TEXT),
        required("configuration", TEXT),
        required("started_at", UTC),
        required("seen_at", UTC),
        key("portal", "id"),
    )
