"""PARENTS: whose subgroup a company is, and which deals name that distributor therefore."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Policy
from sync_worker.domain.distributors.parenthood import is_binding
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.distributors import subgroups, waivers
from sync_worker.store.distributors.waivers import Waiver


def parents_of(tx: Tx, known: Collection[Company]) -> dict[str, Company]:
    """The parent that each of these companies has now, by company."""
    return parents_by_id(tx, [company.id for company in known])


def parents_by_id(tx: Tx, company_ids: Collection[str]) -> dict[str, Company]:
    """The same where only the ids are at hand."""
    lasting = subgroups.lasting(tx, company_ids)
    parents = companies.by_ids(tx, {subgroup.parent_id for subgroup in lasting.values()}) if lasting else {}
    return {company_id: parents[subgroup.parent_id] for company_id, subgroup in lasting.items()}


def binding_parents(tx: Tx, company_ids: Collection[str], policy: Policy) -> dict[str, Company]:
    """By company: the parents that the deals of these companies name."""
    if not policy.is_two_tier:
        return {}
    return {company_id: parent for company_id, parent in parents_by_id(tx, company_ids).items() if is_binding(parent, policy)}


def binding_parent(tx: Tx, owner: Company | None, policy: Policy, *, deal_id: str = "") -> Company | None:
    """The distributor that a deal of this company names.

    **Shapes** `deal_id`: of a deal that exists, which the vendor may have let go without.
    """
    parent = binding_parents(tx, [owner.id], policy).get(owner.id) if owner else None
    if owner is None or parent is None or not deal_id:
        return parent
    return None if is_waived(waivers.of_deals(tx, [deal_id]).get(deal_id), owner.id, parent) else parent


def is_waived(waiver: Waiver | None, owner_id: str, parent: Company) -> bool:
    """Whether the vendor let this deal go without this distributor, while this company owns it."""
    return waiver is not None and (waiver.company_id, waiver.parent_id) == (owner_id, parent.id)


def waive(tx: Tx, after: Deal, parent: Company, actor: Actor, reason: str) -> None:
    """The vendor lets this deal go without the distributor of its owner company."""
    waivers.keep(tx, Waiver(after.id, after.owner_company or "", parent.id, tx.now, actor.name, reason.strip()))


def end_waivers(tx: Tx, changed: Iterable[tuple[Deal, Deal]]) -> None:
    """Deals that name their distributor again keep it from now on. **Shapes** `changed`: (before, after)."""
    again: Mapping[str, str] = {
        after.id: after.second_partner
        for before, after in changed
        if after.second_partner and (before.second_partner, before.owner_company) != (after.second_partner, after.owner_company)
    }
    if again:
        found = waivers.of_deals(tx, again)
        waivers.end(tx, [deal_id for deal_id, waiver in found.items() if waiver.parent_id == again[deal_id]])
