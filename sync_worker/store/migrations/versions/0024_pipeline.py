"""When a deal was registered first; indexes for lists in the order of change, and for sums over all deals.

Deals from before get the moment from their history: what was registered at birth is so since then, a draft since it was submitted.
"""

from __future__ import annotations

from alembic import op

from sync_worker.store.migrations.kinds import UTC, column

revision = "0024"
down_revision = "0023"

_SUMMED = ["amount", "second_partner", "stage", "outcome", "lifecycle", "expected_close_on", "registered_at"]
_REGISTERED_AT = """
UPDATE deals SET registered_at = CASE
  WHEN {ended} IS NOT NULL AND ({began} IS NULL OR {ended} < {began}) THEN created_at
  WHEN {began} IS NOT NULL THEN {began}
  WHEN is_registered THEN created_at
END
"""
_FIRST = """(SELECT min(at) FROM deal_changes c WHERE c.portal = deals.portal AND c.deal_id = deals.id
  AND c.field = 'is_registered' AND c.{side} = 'true')"""


def upgrade() -> None:
    op.add_column("deals", column("registered_at", UTC))
    op.execute(_REGISTERED_AT.format(began=_FIRST.format(side="new"), ended=_FIRST.format(side="old")))
    op.create_index("deals_by_change", "deals", ["portal", "updated_at", "id"])
    op.create_index("deals_summed", "deals", ["portal", "owner_company", "currency"], postgresql_include=_SUMMED)
