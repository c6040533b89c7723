"""Who is associated with whom, under which types. Every association is kept from both sides, each with its own type id.

A label always comes with the unlabelled type; a record has one primary company at most.
Source: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from crm_sandbox.hubspot.wire import errors

Pair = tuple[str, str]
_FIRST_OWN_ID = 101
_STANDARD = (  # the type ids of the vendor's other record types: from, and by the other type there and back
    ("tickets", {"contacts": (16, 15), "companies": (339, 340), "deals": (28, 27), "tickets": (452, 452)}),
    ("line_items", {"deals": (20, 19), "quotes": (68, 67), "invoices": (410, 409), "orders": (514, 513)}),
    ("quotes", {"deals": (64, 63), "contacts": (69, 70), "companies": (71, 72)}),
    ("calls", {"contacts": (194, 193), "companies": (182, 181), "deals": (206, 205), "tickets": (220, 219)}),
    ("emails", {"contacts": (198, 197), "companies": (186, 185), "deals": (210, 209), "tickets": (224, 223)}),
    ("meetings", {"contacts": (200, 199), "companies": (188, 187), "deals": (212, 211), "tickets": (226, 225)}),
    ("notes", {"contacts": (202, 201), "companies": (190, 189), "deals": (214, 213), "tickets": (228, 227)}),
    ("tasks", {"contacts": (204, 203), "companies": (192, 191), "deals": (216, 215), "tickets": (230, 229)}),
    ("communications", {"contacts": (81, 82), "companies": (87, 88), "deals": (85, 86), "tickets": (83, 84)}),
    ("postal_mail", {"contacts": (453, 454), "companies": (459, 460), "deals": (457, 458), "tickets": (455, 456)}),
    ("invoices", {"contacts": (177, 178), "companies": (179, 180), "deals": (175, 176)}),
    ("orders", {"contacts": (507, 508), "companies": (509, 510), "deals": (512, 511), "tickets": (525, 526)}),
)
_STOCK = (  # from, to, type id, inverse type id, is primary
    *((one, other, there, back, False) for one, ends in _STANDARD for other, (there, back) in ends.items()),
    ("tickets", "companies", 26, 25, True),
    ("deals", "companies", 341, 342, False),
    ("deals", "companies", 5, 6, True),
    ("contacts", "companies", 279, 280, False),
    ("contacts", "companies", 1, 2, True),
    ("deals", "contacts", 3, 4, False),
    ("companies", "companies", 450, 450, False),
    ("deals", "deals", 451, 451, False),
    ("contacts", "contacts", 449, 449, False),
)


@dataclass(frozen=True, slots=True)
class AssociationType:
    """A type of association as seen from one side."""

    type_id: int
    inverse_id: int
    label: str | None = None
    name: str | None = None
    is_own: bool = False

    @property
    def category(self) -> str:
        """Whose the type is."""
        return "USER_DEFINED" if self.is_own else "HUBSPOT_DEFINED"

    @property
    def is_primary(self) -> bool:
        """Whether a record has one such at most."""
        return not self.is_own and self.label is not None

    def to_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


Changed = tuple[int, int, AssociationType, bool]  # from, to, the type, whether it is gone


def _stock() -> dict[Pair, dict[int, AssociationType]]:
    found: dict[Pair, dict[int, AssociationType]] = {}
    for one, other, type_id, inverse_id, is_primary in _STOCK:
        label = "Primary" if is_primary else None
        found.setdefault((one, other), {})[type_id] = AssociationType(type_id, inverse_id, label)
        found.setdefault((other, one), {})[inverse_id] = AssociationType(inverse_id, type_id, label)
    return found


@dataclass(slots=True)
class HubspotAssociations:
    """All of a portal's, and the types there are. Record types go by their plural names."""

    labels: dict[Pair, dict[int, AssociationType]] = field(default_factory=_stock)
    limits: dict[Pair, dict[int, int]] = field(default_factory=dict)
    _far: dict[Pair, dict[int, dict[int, frozenset[int]]]] = field(default_factory=dict)
    _next_id: int = _FIRST_OWN_ID

    def types(self, one: str, other: str) -> dict[int, AssociationType]:
        """The types between two record types, by id.

        Raises: Refusal.
        """
        found = self.labels.get((one, other))
        if found is None:
            raise errors.invalid(f"No association types exist between {one} and {other}")
        return found

    def unlabelled(self, one: str, other: str) -> AssociationType:
        """The type that every association has."""
        return next(label for label in self.types(one, other).values() if label.label is None)

    def far(self, one: str, other: str, record_id: int) -> dict[int, frozenset[int]]:
        """The records on the other side, by id, with the types that lead there."""
        return self._far.get((one, other), {}).get(record_id, {})

    def put(self, one: str, other: str, from_id: int, to_id: int, type_ids: Iterable[int]) -> list[Changed]:
        """Makes these the types of a pair, the unlabelled one added; what it had besides is gone."""
        types = self.types(one, other)
        wanted = frozenset({self.unlabelled(one, other).type_id, *type_ids})
        before = self.far(one, other, from_id).get(to_id, frozenset())
        changed: list[Changed] = [(from_id, to_id, types[type_id], False) for type_id in sorted(wanted - before)]
        changed += [(from_id, to_id, types[type_id], True) for type_id in sorted(before - wanted)]
        changed += self._demoted(one, other, from_id, to_id, wanted)
        self._set(one, other, from_id, to_id, wanted)
        return changed

    def over_limit(self, one: str, other: str, from_id: int, to_id: int, type_ids: Iterable[int]) -> int | None:
        """How many records an admin allows under a type of which `put` would make one too many; None where none would be."""
        wanted = {self.unlabelled(one, other).type_id, *type_ids}
        far = {far_id: held for far_id, held in self.far(one, other, from_id).items() if far_id != to_id}
        before = self.far(one, other, from_id).get(to_id, frozenset())
        for type_id in sorted(wanted - before):
            most = self.limits.get((one, other), {}).get(type_id)
            if most is not None and sum(type_id in held for held in far.values()) >= most:
                return most
        return None

    def _demoted(self, one: str, other: str, from_id: int, to_id: int, wanted: frozenset[int]) -> list[Changed]:
        """A record has one primary company: a new one replaces the one before, from both sides."""
        primary = next((label for type_id in wanted if (label := self.types(one, other)[type_id]).is_primary), None)
        if primary is None:
            return []
        if one == "companies":
            back = self.types(other, one)[primary.inverse_id]
            return [(company, record_id, primary, gone) for record_id, company, _, gone in self._unseated(other, to_id, from_id, back)]
        return self._unseated(one, from_id, to_id, primary)

    def _unseated(self, one: str, record_id: int, company_id: int, primary: AssociationType) -> list[Changed]:
        """Takes the primary's place from every other company of a record."""
        far = {company: held for company, held in self.far(one, "companies", record_id).items() if company != company_id}
        unseated = [company for company, held in far.items() if primary.type_id in held]
        for company in unseated:
            self._set(one, "companies", record_id, company, far[company] - {primary.type_id})
        return [(record_id, company, primary, True) for company in unseated]

    def drop(self, one: str, other: str, from_id: int, to_id: int, type_ids: Iterable[int] | None = None) -> list[Changed]:
        """Takes types from a pair, or all of them; without the unlabelled one nothing is left."""
        types, before = self.types(one, other), self.far(one, other, from_id).get(to_id, frozenset())
        gone = before if type_ids is None or self.unlabelled(one, other).type_id in type_ids else before & frozenset(type_ids)
        self._set(one, other, from_id, to_id, before - gone)
        return [(from_id, to_id, types[type_id], True) for type_id in sorted(gone)]

    def move(self, one: str, record_id: int, new_id: int) -> None:
        """What a record was associated with, its successor is; a primary company that the successor has stays the only one."""
        for (own, other), far_by_id in list(self._far.items()):
            if own != one:
                continue
            taken = self._primaries(one, other, new_id)
            for far_id, held in list(far_by_id.get(record_id, {}).items()):
                self._set(one, other, record_id, far_id, frozenset())
                if (other, far_id) != (one, new_id):
                    self._set(one, other, new_id, far_id, (held - taken) | self.far(one, other, new_id).get(far_id, frozenset()))

    def _primaries(self, one: str, other: str, record_id: int) -> frozenset[int]:
        """The primary's type, where the record has a primary company."""
        held = frozenset().union(*self.far(one, other, record_id).values())
        return frozenset(type_id for type_id in held if other == "companies" and self.types(one, other)[type_id].is_primary)

    def forget(self, one: str, record_id: int) -> None:
        """A record that is gone for good is associated with nothing."""
        for (own, other), far_by_id in list(self._far.items()):
            if own == one:
                for far_id in list(far_by_id.get(record_id, {})):
                    self._set(one, other, record_id, far_id, frozenset())

    def lift(self, one: str, record_id: int) -> list[tuple[str, int, frozenset[int]]]:
        """Takes away what a record is associated with. Returns it as (other record type, id there, type ids)."""
        held = [
            (other, far_id, types)
            for (own, other), far_by_id in self._far.items()
            if own == one
            for far_id, types in far_by_id.get(record_id, {}).items()
        ]
        self.forget(one, record_id)
        return held

    def load(self, one: str, other: str, rows: Iterable[tuple[int, int, frozenset[int]]]) -> None:
        """Many at once."""
        for from_id, to_id, type_ids in rows:
            self._set(one, other, from_id, to_id, type_ids | self.far(one, other, from_id).get(to_id, frozenset()))

    def _set(self, one: str, other: str, from_id: int, to_id: int, held: frozenset[int]) -> None:
        types = self.types(one, other)
        self._side((one, other), from_id, to_id, held)
        self._side((other, one), to_id, from_id, frozenset(types[type_id].inverse_id for type_id in held))

    def _side(self, pair: Pair, near: int, far: int, held: frozenset[int]) -> None:
        ends = self._far.setdefault(pair, {}).setdefault(near, {})
        if held:
            ends[far] = held
        else:
            ends.pop(far, None)

    def add_label(self, one: str, other: str, name: str, label: str, inverse: str | None = None) -> tuple[AssociationType, AssociationType]:
        """An admin's own type, from both sides."""
        there, back = self._next_id, self._next_id + 1
        self._next_id += 2
        near = AssociationType(there, back, label, name, is_own=True)
        far = AssociationType(back, there, inverse or label, name, is_own=True)
        self.types(one, other)[there] = near
        self.types(other, one)[back] = far
        return near, far

    def rename(self, one: str, other: str, type_id: int, label: str, inverse: str | None) -> None:
        """An admin's own type under other words.

        Raises: Refusal.
        """
        found = self.own(one, other, type_id)
        self.types(one, other)[type_id] = replace(found, label=label)
        if inverse is not None:
            far = self.types(other, one)[found.inverse_id]
            self.types(other, one)[found.inverse_id] = replace(far, label=inverse)

    def remove_label(self, one: str, other: str, type_id: int) -> None:
        """An admin's own type away, from both sides and from every pair.

        Raises: Refusal.
        """
        found = self.own(one, other, type_id)
        for from_id, to_id, held in list(self.pairs(one, other)):
            if type_id in held:
                self._set(one, other, from_id, to_id, held - {type_id})
        del self.types(one, other)[type_id], self.types(other, one)[found.inverse_id]
        self.limits.get((one, other), {}).pop(type_id, None)

    def own(self, one: str, other: str, type_id: int) -> AssociationType:
        """An admin's own type.

        Raises: Refusal.
        """
        found = self.types(one, other).get(type_id)
        if found is None or not found.is_own:
            raise errors.not_found(f"No association label {type_id} between {one} and {other}")
        return found

    def pairs(self, one: str, other: str) -> Iterator[tuple[int, int, frozenset[int]]]:
        """Every pair of two record types."""
        for from_id, ends in self._far.get((one, other), {}).items():
            for to_id, held in ends.items():
                yield from_id, to_id, held
