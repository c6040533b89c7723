"""ASSOCIATE: what companies that changed mean for associations, by contracts or by rules; and whom a company may work with.

A contract value once bound stays bound. What names nobody yet is healed when its company arrives, by one statement per value, not per
partner. Rules are in rule_members.py. Open deals of a pair that is, or is not, associated any more are marked to be read again.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from sync_worker.domain.association import FIELD as CONTRACTS
from sync_worker.domain.association import (
    Association,
    Binding,
    Candidate,
    Contract,
    Exclusion,
    Explanation,
    Parenthood,
    associates,
    bind,
    exclusion,
    explain,
    missing_contract,
)
from sync_worker.domain.company import AccountType, Company
from sync_worker.domain.deal import CLOSED
from sync_worker.domain.names import folded, spelled
from sync_worker.domain.problem import Problem
from sync_worker.steps import rule_members
from sync_worker.steps.chunk import Effects
from sync_worker.steps.findings import Findings, contract_field
from sync_worker.steps.tenant import COMPANY, Tenant
from sync_worker.store import associations, companies, evaluations, failures, links, pasts, portals, rule_names, subgroups
from sync_worker.store.associations import ContractRow
from sync_worker.store.engine import Tx
from sync_worker.store.evaluations import Evaluation
from sync_worker.store.failures import Failure

Moved: TypeAlias = tuple[Company | None, Company]
Pair: TypeAlias = tuple[str, str]
T = TypeVar("T", bound=Hashable)
REPORT_COUNT = 500  # contract values a commit, when a first load ends
UNBOUND_CODES = ("contract_value_unresolved", "contract_value_ambiguous", "contract_not_a_second_partner")


def associate(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[Moved], findings: Findings, effects: Effects) -> set[str]:
    """What the companies that changed mean for associations: theirs, and those that name them; and for the open deals of such pairs.

    Returns the ids of companies that were named by contract values before they were known.
    """
    if not tenant.portal.two_tier:
        _derive_later(tx, tenant, moved)
        return set()
    turned = {after.id: before for before, after in reversed(moved) if before and _changes_sides(before, after)}
    pasts.leave(tx, list(turned.values()))
    if tenant.portal.associations.mode == "rules":
        changed = rule_members.derive(tx, tenant, run_id, moved)
        _read_deals_again(tx, effects, pairs=set(), company_ids=changed | turned.keys())
        return set()
    pairs = _bind_theirs(tx, tenant, run_id, [after for before, after in moved if _has_news(before, after)], findings)
    healed = _heal(tx, tenant, run_id, moved)
    _report_renames(tx, tenant, run_id, moved)
    _read_deals_again(tx, effects, pairs=pairs, company_ids=healed | turned.keys())
    return healed


def _derive_later(tx: Tx, tenant: Tenant, moved: Sequence[Moved]) -> None:
    """What these companies mean is worked out when the portal has second partners again."""
    if moved and tenant.portal.associations.mode == "rules":
        evaluations.outdate(tx)
    elif moved:
        portals.derive_again(tx, "contracts")


def hand_over(tx: Tx, loser: Company, survivor: Company) -> None:
    """What was bound to a company that lost a merge is bound to the survivor; who is to be looked at as one that changed."""
    pasts.end(tx, [row for row in associations.involving(tx, loser.id) if row.binding.company_id == loser.id])
    associations.rebind(tx, loser.id, survivor.id)
    rule_names.rebind(tx, loser.id, survivor.id)


# ── who may work with whom ───────────────────────────────────────────────────────────────────────────────────────────


def whom(
    tx: Tx, company: Company, *, at: datetime | None = None, after: str = "", limit: int | None = None
) -> tuple[tuple[Association, ...], tuple[Exclusion, ...]]:
    """Whom this company may work with, each with its reasons; and beside them what was excluded or did not resolve, and why.

    **Shapes** `at`: as it was then. `limit`: so many of the other side, by id, after the id `after`; all of them unless told.
    """
    one = _as_of(tx, {company.id: company}, at)[company.id]
    found = _candidates(tx, one, at, after=after, limit=limit)
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
    """Those of the pairs that anything joins. Before the first evaluation stands nobody knows, and no deal is judged by it."""
    evaluation = _evaluation(tx, None)
    if evaluation:
        parents = {(one.company_id, one.parent_id) for one in subgroups.lasting(tx, [partner for partner, _ in wanted]).values()}
        return rule_members.joined(tx, wanted, evaluation) | (wanted & parents)
    if _is_by_rules(tx, None):
        return wanted
    rows = associations.bindings(tx, {partner for partner, _ in wanted})
    return wanted & {(partner, str(row.binding.company_id)) for partner, held in rows.items() for row in held.values()}


def _evaluation(tx: Tx, at: datetime | None) -> Evaluation | None:
    """The rules that count, or counted then; None where contracts do: also until the first evaluation stands."""
    return evaluations.standing(tx, at) if _is_by_rules(tx, at) else None


def _is_by_rules(tx: Tx, at: datetime | None) -> bool:
    """The portal's mode; before it was set there was the other one, if any."""
    row = portals.get(tx)
    return row is not None and (row.mode == "rules") == (at is None or at >= row.mode_set_at)


