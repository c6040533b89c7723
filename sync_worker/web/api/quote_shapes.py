"""Quotes, prices and licences as they stand in bodies: the very numbers that the documents print."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, WithJsonSchema

from sync_worker.domain.completion import Step
from sync_worker.domain.price_list import DEAREST
from sync_worker.domain.quote import BillingCycle, Column, Pricing
from sync_worker.web.api.shapes import Name, Paged, Said, Shown, ShownMoney, ShownPercent, decimal_text

MOST_LINES: Final = 200
MOST_PRICES: Final = 1000
Price: TypeAlias = Annotated[Decimal, Field(ge=0, le=DEAREST), WithJsonSchema(decimal_text(r"^[0-9]{1,8}(\.[0-9]+)?$", "99.90"))]
Discount: TypeAlias = Annotated[
    Decimal, Field(ge=0, le=100, decimal_places=2), WithJsonSchema(decimal_text(r"^[0-9]{1,3}(\.[0-9]{1,2})?$", "5"))
]
Day: TypeAlias = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class LineSaid(Said):
    """So many licences of one product, at its price on the price list."""

    product: Name
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    discount_percent: Annotated[
        Discount | None,
        Field(description="Off what the terms leave; only by those whom the portal lets give a discount."),
    ] = None
    unit_price: Annotated[
        Price | None,
        Field(description="One licence for one year, in the deal's currency: by the vendor, for a product that is not on the price list."),
    ] = None


class QuoteSaid(Said):
    """What is quoted, and for whom. Prices come from the price list, the percent from the terms, term and currency from the deal."""

    pricing: Pricing
    column: Annotated[
        Column | None,
        Field(description="Whose members it goes to: the distributor's or, in the deal column, the reseller's. Retail pricing has both."),
    ] = None
    lines: Annotated[list[LineSaid], Field(min_length=1, max_length=MOST_LINES)]
    starts_on: Annotated[Day | None, Field(description="The first day of the term, whose prices count; today unless said.")] = None


class PriceSaid(Said):
    """What one licence of a product costs for a year, from that day on; null: it is not sold in that currency from then on."""

    product: Name
    currency: Annotated[Name, Field(examples=["EUR"])]
    unit_price: Price | None
    valid_from: Day


class PricesSaid(Said):
    """Rows of the price list, all or none. One of the same product, currency and day takes the other's place."""

    prices: Annotated[list[PriceSaid], Field(min_length=1, max_length=MOST_PRICES)]


class ListedPrice(Shown):
    """One row that counts."""

    product: str
    currency: str
    unit_price: ShownMoney | None
    valid_from: date


class PriceList(Paged):
    """The price list as it counts now, by product, currency and day. `managed_by`: `api`, or `file`: then nobody changes it here."""

    managed_by: Literal["api", "file"]
    items: list[ListedPrice]


class SaidPrice(ListedPrice):
    """One row as somebody said it."""

    said_at: datetime
    said_by: str


class PriceHistory(Paged):
    """Every row that was ever said over HTTP or loaded, the oldest first for each product, currency and day."""

    items: list[SaidPrice]


class Line(Shown):
    """A line, and what it comes to for the whole term."""

    product: str
    unit_price: ShownMoney
    count: int
    discount_percent: ShownPercent
    list_amount: ShownMoney
    amount: ShownMoney


class Payment(Shown):
    """One payment."""

    number: int
    due_on: date
    amount: ShownMoney


class Quote(Shown):
    """A quote as it was made, and what became of it. Companies by our id."""

    id: str
    number: Annotated[str, Field(description="As people cite it.")]
    version: int
    deal_id: str
    owner_company: str
    second_partner: str | None = None
    deal_type: str
    pricing: Pricing
    column: Column
    currency: str
    percent: ShownPercent
    term_years: int
    billing_cycle: BillingCycle
    starts_on: date
    lines: list[Line]
    list_total: ShownMoney
    total: ShownMoney
    payments: list[Payment]
    made_at: datetime
    made_by: str
    sent_at: datetime | None
    sent_by: str | None
    offered_at: Annotated[datetime | None, Field(description="When the vendor sent it after finalize was requested: it may be signed.")]
    offered_by: str | None
    signed_at: datetime | None
    signed_by: str | None
    signed_for: str | None


class Quotes(Paged):
    """A deal's quotes that the person may see, the newest first. `next_step`: of the sale; null before finalize and after the end."""

    items: list[Quote]
    next_step: Step | None


class Licence(Shown):
    """So many licences of one product, in the company that owns the deal. `ends_on` is the last day."""

    id: str
    deal_id: str
    company_id: str
    name: str
    count: int
    starts_on: date
    ends_on: date


class Licences(Paged):
    """Licences that the person may know of: those of deals it sees."""

    items: list[Licence]
