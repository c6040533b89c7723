"""Associations: memberships of rules, and how they came to be; what the mass-change brake has counted."""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import INTEGER, TEXT, UTC, key, required

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _brake()


def _brake() -> None:
    op.create_table(
        "removals",
        required("portal", TEXT),
        required("run_id", TEXT),
        required("kind", TEXT),
        required("count", INTEGER),
        required("at", UTC),
        key("portal", "run_id", "kind"),
    )
