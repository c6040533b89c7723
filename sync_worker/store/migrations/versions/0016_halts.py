"""Portals that a person has paused: by whom, since when and why."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, UTC, key, required

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "halts", required("portal", TEXT), required("at", UTC), required("actor", TEXT), required("reason", TEXT), key("portal")
    )
