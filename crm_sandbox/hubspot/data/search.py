"""Search: a body of filters becomes a sorted list of ids over what the index sees, kept as long as the index does not change.

Groups are alternatives, the filters of a group all hold. Bounds on the stamp and on the id are looked up, not searched for, so
that a window over a hundred thousand records costs what is in it.
Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from crm_sandbox.hubspot.data.index import Index
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import Record, RecordShelf, value_of
from crm_sandbox.hubspot.schema.schema import ObjectType, Property
from crm_sandbox.hubspot.wire import errors, stamps

MAX_LIMIT, DEFAULT_LIMIT = 200, 10
MAX_RESULTS = 10_000
MAX_BODY = 3_000  # characters
MAX_GROUPS, MAX_FILTERS, MAX_ALL_FILTERS = 5, 6, 18
_MAX_KEPT = 50  # result lists held at a time
OPERATORS = frozenset(
    {
        *("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN"),
        *("HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"),
    }
)
_NUMBERS = ("number", "date", "datetime")
_LINKED = "associations."
Comparable = float | str
Test = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one property."""

    prop: Property
    operator: str
    value: str | None = None
    high: str | None = None
    values: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What two equal filters have in common."""
        return (self.prop.name, self.operator, self.value, self.high, self.values)


@dataclass(frozen=True, slots=True)
class Found:
    """One page: the records as the index sees them, how many there are in all, and where the next page begins."""

    records: list[Record]
    total: int
    after: int | None


@dataclass(slots=True)
class Search:
    """The searches of one portal; results are kept while nothing changes, since clients ask page by page."""

    portal: HubspotAccount
    _kept: dict[tuple[Any, ...], list[int]] = field(default_factory=dict)

    def page(self, shelf: RecordShelf, body: Mapping[str, Any]) -> Found:
        """One page of what a body asks for.

        Raises: Refusal.
        """
        limit, after = _whole(body, "limit", DEFAULT_LIMIT), _whole(body, "after", 0)
        if not 0 <= limit <= MAX_LIMIT:
            raise errors.invalid(f"limit must be between 0 and {MAX_LIMIT}, not {limit}")
        if after + limit > MAX_RESULTS:
            raise errors.invalid(f"Search results are limited to {MAX_RESULTS}: after {after} and limit {limit} go beyond")
        groups = _groups(shelf.type, body)
        name, descends = _sort(shelf.type, body)
        ids = self._ids(shelf, groups, str(body.get("query") or ""), name, descends=descends)
        seen = self.portal.index(shelf.type).seen()
        more = after + limit < len(ids)
        return Found([seen[one] for one in ids[after : after + limit]], len(ids), after + limit if more else None)

    def _ids(self, shelf: RecordShelf, groups: list[list[Filter]], query: str, name: str, *, descends: bool) -> list[int]:
        index, kind = self.portal.index(shelf.type), shelf.type
        if len(groups) == 1:
            found = self._group(index, kind, groups[0], query)
        else:
            found = sorted({one for group in groups for one in self._group(index, kind, group, query)})
        if name == "hs_object_id":
            return found[::-1] if descends else found
        seen = index.seen()
        return sorted(found, key=lambda one: _sort_key(kind, seen[one], name), reverse=descends)

    def _group(self, index: Index, kind: ObjectType, filters: list[Filter], query: str) -> list[int]:
        """The ids, in order, for which all filters hold: bounds on the id last, since paging by id changes only those."""
        index.seen()
        bounds = [one for one in filters if one.prop.name == "hs_object_id" and one.operator in _BOUNDS]
        linked = [one for one in filters if one.prop.name.startswith(_LINKED)]
        rest = [one for one in filters if one not in bounds and one not in linked]
        key = (kind.name, index.age, query, *(one.key for one in rest))
        if key not in self._kept:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            self._kept[key] = _matching(index, kind, rest, query)
        ids = self._kept[key]
        low, high = _range(bounds)
        start = 0 if low is None else bisect_left(ids, low)
        stop = len(ids) if high is None else bisect_right(ids, high)
        ids = ids[start:stop] if bounds else ids
        for one in linked:
            near = self._near(kind, one)
            ids = [record_id for record_id in ids if record_id in near]
        return ids

    def _near(self, kind: ObjectType, one: Filter) -> set[int]:
        """The records that are associated with one of the filter's values: `associations.company`."""
        other = self.portal.shelf(one.prop.name.removeprefix(_LINKED)).type
        far_ids = [int(value) for value in (one.values or (one.value or "",)) if value.isdigit()]
        return {near for far_id in far_ids for near in self.portal.associations.far(other.name, kind.name, far_id)}


