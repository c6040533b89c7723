"""CONTRACT VALUES: what companies that changed mean for the contracts on partners' records: bound, healed, ended, reported.

A value once bound stays bound. One that names no company yet is healed when its company arrives, by one statement per value, not per
partner.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.associations.association import Binding, Nameable, bind
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.names import folded, spelled
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.core.ruling import Remark
from sync_worker.steps.core.findings import contract_field
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.store.associations import associations, history
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure

Moved: TypeAlias = tuple[Company | None, Company]
Pair: TypeAlias = tuple[str, str]
T = TypeVar("T", bound=Hashable)
REPORT_COUNT = 500  # contract values a commit, when a first load ends
UNBOUND_CODES = ("contract_value_unresolved", "contract_value_ambiguous", "contract_not_a_second_partner")


class Derived(NamedTuple):
    """What the contract values of companies that changed have led to.

    **Shapes** `pairs`: (partner, second partner) of associations that began or ended with these companies' own values. `healed`: ids of
    companies that were named by values before they were known. `remarks`: of each company whose values were looked at, what is wrong.
    """

    pairs: set[Pair]
    healed: set[str]
    remarks: list[Remark]


def derive(tx: Tx, tenant: Tenant, run_id: str, moved: Sequence[Moved]) -> Derived:
    """Binds the values of the companies that changed, and those of others that name them."""
    pairs, remarks = _bind_theirs(tx, tenant, run_id, [after for before, after in moved if _has_news(before, after)])
    healed = _heal(tx, tenant, run_id, moved)
    _report_renames(tx, tenant, run_id, moved)
    return Derived(pairs, healed, remarks)


def _has_news(before: Company | None, after: Company) -> bool:
    if before is None:
        return bool(after.second_partner_values)
    return before.second_partner_values != after.second_partner_values


def _bind_theirs(tx: Tx, tenant: Tenant, run_id: str, partners: Sequence[Company]) -> tuple[set[Pair], list[Remark]]:
    """The values on these partners' records, as they are now: a removed value removes, the others are bound or reported.

    Those of partners of whom nothing is held, as in a first load, go value by value, and the others partner by partner; both ways end in
    the same rows. Returns the (partner, second partner) pairs that began or ended, and what is wrong with each partner's values.
    """
    if not partners:
        return set(), []
    held = associations.bindings(tx, [company.id for company in partners])
    values = {value for company in partners for value in company.second_partner_values}
    candidates = _Candidates(tx, tenant, values, held)
    known = [company for company in partners if company.id in held]
    pairs, remarks = _bind_new(tx, run_id, [company for company in partners if company.id not in held], candidates)
    if known:
        pairs_, remarks_ = _bind_known(tx, run_id, known, candidates, held)
        return pairs | pairs_, [*remarks, *remarks_]
    return pairs, remarks


def _bind_new(tx: Tx, run_id: str, partners: Sequence[Company], candidates: _Candidates) -> tuple[set[Pair], list[Remark]]:
    """Partners of whom nothing is held: each value stands for the same company on all of their records, so it is bound once."""
    values = {value for company in partners for value in company.second_partner_values}
    found = {value: candidates.bind([value], {}) for value in values}
    bindings = {value: bindings[0] for value, (bindings, _) in found.items()}
    wrong = {value: problems for value, (_, problems) in found.items() if problems}
    rows = [(company.id, value) for company in partners for value in company.second_partner_values]
    associations.add(tx, rows, bindings, run_id)
    ends = {value: binding.company_id for value, binding in bindings.items()}
    pairs = {(company_id, second_id) for company_id, value in rows if (second_id := ends[value])}
    return pairs, [Remark(company.crm_id or company.id, company.name, _of(company, wrong)) for company in partners]


def _of(company: Company, wrong: Mapping[str, tuple[Problem, ...]]) -> tuple[Problem, ...]:
    """What is wrong with the company's values."""
    return tuple([problem for value in company.second_partner_values for problem in wrong.get(value, ())])


def _bind_known(
    tx: Tx, run_id: str, partners: Sequence[Company], candidates: _Candidates, held: Mapping[str, Mapping[str, ContractRow]]
) -> tuple[set[Pair], list[Remark]]:
    """Partners of whom values are held: a pair keeps its beginning, and what a person has bound stays bound."""
    saved: list[ContractRow] = []
    gone: list[tuple[str, str]] = []
    remarks: list[Remark] = []
    for company in partners:
        rows = held.get(company.id, {})
        bindings, problems = candidates.bind(company.second_partner_values, rows)
        saved += [row for row in (_row(tx, company, binding, rows, run_id) for binding in bindings) if row]
        gone += [(company.id, value) for value in rows if value not in company.second_partner_values]
        remarks.append(Remark(company.crm_id or company.id, company.name, problems))
    history.end(tx, _ended(held, saved, gone))
    associations.save(tx, saved)
    associations.remove(tx, gone)
    ended = {(company_id, held[company_id][value].binding.company_id) for company_id, value in gone}
    begun = {(row.company_id, row.binding.company_id) for row in saved}
    return {(partner_id, second_id) for partner_id, second_id in ended | begun if second_id}, remarks


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
        explicit = {value: canonical(crm_id) for value, crm_id in tenant.portal.associations.contract_values.items()}
        ids = {value: canonical(value) for value in wanted} | {crm_id: crm_id for crm_id in explicit.values()}
        found = companies.by_crm_ids(tx, sorted(set(ids.values())))
        by_crm_id = {spelled: found[crm_id].company for spelled, crm_id in ids.items() if crm_id in found}
        named = companies.by_names(tx, wanted)
        self._by_person = associations.by_person(tx, wanted)
        written_so = by_crm_id.keys() | {value for value, found in named.exact.items() if not all(one.is_deleted for one in found)}
        explicit |= _looking_alike(wanted - written_so, explicit)
        self._nameable = Nameable(explicit, by_crm_id, named.exact, named.alike)
        ends = {value: binding.company_id for value, binding in self._by_person.items()}
        self._by_person |= {value: Binding(value, id_, "person") for value, id_ in _looking_alike(wanted - written_so, ends).items()}
        bound = {row.binding.company_id for rows in held.values() for row in rows.values() if row.binding.company_id}
        self._by_id = companies.by_ids(tx, bound) if bound else {}

    def bind(self, values: Sequence[str], rows: Mapping[str, ContractRow]) -> tuple[tuple[Binding, ...], tuple[Problem, ...]]:
        return bind(
            values,
            self._nameable,
            bound={value: row.binding for value, row in rows.items()} | self._by_person if rows else self._by_person,
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
    """Values that named no company, or several, may name one company now. Returns the ids of the companies they lead to."""
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
    """Every value that may stand for this company: its names, its CRM id in each of its lengths, what the portal file maps to it."""
    known = {after.name, before.name if before else ""} - {""}
    if after.crm_id is None:
        return known
    canonical = tenant.crm.canonical_id
    mapped = {value for value, crm_id in tenant.portal.associations.contract_values.items() if canonical(crm_id) == after.crm_id}
    spelled = {after.crm_id[:length] for length in range(1, len(after.crm_id) + 1)}
    return known | mapped | {crm_id for crm_id in spelled if canonical(crm_id) == after.crm_id}
