"""Why a price was set."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, required

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.add_column("prices", required("reason", TEXT, default=""))
