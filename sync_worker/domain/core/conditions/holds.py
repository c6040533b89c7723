"""Whether conditions hold for a record. Pure, and quick enough to be asked of every company of a portal.

Words are compared as people compare them: capitals, double spaces and unseen signs make no difference. Numbers are compared as numbers
and days as days. What cannot be compared does not hold, and neither does an operator that this version does not know.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sync_worker.domain.core.conditions.condition import Condition, Operator
from sync_worker.domain.core.names import same_name
from sync_worker.domain.core.values import Plain, Value, values_of

Held: TypeAlias = tuple[str, ...]
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def holds(conditions: Iterable[Condition], values: Mapping[str, Value | Plain]) -> bool:
    """Whether all of the conditions hold for a record. **Shapes** `values`: field → what the record holds; a missing field is blank."""
    return all(_holds(condition, values_of(values.get(condition.field))) for condition in conditions)


def number_of(text: str) -> Decimal | None:
    """The number that a text spells; None where it does not spell one."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def day_of(text: str) -> date | None:
    """The day that a text spells as `2026-12-31`; None where it does not spell one."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _holds(condition: Condition, held: Held) -> bool:
    if condition.operator == Operator.IS_BLANK:
        return not held
    test = _TESTS.get(condition.operator)
    return bool(held) and test is not None and test(condition, held)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1000)
def _wanted(condition: Condition) -> frozenset[str]:
    return frozenset(map(same_name, condition.values))


def _is_any(condition: Condition, held: Held) -> bool:
    return not _wanted(condition).isdisjoint(map(same_name, held))


def _is_none(condition: Condition, held: Held) -> bool:
    return not _is_any(condition, held)


def _has_all(condition: Condition, held: Held) -> bool:
    return _wanted(condition) <= set(map(same_name, held))


def _contains(condition: Condition, held: Held) -> bool:
    return any(part in same_name(text) for part in _wanted(condition) for text in held)


def _starts_with(condition: Condition, held: Held) -> bool:
    return any(same_name(text).startswith(part) for part in _wanted(condition) for text in held)


# ── numbers and days ─────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=10_000)
def ordered(text: str) -> Decimal | date | None:
    """The day or the number that a text spells; None where it spells neither."""
    return day_of(text) or number_of(text)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Condition, Held], bool]:
    """The test that compares what a record holds with the condition's value."""

    def test(condition: Condition, held: Held) -> bool:
        return all(is_pair(compare, ordered(text), ordered(bound)) for text in held for bound in condition.values)

    return test


def _between(condition: Condition, held: Held) -> bool:
    """The two bounds count as within."""
    low, high = map(ordered, condition.values)
    return all(is_pair(operator.ge, ordered(text), low) and is_pair(operator.le, ordered(text), high) for text in held)


def is_pair(compare: Callable[[Any, Any], bool], one: Decimal | date | None, other: Decimal | date | None) -> bool:
    """Whether both are days, or both numbers, and compare so."""
    return one is not None and type(one) is type(other) and compare(one, other)


_TESTS: Final[Mapping[str, Callable[[Condition, Held], bool]]] = {
    Operator.IS: _is_any,
    Operator.IS_NOT: _is_none,
    Operator.ONE_OF: _is_any,
    Operator.NONE_OF: _is_none,
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts_with,
    Operator.CONTAINS_ANY: _is_any,
    Operator.CONTAINS_ALL: _has_all,
    Operator.CONTAINS_NONE: _is_none,
    Operator.EQUALS: _compared(operator.eq),
    Operator.LESS_THAN: _compared(operator.lt),
    Operator.AT_MOST: _compared(operator.le),
    Operator.MORE_THAN: _compared(operator.gt),
    Operator.AT_LEAST: _compared(operator.ge),
    Operator.BETWEEN: _between,
    Operator.ON: _compared(operator.eq),
    Operator.BEFORE: _compared(operator.lt),
    Operator.AFTER: _compared(operator.gt),
    Operator.IS_NOT_BLANK: lambda _condition, _held: True,
}
