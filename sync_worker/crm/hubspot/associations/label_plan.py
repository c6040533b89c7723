"""What to write so that the labels of records stand as wished, call by call, and what stands between the calls. Pure.

    end first ─▶ make ─▶ end last

A label that moves to another company takes two calls. The new association is made first, so that the record is never without a company.
Where an admin's limit leaves no room for both, making first would be refused for ever: there the old one is ended first. The same where
HubSpot does not tell the limits. A pair is always written whole: HubSpot replaces a pair's labels by what it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sync_worker.mapping.catalog import association_field


@dataclass(frozen=True, order=True, slots=True)
class Label:
    """One association type, the same whatever it is called. **Shapes** `text` "" for the plain one that every associated pair has."""

    category: str
    type_id: int
    text: str = field(default="", compare=False)

    @property
    def field(self) -> str:
        return association_field(self.text)

    def to_type(self) -> dict[str, Any]:
        """As a write names it."""
        return {"associationCategory": self.category, "associationTypeId": self.type_id}


Pairs: TypeAlias = Mapping[str, frozenset[Label]]
"""One record's associations: company id → its labels."""

Limits: TypeAlias = Mapping[Label, int]
"""How many companies a record may have under a label, as an admin has set it; under the plain one: at all."""


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """A record and a company, with the labels that a call names."""

    crm_id: str
    company: str
    labels: frozenset[Label]

    def to_input(self) -> dict[str, Any]:
        """As a write names it."""
        types = [label.to_type() for label in sorted(self.labels)]
        return {"from": {"id": self.crm_id}, "to": {"id": self.company}, "types": types}


def shown(held: Pairs, label: Label) -> str | list[str] | None:
    """The value of a label's field: the company that has it; two companies cannot be one value, and both are shown."""
    holders = sorted(company for company, labels in held.items() if label in labels)
    return holders if len(holders) > 1 else next(iter(holders), None)


def is_move(labels: Mapping[str, Label], wish: Mapping[str, Any], held: Pairs) -> bool:
    """Whether a label goes from one company to another, so that the limits count."""
    return any(company and any(labels[name] in has for other, has in held.items() if other != company) for name, company in wish.items())


class LabelPlan:
    """The calls for some records. **Shapes** `calls`: in their order, empty ones too: (whether it ends labels, its pairs)."""

    def __init__(
        self, labels: Mapping[str, Label], wishes: Mapping[str, Mapping[str, Any]], there: Mapping[str, Pairs], limits: Limits | None
    ):
        self._labels = labels
        self._wishes = wishes
        self._held = {crm_id: dict(there.get(crm_id, {})) for crm_id in wishes}
        records = [_Record(labels, crm_id, wish, self._held[crm_id], limits) for crm_id, wish in wishes.items()]
        self.calls = (
            (True, [pair for record in records for pair in record.end_first]),
            (False, [pair for record in records for pair in record.make]),
            (True, [pair for record in records for pair in record.end_last]),
        )

    @property
    def crm_ids(self) -> set[str]:
        """The records that a call is made for."""
        return {pair.crm_id for _, pairs in self.calls for pair in pairs}

    def done(self, pairs: Iterable[LabelledPair], *, is_ending: bool) -> None:
        """These stand now as their call named them."""
        for pair in pairs:
            held = self._held[pair.crm_id]
            before = held.get(pair.company, frozenset())
            held[pair.company] = before - pair.labels if is_ending else pair.labels

    def standing(self, crm_id: str) -> dict[str, Any]:
        """The fields of a record's wish, as its labels stand now."""
        return {name: shown(self._held[crm_id], self._labels[name]) for name in self._wishes[crm_id]}


class _Record:
    """One record's part of a plan."""

    def __init__(self, labels: Mapping[str, Label], crm_id: str, wish: Mapping[str, Any], held: Pairs, limits: Limits | None) -> None:
        self._crm_id = crm_id
        self._held = held
        self._limits = limits
        self._wished: dict[str, frozenset[Label]] = {}
        for name, company in wish.items():
            if company:
                self._wished[str(company)] = self._wished.get(str(company), frozenset()) | {labels[name]}
        named = {labels[name]: company for name, company in wish.items()}
        gone = [
            LabelledPair(crm_id, other, frozenset({label})) for label, company in named.items() for other in self._others(label, company)
        ]
        tight = {label for label, company in named.items() if company and self._is_tight(label)}
        self.end_first = [self._freeing(pair) for pair in gone if pair.labels <= tight]
        self.end_last = [pair for pair in gone if not pair.labels <= tight]
        self.make = list(self._made())

    def _others(self, label: Label, company: Any) -> Iterator[str]:
        """The companies that have a label and are to lose it."""
        return (other for other, has in sorted(self._held.items()) if label in has and other != company)

    def _is_tight(self, label: Label) -> bool:
        """Whether the label's old company leaves no room for the new one beside it."""
        if self._limits is None:
            return True
        holders = {company for company, has in [*self._held.items(), *self._wished.items()] if label in has}
        return self._is_full or len(holders) > self._limits.get(label, len(holders))

    @property
    def _is_full(self) -> bool:
        """Whether the record may not have its old and its new companies at once, under whatever label."""
        companies = self._held.keys() | self._wished.keys()
        most = [most for label, most in (self._limits or {}).items() if not label.text]
        return len(companies) > min(most, default=len(companies))

    def _freeing(self, pair: LabelledPair) -> LabelledPair:
        """Where the record has no room for another company, one without any other label gives its place away."""
        rest = {label for label in self._held[pair.company] - pair.labels if label.text}
        if rest or not self._is_full or pair.company in self._wished:
            return pair
        return LabelledPair(pair.crm_id, pair.company, self._held[pair.company])

    def _made(self) -> Iterator[LabelledPair]:
        for company, labels in sorted(self._wished.items()):
            has = self._held.get(company, frozenset())
            if not labels <= has:
                ended = frozenset(label for pair in self.end_first if pair.company == company for label in pair.labels)
                yield LabelledPair(self._crm_id, company, labels | (has - ended))
