"""The kinds of the canonical deal fields, and how a person's text or a program's JSON becomes one of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sync_worker.domain.deal import Refusal
from sync_worker.domain.values import Value


def parse_fields(raw: Mapping[str, Any]) -> dict[str, Value] | Refusal:
    """The values of these fields, or a refusal that names the first one that cannot be read and what would be right."""
    values: dict[str, Value] = {}
    for name, given in raw.items():
        read, wanted = _KINDS.get(name, (_text, "text"))
        try:
            values[name] = None if given is None or given == "" else read(given)
        except (ValueError, InvalidOperation):
            return Refusal("value_malformed", f"{name}: {given!r} is not {wanted}", "whoever writes it", (wanted,), name)
    return values


def _text(given: Any) -> Value:
    if isinstance(given, dict):
        raise ValueError("a mapping is no value")  # noqa: TRY004  # one kind of error for all that cannot be read
    if isinstance(given, (list, tuple)):
        return tuple(sorted({str(item) for item in given}))
    return str(given).strip() or None


def _money(given: Any) -> Value:
    amount = Decimal(str(given))
    if isinstance(given, bool) or not amount.is_finite() or amount != round(amount, 2):
        raise ValueError
    return amount.quantize(Decimal("0.01"))


def _count(given: Any) -> Value:
    if isinstance(given, bool) or str(given).strip() != str(int(str(given))):
        raise ValueError
    return int(str(given))


def _day(given: Any) -> Value:
    return date.fromisoformat(str(given))


_KINDS: Final[Mapping[str, tuple[Callable[[Any], Value], str]]] = {
    "amount": (_money, "an amount with at most two decimals, like 1200.50"),
    "licence_count": (_count, "a whole number, like 25"),
    "term_years": (_count, "a whole number of years, like 3"),
    "expected_close_on": (_day, "a day, like 2026-12-31"),
    "expires_on": (_day, "a day, like 2026-12-31"),
}