def _matching(index: Index, kind: ObjectType, filters: list[Filter], query: str) -> list[int]:
    stamped = [one for one in filters if one.prop.name == kind.modified and one.operator in _BOUNDS]
    ids = index.modified_between(*_range(stamped))
    tests: list[Test] = [_test(kind, one) for one in filters if one not in stamped]
    if query:
        tests.append(_query(kind, query))
    seen = index.seen()
    return [one for one in ids if all(test(seen[one]) for test in tests)] if tests else ids


_BOUNDS = frozenset({"GT", "GTE", "LT", "LTE", "BETWEEN", "EQ"})


def _range(filters: list[Filter]) -> tuple[int | None, int | None]:
    """Bounds, both included, that hold all of some filters on whole numbers."""
    low: int | None = None
    high: int | None = None
    for one in filters:
        value = int(_comparable(one.prop, one.value or ""))
        if one.operator in ("GT", "GTE", "EQ", "BETWEEN"):
            least = value + (one.operator == "GT")
            low = least if low is None else max(low, least)
        if one.operator in ("LT", "LTE", "EQ", "BETWEEN"):
            most = int(_comparable(one.prop, one.high or "")) if one.operator == "BETWEEN" else value - (one.operator == "LT")
            high = most if high is None else min(high, most)
    return low, high


def _test(kind: ObjectType, one: Filter) -> Test:
    name, prop = one.prop.name, one.prop
    if one.operator == "HAS_PROPERTY":
        return lambda record: value_of(kind, record, name) is not None
    if one.operator == "NOT_HAS_PROPERTY":
        return lambda record: value_of(kind, record, name) is None
    holds = _condition(one)

    def test(record: Record) -> bool:
        value = value_of(kind, record, name)
        if value is None:
            return one.operator in ("NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
        return holds(_comparable(prop, value)) if not prop.is_set else holds(value.lower())

    return test


def _condition(one: Filter) -> Callable[[Any], bool]:
    prop = one.prop
    if prop.is_set:
        return _set_condition(one)
    if one.operator in ("IN", "NOT_IN"):
        wanted = {_comparable(prop, value) for value in one.values}
        return (lambda value: value in wanted) if one.operator == "IN" else (lambda value: value not in wanted)
    if one.operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        is_there = _token(one.value or "")
        return is_there if one.operator == "CONTAINS_TOKEN" else (lambda value: not is_there(value))
    bound = _comparable(prop, one.value or "")
    if one.operator == "BETWEEN":
        high = _comparable(prop, one.high or "")
        return lambda value: bool(bound <= value <= high)
    return _COMPARED[one.operator](bound)


_COMPARED: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "EQ": lambda bound: lambda value: bool(value == bound),
    "NEQ": lambda bound: lambda value: bool(value != bound),
    "LT": lambda bound: lambda value: bool(value < bound),
    "LTE": lambda bound: lambda value: bool(value <= bound),
    "GT": lambda bound: lambda value: bool(value > bound),
    "GTE": lambda bound: lambda value: bool(value >= bound),
}


