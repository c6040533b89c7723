"""What is wrong with conditions that a person wrote: each mistake with its place, what would be right, and what is allowed there."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sync_worker.domain.core.conditions.condition import VALUE_COUNTS, Condition, ConditionField, ConditionKind, Operator
from sync_worker.domain.core.conditions.holds import day_of, is_pair, number_of, ordered
from sync_worker.domain.core.names import folded, same_name
from sync_worker.nearest import choose_from, did_you_mean, listed

MOST_CONDITIONS: Final = 50  # of one list
MOST_LETTERS: Final = 1000  # of one value


@dataclass(frozen=True, slots=True)
class ConditionMistake:
    """One thing that is wrong. **Shapes** `index`: of the condition in its list; `allowed`: where there is a list of what is right."""

    index: int
    part: Literal["field", "operator", "values"]
    what: str
    remedy: str
    allowed: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where it stands in the list: `0.operator`."""
        return f"{self.index}.{self.part}"

    @property
    def words(self) -> str:
        """What is wrong and what would be right, in one line."""
        return f"{self.what}; {self.remedy}"


def check(conditions: Sequence[Condition], fields: Mapping[str, ConditionField]) -> list[ConditionMistake]:
    """Every mistake, in the order of the list. **Shapes** `fields`: those that the conditions may name, by name."""
    found = [mistake for index, condition in enumerate(conditions) for mistake in _mistakes(index, condition, fields)]
    if len(conditions) > MOST_CONDITIONS:
        what = f"there are {len(conditions)} conditions"
        found.append(ConditionMistake(MOST_CONDITIONS, "field", what, f"a list takes at most {MOST_CONDITIONS}"))
    return found


def _mistakes(index: int, condition: Condition, fields: Mapping[str, ConditionField]) -> Iterator[ConditionMistake]:
    field = fields.get(condition.field)
    if field is None:
        names = tuple(sorted(fields))
        what = f"there is no field {condition.field!r} here"
        yield ConditionMistake(index, "field", what, choose_from(condition.field, names), names)
    elif condition.operator not in field.operators:
        operators = tuple(map(str, field.operators))
        what = f"{field.name} {_HOLDS[field.kind]}, and such a field has no operator {condition.operator!r}"
        yield ConditionMistake(index, "operator", what, choose_from(condition.operator, operators), operators)
    else:
        yield from _value_mistakes(index, condition, field)


def _value_mistakes(index: int, condition: Condition, field: ConditionField) -> Iterator[ConditionMistake]:
    least, most = VALUE_COUNTS[Operator(condition.operator)]
    count = len(condition.values)
    if not least <= count <= most:
        what = f"{condition.operator} has {_counted(count)}"
        yield ConditionMistake(index, "values", what, f"it takes {_range(least, most)}")
        return
    wrong = next((mistake for value in condition.values if (mistake := _value_mistake(index, value, field))), None)
    if wrong:
        yield wrong
    elif condition.operator == Operator.BETWEEN and _is_turned(condition):
        low, high = condition.values
        yield ConditionMistake(index, "values", f"{low} is more than {high}", f"write the lower one first: {high}, {low}")


def _value_mistake(index: int, value: str, field: ConditionField) -> ConditionMistake | None:
    if not folded(value):
        return ConditionMistake(index, "values", f"a value for {field.name} is blank", "use the operator is_blank for blank fields")
    if len(value) > MOST_LETTERS:
        what = f"a value for {field.name} has {len(value):,} characters"
        return ConditionMistake(index, "values", what, f"write at most {MOST_LETTERS:,}")
    if not _FITS[field.kind](value):
        return ConditionMistake(index, "values", f"{value!r} is not {_TAKES[field.kind]}", f"{field.name} {_HOLDS[field.kind]}")
    if field.values is not None and field.kind in ("list", "set") and same_name(value) not in map(same_name, field.values):
        remedy = f"{did_you_mean(value, field.values)} allowed: {listed(field.values)}".lstrip()
        return ConditionMistake(index, "values", f"{field.name} has no value {value!r}", remedy, field.values)
    return None


def _is_turned(condition: Condition) -> bool:
    low, high = map(ordered, condition.values)
    return is_pair(operator.gt, low, high)


def _counted(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values" if count else "no value"


def _range(least: int, most: int) -> str:
    return _counted(least) if least == most else f"{least} to {most} values"


def _is_text(_value: str) -> bool:
    return True


def _is_whole(value: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,40}", value) is not None


def _is_number(value: str) -> bool:
    return number_of(value) is not None


def _is_flag(value: str) -> bool:
    return value in ("true", "false")


def _is_day(value: str) -> bool:
    return day_of(value) is not None


_FITS: Final[Mapping[ConditionKind, Callable[[str], bool]]] = {
    "text": _is_text,
    "list": _is_text,
    "set": _is_text,
    "integer": _is_whole,
    "decimal": _is_number,
    "boolean": _is_flag,
    "date": _is_day,
    "reference": _is_text,
}
_HOLDS: Final[Mapping[ConditionKind, str]] = {
    "text": "holds text",
    "list": "holds one value of a list",
    "set": "holds several values",
    "integer": "holds whole numbers",
    "decimal": "holds numbers",
    "boolean": "holds true or false",
    "date": "holds days, as 2026-12-31",
    "reference": "holds a company",
}
_TAKES: Final[Mapping[ConditionKind, str]] = {
    "text": "a text",
    "list": "a value of a list",
    "set": "a value of a list",
    "integer": "a whole number",
    "decimal": "a number",
    "boolean": "true or false",
    "date": "a day",
    "reference": "a company",
}
