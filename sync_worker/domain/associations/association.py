"""Which companies may work on a deal together, with every reason; and contracts, which are read from the partner's CRM field.

One function, `associates`, judges all candidates. Contracts are here and rules are in rule.py; a further source would be one more class
with a `reason`. The Associated Partners view, the options of the deal form, the check at registration and `explain` all use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property, partial
from operator import attrgetter
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.names import folded, spelled
from sync_worker.domain.core.problem import Problem

How: TypeAlias = Literal["map", "crm_id", "name", "alike", "person", ""]

FIELD: Final = "second_partners"
BY_NAME: Final = ("name", "alike")  # how a value was bound that a rename of its company concerns
_HOW_WORDS: Final[Mapping[str, str]] = {
    "map": "the portal file maps it",
    "crm_id": "it is the CRM id",
    "name": "it is the company's name",
    "alike": "it looks the same as the company's name, and is written otherwise",
    "person": "a person bound it",
    "": "unresolved",
}


class Binding(NamedTuple):  # made for every contract value of a first load
    """A contract value and the company it stands for. **Shapes** `company_id` is `None` and `how` empty when unresolved."""

    value: str
    company_id: str | None
    how: How


Told: TypeAlias = tuple[str, Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]]
"""(words, the partner's fields that count with what they hold, the second partner's)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why two companies are associated. It is put in words only for a reader.

    **Shapes** `name`: the contract value, the rule, or the parent. **Units** `since`: aware UTC; `run_id`: the run that made it so.
    """

    source: Literal["contract", "rule", "parent"]
    name: str
    since: datetime
    run_id: str
    tell: Callable[[], Told] = field(compare=False, repr=False)

    @property
    def words(self) -> str:
        return self.tell()[0]

    @property
    def partner_values(self) -> Mapping[str, Sequence[str]]:
        return self.tell()[1]

    @property
    def second_partner_values(self) -> Mapping[str, Sequence[str]]:
        return self.tell()[2]


class Candidate(Protocol):
    """What would associate two companies, if nothing bars them. **Shapes** `second_partner_id` is `None` where it names no company."""

    @property
    def name(self) -> str: ...
    @property
    def partner_id(self) -> str: ...
    @property
    def second_partner_id(self) -> str | None: ...
    def reason(self, partner: Company, second: Company) -> Reason:
        """In words, with what each side holds."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One value on one partner's record, as bound, since when, and by which run. **Units** `since`: aware UTC."""

    partner_id: str
    binding: Binding
    since: datetime
    run_id: str = ""

    @property
    def name(self) -> str:
        """What stands for it in a list."""
        return self.binding.value

    @property
    def second_partner_id(self) -> str | None:
        return self.binding.company_id

    def reason(self, partner: Company, second: Company) -> Reason:
        """The value, the record it stands on, and how it came to mean that company."""
        return Reason("contract", self.name, self.since, self.run_id, partial(self._told, partner, second))

    def _told(self, partner: Company, second: Company) -> Told:
        value = self.binding.value
        called = second.name
        if self.binding.how == "alike":
            value, called = spelled(value), spelled(second.name)
        quoted = value if self.binding.how == "alike" else f'"{value}"'
        words = f"{FIELD} of {partner.cited} holds {quoted}: {self._how(second)} ({called})"
        return words, {FIELD: (value,)}, {}

    def _how(self, second: Company) -> str:
        """Why the value means that company; one that was renamed since still has what was bound to its old name."""
        by_name = self.binding.how in ("name", "alike")
        if by_name and folded(second.name) != folded(self.binding.value):
            return f"bound since {self.since:%Y-%m-%d}, when the company was called so; it has another name now"
        return _HOW_WORDS[self.binding.how]


@dataclass(frozen=True, slots=True)
class Parenthood:
    """A subgroup and its parent: by rules a reason of its own, by contracts the parent's value says it. **Units** `since`: aware UTC."""

    partner_id: str
    second_partner_id: str
    since: datetime
    by: str

    @property
    def name(self) -> str:
        """What stands for it in a list."""
        return "subgroup"

    def reason(self, partner: Company, second: Company) -> Reason:
        """Who is whose, and who made it so."""
        words = f"{partner.name} is a subgroup of {second.name}, by {self.by}"
        return Reason("parent", second.name, self.since, "", lambda: (words, {}, {}))


@dataclass(frozen=True, slots=True)
class Association:
    """These two may work a deal together. **Shapes** `reasons`: all of them, the oldest first; never empty."""

    partner_id: str
    second_partner_id: str
    reasons: tuple[Reason, ...]

    @property
    def reason(self) -> str:
        """All of them in words."""
        return "; and ".join(reason.words for reason in self.reasons)

    @property
    def since(self) -> datetime:
        """Since when there has been one."""
        return self.reasons[0].since


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A value that makes no association, and why. **Shapes** `company_id`: the other company, `None` when the value is unresolved."""

    company_id: str | None
    value: str
    why: str
    code: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two companies may work together, or what is missing. **Shapes** `since` is `None` and `reasons` empty unless they are."""

    is_associated: bool
    words: str
    code: str = ""
    since: datetime | None = None
    reasons: tuple[Reason, ...] = ()


