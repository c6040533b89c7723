"""Rules: conditions over company fields from which associations follow.

A rule gives each company keys, on the side its account type plays; two companies are associated by a rule exactly where they hold one key
in common. So there are as many memberships as companies, even if many pairs follow from them. A blank never matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice, product
from math import prod
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sync_worker.domain.associations.association import Reason, Told
from sync_worker.domain.core.company import AccountType, Company
from sync_worker.domain.core.values import Plain, values_of

Side: TypeAlias = Literal["partner", "second_partner"]
Names: TypeAlias = Mapping[tuple[Side, str], str]
"""(side, a company as the rules name it) → our id; only those that are bound."""

SIDES: Final[Mapping[AccountType, Side]] = {AccountType.PARTNER: "partner", AccountType.SECOND_PARTNER: "second_partner"}
COMPANY_ITSELF: Final = "name"  # a condition over the company itself is bound to its id: a rename ends nothing
MOST_KEYS: Final = 1000  # of one company in one rule: several sets to match multiply, and so many are never on purpose
IN_FULL: Final = "all conditions hold, but a company has too many combinations of the fields that must match, and only the first ones count"
_PART: Final = re.compile(r"(?:[^|\\]|\\.)+", re.DOTALL)


class Membership(NamedTuple):
    """A company's part in a rule. **Shapes** `key`: the values it matches by, "" where the rule matches nothing."""

    rule: str
    side: Side
    key: str


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold together. **Shapes** field → portal values, one of which a company must hold; `match`: fields in common."""

    name: str
    partner: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    second_partner: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    match: tuple[str, ...] = ()

    def conditions(self, side: Side) -> Mapping[str, tuple[str, ...]]:
        return self.partner if side == "partner" else self.second_partner

    def to_document(self) -> dict[str, Any]:
        """JSON form."""
        partner, second = ({name: list(listed) for name, listed in self.conditions(side).items()} for side in SIDES.values())
        return {"name": self.name, "partner": partner, "second_partner": second, "match": list(self.match)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        sides = {side: {name: tuple(listed) for name, listed in document[side].items()} for side in SIDES.values()}
        return cls(document["name"], sides["partner"], sides["second_partner"], tuple(document["match"]))


def named(rules: Iterable[Rule]) -> set[tuple[Side, str]]:
    """The companies that rules name, as they are written there, with the side they are named on."""
    return {(side, name) for rule in rules for side in SIDES.values() for name in rule.conditions(side).get(COMPANY_ITSELF, ())}


# ── from a company to its keys ───────────────────────────────────────────────────────────────────────────────────────


class _Prepared(NamedTuple):
    """One side of one rule. **Shapes** `ids`: the companies it names, None where it names none."""

    name: str
    ids: frozenset[str] | None
    conditions: tuple[tuple[str, frozenset[str]], ...]
    match: tuple[str, ...]


class _InQuestion:
    """Which rules of a side are worth a look: those without a condition, and those whose first one a company fulfils."""

    def __init__(self, rules: Iterable[_Prepared]) -> None:
        self._always: list[_Prepared] = []
        self._by_field: dict[str, dict[str, list[_Prepared]]] = {}
        for rule in rules:
            if not rule.conditions:
                self._always.append(rule)
                continue
            (name, listed), *others = rule.conditions
            for value in listed:
                self._by_field.setdefault(name, {}).setdefault(value, []).append(rule._replace(conditions=tuple(others)))

    def of(self, attributes: Mapping[str, Plain]) -> Iterator[_Prepared]:
        """A rule may come twice, to a company that holds two of its values."""
        yield from self._always
        for name, rules in self._by_field.items():
            for value in values_of(attributes.get(name)):
                yield from rules.get(value, ())


class Rules:
    """A set of rules made ready: what can be decided once for all companies is decided here."""

    def __init__(self, rules: Sequence[Rule], names: Names) -> None:
        self._prepared = {side: [_prepared(rule, side, names) for rule in rules] for side in SIDES.values()}
        self._in_question = {side: _InQuestion(rules) for side, rules in self._prepared.items()}
        self._most_fields = max((len(rule.match) for rule in rules), default=0)

    @property
    def may_crowd(self) -> bool:
        """Whether keys can multiply at all."""
        return self._most_fields > 0

    def memberships(self, company: Company) -> set[Membership]:
        """Every key the company holds, on its own side; whether it takes part now is another question."""
        side = SIDES.get(company.account_type)
        if side is None:
            return set()
        attributes, spelled = company.attributes, dict[str, list[str]]()
        found: set[Membership] = set()
        for name, ids, conditions, match in self._in_question[side].of(attributes):
            if ids is not None and company.id not in ids:
                continue
            for key, listed in conditions:
                if not _holds(attributes.get(key), listed):
                    break
            else:
                for key in match:
                    if key not in spelled:
                        spelled[key] = sorted(map(_escaped, values_of(attributes.get(key))))
                combinations = islice(product(*(spelled[key] for key in match)), MOST_KEYS)
                found.update([Membership(name, side, "|".join(values)) for values in combinations])
        return found

    def crowded(self, company: Company) -> list[str]:
        """The rules in which the company would hold more keys than MOST_KEYS. It holds only the first ones."""
        side = SIDES.get(company.account_type)
        longest = max((len(value) for value in company.attributes.values() if isinstance(value, list)), default=1)
        if side is None or longest**self._most_fields <= MOST_KEYS:
            return []
        return [name for name, _, _, match in self._prepared[side] if _count(company, match) > MOST_KEYS]


def _prepared(rule: Rule, side: Side, names: Names) -> _Prepared:
    listed = rule.conditions(side)
    ids = [names[side, name] for name in listed.get(COMPANY_ITSELF, ()) if (side, name) in names]
    conditions = tuple((name, frozenset(values)) for name, values in listed.items() if name != COMPANY_ITSELF)
    return _Prepared(rule.name, frozenset(ids) if COMPANY_ITSELF in listed else None, conditions, rule.match)


def _holds(value: Plain, listed: frozenset[str]) -> bool:
    return value in listed if type(value) is str else not listed.isdisjoint(values_of(value))


def _count(company: Company, match: Sequence[str]) -> int:
    return prod(len(values_of(company.attributes.get(name))) for name in match)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|") if "|" in value or "\\" in value else value


def values_in(key: str) -> list[str]:
    """The values a key was made of, in the order of the rule's `match`."""
    if "\\" not in key:
        return key.split("|") if key else []
    return [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in _PART.findall(key)]


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class SharedKeys(NamedTuple):  # made for every other company of the one that asks
    """Keys of one rule that two companies share. **Shapes** `keys` sorted; `run_id`: of the run that completed them.

    **Units** `since`: aware UTC. `is_past`: fields may hold other values by now, so only what the rule lists is told.
    """

    rule: Rule
    keys: tuple[str, ...]
    partner_id: str
    second_partner_id: str
    since: datetime
    run_id: str
    is_past: bool = False

    @property
    def name(self) -> str:
        """What stands for it in a list."""
        return self.rule.name

    def reason(self, partner: Company, second: Company) -> Reason:
        """The rule, with what each side holds of it."""
        return Reason("rule", self.name, self.since, self.run_id, partial(self._told, partner, second))

    def _told(self, partner: Company, second: Company) -> Told:
        sides: dict[Side, Company] = {"partner": partner, "second_partner": second}
        values = {side: dict(self._values(side, company)) for side, company in sides.items()}
        parts = [_holding(company, values[side]) for side, company in sides.items() if values[side]]
        common = self._in_common()
        parts += [f"{name} of both is {_listing(found)}" for name, found in common.items()]
        words = f'rule "{self.name}": ' + ("; ".join(parts) or "it holds for everybody")
        return words, {**values["partner"], **common}, {**values["second_partner"], **common}

    def _values(self, side: Side, company: Company) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, listed in self.rule.conditions(side).items():
            if name == COMPANY_ITSELF:
                yield name, (company.name,)
            elif self.is_past:
                yield name, listed
            else:
                yield name, tuple(value for value in values_of(company.attributes.get(name)) if value in listed)

    def _in_common(self) -> dict[str, tuple[str, ...]]:
        rows = [values_in(key) for key in self.keys]
        if len(rows) == 1:
            return {name: (value,) for name, value in zip(self.rule.match, rows[0], strict=True)}
        return {name: tuple(sorted({row[place] for row in rows})) for place, name in enumerate(self.rule.match)}


