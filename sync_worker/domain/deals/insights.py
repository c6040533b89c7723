"""Insights: how many deals there are and what they are worth, by one thing that deals have in common.

They are always of the deals that a person may see; which these are is decided in `people/visibility.py`. Amounts are added within their
currency and never across currencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from itertools import groupby
from typing import Final

_ROOM: Final = Context(prec=1000)  # no sum of amounts loses a digit


class Grouping(StrEnum):
    """What deals are grouped by."""

    STAGE = "stage"
    OUTCOME = "outcome"
    MONTH = "month"
    REGISTERED_MONTH = "registered_month"
    OWNER_COMPANY = "owner_company"
    SECOND_PARTNER = "second_partner"

    @property
    def is_in_time(self) -> bool:
        """Months come in their order; of all else the largest group comes first."""
        return self in (Grouping.MONTH, Grouping.REGISTERED_MONTH)


@dataclass(frozen=True, slots=True)
class Cell:
    """Deals of one group and one currency. **Shapes** `priced`: how many of them have an amount; `amount` None = none has."""

    value: str | None
    currency: str | None
    count: int
    priced: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class CurrencySum:
    """What deals with an amount in one currency are worth together. **Shapes** `currency` None: their amounts have no currency."""

    currency: str | None
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DealGroup:
    """Deals that have one value in common. **Shapes** `value` None: they have none."""

    value: str | None
    count: int
    sums: tuple[CurrencySum, ...]


def group_of(cells: Sequence[Cell]) -> DealGroup:
    """One group out of the cells of one value, the currencies by their codes, amounts without a currency last."""
    by_currency = sorted(cells, key=lambda cell: (cell.currency is None, cell.currency or ""))
    sums = [_sum(currency, list(found)) for currency, found in groupby(by_currency, key=lambda cell: cell.currency)]
    return DealGroup(cells[0].value if cells else None, sum(cell.count for cell in cells), tuple(one for one in sums if one.count))


def groups_of(cells: Iterable[Cell]) -> list[DealGroup]:
    """All groups, in the order of the cells, in which those of one value stand together."""
    return [group_of(list(found)) for _, found in groupby(cells, key=lambda cell: cell.value)]


def _sum(currency: str | None, cells: Sequence[Cell]) -> CurrencySum:
    total = Decimal(0)
    for cell in cells:
        total = _ROOM.add(total, cell.amount or Decimal(0))
    return CurrencySum(currency, sum(cell.priced for cell in cells), total)
