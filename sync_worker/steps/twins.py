"""TWINS: two partners registered the same prospect. A warning for whoever registers, a problem for the vendor; nothing is merged."""

from __future__ import annotations

from sync_worker.domain.deal import CLOSED, Deal, Lifecycle
from sync_worker.domain.problem import Problem
from sync_worker.steps.tenant import DEAL, Tenant
from sync_worker.store import companies, deals, failures
from sync_worker.store.engine import Tx
from sync_worker.store.failures import Failure

NOT_COUNTED = CLOSED | {Lifecycle.DRAFT}


def warn_of_twins(tx: Tx, tenant: Tenant, deal: Deal, run_id: str) -> tuple[Problem, ...]:
    """What to tell whoever registers, who is not to know who the other is; the vendor's problem row names both. A draft warns nobody."""
    if deal.lifecycle is Lifecycle.DRAFT:
        return ()
    others = deals.of_prospect(tx, deal.values, but=NOT_COUNTED)
    if not others:
        return ()
    failures.record(tx, [_problem(tx, tenant, deal, others, run_id)])
    return (Problem("same_prospect", "prospect_name", "another company has registered this prospect already; the vendor knows of both"),)


def _problem(tx: Tx, tenant: Tenant, deal: Deal, others: list[Deal], run_id: str) -> Failure:
    owners = {company for one in (deal, *others) if (company := one.owner_company)}
    names = {company.id: company.name for company in companies.by_ids(tx, owners).values()}
    said = "; ".join(f"{names.get(other.owner_company or '', 'an unknown company')}, deal {other.id}" for other in others)
    mine = names.get(deal.owner_company or "", "an unknown company")
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=DEAL,
        record=deal.id,
        stage="register",
        code="same_prospect",
        message=f"{mine} registered a prospect that others have: {said}",
        run_id=run_id,
        field="prospect_name",
        name=str(deal.values.get("name") or deal.id),
    )
