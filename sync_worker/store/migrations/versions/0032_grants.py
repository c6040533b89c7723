"""What a person's consent at a CRM has left, and consents that are under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import TEXT, column, key, required

revision = "0032"
down_revision = "0031"

UTC = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")  # microseconds on SQLite, since 0027


def upgrade() -> None:
    op.create_table(
        "grants",
        *(required(name, TEXT) for name in ("portal", "org", "sealed", "actor")),
        required("edition", sa.Integer()),
        required("at", UTC),
        column("replaced_at", UTC),
        column("turn", TEXT),
        column("turn_until_at", UTC),
        key("portal"),
    )
    op.create_table(
        "consents",
        *(required(name, TEXT) for name in ("portal", "id", "hash", "session_id", "redirect_uri", "sealed")),
        required("until_at", UTC),
        key("portal", "id"),
    )