def unfit_name(company: Company, *, is_mapped: bool) -> Problem | None:
    """The problem of a second partner whose name has a semicolon. Semicolons separate values, so no contract value can hold the name."""
    if company.account_type is not AccountType.SECOND_PARTNER or ";" not in company.name or is_mapped:
        return None
    message = f"the name {company.name!r} has a semicolon, which separates the values of a multi-select, so no contract can hold this name"
    return Problem("second_partner_name_unfit", "name", message, company.name)


# ── from a value to a company ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)  # without slots: what a value stands for is kept once it was asked for
class Nameable:
    """Every company that some contract values may stand for, of whatever type.

    **Shapes** `explicit`: value → CRM id. `by_crm_id` is keyed by the ids in `explicit` and by the values *as written*: one that spells
    an id otherwise is looked up by the caller, who knows how ids are spelled. `alike`: by the folded name.
    """

    explicit: Mapping[str, str]
    by_crm_id: Mapping[str, Company]
    by_name: Mapping[str, Sequence[Company]]
    alike: Mapping[str, Sequence[Company]] = field(default_factory=dict)

    @cached_property
    def resolve(self) -> Callable[[str], Binding | Problem]:
        """What a value stands for, or what is wrong with it; worked out once for each value, also where many partners carry it."""
        return cache(lambda value: _resolve(value, self))


def bind(
    values: Sequence[str], candidates: Nameable, *, bound: Mapping[str, Binding], companies_by_id: Mapping[str, Company] | None = None
) -> tuple[tuple[Binding, ...], tuple[Problem, ...]]:
    """Bind each contract value to one second partner: by explicit map, CRM id, exact name, a name that looks the same, in that order.

    A bad value does not affect the others.

    **Shapes** One binding per distinct value, in order. `companies_by_id` holds the companies of `bound`, so that a rename is seen;
    without it the candidates of that name are asked.
    """
    bindings: list[Binding] = []
    problems: list[Problem] = []
    for value in dict.fromkeys(values):
        prior = bound.get(value)
        kept = prior if prior is not None and prior.company_id is not None else None
        is_settled = kept is not None and (kept.how == "person" or value not in candidates.explicit)
        result = kept if kept is not None and is_settled else candidates.resolve(value)
        if isinstance(result, Problem):
            problems.append(result)
            result = kept or Binding(value, None, "")
        if result is kept and kept is not None:
            problems.extend(_drift(kept, candidates.by_name.get(value, ()), companies_by_id or {}))
        bindings.append(result)
    return tuple(bindings), tuple(problems)


def _resolve(value: str, candidates: Nameable) -> Binding | Problem:
    """The company a value stands for, or what is wrong with it. An explicit map that leads nowhere is not second-guessed."""
    explicit, by_crm_id = candidates.explicit, candidates.by_crm_id
    if value in explicit:
        how: How = "map"
        mapped = by_crm_id.get(explicit[value])
        found = [mapped] if mapped else []
    elif value in by_crm_id:
        how, found = "crm_id", [by_crm_id[value]]
    elif exact := [company for company in candidates.by_name.get(value, ()) if not company.is_deleted]:
        how, found = "name", exact
    else:
        how, found = "alike", list(candidates.alike.get(folded(value), ()))
    found = [company for company in found if not company.is_deleted]
    fitting = [company for company in found if company.account_type is AccountType.SECOND_PARTNER]
    if len(fitting) == 1:
        return Binding(value, fitting[0].id, how)
    return _unresolved(value, fitting or found, is_ambiguous=bool(fitting), mapped_to=explicit.get(value))


def _unresolved(value: str, found: Sequence[Company], *, is_ambiguous: bool, mapped_to: str | None) -> Problem:
    names = ", ".join(f"{spelled(company.name)} ({company.crm_id or company.id}, {company.account_type})" for company in found)
    called = spelled(value)
    if is_ambiguous:
        return Problem("contract_value_ambiguous", FIELD, f"{called} names {len(found)} second partners: {names}", value)
    if found:
        return Problem("contract_not_a_second_partner", FIELD, f"{called} is not a second partner: {names}", value)
    where = f"is mapped to {mapped_to}, which" if mapped_to else "names a company that"
    return Problem("contract_value_unresolved", FIELD, f"{called} {where} this portal does not know", value)


def _drift(binding: Binding, namesakes: Sequence[Company], companies_by_id: Mapping[str, Company]) -> Iterable[Problem]:
    """A company bound by its name that is called otherwise now: reported, never removed."""
    if binding.how not in BY_NAME or any(company.id == binding.company_id for company in namesakes):
        return
    target = companies_by_id.get(binding.company_id or "")
    if target is not None and folded(target.name) == folded(binding.value):
        return
    now = f"is called {spelled(target.name)} now" if target else "has another name now"
    message = f"the company bound to {spelled(binding.value)} {now}; the value stays bound"
    yield Problem("contract_value_renamed", FIELD, message, binding.value)


