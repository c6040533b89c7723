"""The values that fields hold, and their one plain (JSON) form.

A field is in one of three states: unset (no key), cleared (`None`) or a value. Values are compared in plain form, so that `Decimal("1.5")`
read back from a store and `Decimal("1.50")` quantized by a mapping never look like a change unless the mapping says so.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = str | int | bool | Decimal | date | tuple[str, ...] | None
Plain: TypeAlias = str | int | float | bool | list[str] | None


def plain(value: Value) -> Plain:
    """The JSON form of a value: money as text, days as ISO dates, sets as sorted lists."""
    if value is None or type(value) in (str, bool, int):
        return value  # type: ignore[return-value]  # narrowed by type(), which mypy does not follow
    if isinstance(value, Decimal):
        return format(value, "f")  # never 1E+3
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value


def values_of(value: Value | Plain) -> tuple[str, ...]:
    """A field's values as rules and conditions know them: a set has several, a blank none."""
    if type(value) is str:
        return (value,) if value.strip() else ()
    if isinstance(value, list | tuple):
        return tuple(item for item in value if item.strip())
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return () if value is None else (str(plain(value)),)  # type: ignore[arg-type]  # a float is its own plain form
