"""Several values in one field of a form: with commas between them, and in quotes where a value has a comma of its own."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Final

from sync_worker.domain.core.conditions.condition import VALUE_COUNTS, Condition

TAKES_ONE: Final = {name for name, counts in VALUE_COUNTS.items() if counts == (1, 1)}
_QUOTED: Final = frozenset(',"')


def listed(values: Sequence[str]) -> str:
    """The values as a person writes them."""
    return ", ".join(_quoted(value) for value in values)


def unlisted(text: str) -> tuple[str, ...]:
    """What a person has written, as values."""
    return tuple(value for row in csv.reader([text], skipinitialspace=True) for value in map(str.strip, row) if value)


def values_as_written(condition: Condition) -> str:
    """The values of a condition. The only value of an operator that takes one is written as it is."""
    return "".join(condition.values) if condition.operator in TAKES_ONE else listed(condition.values)


def values_of(operator: str, text: str) -> tuple[str, ...]:
    """The same read back."""
    return ((text,) if text else ()) if operator in TAKES_ONE else unlisted(text)


def _quoted(value: str) -> str:
    if _QUOTED.isdisjoint(value):
        return value
    return '"' + value.replace('"', '""') + '"'