def _set_condition(one: Filter) -> Callable[[Any], bool]:
    """A set holds a value if one of its members is it."""
    wanted = {value.lower() for value in (one.values or (one.value or "",))}
    denies = one.operator in ("NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
    return lambda value: bool(wanted & set(value.split(";"))) is not denies


def _token(text: str) -> Callable[[Any], bool]:
    """A word, with stars for any ending or beginning."""
    small = text.lower()
    bare = small.strip("*")
    if small.startswith("*") or small.endswith("*"):
        return lambda value: any(_fits(word, small, bare) for word in _words(str(value)))
    return lambda value: set(_words(small)) <= set(_words(str(value)))


def _fits(word: str, pattern: str, bare: str) -> bool:
    if pattern.startswith("*") and pattern.endswith("*"):
        return bare in word
    return word.endswith(bare) if pattern.startswith("*") else word.startswith(bare)


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()


def _query(kind: ObjectType, text: str) -> Test:
    """Free text: every word begins a word of the properties that the vendor searches."""
    wanted, names = _words(text), _QUERIED[kind.singular]

    def test(record: Record) -> bool:
        words = [word for name in names for word in _words(record.values.get(name, ""))]
        return all(any(word.startswith(part) for word in words) for part in wanted)

    return test


_QUERIED = {
    "company": ("name", "domain", "website", "phone"),
    "deal": ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    "contact": ("firstname", "lastname", "email", "phone", "company"),
}


def _comparable(prop: Property, text: str) -> Comparable:
    """A value so that values compare: numbers as numbers, moments as milliseconds, text without regard to case."""
    if prop.kind == "number":
        try:
            return int(text) if text.isdigit() else float(text)
        except ValueError:
            raise errors.invalid(f"{text} is not a number for property {prop.name}") from None
    if prop.kind in _NUMBERS:
        at_ms = stamps.read(text)
        if at_ms is None:
            raise errors.invalid(f"{text} is not a timestamp for property {prop.name}")
        return at_ms
    return text.lower()


def _sort_key(kind: ObjectType, record: Record, name: str) -> tuple[bool, Comparable, int]:
    value = value_of(kind, record, name)
    return (value is None, "" if value is None else _comparable(kind.properties[name], value), record.id)


def _whole(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not str(value).isdigit():
        raise errors.invalid(f"{name} must be a whole number, not {value}")
    return int(value)


def _groups(kind: ObjectType, body: Mapping[str, Any]) -> list[list[Filter]]:
    if len(orjson.dumps(body)) > MAX_BODY:
        raise errors.invalid(f"The request body cannot exceed {MAX_BODY} characters")
    groups = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise errors.bad_json("filterGroups must be a list of objects")
    found = [[_filter(kind, one) for one in group.get("filters", [])] for group in groups]
    if len(found) > MAX_GROUPS or sum(map(len, found)) > MAX_ALL_FILTERS or any(len(group) > MAX_FILTERS for group in found):
        raise errors.invalid(f"At most {MAX_GROUPS} filterGroups of {MAX_FILTERS} filters, {MAX_ALL_FILTERS} filters in all, may be given")
    return found or [[]]


def _filter(kind: ObjectType, wish: Any) -> Filter:
    if not isinstance(wish, dict):
        raise errors.bad_json("a filter must be an object")
    name, operator = str(wish.get("propertyName", "")).lower(), str(wish.get("operator", ""))
    prop = Property(name) if name.startswith(_LINKED) and operator in ("EQ", "IN") else kind.properties.get(name)
    if operator not in OPERATORS:
        raise errors.invalid(f"operator {operator} is not one of {sorted(OPERATORS)}")
    if prop is None:
        raise errors.invalid(f"There was a problem with the request. Property {name} does not exist")
    value, high = wish.get("value"), wish.get("highValue")
    values = tuple(str(one).lower() for one in wish.get("values") or ())
    if operator in ("IN", "NOT_IN") and not values:
        raise errors.invalid(f"operator {operator} requires values")
    if operator not in ("IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY") and (value is None or value == ""):
        raise errors.invalid(f"operator {operator} requires a value")
    if operator == "BETWEEN" and high is None:
        raise errors.invalid("operator BETWEEN requires a highValue")
    found = Filter(prop, operator, None if value is None else str(value), None if high is None else str(high), values)
    if prop.kind in _NUMBERS:
        for text in (*values, *(one for one in (found.value, found.high) if one is not None)):
            _comparable(prop, text)
    return found


def _sort(kind: ObjectType, body: Mapping[str, Any]) -> tuple[str, bool]:
    sorts = body.get("sorts") or []
    if not isinstance(sorts, list):
        raise errors.bad_json("sorts must be a list")
    if len(sorts) > 1:
        raise errors.invalid("Only one sort is supported")
    if not sorts:
        return "hs_object_id", False
    if isinstance(sorts[0], dict):
        name, descends = str(sorts[0].get("propertyName", "")).lower(), str(sorts[0].get("direction", "")).upper() == "DESCENDING"
    else:
        name, descends = str(sorts[0]).lstrip("-").lower(), str(sorts[0]).startswith("-")
    if name not in kind.properties:
        raise errors.invalid(f"There was a problem with the request. Property {name} does not exist")
    return name, descends
