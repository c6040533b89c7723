"""Who may work a deal together: contracts read from the partner's CRM field, each association with its reason.

One core, `associates`, judges every contract of a company; the Associated Partners view, the deal form's options, the check at registration
and `explain` all stand on it. (Rules mode adds another source of candidates; `exclusion` is common ground.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from sync_worker.domain.company import AccountType, Company, PortalStatus
from sync_worker.domain.problem import Problem

How: TypeAlias = Literal["map", "crm_id", "name", "person", ""]

FIELD: Final = "second_partners"
_HOW_WORDS: Final[Mapping[str, str]] = {
    "map": "the portal file maps it",
    "crm_id": "it is the CRM id",
    "name": "it is the company's name",
    "person": "a person bound it",
    "": "unresolved",
}


class Binding(NamedTuple):  # made for every contract value of a first load
    """A contract value and the company it stands for. **Shapes** `company_id` is `None` and `how` empty when unresolved."""

    value: str
    company_id: str | None
    how: How


@dataclass(frozen=True, slots=True)
class Contract:
    """One value on one partner's record, as bound, and since when. **Units** `since`: aware UTC."""

    partner_id: str
    binding: Binding
    since: datetime


@dataclass(frozen=True, slots=True)
class Association:
    """These two may work a deal together, for this reason. **Units** `since`: aware UTC."""

    partner_id: str
    second_partner_id: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A value that makes no association, and why. **Shapes** `company_id`: the other company, `None` when the value is unresolved."""

    company_id: str | None
    value: str
    why: str
    code: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two companies are associated, or what is missing. **Shapes** `since` is `None` unless they are."""

    is_associated: bool
    words: str
    code: str = ""
    since: datetime | None = None


# ── from a value to a company ────────────────────────────────────────────────────────────────────────────────────────


def bind(
    values: Sequence[str],
    *,
    bound: Mapping[str, Binding],
    explicit: Mapping[str, str],
    candidates_by_crm_id: Mapping[str, Company],
    candidates_by_name: Mapping[str, Sequence[Company]],
    companies_by_id: Mapping[str, Company] | None = None,
) -> tuple[tuple[Binding, ...], tuple[Problem, ...]]:
    """Bind each contract value to one second partner: by explicit map, CRM id, exact name, in that order. One bad value spoils no other.

    **Shapes** One binding per distinct value, in order. `explicit`: value → CRM id. Candidates are every company found, of whatever
    type. `candidates_by_crm_id` is keyed by the ids in `explicit` and by the values *as written*: one that spells an id otherwise is
    looked up by the caller, who knows how ids are spelled. `companies_by_id` holds the companies of `bound`, so that a rename is seen;
    without it the candidates of that name are asked.
    """
    bindings: list[Binding] = []
    problems: list[Problem] = []
    for value in dict.fromkeys(values):
        prior = bound.get(value)
        kept = prior if prior is not None and prior.company_id is not None else None
        is_settled = kept is not None and (kept.how == "person" or value not in explicit)
        result = kept if kept is not None and is_settled else _resolve(value, explicit, candidates_by_crm_id, candidates_by_name)
        if isinstance(result, Problem):
            problems.append(result)
            result = kept or Binding(value, None, "")
        if result is kept and kept is not None:
            problems.extend(_drift(kept, candidates_by_name.get(value, ()), companies_by_id or {}))
        bindings.append(result)
    return tuple(bindings), tuple(problems)


def _resolve(
    value: str,
    explicit: Mapping[str, str],
    by_crm_id: Mapping[str, Company],
    by_name: Mapping[str, Sequence[Company]],
) -> Binding | Problem:
    """The company a value stands for, or what is wrong with it. An explicit map that leads nowhere is not second-guessed."""
    if value in explicit:
        how: How = "map"
        mapped = by_crm_id.get(explicit[value])
        found = [mapped] if mapped else []
    elif value in by_crm_id:
        how, found = "crm_id", [by_crm_id[value]]
    else:
        how, found = "name", list(by_name.get(value, ()))
    found = [company for company in found if not company.is_deleted]
    fitting = [company for company in found if company.account_type is AccountType.SECOND_PARTNER]
    if len(fitting) == 1:
        return Binding(value, fitting[0].id, how)
    return _unresolved(value, fitting or found, is_ambiguous=bool(fitting), mapped_to=explicit.get(value))


def _unresolved(value: str, found: Sequence[Company], *, is_ambiguous: bool, mapped_to: str | None) -> Problem:
    names = ", ".join(f"{company.name} ({company.crm_id or company.id}, {company.account_type})" for company in found)
    if is_ambiguous:
        return Problem("contract_value_ambiguous", FIELD, f"{value!r} names {len(found)} second partners: {names}", value)
    if found:
        return Problem("contract_not_a_second_partner", FIELD, f"{value!r} is no second partner: {names}", value)
    where = f"is mapped to {mapped_to}, which" if mapped_to else "names a company that"
    return Problem("contract_value_unresolved", FIELD, f"{value!r} {where} this portal does not know", value)