def _candidates(tx: Tx, company: Company, at: datetime | None, *, after: str, limit: int | None) -> Sequence[Candidate]:
    """Whatever would associate this company with another; a further source of reasons is one more list here."""
    evaluation = _evaluation(tx, at)
    if evaluation:
        shared = rule_members.shared(tx, company, evaluation, at=at, after=after, limit=limit)
        return [*shared, *_on_page(company, _parenthoods(tx, company, at), shared, after, limit)]
    contracts = _contracts(_contract_rows(tx, company, at))
    return _page(company, contracts, after, limit) if after or limit is not None else contracts


def _parenthoods(tx: Tx, company: Company, at: datetime | None) -> list[Parenthood]:
    """The subgroups and the parent that the company has, or had then."""
    found = subgroups.involving(tx, company.id, at or tx.now)
    return [Parenthood(one.company_id, one.parent_id, one.since_at, one.since_by) for one in found]


def _on_page(
    company: Company, parenthoods: Sequence[Parenthood], shared: Sequence[Candidate], after: str, limit: int | None
) -> list[Parenthood]:
    """Those that belong on this page of others, which the rules have cut: behind its beginning, and not behind its end."""
    ids = {_other(company, candidate) for candidate in shared}
    end = max(ids) if limit is not None and len(ids) >= limit else None
    return [one for one in parenthoods if _other(company, one) > after and (end is None or _other(company, one) <= end)]


def _other(company: Company, candidate: Candidate) -> str:
    return candidate.partner_id if candidate.partner_id != company.id else candidate.second_partner_id or ""


def _page(company: Company, contracts: Sequence[Contract], after: str, limit: int | None) -> list[Contract]:
    """Those of so many others; what names nobody is on the first page."""
    others = {contract: _other(company, contract) for contract in contracts}
    ids = sorted({other for other in others.values() if other > after})[:limit]
    wanted = {*ids, *([] if after else [""])}
    return [contract for contract in contracts if others[contract] in wanted]


def _contract_rows(tx: Tx, company: Company, at: datetime | None) -> list[ContractRow]:
    return associations.involving(tx, company.id) if at is None else pasts.contracts(tx, company.id, at)


def _as_of(tx: Tx, known: Mapping[str, Company], at: datetime | None) -> Mapping[str, Company]:
    return known if at is None else pasts.as_of(tx, known, at)


def _contracts(rows: Iterable[ContractRow]) -> list[Contract]:
    return [Contract(row.company_id, row.binding, row.since_at, row.run_id) for row in rows]


# ── contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _has_news(before: Company | None, after: Company) -> bool:
    if before is None:
        return bool(after.second_partner_values)
    return before.second_partner_values != after.second_partner_values


def _bind_theirs(tx: Tx, tenant: Tenant, run_id: str, partners: Sequence[Company], findings: Findings) -> set[Pair]:
    """The values on these partners' records, as they are now: a removed value removes, the others are bound or reported.

    Returns the (partner, second partner) pairs that began or ended.
    """
    if not partners:
        return set()
    held = associations.bindings(tx, [company.id for company in partners])
    values = {value for company in partners for value in company.second_partner_values}
    candidates = _Candidates(tx, tenant, values, held)
    saved: list[ContractRow] = []
    gone: list[tuple[str, str]] = []
    for company in partners:
        rows = held.get(company.id, {})
        bindings, problems = candidates.bind(company.second_partner_values, rows)
        saved += [row for row in (_row(tx, company, binding, rows, run_id) for binding in bindings) if row]
        gone += [(company.id, value) for value in rows if value not in company.second_partner_values]
        crm_id = company.crm_id or company.id
        findings.judged(crm_id, with_contracts=True)
        for problem in problems:
            findings.contract_problem(crm_id, problem, name=company.name)
    pasts.end(tx, _ended(held, saved, gone))
    associations.save(tx, saved)
    associations.remove(tx, gone)
    ended = {(company_id, held[company_id][value].binding.company_id) for company_id, value in gone}
    begun = {(row.company_id, row.binding.company_id) for row in saved}
    return {(partner_id, second_id) for partner_id, second_id in ended | begun if second_id}


