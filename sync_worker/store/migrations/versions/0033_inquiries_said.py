"""What a person wrote with an inquiry: rules to try, or why a repair."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import TEXT, required

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("inquiries", required("said", TEXT, default=""))
