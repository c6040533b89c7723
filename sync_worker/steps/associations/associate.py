"""ASSOCIATE: what companies that changed mean for associations, by contracts or by rules; and whom a company may work with.

Contracts are in contract_values.py, rules in rule_members.py. Open deals of a pair that is, or is not, associated any more are marked to
be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sync_worker.domain.associations.association import (
    Association,
    Candidate,
    Contract,
    Exclusion,
    Explanation,
    Parenthood,
    associates,
    exclusion,
    explain,
    missing_contract,
)
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.deal import CLOSED
from sync_worker.domain.core.ruling import Remark
from sync_worker.steps.associations import contract_values, rule_members
from sync_worker.steps.associations.contract_values import Moved, Pair
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.associations import associations, evaluations, history, rule_names
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.associations.evaluations import Evaluation
from sync_worker.store.associations.rule_members import OtherSide
from sync_worker.store.core import companies, portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links
from sync_worker.store.distributors import subgroups


class Associated(NamedTuple):
    """What companies that changed have meant for associations.

    **Shapes** `healed`: ids of companies that were named by contract values before they were known. `remarks`: of each company whose
    contract values were looked at, what is wrong with them. `read_again`: open deals of such pairs, as (record type, CRM id).
    """

    healed: set[str]
    remarks: Sequence[Remark] = ()
    read_again: frozenset[tuple[str, str]] = frozenset()


def associate(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[Moved]) -> Associated:
    """What the companies that changed mean for associations: theirs, and those that name them; and for the open deals of such pairs."""
    if not tenant.portal.two_tier:
        _derive_later(tx, tenant, moved)
        return Associated(set())
    turned = {after.id: before for before, after in reversed(moved) if before and _changes_sides(before, after)}
    history.leave(tx, list(turned.values()))
    if tenant.portal.associations.mode == "rules":
        changed = rule_members.derive(tx, tenant, run_id, moved)
        return Associated(set(), read_again=_open_deals(tx, pairs=set(), company_ids=changed | turned.keys()))
    pairs, healed, remarks = contract_values.derive(tx, tenant, run_id, moved)
    return Associated(healed, remarks, _open_deals(tx, pairs=pairs, company_ids=healed | turned.keys()))


def _derive_later(tx: Tx, tenant: Tenant, moved: Sequence[Moved]) -> None:
    """What these companies mean is worked out when the portal has second partners again."""
    if moved and tenant.portal.associations.mode == "rules":
        evaluations.outdate(tx)
    elif moved:
        portals.derive_again(tx, "contracts")


def hand_over(tx: Tx, loser: Company, survivor: Company) -> None:
    """What was bound to a company that lost a merge is bound to the survivor; who is to be looked at as one that changed."""
    history.end(tx, [row for row in associations.involving(tx, loser.id) if row.binding.company_id == loser.id])
    associations.rebind(tx, loser.id, survivor.id)
    rule_names.rebind(tx, loser.id, survivor.id)


# ── who may work with whom ───────────────────────────────────────────────────────────────────────────────────────────


def whom(
    tx: Tx, company: Company, *, at: datetime | None = None, after: str = "", limit: int | None = None
) -> tuple[tuple[Association, ...], tuple[Exclusion, ...]]:
    """Whom this company may work with, each with its reasons; and beside them what was excluded or did not resolve, and why.

    **Shapes** `at`: as it was then. `limit`: so many of the other side, by id, after the id `after`; without it all of them.
    """
    one = _as_of(tx, {company.id: company}, at)[company.id]
    found = _candidates(tx, one, at, OtherSide(after, limit))
    others = {side for candidate in found for side in (candidate.partner_id, candidate.second_partner_id) if side} - {company.id}
    return associates(one, found, companies=_as_of(tx, companies.by_ids(tx, others), at))


def why(tx: Tx, one: Company, other: Company, *, at: datetime | None = None) -> Explanation:
    """Why the two are associated, or what is missing; or how that was then."""
    return why_each(tx, one, [other], at=at)[0]


def why_each(tx: Tx, one: Company, others: Sequence[Company], *, at: datetime | None = None) -> list[Explanation]:
    """As `why`, of one company with each of the others, in their order."""
    known = _as_of(tx, {company.id: company for company in (one, *others)}, at)
    one, others = known[one.id], [known[other.id] for other in others]
    evaluation = _evaluation(tx, at)
    if evaluation:
        shared, lacks = rule_members.shared_with(tx, one, others, evaluation, at), rule_members.missing_rule(tx, evaluation, at)
        parents = _parenthoods(tx, one, at)
        return [explain(one, other, candidates=[*shared[other.id], *parents], missing=lacks) for other in others]
    holders = others if one.account_type is AccountType.SECOND_PARTNER else [one]
    rows = {(row.company_id, row.binding.value): row for holder in holders for row in _contract_rows(tx, holder, at)}
    contracts = _contracts(rows.values())
    return [explain(one, other, candidates=contracts, missing=missing_contract(contracts)) for other in others]


def options(tx: Tx, owner: Company) -> list[Company]:
    """The second partners this partner may choose."""
    found, _ = whom(tx, owner)
    ids = [association.second_partner_id for association in found if association.partner_id == owner.id]
    return sorted(companies.by_ids(tx, ids).values(), key=lambda company: (company.name, company.id))


def associated(tx: Tx, pairs: Iterable[Pair]) -> tuple[Mapping[str, Company], set[Pair]]:
    """The companies of these (partner, second partner) pairs by our id, and those of the pairs that may work together."""
    wanted = set(pairs)
    if not wanted:
        return {}, set()
    known = companies.by_ids(tx, {company_id for pair in wanted for company_id in pair})
    joined = _joined(tx, wanted)
    allowed = {pair for pair in joined if all(side in known for side in pair) and exclusion(known[pair[0]], known[pair[1]]) is None}
    return known, allowed


def _joined(tx: Tx, wanted: set[Pair]) -> set[Pair]:
    """Those of the pairs that anything joins. Before the first evaluation stands this is not known: no deal is judged by it."""
    evaluation = _evaluation(tx, None)
    if evaluation:
        parents = {(one.company_id, one.parent_id) for one in subgroups.lasting(tx, [partner for partner, _ in wanted]).values()}
        return rule_members.joined(tx, wanted, evaluation) | (wanted & parents)
    if _is_by_rules(tx, None):
        return wanted
    return wanted & associations.bound(tx, {partner for partner, _ in wanted})


def _evaluation(tx: Tx, at: datetime | None) -> Evaluation | None:
    """The rules that count, or counted then; None where contracts do: also until the first evaluation stands."""
    return evaluations.standing(tx, at) if _is_by_rules(tx, at) else None


def _is_by_rules(tx: Tx, at: datetime | None) -> bool:
    """The portal's mode; before it was set there was the other one, if any."""
    row = portals.get(tx)
    return row is not None and (row.mode == "rules") == (at is None or at >= row.mode_set_at)


