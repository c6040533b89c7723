"""What people ask of the CRM and a worker answers: check, plan, compare."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import BOOLEAN, DOCUMENT, INTEGER, TEXT, column, index, key, required

revision = "0030"
down_revision = "0029"

UTC = sa.DateTime(timezone=True).with_variant(sa.Integer(), "sqlite")  # microseconds on SQLite, since 0027


def upgrade() -> None:
    op.create_table(
        "inquiries",
        *(required(name, TEXT) for name in ("portal", "id", "kind", "actor")),
        required("is_full", BOOLEAN),
        required("asked_at", UTC),
        column("begun_at", UTC),
        column("finished_at", UTC),
        required("words", TEXT, default=""),
        required("done_count", INTEGER, default="0"),
        column("total_count", INTEGER),
        required("tries", INTEGER, default="0"),
        column("result", DOCUMENT),
        required("error", TEXT, default=""),
        column("claim_token", TEXT),
        column("claim_until_at", UTC),
        key("portal", "id"),
    )
    index("inquiries_open", "inquiries", ["portal", "kind"], unique=True, where="finished_at IS NULL")
    index("inquiries_by_time", "inquiries", ["portal", "asked_at", "id"])
