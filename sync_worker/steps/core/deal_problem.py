"""A problem of a deal, as a row for the operator. It belongs to the deal itself, not to the CRM record that the deal lives in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.problem import Problem
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.store.core.failures import Failure


def deal_problem(
    tenant: Tenant,
    deal: Deal,
    problem: Problem,
    run_id: str,
    *,
    stage: Literal["ingest", "register"],
    payload: Mapping[str, str] | None = None,
) -> Failure:
    """A problem of the deal itself, whichever record it lives in."""
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=DEAL,
        record=deal.id,
        stage=stage,
        code=problem.code,
        message=problem.message,
        run_id=run_id,
        field=problem.field,
        name=str(deal.values.get("name") or deal.id),
        payload=payload,
    )