def _candidates(tx: Tx, company: Company, at: datetime | None, others: OtherSide) -> Sequence[Candidate]:
    """Whatever would associate this company with another; a further source of reasons is one more list here."""
    evaluation = _evaluation(tx, at)
    if evaluation:
        shared = rule_members.shared(tx, company, evaluation, at=at, others=others)
        return [*shared, *_on_page(company, _parenthoods(tx, company, at), shared, others)]
    contracts = _contracts(_contract_rows(tx, company, at))
    return contracts if others.is_whole else _page(company, contracts, others)


def _parenthoods(tx: Tx, company: Company, at: datetime | None) -> list[Parenthood]:
    """The subgroups and the parent that the company has, or had then."""
    found = subgroups.involving(tx, company.id, at or tx.now)
    return [Parenthood(one.company_id, one.parent_id, one.since_at, one.since_by) for one in found]


def _on_page(company: Company, parenthoods: Sequence[Parenthood], shared: Sequence[Candidate], others: OtherSide) -> list[Parenthood]:
    """Those that belong on this page of others, which the rules have cut: behind its beginning, and not behind its end."""
    if not parenthoods or others.is_whole:
        return list(parenthoods)
    ids = {_other(company, candidate) for candidate in shared}
    end = max(ids) if others.limit is not None and len(ids) >= others.limit else None
    return [one for one in parenthoods if _other(company, one) > others.after and (end is None or _other(company, one) <= end)]


def _other(company: Company, candidate: Candidate) -> str:
    return candidate.partner_id if candidate.partner_id != company.id else candidate.second_partner_id or ""


def _page(company: Company, contracts: Sequence[Contract], others: OtherSide) -> list[Contract]:
    """The contracts with so many other companies. Those that name no company are on the first page."""
    named = {contract: _other(company, contract) for contract in contracts}
    ids = sorted({other for other in named.values() if other > others.after})[: others.limit]
    wanted = {*ids, *([] if others.after else [""])}
    return [contract for contract in contracts if named[contract] in wanted]


def _contract_rows(tx: Tx, company: Company, at: datetime | None) -> list[ContractRow]:
    return associations.involving(tx, company.id) if at is None else history.contracts(tx, company.id, at)


def _as_of(tx: Tx, known: Mapping[str, Company], at: datetime | None) -> Mapping[str, Company]:
    return known if at is None else history.as_of(tx, known, at)


def _contracts(rows: Iterable[ContractRow]) -> list[Contract]:
    return [Contract(row.company_id, row.binding, row.since_at, row.run_id) for row in rows]


def _changes_sides(before: Company | None, after: Company) -> bool:
    """Whether the change alone could make or end an association: another status or type, deleted or back."""
    sides = (after.status, after.account_type, after.is_deleted)
    return before is not None and (before.status, before.account_type, before.is_deleted) != sides


def _open_deals(tx: Tx, *, pairs: set[Pair], company_ids: set[str]) -> frozenset[tuple[str, str]]:
    """Open deals between two companies that are, or are not, associated any more. They are only marked, even if they are many."""
    if not pairs and not company_ids:
        return frozenset()
    found = links.of_pairs(tx, company_ids | {partner_id for partner_id, _ in pairs}, but=CLOSED)
    return frozenset(
        (object_, crm_id)
        for object_, crm_id, owner_id, second_id in found
        if (owner_id, second_id) in pairs or owner_id in company_ids or second_id in company_ids
    )
