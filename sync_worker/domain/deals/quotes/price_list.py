"""The price list of a portal: what one licence of a product costs for a year, by currency and by the day from which that holds.

The price of a day is the latest that is valid by then. A price of nothing (`None`) ends the one before: from that day on the product is not
sold in that currency. Names that differ by case, spaces or Unicode form are one product.

A quote takes its prices from the list. Only the vendor may set a price, and only for a product that is not on the list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.money import is_currency, misfit, shown
from sync_worker.domain.deals.quotes.quote import NO_DISCOUNT, QuoteLine

DEAREST: Final = Decimal(10_000_000)  # a licence's price for a year
_KEEPER: Final = "the vendor's admin, who keeps the price list"


@dataclass(frozen=True, slots=True)
class Price:
    """One row. **Shapes** `unit_price` `None`: not sold from that day on."""

    product: str
    currency: str
    unit_price: Decimal | None
    valid_from: date

    @property
    def key(self) -> tuple[str, str, date]:
        """Of two rows with the same key, the one that was entered later counts."""
        return product_key(self.product), self.currency, self.valid_from


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a row would change.

    **Shapes** `before`: the row that counts on its first day, None = the product is not known in that currency by then; `until`: the day of
    the next row, which ends it; `is_new`: False where the list has this very row.
    """

    price: Price
    before: Price | None
    until: date | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class PriceList:
    """The rows that count, and who keeps them. **Shapes** `file`: where the list is a file's, its path."""

    prices: tuple[Price, ...] = ()
    file: str = ""
    _by_product: Mapping[str, list[Price]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Price]] = {}
        for one in sorted(self.prices, key=lambda price: price.valid_from):
            found.setdefault(product_key(one.product), []).append(one)
        object.__setattr__(self, "_by_product", found)

    def of(self, product: str) -> Sequence[Price]:
        """Every price of the product, in any currency, the oldest first."""
        return self._by_product.get(product_key(product), ())

    def on(self, product: str, currency: str, day: date) -> Price | None:
        """The price of that day."""
        valid = [one for one in self.of(product) if one.currency == currency and one.valid_from <= day]
        return valid[-1] if valid and valid[-1].unit_price is not None else None

    def change(self, price: Price) -> PriceChange:
        """What this row would change."""
        rows = [one for one in self.of(price.product) if one.currency == price.currency]
        before = [one for one in rows if one.valid_from <= price.valid_from]
        later = [one.valid_from for one in rows if one.valid_from > price.valid_from]
        return PriceChange(price, before[-1] if before else None, min(later, default=None), price not in rows)

    def names(self) -> tuple[str, ...]:
        """The products, as they were written last."""
        return tuple(sorted(prices[-1].product for prices in self._by_product.values()))


@dataclass(frozen=True, slots=True)
class Wish:
    """A line as somebody wishes it. **Shapes** `unit_price` only for what is not on the list; `discount` in percent, beside the terms'."""

    product: str
    count: int
    unit_price: Decimal | None = None
    discount: Decimal = NO_DISCOUNT


@dataclass(frozen=True, slots=True)
class Rights:
    """What the caller may write beside product and count. **Shapes** `who_discounts`: for a refusal's words."""

    names_prices: bool = False
    discounts: bool = False
    who_discounts: str = "the vendor"


def product_key(name: str) -> str:
    """The name by which a product is found."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def unsound(price: Price) -> tuple[str, str] | None:
    """The field that makes this no price, and what is wrong with it; `None` for a sound one."""
    if not price.product.strip():
        return "product", "is blank"
    if not is_currency(price.currency):
        return "currency", f"{price.currency!r} is not a currency: ISO 4217 has no such code"
    amount = price.unit_price
    if amount is None:
        return None
    if not amount.is_finite() or not 0 <= amount <= DEAREST:
        return "unit_price", f"{amount} is not a price from 0 to {DEAREST:,}"
    wrong = misfit(amount, price.currency)
    return ("unit_price", wrong) if wrong else None


def lines_of(wishes: Sequence[Wish], prices: PriceList, currency: str, day: date, rights: Rights) -> tuple[QuoteLine, ...] | Refusal:
    """The wished lines at the prices of that day, or the first wish that is refused. **Shapes** a refusal's field is that of the body."""
    lines = []
    for number, wish in enumerate(wishes):
        line = _line(wish, prices, currency, day, rights)
        if isinstance(line, Refusal):
            return replace(line, field=f"lines.{number}.{line.field}")
        lines.append(line)
    return tuple(lines)


def _line(wish: Wish, prices: PriceList, currency: str, day: date, rights: Rights) -> QuoteLine | Refusal:
    if wish.discount and not rights.discounts:
        why = "this person may not give a discount beside the terms"
        return Refusal("discount_not_yours", why, rights.who_discounts, (), "discount_percent")
    if wish.unit_price is not None:
        return _named_by_hand(wish, prices, currency, rights)
    found = prices.on(wish.product, currency, day)
    if found is None or found.unit_price is None:
        return _no_price(wish.product, prices, currency, day)
    return QuoteLine(found.product, found.unit_price, wish.count, wish.discount)


def _named_by_hand(wish: Wish, prices: PriceList, currency: str, rights: Rights) -> QuoteLine | Refusal:
    if not rights.names_prices or wish.unit_price is None:
        why = "prices come from the price list, so this person may not set one"
        return Refusal("unit_price_not_yours", why, "the vendor, for a product that is not on the list", (), "unit_price")
    if listed := prices.of(wish.product):
        why = f"{wish.product} is on the price list ({_there(listed)}), so its price is not written by hand"
        return Refusal("price_listed", why, f"leave unit_price out; or {_KEEPER}, changes it", (), "unit_price")
    if wrong := unsound(Price(wish.product, currency, wish.unit_price, date.min)):
        return Refusal("amount_misfit" if wrong[0] == "unit_price" else "value_malformed", wrong[1], "another price", (), wrong[0])
    return QuoteLine(" ".join(wish.product.split()), wish.unit_price, wish.count, wish.discount)


def _no_price(product: str, prices: PriceList, currency: str, day: date) -> Refusal:
    """What is missing, and what is there: other days and currencies of the product, or else the products that the list has."""
    found = prices.of(product)
    why = f"the price list has no price of {product} in {currency} on {day}"
    if not found:
        return Refusal("no_price", f"{why}: the product is not on the list", _KEEPER, prices.names(), "product")
    return Refusal("no_price", f"{why}; it has {_there(found)}", _KEEPER, (), "product")


def _there(prices: Sequence[Price]) -> str:
    return ", ".join(_said(one) for one in prices)


def _said(price: Price) -> str:
    if price.unit_price is None:
        return f"nothing in {price.currency} from {price.valid_from}"
    return f"{shown(price.unit_price, price.currency)} from {price.valid_from}"
