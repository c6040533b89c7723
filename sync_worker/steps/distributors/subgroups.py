"""SUBGROUPS: a distributor makes, promotes, renames and lets go its subgroups, and its members add members.

The portal's rows, the associations that follow and what the CRM is owed are one commit; PUSH tells the CRM. By contracts the parent is
one of the subgroup's contract values, by rules parenthood is a reason of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.user import User
from sync_worker.domain.distributors.subgroup import (
    Subgroup,
    add_member_refusal,
    create_refusal,
    disassociate_refusal,
    left_behind,
    membership_refusal,
    promotable,
    promote_refusal,
    remove_member_refusal,
    rename_refusal,
    unfit_name,
)
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.mapping.fields import FieldMap
from sync_worker.steps.associations.associate import associate
from sync_worker.steps.core.chunk import read_again
from sync_worker.steps.core.crm_links import owe_company
from sync_worker.steps.core.deal_problem import deal_problem
from sync_worker.steps.core.findings import Findings, OpenFindings
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.distributors.parents import parents_of
from sync_worker.steps.people.regroup import regroup
from sync_worker.steps.people.wording import misfit_of
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals
from sync_worker.store.distributors import subgroups, terms
from sync_worker.store.people import people
from sync_worker.store.sync import company_links, outbox


@dataclass(frozen=True, slots=True)
class Child:
    """A subgroup with what its parent agreed with it. **Shapes** `terms` is None where none were ever set."""

    subgroup: Subgroup
    company: Company
    terms: Terms | None


class SubgroupChange(NamedTuple):
    """A subgroup after a change. **Shapes** `flagged`: deals that were pending when it left; `follow_ups`: work that is due now."""

    child: Child
    follow_ups: frozenset[FollowUp]
    flagged: tuple[str, ...] = ()


Finish: TypeAlias = Callable[[Tx, SubgroupChange], None]


def children(tenant: Tenant, parent: Company, actor: Actor) -> list[Child] | Refusal:
    """The parent's subgroups, by name; only for its members."""
    refused = membership_refusal(parent, actor)
    if refused:
        return refused
    with tenant.store.reading(tenant.name) as tx:
        found = subgroups.under(tx, parent.id)
        known = companies.by_ids(tx, [one.company_id for one in found])
        agreed = terms.current(tx, [Pair(one.company_id, parent.id) for one in found])
    held = [Child(one, known[one.company_id], agreed.get(Pair(one.company_id, parent.id))) for one in found]
    return sorted(held, key=lambda child: (child.company.name.casefold(), child.company.id))


def candidates(tenant: Tenant, parent: Company, actor: Actor) -> tuple[Company, ...]:
    """The companies that this actor may promote under the parent now."""
    with tenant.store.reading(tenant.name) as tx:
        mine = companies.by_ids(tx, actor.user.companies if actor.user else ())
        return promotable(mine.values(), parent=parent, actor=actor, parents=parents_of(tx, mine.values()))


def create(
    tenant: Tenant, parent: Company, name: str, agreed: Terms, *, actor: Actor, finish: Finish | None = None
) -> SubgroupChange | Refusal:
    """A new company under this parent, with its terms; the CRM gets a record of it by PUSH."""
    name = name.strip()
    if refused := _misfit(tenant, name):
        return refused
    with tenant.run("subgroup", COMPANY) as run_id, tenant.store.transaction(tenant.name) as tx:
        refused = create_refusal(name, parent=parent, actor=actor, namesakes=companies.namesakes(tx, name))
        if refused:
            return refused
        company = Company(tenant.services.new_id(), None, name, PortalStatus.ACTIVE, AccountType.PARTNER)
        subgroup = Subgroup(company.id, parent.id, "created", tx.now, actor.name)
        company_links.begin(tx, {company.id: {}})
        follow_ups = _store(tx, tenant, None, _under(tx, tenant, company, parent), actor, run_id)
        return _begun(tx, subgroup, agreed, follow_ups, finish)


def promote(
    tenant: Tenant, parent: Company, company: Company, agreed: Terms, *, actor: Actor, finish: Finish | None = None
) -> SubgroupChange | Refusal:
    """A company that is there already, under this parent."""
    with tenant.run("subgroup", COMPANY) as run_id, tenant.store.transaction(tenant.name) as tx:
        company = companies.by_ids(tx, [company.id])[company.id]
        its_parent = parents_of(tx, [company]).get(company.id)
        refused = promote_refusal(company, parent=parent, actor=actor, its_parent=its_parent)
        if refused:
            return refused
        subgroup = Subgroup(company.id, parent.id, "promoted", tx.now, actor.name)
        follow_ups = _store(tx, tenant, company, _under(tx, tenant, company, parent), actor, run_id)
        return _begun(tx, subgroup, agreed, follow_ups, finish)