def spoken(rule: Rule, *, partner: str, second: str) -> str:
    """The rule as a sentence. **Shapes** `partner`, `second`: what people call a company of each side."""
    sides = f"Every {_meant(partner, rule.partner)} may work with every {_meant(second, rule.second_partner)}"
    return f"{sides}, if both have {' and '.join(rule.match)} in common." if rule.match else f"{sides}."


def _meant(label: str, conditions: Mapping[str, Sequence[str]]) -> str:
    """The companies of one side that a rule speaks of."""
    called = f" called {_listing(conditions[COMPANY_ITSELF], ' or ')}" if COMPANY_ITSELF in conditions else ""
    held = [f"{name} is {_listing(values, ' or ')}" for name, values in conditions.items() if name != COMPANY_ITSELF]
    return f"{label}{called}" + (f" whose {' and whose '.join(held)}" if held else "")


def missing(partner: Company, second: Company, rules: Sequence[Rule], names: Names) -> tuple[str, str]:
    """(words, code): what each rule still needs to associate these two, which are not excluded."""
    lacks = [f'rule "{rule.name}": {"; ".join(_lacks(partner, second, rule, names)) or IN_FULL}' for rule in rules]
    return ". ".join(lacks) or "the portal has no rules, or they were not evaluated yet", ""


def _lacks(partner: Company, second: Company, rule: Rule, names: Names) -> Iterator[str]:
    sides: tuple[tuple[Side, Company], ...] = (("partner", partner), ("second_partner", second))
    for side, company in sides:
        for name, listed in rule.conditions(side).items():
            if name == COMPANY_ITSELF:
                if company.id not in {names.get((side, written)) for written in listed}:
                    yield f"it names {_listing(listed, ' or ')}, not {company.name}"
            elif not _holds(company.attributes.get(name), frozenset(listed)):
                yield f"{_field_of(name, company)}, not {_listing(listed, ' or ')}"
    for name in rule.match:
        ours, theirs = (set(values_of(company.attributes.get(name))) for _, company in sides)
        if not ours & theirs:
            yield f"{_field_of(name, partner)} and {_field_of(name, second)}: nothing in common"


def _holding(company: Company, values: Mapping[str, Sequence[str]]) -> str:
    named = [f"{name} {_listing(found, ' or ')}" for name, found in values.items() if name != COMPANY_ITSELF]
    if not named:
        return f"it names {company.name}"
    return f"{company.cited} has {' and '.join(named)}" + (" and is named" if COMPANY_ITSELF in values else "")


def _field_of(name: str, company: Company) -> str:
    found = values_of(company.attributes.get(name))
    return f"{name} of {company.cited} is {_listing(found) if found else 'blank'}"


def _listing(values: Sequence[str], joint: str = ", ") -> str:
    return joint.join(values)
