"""What an expression of Prometheus says at a moment: the part of PromQL that our rules use, and an error for everything else.

CI tries our rules by it, because no package ships Prometheus.
`promql_parser` reads the expression, by the grammar of Prometheus; here its tree is evaluated. Where `promtool` is on PATH, the tests
hold it against the same cases.
**Source** prometheus/promql/engine.go, functions.go, quantile.go
"""

from __future__ import annotations

import math
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

import promql_parser as tree

from tests.watching.series import NAME, Archive, Condition, Labels, without

Vector: TypeAlias = dict[Labels, float]
Arithmetic: TypeAlias = Callable[[float, float], float]
Compare: TypeAlias = Callable[[float, float], bool]

ARITHMETIC: Final[Mapping[str, Arithmetic]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.nan if not left or math.isnan(left) else math.copysign(math.inf, left),
}
COMPARE: Final[Mapping[str, Compare]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
AGGREGATE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {"max": max, "min": min, "sum": math.fsum, "count": len}
SETS: Final = {"or", "unless", "and"}
EXTRAPOLATED: Final = 1.1  # a window without samples at its edge for longer than so many average distances ends half a distance further
NOTHING: Final[Labels] = frozenset()


class NotSpoken(ValueError):
    """The rules use a part of PromQL that is not here: add it, and hold it against promtool."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The series as they are at this moment. **Units** `at_s`."""

    archive: Archive
    at_s: float

    def vector(self, expression: str) -> Vector:
        """What an expression gives here."""
        found = self._value(tree.parse(expression))
        return found if isinstance(found, dict) else {NOTHING: found}

    def _value(self, node: Any) -> Any:
        match node:
            case tree.ParenExpr():
                return self._value(node.expr)
            case tree.NumberLiteral():
                return float(node.val)
            case tree.StringLiteral():
                return node.val
            case tree.VectorSelector():
                return self._selected(node)
            case tree.AggregateExpr():
                return _aggregated(str(node.op), self._value(node.expr), node.modifier)
            case tree.BinaryExpr():
                return _combined(str(node.op), self._value(node.lhs), self._value(node.rhs), node.modifier)
            case tree.Call():
                return self._called(node.func.name, node.args)
        raise NotSpoken(f"{type(node).__name__}: {node}")

    def _selected(self, node: Any) -> Vector:
        _plain(node)
        newest = {labels: series.at(self.at_s) for labels, series in self.archive.matching(node.name, conditions(node))}
        return {labels: value for labels, value in newest.items() if value is not None}

    def _called(self, name: str, arguments: Sequence[Any]) -> Vector:
        match name:
            case "absent":
                return {} if self._value(arguments[0]) else {_said(arguments[0]): 1.0}
            case "label_replace":
                return _replaced(*(self._value(one) for one in arguments))
            case "histogram_quantile":
                return _quantiles(*(self._value(one) for one in arguments))
            case "rate" | "increase" | "delta":
                return self._grown(name, arguments[0])
        raise NotSpoken(f"{name}()")

    def _grown(self, name: str, window: Any) -> Vector:
        if not isinstance(window, tree.MatrixSelector):
            raise NotSpoken(f"a subquery: {window}")
        selector: Any = window.vector_selector
        _plain(selector)
        length_s = window.range.total_seconds()
        found: Vector = {}
        for labels, series in self.archive.matching(selector.name, conditions(selector)):
            samples = series.within(self.at_s - length_s, self.at_s)
            if len(samples) > 1:
                growth = _growth(samples, self.at_s - length_s, self.at_s, is_counter=name != "delta")
                found[without(labels, NAME)] = growth / length_s if name == "rate" else growth
        return found


# ── selectors ────────────────────────────────────────────────────────────────────────────────────────────────────────


def conditions(node: Any) -> list[Condition]:
    """What a selector asks of labels."""
    if node.matchers.or_matchers:
        raise NotSpoken(f"or between labels: {node}")
    regular, equal = (tree.MatchOp.Re, tree.MatchOp.NotRe), (tree.MatchOp.Equal, tree.MatchOp.Re)
    return [
        Condition(one.name, one.value if one.op in regular else re.escape(one.value), one.op in equal) for one in node.matchers.matchers
    ]


def _plain(node: Any) -> None:
    if node.offset or node.at or not node.name:
        raise NotSpoken(f"offset, @ or a selector without a name: {node}")


def _said(node: Any) -> Labels:
    """The labels that `absent` knows: those that its selector sets equal to one value."""
    if not isinstance(node, tree.VectorSelector):
        return NOTHING
    return frozenset((one.name, one.value) for one in node.matchers.matchers if one.op == tree.MatchOp.Equal)


# ── functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _growth(samples: Sequence[tuple[float, float]], from_s: float, until_s: float, *, is_counter: bool) -> float:
    """How much it grew in the whole window, as far as its samples tell. A counter that fell has begun anew."""
    (first_s, first), (last_s, last) = samples[0], samples[-1]
    grown = last - first
    if is_counter:
        pairs = pairwise(samples)
        grown += math.fsum(before for (_, before), (_, after) in pairs if after < before)
    covered_s = last_s - first_s
    distance_s = covered_s / (len(samples) - 1)
    before_s, after_s = first_s - from_s, until_s - last_s
    if is_counter and grown > 0 and first >= 0:
        before_s = min(before_s, covered_s * (first / grown))  # it was not below zero
    edges = (edge_s if edge_s < distance_s * EXTRAPOLATED else distance_s / 2 for edge_s in (before_s, after_s))
    return grown * (covered_s + sum(edges)) / covered_s


def _replaced(vector: Vector, name: str, replacement: str, source: str, pattern: str) -> Vector:
    found: Vector = {}
    for labels, value in vector.items():
        match = re.fullmatch(pattern, dict(labels).get(source, ""))
        put = match.expand(re.sub(r"\$(\d+)", r"\\\1", replacement)) if match else ""
        new = {(name, put)} if put else set()
        found[frozenset(without(labels, name) | new) if match else labels] = value
    return found


def _quantiles(share: float, vector: Vector) -> Vector:
    buckets: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, count in vector.items():
        buckets[without(labels, NAME, "le")].append((float(dict(labels)["le"]), count))
    return {labels: _quantile(share, sorted(found)) for labels, found in buckets.items()}


def _quantile(share: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Within the bucket where it lies, as if its values lay evenly."""
    total = buckets[-1][1]
    if len(buckets) < 2 or buckets[-1][0] != math.inf or not total:
        return math.nan
    rank = share * total
    place = next((at for at, (_, count) in enumerate(buckets[:-1]) if count >= rank), len(buckets) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    low, below = buckets[place - 1] if place else (0.0, 0.0)
    high, count = buckets[place]
    return low + (high - low) * (rank - below) / (count - below)


# ── operators ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _aggregated(operation: str, vector: Vector, modifier: Any) -> Vector:
    if operation not in AGGREGATE or (modifier and modifier.type != tree.AggModifierType.By):
        raise NotSpoken(f"{operation} {modifier}")
    kept = modifier.labels if modifier else []
    groups: dict[Labels, list[float]] = defaultdict(list)
    for labels, value in vector.items():
        groups[_only(labels, kept)].append(value)
    return {labels: float(AGGREGATE[operation](values)) for labels, values in groups.items()}


def _combined(operation: str, left: Any, right: Any, modifier: Any) -> Any:
    if operation in SETS:
        return _joined(operation, left, right, modifier)
    if operation not in ARITHMETIC and operation not in COMPARE:
        raise NotSpoken(operation)
    if modifier and modifier.return_bool:
        raise NotSpoken("bool")
    if isinstance(left, dict) and isinstance(right, dict):
        return _matched(operation, left, right, modifier)
    if isinstance(left, dict):
        return _each(operation, left, lambda value: (value, right), keep=lambda value: value)
    if isinstance(right, dict):
        return _each(operation, right, lambda value: (left, value), keep=lambda value: value)
    return ARITHMETIC[operation](left, right)


def _each(operation: str, vector: Vector, sides: Callable[[float], tuple[float, float]], *, keep: Callable[[float], float]) -> Vector:
    """An operator between a vector and a number: a comparison keeps or drops, arithmetic reckons and drops the name."""
    if operation in COMPARE:
        return {labels: keep(value) for labels, value in vector.items() if COMPARE[operation](*sides(value))}
    return {without(labels, NAME): ARITHMETIC[operation](*sides(value)) for labels, value in vector.items()}


def _joined(operation: str, left: Vector, right: Vector, modifier: Any) -> Vector:
    there = {_key(labels, modifier) for labels in (left if operation == "or" else right)}
    if operation == "or":
        return left | {labels: value for labels, value in right.items() if _key(labels, modifier) not in there}
    return {labels: value for labels, value in left.items() if (_key(labels, modifier) in there) == (operation == "and")}


def _matched(operation: str, left: Vector, right: Vector, modifier: Any) -> Vector:
    """One to one, or many to one: each of the left meets the one of the right that has the same key."""
    is_many = bool(modifier) and modifier.card == tree.VectorMatchCardinality.ManyToOne
    if modifier and (modifier.group_labels or modifier.card == tree.VectorMatchCardinality.OneToMany):
        raise NotSpoken("group_right, or labels of the one side")
    by_key = {_key(labels, modifier): value for labels, value in right.items()}
    if len(by_key) < len(right) or (not is_many and len({_key(labels, modifier) for labels in left}) < len(left)):
        raise ValueError("many-to-many matching: Prometheus refuses that")
    found: Vector = {}
    for labels, value in left.items():
        key = _key(labels, modifier)
        if key not in by_key or (operation in COMPARE and not COMPARE[operation](value, by_key[key])):
            continue
        result = value if operation in COMPARE else ARITHMETIC[operation](value, by_key[key])
        kept = labels if operation in COMPARE else without(labels, NAME)
        found[kept if is_many or not _matching(modifier) else key] = result
    return found


def _matching(modifier: Any) -> Any:
    return modifier.matching if modifier else None


def _key(labels: Labels, modifier: Any) -> Labels:
    matching = _matching(modifier)
    if matching is None:
        return without(labels, NAME)
    if matching.type == tree.LabelModifierType.Include:
        return _only(labels, matching.labels)
    return without(labels, NAME, *matching.labels)


def _only(labels: Labels, names: Sequence[str]) -> Labels:
    return frozenset((name, value) for name, value in labels if name in names)
