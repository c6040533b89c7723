"""COMPLETE: the worker's own steps after a signature, each a commit of its own: the licences, then the end of the deal.

If a process is killed in one of them, or between two, the next process finds the same step again. Nothing is done twice.
"""

from __future__ import annotations

from typing import Final

from sync_worker.domain.core.deal import Actor, Lifecycle, Refusal
from sync_worker.domain.deals.completion import Step, next_step
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.deals.sale import facts_of, owed_of
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import deals, licences, quotes

COMPLETE: Final = FollowUp(Work.COMPLETE)
WORKER: Final = Actor("the worker", None, "worker")
BATCH_COUNT: Final = 100  # deals of one look
_ENDED: Final = (Lifecycle.COMPLETED, Lifecycle.WON)


def complete(tenant: Tenant) -> Done:
    """Every deal whose quote is signed, as far as it goes. **Raises** StoreDown, and as `Tenant.run`."""
    after, is_owing = "", False
    while found := _signed(tenant, after):
        for deal_id in found:
            is_owing |= _finish(tenant, deal_id)
        after = found[-1]
        if tenant.turn.is_over or tenant.services.is_stopping():
            return Done("", Counts(), frozenset({COMPLETE, FollowUp(Work.PUSH)}))
    return Done("", Counts(), frozenset({FollowUp(Work.PUSH)} if is_owing else ()))


def _signed(tenant: Tenant, after: str) -> list[str]:
    with tenant.store.reading(tenant.name) as tx:
        return quotes.uncompleted(tx, after=after, limit=BATCH_COUNT)


def _finish(tenant: Tenant, deal_id: str) -> bool:
    """Step by step; whether the CRM is owed something now."""
    while step := _step(tenant, deal_id):
        if step is not Step.COMPLETE:
            continue
        moved = move(tenant, deal_id, Verb.COMPLETE, MoveRequest(WORKER))
        if isinstance(moved, Refusal):
            tenant.log.warning("a signed deal cannot be completed", deal=deal_id, code=moved.code, why=moved.why)
            return False
        _step(tenant, deal_id)
        return True
    return False


def _step(tenant: Tenant, deal_id: str) -> Step | None:
    """One commit: the licences, or that nothing is left; completing is a move of its own. What was next; None: nothing of ours."""
    with tenant.store.transaction(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return None
        owed = owed_of(tx, stored.deal)
        step = next_step(stored.deal, facts_of(tx, stored.deal), frozenset(licence.id for licence in owed))
        if step is Step.LICENSE:
            licences.issue(tx, owed)
        if step is None and stored.deal.lifecycle in _ENDED:
            quotes.mark_completed(tx, deal_id)
        return step if step in (Step.LICENSE, Step.COMPLETE) else None
