"""Failures that wait for a parent are found in an index of their own, which holds no others: PostgreSQL took it for other questions too."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import index

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.drop_index("failures_waiting", "failures")
    index("failures_waiting", "failures", ["portal", "waits_for"], where="resolved_at IS NULL AND waits_for IS NOT NULL")
