"""EXPIRE: once a day of the portal's own calendar, registrations past their last day end, and those that were put off go on.

Those without a last day get the one that the portal's period gives.
"""

from __future__ import annotations

from sync_worker.domain.deals.lifecycle import CALENDAR, by_calendar
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.move import store_move
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals

BATCH_COUNT = 500  # deals a commit


def expire(tenant: Tenant) -> Done:
    """Moves every deal whose day has come. What it changes is pushed like any other change. **Raises** StoreDown."""
    total = Counts()
    with tenant.run("expire", DEAL) as run_id:
        while counts := _batch(tenant, run_id):
            total.add(counts)
    tenant.log.info("expired", run=run_id, applied=total.applied)
    return Done(run_id, total, frozenset({FollowUp(Work.PUSH)}) if total.applied else frozenset())


def _batch(tenant: Tenant, run_id: str) -> Counts | None:
    with tenant.store.transaction(tenant.name) as tx:
        today, policy = tenant.today(tx), tenant.policy(tenant.mapping.records[tenant.portal.deals.record])
        due = deals.turning(tx, today, tenant.period, limit=BATCH_COUNT)
        moves = [(stored, move) for stored in due if (move := by_calendar(stored.deal, today, policy))]
        if not moves:
            return None
        for stored, move in moves:
            store_move(tx, tenant, stored, move, CALENDAR, run_id)
        counts = Counts(read=len(moves), applied=len(moves))
        runs.count(tx, run_id, counts)
        return counts
