"""Quotes, prices and licences as they stand in bodies: the very numbers that the documents print."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, WithJsonSchema

from sync_worker.domain.deals.completion import Step
from sync_worker.domain.deals.quotes.price_list import DEAREST
from sync_worker.domain.deals.quotes.quote import BillingCycle, Column, Pricing
from sync_worker.web.api.core.shapes import Body, ListView, Name, ShownMoney, ShownPercent, Text, View, decimal_text

MOST_LINES: Final = 200
MOST_PRICES: Final = 1000
Price: TypeAlias = Annotated[Decimal, Field(ge=0, le=DEAREST), WithJsonSchema(decimal_text(r"^[0-9]{1,8}(\.[0-9]+)?$", "99.90"))]
Discount: TypeAlias = Annotated[
    Decimal, Field(ge=0, le=100, decimal_places=2), WithJsonSchema(decimal_text(r"^[0-9]{1,3}(\.[0-9]{1,2})?$", "5"))
]
Day: TypeAlias = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class QuoteLineBody(Body):
    """One line of a new quote: a number of licences of one product, at its price on the price list."""

    product: Name
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    discount_percent: Annotated[
        Discount | None,
        Field(description="A discount on the price after the terms. Only users whom the portal lets give discounts may set it."),
    ] = None
    unit_price: Annotated[
        Price | None,
        Field(description="The price of one licence for a year, in the deal's currency. Only for a product that is not on the price list."),
    ] = None


class QuoteBody(Body):
    """A new quote. Its prices come from the price list, its percent from the terms, and its term and currency from the deal."""

    pricing: Pricing
    column: Annotated[
        Column | None,
        Field(description="Who gets the quote: the distributor or, in the deal column, the reseller. Retail pricing may have either."),
    ] = None
    lines: Annotated[list[QuoteLineBody], Field(min_length=1, max_length=MOST_LINES)]
    starts_on: Annotated[
        Day | None, Field(description="The first day of the term. The prices of that day count. Without it, the term begins today.")
    ] = None


class PriceBody(Body):
    """The price of one licence of a product for a year, from a day on. Null means that it is not sold in that currency from then on."""

    product: Name
    currency: Annotated[Name, Field(examples=["EUR"])]
    unit_price: Price | None
    valid_from: Day


class PricesBody(Body):
    """New rows of the price list. Either all of them are accepted, or none is."""

    prices: Annotated[list[PriceBody], Field(min_length=1, max_length=MOST_PRICES)]
    reason: Annotated[Text, Field(description="Why. It is kept in the history.")] = ""


class ListedPriceView(View):
    """One row of the price list."""

    product: str
    currency: str
    unit_price: ShownMoney | None
    valid_from: date


class PriceListView(ListView):
    """The price list as it counts now, by product, currency and day. If `managed_by` is `file`, the API cannot change it."""

    managed_by: Literal["api", "file"]
    items: list[ListedPriceView]


class PriceRowView(ListedPriceView):
    """One row of the price list, with who set it and when."""

    said_at: datetime
    said_by: str
    reason: str


class PriceHistoryView(ListView):
    """Every row that was ever set over HTTP or loaded from a file, the oldest first for each product, currency and day."""

    items: list[PriceRowView]


class QuoteLineView(View):
    """A line of a quote, with its amount for the whole term."""

    product: str
    unit_price: ShownMoney
    count: int
    discount_percent: ShownPercent
    list_amount: ShownMoney
    amount: ShownMoney


class PaymentView(View):
    """One payment of a quote."""

    number: int
    due_on: date
    amount: ShownMoney


class QuoteView(View):
    """A quote as it was made, and what happened to it since. Companies are named by our id."""

    id: str
    number: Annotated[str, Field(description="The number of the quote, as people cite it.")]
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
    lines: list[QuoteLineView]
    list_total: ShownMoney
    total: ShownMoney
    payments: list[PaymentView]
    made_at: datetime
    made_by: str
    sent_at: datetime | None
    sent_by: str | None
    offered_at: Annotated[
        datetime | None, Field(description="When the vendor sent it after finalize was requested. From then on it may be signed.")
    ]
    offered_by: str | None
    signed_at: datetime | None
    signed_by: str | None
    signed_for: str | None


class QuotesView(ListView):
    """The quotes of a deal that the user may see, the newest first."""

    items: list[QuoteView]
    next_step: Annotated[
        Step | None, Field(description="The next step of the sale. It is null before finalize was requested and after the end.")
    ]


class LicenceView(View):
    """A number of licences of one product, for the company that owns the deal. `ends_on` is the last day."""

    id: str
    deal_id: str
    company_id: str
    name: str
    count: int
    starts_on: date
    ends_on: date


class LicencesView(ListView):
    """The licences from the deals that the user may see."""

    items: list[LicenceView]
