"""Quotes and licences as they stand in bodies: the very numbers that the documents print."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from sync_worker.domain.completion import Step
from sync_worker.domain.quote import BillingCycle, Pricing
from sync_worker.web.api.shapes import Money, Name, Said, Shown

DEAREST: Final = Decimal(10_000_000)  # a licence's list price for a year
MOST_LINES: Final = 200
Price: TypeAlias = Annotated[Decimal, Field(ge=0, le=DEAREST, decimal_places=4, examples=["99.90"])]
Day: TypeAlias = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]


class LineSaid(Said):
    """One licensed product, at its list price for one licence and year, in the deal's currency."""

    name: Name
    unit_price: Price
    count: Annotated[int, Field(ge=1, le=1_000_000)]


class QuoteSaid(Said):
    """What is quoted, and for whom. The percent comes from the terms, term and currency from the deal."""

    pricing: Pricing
    lines: Annotated[list[LineSaid], Field(min_length=1, max_length=MOST_LINES)]
    starts_on: Annotated[Day | None, Field(description="The first day of the term; today unless said.")] = None


class Line(Shown):
    """A line, and what it comes to for the whole term."""

    name: str
    unit_price: Money
    count: int
    list_amount: Money
    amount: Money


class Payment(Shown):
    """One payment."""

    number: int
    due_on: date
    amount: Money


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
    currency: str
    percent: Decimal
    term_years: int
    billing_cycle: BillingCycle
    starts_on: date
    lines: list[Line]
    list_total: Money
    total: Money
    payments: list[Payment]
    made_at: datetime
    made_by: str
    sent_at: datetime | None
    sent_by: str | None
    signed_at: datetime | None
    signed_by: str | None
    signed_for: str | None


class Quotes(Shown):
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


class Licences(Shown):
    """Licences that the person may know of: those of deals it sees."""

    items: list[Licence]