def _drift(binding: Binding, namesakes: Sequence[Company], companies_by_id: Mapping[str, Company]) -> Iterable[Problem]:
    """A company bound by its name that is called otherwise now: reported, never removed."""
    if binding.how != "name" or any(company.id == binding.company_id for company in namesakes):
        return
    target = companies_by_id.get(binding.company_id or "")
    if target is not None and target.name == binding.value:
        return
    now = f"is called {target.name!r} now" if target else "has another name now"
    message = f"the company bound to {binding.value!r} {now}; the value stays bound"
    yield Problem("contract_value_renamed", FIELD, message, binding.value)


# ── from companies to associations ───────────────────────────────────────────────────────────────────────────────────


def exclusion(partner: Company, second_partner: Company) -> str | None:
    """Why this pair may not work together, in words; `None` when it may."""
    found = _exclusion(partner, second_partner)
    return found[1] if found else None


def _exclusion(partner: Company, second_partner: Company) -> tuple[str, str] | None:
    """(code, words), or `None`. Only partner × second partner, both active."""
    if partner.id == second_partner.id:
        return "self", f"{partner.name} cannot work with itself"
    for company in (partner, second_partner):
        if company.account_type is AccountType.VENDOR:
            return "vendor", f"{company.name} is the vendor, who takes no part in associations"
    if partner.account_type is second_partner.account_type:
        return "same_type", f"{partner.name} and {second_partner.name} are both of type {partner.account_type}"
    if partner.account_type is not AccountType.PARTNER:
        return "wrong_sides", f"the contract stands on the record of {partner.name}, which is the second partner"
    for company in (partner, second_partner):
        if company.is_deleted or company.status is PortalStatus.INACTIVE:
            return "company_inactive", f"{company.name} is {'deleted in the CRM' if company.is_deleted else 'inactive'}"
        if company.status is PortalStatus.PENDING:
            return "company_pending", f"{company.name} is pending: no new deals before it is active"
    return None


def associates(
    company: Company, contracts: Iterable[Contract], *, companies: Mapping[str, Company]
) -> tuple[tuple[Association, ...], tuple[Exclusion, ...]]:
    """Whom this company may work with, and beside them what was excluded or did not resolve, and why. For companies of both kinds.

    **Shapes** `contracts` may hold more than this company's; `companies` by our id holds the other sides. Each pair comes once, with its
    earliest contract, in the order of the contracts.
    """
    associations: dict[str, Association] = {}
    exclusions: list[Exclusion] = []
    for contract in contracts:
        if company.id not in (contract.partner_id, contract.binding.company_id):
            continue
        judged = _judge(company, contract, companies)
        if isinstance(judged, Exclusion):
            exclusions.append(judged)
            continue
        other_id = _other(company, contract)
        earlier = associations.get(other_id or "")
        if earlier is None or judged.since < earlier.since:
            associations[other_id or ""] = judged
    return tuple(associations.values()), tuple(exclusions)


def explain(a: Company, b: Company, *, contracts: Iterable[Contract]) -> Explanation:
    """Say why `a` and `b` are associated, or what is missing. The order of the two does not matter."""
    contracts = tuple(contracts)
    found, excluded = associates(a, contracts, companies={a.id: a, b.id: b})
    for association in found:
        if b.id in (association.partner_id, association.second_partner_id):
            return Explanation(True, association.reason, since=association.since)
    for item in excluded:
        if item.company_id == b.id:
            return Explanation(False, f'{item.why}; the contract value "{item.value}" alone does not join them', item.code)
    partner, second = (b, a) if a.account_type is AccountType.SECOND_PARTNER else (a, b)
    barred = _exclusion(partner, second)
    if barred:
        return Explanation(False, barred[1], barred[0])
    return _missing(partner, second, contracts)


def _missing(partner: Company, second: Company, contracts: Iterable[Contract]) -> Explanation:
    """Nothing bars the pair but that no contract value names it."""
    held = [contract.binding for contract in contracts if contract.partner_id == partner.id]
    listed = ", ".join(f'"{binding.value}" ({_HOW_WORDS[binding.how]})' for binding in held) or "nothing"
    words = f"no contract: {FIELD} of {partner.name} ({partner.crm_id}) holds {listed}, and none of it is {second.name}"
    return Explanation(False, words, "contract_value_unresolved" if any(not b.company_id for b in held) else "")


def _judge(company: Company, contract: Contract, companies: Mapping[str, Company]) -> Association | Exclusion:
    binding = contract.binding
    other_id = _other(company, contract)
    if other_id is None:
        why = f'"{binding.value}" names no single second partner of this portal'
        return Exclusion(None, binding.value, why, "contract_value_unresolved")
    other = company if other_id == company.id else companies.get(other_id)
    if other is None:
        return Exclusion(other_id, binding.value, "the other company is not in this portal", "company_unknown")
    partner, second = (company, other) if contract.partner_id == company.id else (other, company)
    barred = _exclusion(partner, second)
    if barred:
        return Exclusion(other_id, binding.value, barred[1], barred[0])
    reason = f'{FIELD} of {partner.name} ({partner.crm_id}) holds "{binding.value}": {_HOW_WORDS[binding.how]} ({second.name})'
    return Association(partner.id, second.id, reason, contract.since)


def _other(company: Company, contract: Contract) -> str | None:
    return contract.binding.company_id if contract.partner_id == company.id else contract.partner_id
