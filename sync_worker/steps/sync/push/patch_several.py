"""PATCH SEVERAL: portal ids are written in several calls at once, as many as the CRM takes (`side_by_side.py`).

    claims    of different companies
    repeats   companies that were tried before (a locked record, a lost answer) stand in one claim in flight at most

Once the turn is over, the process is to stop, writes of the outbox are due, nothing was written, or a call failed, nothing new is claimed.
With one call at a time, and as long as the CRM has not taken the token yet, it is as `patch_back`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.push.patch_back import PatchClaim, claimed, is_progress, patch_back, patching
from sync_worker.steps.sync.push.record_rest import resting
from sync_worker.steps.sync.push.side_by_side import ClaimQueue, are_several_taken, side_by_side
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import outbox


def patch_several(tenant: Tenant, run_id: str) -> Iterator[Counts]:
    """Writes the portal ids that are due. Yields what became of each claim of which something was written."""
    if not are_several_taken(tenant):
        if counts := patch_back(tenant, run_id):
            yield counts
        return
    queue = ClaimQueue(
        claimed=partial(_next_claim, tenant),
        work=lambda crm, claim: patching(tenant, crm, claim, run_id),
        is_last=lambda _claim: False,
        is_over=partial(_comes_first, tenant),
        goes_on=is_progress,
    )
    yield from filter(is_progress, side_by_side(tenant, queue))


def _next_claim(tenant: Tenant, in_flight: Sequence[PatchClaim]) -> PatchClaim | None:
    return claimed(tenant, most_tries=0 if any(claim.repeats for claim in in_flight) else None)


def _comes_first(tenant: Tenant) -> bool:
    """Whether others have waited long enough, the process is to stop, writes of the outbox are due, or companies rest."""
    if tenant.turn.is_over or tenant.services.is_stopping():
        return True
    with tenant.store.reading(tenant.name) as tx:
        return outbox.has_due(tx) or COMPANY in resting(tx)
