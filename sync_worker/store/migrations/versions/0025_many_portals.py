"""Indexes for many portals: the oldest notices, what is owed in its order, the vendor's company, account owners in any case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_worker.store.migrations.kinds import index

revision = "0025"
down_revision = "0024"

_HAS_OWNER = sa.text("account_owner_email IS NOT NULL")


def upgrade() -> None:
    index("notices_oldest", "notices", ["portal", "object", "first_seen_at", "crm_id"])
    op.drop_index("outbox_due", "outbox")
    index("outbox_due", "outbox", ["portal", "state", "due_at", "object", "record_id"])
    index("companies_of_vendor", "companies", ["portal", "id"], where="account_type = 'vendor'")
    op.drop_index("companies_by_account_owner", "companies")
    op.create_index(
        "companies_by_account_owner",
        "companies",
        ["portal", sa.text("lower(account_owner_email)")],
        sqlite_where=_HAS_OWNER,
        postgresql_where=_HAS_OWNER,
    )
