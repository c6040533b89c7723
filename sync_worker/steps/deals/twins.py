"""TWINS: two partners registered the same prospect. A warning for the person who registers, a problem for the vendor; nothing is merged.

The problem closes itself once no other open deal has the prospect: it ended, was rejected, or turned out to be for somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from sync_worker.domain.core.deal import CLOSED, Deal, Lifecycle, VendorApproval
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.deals.prospect import contact_key, prospect_key
from sync_worker.steps.core.deal_problem import deal_problem
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.deals import deals

NOT_COUNTED = CLOSED | {Lifecycle.DRAFT}
CODE: Final = "same_prospect"
STAGE: Final[Literal["register"]] = "register"


def warn_of_twins(tx: Tx, tenant: Tenant, deal: Deal, run_id: str) -> tuple[Problem, ...]:
    """What to tell the person who registers. It does not name the other; the vendor's problem row names both. A draft gives no warning."""
    if deal.lifecycle is Lifecycle.DRAFT:
        return ()
    others = _others(tx, deal)
    if not others:
        return ()
    failures.record(tx, [_problem(tx, tenant, deal, others, run_id)])
    return (Problem(CODE, "prospect_name", "another company has registered this prospect already; the vendor knows of both"),)


def part_twins(tx: Tx, changed: Iterable[tuple[Deal, Deal]]) -> None:
    """Closes the problems that these changes have answered. **Shapes** `changed`: (before, after), after they were saved."""
    freed = [before for before, after in changed if _frees(before, after)]
    if not freed or not failures.seen_count(tx, STAGE, CODE):
        return
    ids = {deal.id for deal in freed} | {twin.id for deal in freed for twin in deals.of_prospect(tx, deal.values, but=())}
    rows = [row for row in failures.open_rows(tx, DEAL, ids, STAGE) if row.code == CODE]
    known = deals.by_ids(tx, [row.record for row in rows])
    over = [row.id for row in rows if not (_has_say(known[row.record].deal) and _others(tx, known[row.record].deal))]
    failures.close(tx, over, "no other open deal is for this prospect")


def _others(tx: Tx, deal: Deal) -> list[Deal]:
    return [other for other in deals.of_prospect(tx, deal.values, but=NOT_COUNTED) if _has_say(other)]


def _has_say(deal: Deal) -> bool:
    return deal.lifecycle not in NOT_COUNTED and deal.vendor_approval is not VendorApproval.REJECTED


def _frees(before: Deal, after: Deal) -> bool:
    """Whether somebody else's claim on the prospect may have become the only one."""
    return _has_say(before) and (not _has_say(after) or _claim(before) != _claim(after))


def _claim(deal: Deal) -> tuple[str | None, ...]:
    return deal.owner_company, prospect_key(deal.values), contact_key(deal.values)


def _problem(tx: Tx, tenant: Tenant, deal: Deal, others: list[Deal], run_id: str) -> Failure:
    owners = {company for one in (deal, *others) if (company := one.owner_company)}
    names = {company.id: company.name for company in companies.by_ids(tx, owners).values()}
    said = "; ".join(f"{names.get(other.owner_company or '', 'an unknown company')}, deal {other.id}" for other in others)
    mine = names.get(deal.owner_company or "", "an unknown company")
    problem = Problem(CODE, "prospect_name", f"{mine} registered a prospect that others have: {said}")
    return deal_problem(tenant, deal, problem, run_id, stage=STAGE)
