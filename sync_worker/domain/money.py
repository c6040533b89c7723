"""Amounts of money: exact decimals in a currency's own units. Each amount is rounded once, half up, where it first becomes money.

Half up (2.345 → 2.35), because that is what a person with a calculator does, and a quote is checked by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""ISO 4217: digits after the point, where they are not two."""

_ROOM: Final = Context(prec=60, rounding=ROUND_HALF_UP)  # no amount loses a digit on its way to being rounded


def is_currency(code: str) -> bool:
    """Whether it is spelled as a currency of ISO 4217; whether it is one, the CRM's list says."""
    return re.fullmatch(r"[A-Z]{3}", code) is not None


def unit(currency: str) -> Decimal:
    """The smallest amount of the currency: 0.01 EUR, 1 JPY, 0.001 KWD."""
    return Decimal(1).scaleb(-_EXPONENTS.get(currency, 2))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's own units, half up."""
    return amount.quantize(unit(currency), context=_ROOM)


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