def rename(
    tenant: Tenant, parent: Company, company: Company, name: str, *, actor: Actor, finish: Finish | None = None
) -> SubgroupChange | Refusal:
    """The subgroup under another name. The CRM hears of it by PUSH, and until then no read brings the old name back."""
    name = name.strip()
    if refused := _misfit(tenant, name):
        return refused
    with tenant.run("subgroup", COMPANY) as run_id, tenant.store.transaction(tenant.name) as tx:
        company = companies.by_ids(tx, [company.id])[company.id]
        its_parent = parents_of(tx, [company]).get(company.id)
        others = [one for one in companies.namesakes(tx, name) if one.id != company.id]
        refused = (
            rename_refusal(company, parent=parent, actor=actor, its_parent=its_parent)
            or unfit_name(name, parent, others, otherwise="choose another name")
            or _untold_name(tenant, company)
        )
        if refused:
            return refused
        after, follow_ups = replace(company, name=name), frozenset[FollowUp]()
        if after != company:
            _agree_on_name(tx, company)
            follow_ups = _store(tx, tenant, company, after, actor, run_id)
        (subgroup,) = subgroups.lasting(tx, [company.id]).values()
        pair = Pair(company.id, parent.id)
        changed = SubgroupChange(Child(subgroup, after, terms.current(tx, [pair]).get(pair)), follow_ups)
        if finish:
            finish(tx, changed)
        return changed


def disassociate(
    tenant: Tenant, parent: Company, company: Company, *, actor: Actor, finish: Finish | None = None
) -> SubgroupChange | Refusal:
    """The company is not a subgroup any more: its deals keep their history, and those that were pending are flagged."""
    with tenant.run("subgroup", COMPANY) as run_id, tenant.store.transaction(tenant.name) as tx:
        company = companies.by_ids(tx, [company.id])[company.id]
        refused = disassociate_refusal(company, parent=parent, actor=actor, its_parent=parents_of(tx, [company]).get(company.id))
        if refused:
            return refused
        (ended,) = subgroups.lasting(tx, [company.id]).values()
        subgroups.end(tx, company.id, actor.name)
        theirs = _values_for(tx, company, parent)
        after = replace(company, second_partner_values=tuple(value for value in company.second_partner_values if value not in theirs))
        follow_ups = _store(tx, tenant, company, after, actor, run_id)
        flagged = _flag(tx, tenant, after, parent, run_id)
        changed = SubgroupChange(Child(replace(ended, until_at=tx.now, until_by=actor.name), after, None), follow_ups, flagged)
        if finish:
            finish(tx, changed)
        return changed


# ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def members(tenant: Tenant, parent: Company, company: Company, actor: Actor) -> list[User] | Refusal:
    """The members of a subgroup, for its own and its parent's."""
    refused = None if actor.is_of(company.id) else membership_refusal(parent, actor)
    if refused:
        return refused
    with tenant.store.reading(tenant.name) as tx:
        return people.of_companies(tx, [company.id])


def add_member(
    tenant: Tenant, parent: Company, company: Company, user_id: str, *, actor: Actor, finish: Callable[[Tx, User], None] | None = None
) -> User | Refusal:
    """From now on the user belongs to the subgroup as well."""
    with tenant.store.transaction(tenant.name) as tx:
        member_ids = {user.id for user in people.of_companies(tx, [company.id]) if user.is_active}
        refused = add_member_refusal(company, parent=parent, actor=actor, member_ids=member_ids)
        user = people.get(tx, user_id)
        if refused:
            return refused
        if user is None:
            return Refusal(
                "user_unknown",
                f"the portal has not sent a user {user_id} to sync-worker",
                "the portal, which sends the user first: PUT /users/{id}",
            )
        return _belongs(tx, user, user.further_companies | ({company.id} - {user.primary_company or ""}), finish)


def remove_member(
    tenant: Tenant, parent: Company, company: Company, user_id: str, *, actor: Actor, finish: Callable[[Tx, User], None] | None = None
) -> User | Refusal:
    """From now on the user does not belong to the subgroup; one whose primary company it is stays."""
    with tenant.store.transaction(tenant.name) as tx:
        known = {user.id: user for user in people.of_companies(tx, [company.id])}
        refused = remove_member_refusal(company, parent=parent, actor=actor, user=known.get(user_id))
        if refused:
            return refused
        user = known[user_id]
        return _belongs(tx, user, user.further_companies - {company.id}, finish)


