"""A record type that rests keeps why. Until now only the brake let one rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import TEXT, column

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("cursors", column("paused_code", TEXT))
    op.add_column("cursors", column("paused_because", TEXT))
    cursors = sa.table("cursors", sa.column("paused_until_at"), sa.column("paused_code"), sa.column("paused_because"))
    held = {"paused_code": "held_for_review", "paused_because": "a change is held for review"}
    op.execute(cursors.update().where(cursors.c.paused_until_at.is_not(None)).values(**held))
