"""What belongs to a pair of companies, when one of them lost a merge: the survivor has it, unless it has its own of the same pair."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Table, select, update

from sync_worker.store.core.engine import Tx


def move_company(tx: Tx, table: Table, old_company_id: str, company_id: str) -> list[Row[Any]]:
    """The rows that moved, as they are now. **Shapes** `table` has `company_id` and `upper_id`. What stays behind is history."""
    rows: list[Row[Any]] = []
    for side, other in ((table.c.company_id, table.c.upper_id), (table.c.upper_id, table.c.company_id)):
        mine = table.c.portal == tx.portal
        has_its_own = select(other).where(mine, side == company_id)
        moved = update(table).where(mine, side == old_company_id, other != company_id, other.not_in(has_its_own))
        rows += tx.connection.execute(moved.values({side: company_id}).returning(*table.c))
    return rows
