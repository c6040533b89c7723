"""Amounts of money: exact decimals in a currency's own units. Each amount is rounded once, half up, where it first becomes money.

Half up (2.345 → 2.35), because that is what a person with a calculator does, and a quote is checked by hand. What people write is not
rounded: an amount with more decimals than its currency has is refused (`misfit`).

**Source** ISO 4217 by the package `iso4217`, which carries the standard's own table.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from iso4217 import Currency

_DECIMALS: Final[Mapping[str, int]] = {one.code: one.exponent for one in Currency if one.exponent is not None}
"""Code → digits after the point. What has no such digits (gold, test codes) is nothing that people pay in."""

WITHOUT_CURRENCY: Final = 2  # decimals of an amount without a currency

_ROOM: Final = Context(prec=60, rounding=ROUND_HALF_UP)  # no amount loses a digit on its way to being rounded


def is_currency(code: str) -> bool:
    """Whether it is a code of ISO 4217 that people pay in."""
    return code in _DECIMALS


def unit(currency: str, *, otherwise: int = WITHOUT_CURRENCY) -> Decimal:
    """The smallest amount of the currency: 0.01 EUR, 1 JPY, 0.001 KWD. **Shapes** `otherwise`: decimals where there is no such currency."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, otherwise))


def misfit(amount: Decimal, currency: str, *, otherwise: int = WITHOUT_CURRENCY) -> str:
    """What is wrong with the amount in this currency, in words; "" where nothing is. Zeros at the end do no harm: 1000.00 JPY fits."""
    smallest = unit(currency, otherwise=otherwise)
    if amount == amount.quantize(smallest, context=_ROOM):
        return ""
    places = -int(smallest.as_tuple().exponent)
    most = f"{places} decimals" if places else "no decimals"
    return f"{amount:f} is not an amount of {currency}, which has {most}" if currency else f"an amount has {most} at most, not {amount:f}"


def rounded(amount: Decimal, currency: str, *, otherwise: int = WITHOUT_CURRENCY) -> Decimal:
    """The amount in the currency's own units, half up, and never -0."""
    result = amount.quantize(unit(currency, otherwise=otherwise), context=_ROOM)
    return result or result.copy_abs()


def product(*factors: Decimal | int) -> Decimal:
    """Exact."""
    result = Decimal(1)
    for factor in factors:
        result = _ROOM.multiply(result, Decimal(factor))
    return result


def split(total: Decimal, count: int, currency: str) -> tuple[Decimal, ...]:
    """The total in so many parts that differ by one unit at most and sum to it exactly; the larger ones come first."""
    units = int(_ROOM.divide(total, unit(currency)))
    each, over = divmod(units, count)
    return tuple((each + (number < over)) * unit(currency) for number in range(count))


def spelled(amount: Decimal, currency: str) -> str:
    """With all its digits, and no fewer than the currency has: `1,200.00`, `0.005`."""
    places = -min(int(amount.as_tuple().exponent), int(unit(currency).as_tuple().exponent))
    return f"{amount:,.{places}f}"


def shown(amount: Decimal, currency: str) -> str:
    """As people read it: `4,285.32 EUR`."""
    return f"{spelled(amount, currency)} {currency}"
