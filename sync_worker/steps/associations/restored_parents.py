"""RESTORED PARENTS: after a lost database, a company that was made in the portal gets its parent back, by its one contract value.

Every company that was made in the portal began as a subgroup, and what the database still knows of its parents counts first. By rules the
CRM does not hold the parent; of several values it is not known which one names the parent. Then a problem says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, Literal

from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.sync.ingest.own_key import is_made_in_portal
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.distributors import subgroups

CRM: Final = "CRM"  # who says so
STAGE: Final[Literal["register"]] = "register"  # no read of the record closes it


def restore_parents(tx: Tx, tenant: Tenant, run_id: str, *, made: Collection[str], bound_to: Collection[str]) -> None:
    """Puts the companies of these ids under their parents again, and those whose contract values have found these second partners now."""
    if not tenant.portal.two_tier:
        return
    waiting = associations.carriers(tx, bound_to)
    ids = {company_id for company_id in {*made, *waiting} if is_made_in_portal(company_id)}
    orphans = ids - subgroups.known(tx, ids) if ids else ids
    if not orphans:
        return
    known, contracts = companies.by_ids(tx, orphans), associations.bindings(tx, orphans)
    for company in sorted(known.values(), key=lambda company: company.id):
        for problem in _restored(tx, company, list(contracts.get(company.id, {}).values())):
            failures.record(tx, [_failure(tenant, company, problem, run_id)])


def newly_bound(moved: Iterable[tuple[Company | None, Company]]) -> set[str]:
    """Companies whose contract values were not read so before: while two tiers are off they are not read."""
    return {after.id for before, after in moved if before and before.second_partner_values != after.second_partner_values}


def _restored(tx: Tx, company: Company, contracts: list[ContractRow]) -> Iterator[Problem]:
    """The company under its parent, with what to say of it."""
    if len(contracts) != 1:
        named = ", ".join(sorted(row.binding.value for row in contracts)) or "none"
        yield Problem(
            "parent_lost", "", f"{company.name} was made in the portal; its contract values ({named}) do not say whose subgroup it is"
        )
        return
    parent_id = contracts[0].binding.company_id
    parent = companies.by_ids(tx, [parent_id]).get(parent_id) if parent_id else None
    if parent is None or parent.account_type is not AccountType.SECOND_PARTNER:
        return  # the contract value has a problem of its own until it names one
    open_rows = failures.open_rows(tx, COMPANY, [_place(company)], STAGE)
    failures.close(tx, [row.id for row in open_rows if row.code == "parent_lost"], "its parent was found")
    subgroups.begin(tx, Subgroup(company.id, parent.id, "created", tx.now, CRM), side="crm")
    words = f"{company.name} is a subgroup of {parent.name} again, as its contract value says; its terms and agreements did not come back"
    yield Problem("parent_taken_back", "", words, parent.id)


def _failure(tenant: Tenant, company: Company, problem: Problem, run_id: str) -> Failure:
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=COMPANY,
        record=_place(company),
        stage=STAGE,
        code=problem.code,
        message=problem.message,
        run_id=run_id,
        field=problem.field,
        name=company.name,
    )


def _place(company: Company) -> str:
    return company.crm_id or company.id