def _belongs(tx: Tx, user: User, further: frozenset[str], finish: Callable[[Tx, User], None] | None) -> User:
    after = replace(user, further_companies=further)
    if after != user:
        people.save(tx, [after])
    if finish:
        finish(tx, after)
    return after


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _begun(tx: Tx, subgroup: Subgroup, agreed: Terms, follow_ups: frozenset[FollowUp], finish: Finish | None) -> SubgroupChange:
    subgroups.begin(tx, subgroup)
    terms.begin(tx, Pair(subgroup.company_id, subgroup.parent_id), agreed, subgroup.since_by)
    company = companies.by_ids(tx, [subgroup.company_id])[subgroup.company_id]
    changed = SubgroupChange(Child(subgroup, company, agreed), follow_ups)
    if finish:
        finish(tx, changed)
    return changed


def _name_field(tenant: Tenant) -> FieldMap:
    """How the CRM holds a company's name, as described last."""
    return tenant.described.last().mapping.records[COMPANY].in_portal.fields["name"]


def _misfit(tenant: Tenant, name: str) -> Refusal | None:
    """Why the name has no place in the CRM's field."""
    return misfit_of("name", name, longest=_name_field(tenant).longest)


def _untold_name(tenant: Tenant, company: Company) -> Refusal | None:
    """Why the CRM would never hear of the new name of a company that stands there."""
    field = _name_field(tenant)
    if company.crm_id is None or (field.direction != "pull" and field.write in ("always", "update")):
        return None
    who = "somebody in the CRM; or the mapping says `direction: both` and `write: always` for the name of companies"
    return Refusal(
        "only_in_crm", f"the name of {company.name} can only be changed in the CRM: the portal does not write it", who, field="name"
    )


def _agree_on_name(tx: Tx, company: Company) -> None:
    """Both sides have the name that the company has now, so that the next one is known as ours. One without a record has none yet."""
    agreed = company_links.agreed(tx, [company.id]).get(company.id)
    if company.crm_id and agreed is not None and "name" not in agreed:
        company_links.keep(tx, {company.id: {**agreed, "name": Base(company.name, company.name)}})


def _under(tx: Tx, tenant: Tenant, company: Company, parent: Company) -> Company:
    """The company with its parent among its contract values; by rules it needs none."""
    if tenant.portal.associations.mode == "rules" or _values_for(tx, company, parent):
        return company
    return replace(company, second_partner_values=(*company.second_partner_values, _spelled(tx, tenant, parent)))


def _values_for(tx: Tx, company: Company, parent: Company) -> set[str]:
    """The company's contract values that stand for this parent."""
    held = associations.bindings(tx, [company.id]).get(company.id, {})
    return {value for value, row in held.items() if row.binding.company_id == parent.id}


def _spelled(tx: Tx, tenant: Tenant, parent: Company) -> str:
    """How a contract names the parent: as the portal file maps it, else by its name, else as contracts know it still.

    What contracts use already goes first: that the CRM's list surely holds.
    """
    canonical = tenant.crm.canonical_id
    mapped = [value for value, crm_id in tenant.portal.associations.contract_values.items() if canonical(crm_id) == parent.crm_id]
    known = {row.binding.value for row in associations.involving(tx, parent.id) if row.binding.company_id == parent.id}
    names = [*mapped, parent.name, *sorted(known)]
    return next((name for name in names if name in known), names[0])


def _store(tx: Tx, tenant: Tenant, before: Company | None, after: Company, actor: Actor, run_id: str) -> frozenset[FollowUp]:
    """The company, the associations that follow, and what the CRM is owed. **Shapes** `before` is None for a new one."""
    if before:
        owe_company(tx, before, run_id)
    stored = companies.stored(tx, after.id) or StoredCompany(after, None)
    companies.save(tx, [replace(stored, company=after, digest=None)], side="portal", actor=actor.name)
    outbox.owe(tx, COMPANY, [after.id], run_id)
    findings = Findings(tenant, COMPANY, run_id, OpenFindings(tx, COMPANY, []))
    regroup(tx, [(before, after)])
    associated = associate(tx, tenant, run_id, [(before, after)])
    findings.take_contracts(associated.remarks)
    findings.settle(tx)
    return frozenset({FollowUp(Work.PUSH), *read_again(tx, associated.read_again)})


def _flag(tx: Tx, tenant: Tenant, company: Company, parent: Company, run_id: str) -> tuple[str, ...]:
    """What is said of the deals that were pending when the company left."""
    named = {stored.deal.id: stored.deal for stored in deals.naming(tx, company.id)}
    found = left_behind(company, parent, named.values())
    failures.record(tx, [deal_problem(tenant, named[deal_id], problem, run_id, stage="register") for deal_id, problem in found.items()])
    return tuple(sorted(found))
