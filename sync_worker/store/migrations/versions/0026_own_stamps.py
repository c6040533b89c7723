"""The stamp in the answer to our own last write of a record: nothing is known of the writes that were made before."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import UTC, column

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("companies", column("own_stamp_at", UTC))
    op.add_column("deal_links", column("own_stamp_at", UTC))