def _ended(held: Mapping[str, Mapping[str, ContractRow]], saved: Sequence[ContractRow], gone: Sequence[Pair]) -> Iterable[ContractRow]:
    """The rows as they were whose pair ends: of values that are gone, and of those that name another company now."""
    spelled_anew = {(row.company_id, row.binding.company_id) for row in saved}
    for company_id, value in gone:
        if (company_id, held[company_id][value].binding.company_id) not in spelled_anew:
            yield held[company_id][value]
    for row in saved:
        before = held.get(row.company_id, {}).get(row.binding.value)
        if before and before.binding.company_id != row.binding.company_id:
            yield before


class _Candidates:
    """Every company the values may stand for, fetched in three looks for all of them."""

    def __init__(self, tx: Tx, tenant: Tenant, values: Iterable[str], held: Mapping[str, Mapping[str, ContractRow]]) -> None:
        wanted = set(values)
        canonical = tenant.crm.canonical_id
        self._explicit = {value: canonical(crm_id) for value, crm_id in tenant.portal.associations.contract_values.items()}
        ids = {value: canonical(value) for value in wanted} | {crm_id: crm_id for crm_id in self._explicit.values()}
        found = companies.by_crm_ids(tx, sorted(set(ids.values())))
        self._by_crm_id = {spelled: found[crm_id].company for spelled, crm_id in ids.items() if crm_id in found}
        self._by_name = companies.by_names(tx, wanted)
        self._alike = companies.by_folded_names(tx, wanted)
        self._by_person = associations.by_person(tx, wanted)
        written_so = self._by_crm_id.keys() | {value for value, found in self._by_name.items() if not all(one.is_deleted for one in found)}
        self._explicit |= _looking_alike(wanted - written_so, self._explicit)
        ends = {value: binding.company_id for value, binding in self._by_person.items()}
        self._by_person |= {value: Binding(value, id_, "person") for value, id_ in _looking_alike(wanted - written_so, ends).items()}
        bound = {row.binding.company_id for rows in held.values() for row in rows.values() if row.binding.company_id}
        self._by_id = companies.by_ids(tx, bound) if bound else {}

    def bind(self, values: Sequence[str], rows: Mapping[str, ContractRow]) -> tuple[tuple[Binding, ...], tuple[Problem, ...]]:
        return bind(
            values,
            bound={value: row.binding for value, row in rows.items()} | self._by_person,
            explicit=self._explicit,
            candidates_by_crm_id=self._by_crm_id,
            candidates_by_name=self._by_name,
            candidates_alike=self._alike,
            companies_by_id=self._by_id,
        )


def _looking_alike(values: Iterable[str], known: Mapping[str, T]) -> dict[str, T]:
    """For values that are not known as they are written: what is known of those that look the same, where that is one thing."""
    ends: dict[str, set[T]] = {}
    for spelling, end in known.items():
        ends.setdefault(folded(spelling), set()).add(end)
    found = {value: ends.get(folded(value), set()) for value in values if value not in known}
    return {value: next(iter(same)) for value, same in found.items() if len(same) == 1}


def _row(tx: Tx, company: Company, binding: Binding, rows: Mapping[str, ContractRow], run_id: str) -> ContractRow | None:
    """The row to write, None where it is so already. A pair keeps its beginning while its second partner stays, however spelled."""
    before = rows.get(binding.value)
    if before and before.binding == binding:
        return None
    spelled = {binding.value, *(rows.keys() - set(company.second_partner_values))}
    same = [rows[value].since_at for value in spelled & rows.keys() if rows[value].binding.company_id == binding.company_id]
    return ContractRow(company.id, binding, min(same, default=tx.now), run_id)


def _heal(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[Moved]) -> set[str]:
    """Values that named nobody, or several, may name one company now. Returns the ids of the companies they lead to."""
    names = {name for before, after in moved if _matters(before, after) for name in _names(tenant, before, after)}
    waiting = associations.unbound_values(tx, names) if names else []
    if not waiting:
        return set()
    bindings, _ = _Candidates(tx, tenant, waiting, {}).bind(waiting, {})
    found = [binding for binding in bindings if binding.company_id]
    associations.bind_everywhere(tx, found, run_id)
    failures.close_fields(tx, COMPANY, [contract_field(binding.value) for binding in found], UNBOUND_CODES, "its company is known now")
    return {binding.company_id for binding in found if binding.company_id}