# ── from companies to associations ───────────────────────────────────────────────────────────────────────────────────


def exclusion(partner: Company, second_partner: Company) -> str | None:
    """Why this pair may not work together, in words; `None` when it may."""
    found = _exclusion(partner, second_partner)
    return found[1] if found else None


_FIT: Final = (AccountType.PARTNER, AccountType.SECOND_PARTNER)


def _exclusion(partner: Company, second_partner: Company) -> tuple[str, str] | None:
    """(code, words), or `None`. Only partner × second partner, both active."""
    types = (partner.account_type, second_partner.account_type)
    return None if types == _FIT and partner.takes_part and second_partner.takes_part else _barred(partner, second_partner)


def _barred(partner: Company, second_partner: Company) -> tuple[str, str] | None:
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
        if company.is_inactive:
            return "company_inactive", f"{company.name} is {'deleted in the CRM' if company.is_deleted else 'inactive'}"
        if company.status is PortalStatus.PENDING:
            return "company_pending", f"{company.name} is pending: no new deals before it is active"
    return None


def associates(
    company: Company, candidates: Iterable[Candidate], *, companies: Mapping[str, Company]
) -> tuple[tuple[Association, ...], tuple[Exclusion, ...]]:
    """Whom this company may work with, and beside them what was excluded or did not resolve, and why. For companies of both kinds.

    **Shapes** `candidates` may hold more than this company's; `companies` by our id holds the other sides. Each pair comes once, with all
    its reasons, in the order of the candidates.
    """
    pairs: dict[tuple[str, str], list[Reason]] = {}
    exclusions: list[Exclusion] = []
    for candidate in candidates:
        if company.id not in (candidate.partner_id, candidate.second_partner_id):
            continue
        judged = _judge(company, candidate, companies)
        if isinstance(judged, Exclusion):
            exclusions.append(judged)
            continue
        pairs.setdefault((candidate.partner_id, str(candidate.second_partner_id)), []).append(judged)
    found = tuple([Association(*pair, _oldest_first(reasons)) for pair, reasons in pairs.items()])
    return found, tuple(exclusions)


def _oldest_first(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons, key=attrgetter("since"))) if len(reasons) > 1 else tuple(reasons)


Missing: TypeAlias = Callable[[Company, Company], tuple[str, str]]
"""Of a partner and a second partner whom nothing bars: (what is missing, in words; its code or "")."""


def explain(a: Company, b: Company, *, candidates: Iterable[Candidate], missing: Missing) -> Explanation:
    """Say why `a` and `b` are associated, or what is missing. The order of the two does not matter."""
    found, excluded = associates(a, tuple(candidates), companies={a.id: a, b.id: b})
    for association in found:
        if b.id in (association.partner_id, association.second_partner_id):
            return Explanation(True, association.reason, since=association.since, reasons=association.reasons)
    for item in excluded:
        if item.company_id == b.id:
            return Explanation(False, f'{item.why}; "{item.value}" alone does not join them', item.code)
    partner, second = (b, a) if a.account_type is AccountType.SECOND_PARTNER else (a, b)
    barred = _exclusion(partner, second)
    if barred:
        return Explanation(False, barred[1], barred[0])
    words, code = missing(partner, second)
    return Explanation(False, words, code)


def missing_contract(contracts: Sequence[Contract]) -> Missing:
    """Why a pair that is not excluded is not associated: no contract value names it."""

    def missing(partner: Company, second: Company) -> tuple[str, str]:
        held = [contract.binding for contract in contracts if contract.partner_id == partner.id]
        listed = ", ".join(f'"{binding.value}" ({_HOW_WORDS[binding.how]})' for binding in held)
        holds = f"holds {listed}, and no value there names {second.name}" if held else f"is empty, so it does not name {second.name}"
        return f"no contract: {FIELD} of {partner.cited} {holds}", "contract_value_unresolved" if any(
            not b.company_id for b in held
        ) else ""

    return missing


def _judge(company: Company, candidate: Candidate, companies: Mapping[str, Company]) -> Reason | Exclusion:
    other_id = candidate.second_partner_id if candidate.partner_id == company.id else candidate.partner_id
    if other_id is None:
        why = f'"{candidate.name}" is not the name of exactly one second partner of this portal'
        return Exclusion(None, candidate.name, why, "contract_value_unresolved")
    other = company if other_id == company.id else companies.get(other_id)
    if other is None:
        return Exclusion(other_id, candidate.name, "the other company is not in this portal", "company_unknown")
    partner, second = (company, other) if candidate.partner_id == company.id else (other, company)
    barred = _exclusion(partner, second)
    if barred:
        return Exclusion(other_id, candidate.name, barred[1], barred[0])
    return candidate.reason(partner, second)
