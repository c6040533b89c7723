"""Links that open the console, and sessions in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import TEXT, column, key, required

revision = "0029"
down_revision = "0028"

UTC = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")  # microseconds on SQLite, since 0027


def upgrade() -> None:
    op.create_table(
        "console_links",
        *(required(name, TEXT) for name in ("portal", "id", "hash", "role", "name", "made_by")),
        *(required(name, UTC) for name in ("made_at", "until_at")),
        column("used_at", UTC),
        key("portal", "id"),
    )
    op.create_table(
        "console_sessions",
        *(required(name, TEXT) for name in ("portal", "id", "hash", "role", "name")),
        *(required(name, UTC) for name in ("begun_at", "until_at", "seen_at")),
        column("ended_at", UTC),
        key("portal", "id"),
    )