def report_unbound(tenant: Tenant, run_id: str) -> None:
    """Reports the values no page so far has a second partner for; a first load ends with it, before its last page, which may heal some."""
    after = ("", "")
    while True:
        with tenant.store.transaction(tenant.name) as tx:
            rows = associations.unbound(tx, after=after, limit=REPORT_COUNT)
            candidates = _Candidates(tx, tenant, {row.binding.value for row in rows}, {})
            partners = companies.by_ids(tx, {row.company_id for row in rows})
            found = [(partners[row.company_id], candidates.bind([row.binding.value], {})[1]) for row in rows if row.company_id in partners]
            failures.record(tx, [_failure(tenant, partner, problem, run_id) for partner, problems in found for problem in problems])
        if len(rows) < REPORT_COUNT:
            return
        after = (rows[-1].binding.value, rows[-1].company_id)


def _report_renames(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[Moved]) -> None:
    """A second partner is called otherwise: values bound to it by its old name stay bound, and their records say so."""
    for before, after in moved:
        if before is None or before.name == after.name or after.account_type is not AccountType.SECOND_PARTNER:
            continue
        bound = associations.bound_by_name(tx, after.id)
        rows = [row for row in bound if folded(row.binding.value) != folded(after.name)]
        agreeing = {after.name, *(row.binding.value for row in bound if row not in rows)}
        fields = [contract_field(value) for value in sorted(agreeing)]
        failures.close_fields(tx, COMPANY, fields, ("contract_value_renamed",), "the names agree again")
        partners = companies.by_ids(tx, [row.company_id for row in rows])
        failures.record(tx, [_drift(tenant, partners[row.company_id], row, after, run_id) for row in rows if row.company_id in partners])


def _drift(tenant: Tenant, partner: Company, row: ContractRow, second: Company, run_id: str) -> Failure:
    value = row.binding.value
    message = f"the company bound to {spelled(value)} is called {spelled(second.name)} now; the value stays bound"
    return _failure(tenant, partner, Problem("contract_value_renamed", CONTRACTS, message, value), run_id)


def _failure(tenant: Tenant, partner: Company, problem: Problem, run_id: str) -> Failure:
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=COMPANY,
        record=partner.crm_id or partner.id,
        stage="ingest",
        code=problem.code,
        message=problem.message,
        run_id=run_id,
        field=contract_field(str(problem.value)),
        name=partner.name,
    )


def _matters(before: Company | None, after: Company) -> bool:
    """Whether the change could bind a value: a second partner that is new, renamed, of new type, deleted or back."""
    if before is None:
        return after.account_type is AccountType.SECOND_PARTNER
    is_second = AccountType.SECOND_PARTNER in (before.account_type, after.account_type)
    return is_second and (before.name, before.account_type, before.is_deleted) != (after.name, after.account_type, after.is_deleted)


def _names(tenant: Tenant, before: Company | None, after: Company) -> set[str]:
    """Every value that may stand for this company: its names, its CRM id however long, what the portal file maps to it."""
    known = {after.name, before.name if before else ""} - {""}
    if after.crm_id is None:
        return known
    canonical = tenant.crm.canonical_id
    mapped = {value for value, crm_id in tenant.portal.associations.contract_values.items() if canonical(crm_id) == after.crm_id}
    spelled = {after.crm_id[:length] for length in range(1, len(after.crm_id) + 1)}
    return known | mapped | {crm_id for crm_id in spelled if canonical(crm_id) == after.crm_id}


def _changes_sides(before: Company | None, after: Company) -> bool:
    """Whether the change alone could make or end an association: another status or type, deleted or back."""
    sides = (after.status, after.account_type, after.is_deleted)
    return before is not None and (before.status, before.account_type, before.is_deleted) != sides


def _read_deals_again(tx: Tx, effects: Effects, *, pairs: set[Pair], company_ids: set[str]) -> None:
    """Open deals between two companies that are, or are not, associated any more; however many they are, they are only marked."""
    if not pairs and not company_ids:
        return
    for object_, crm_id, owner_id, second_id in links.of_pairs(tx, company_ids | {partner_id for partner_id, _ in pairs}, but=CLOSED):
        if (owner_id, second_id) in pairs or owner_id in company_ids or second_id in company_ids:
            effects.read_again(object_, [crm_id])
