"""Quotes: what a deal costs its buyer in one of three pricings, and when it is paid. Who sees and is sent which is in `quote_policy.py`.

    retail       list price                                            what the end customer would pay
    distributor  list price less the percent between it and the vendor what the vendor bills
    reseller     list price less the subgroup's percent                what the distributor charges

A single-tier deal has no reseller pricing: its owner is billed by the vendor. List prices come from the price list
(`price_list.py`). Every line is rounded once, half up, to the currency's own units (`money.py`); the total is the sum of the lines, and the
payments sum to the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import PRICED_FIELDS, Deal, Lifecycle, Refusal, VendorApproval
from sync_worker.domain.core.money import is_currency, product, rounded, split
from sync_worker.domain.distributors.terms import Terms

NO_DISCOUNT: Final = Decimal(0)


class Pricing(StrEnum):
    """The prices of a quote: for the end customer, the distributor or the reseller."""

    RETAIL = "retail"
    DISTRIBUTOR = "distributor"
    RESELLER = "reseller"


class Column(StrEnum):
    """Who gets a quote: the distributor's own group, or the reseller's."""

    DISTRIBUTOR = "distributor"
    DEAL = "deal"


class BillingCycle(StrEnum):
    """How a term is paid."""

    ANNUAL = "annual"
    MONTHLY = "monthly"
    UP_FRONT = "up_front"


class QuoteState(StrEnum):
    """Where a deal's quote stands; a deal without one has none of these."""

    SENT = "sent"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One licensed product.

    **Units** `unit_price`: list price of one licence for one year, in the quote's currency; `discount`: percent off what the terms leave.
    """

    name: str
    unit_price: Decimal
    count: int
    discount: Decimal = NO_DISCOUNT


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line, its percent off and what it comes to for the whole term. **Units** amounts in the quote's currency, rounded."""

    line: QuoteLine
    list_amount: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of the schedule. **Shapes** `number` begins with 1."""

    number: int
    due_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What a deal costs in one pricing.

    **Shapes** the lines in the order given; payments by date. `owner_company` and `second_partner`, by our id, and `deal_type` are those
    the price was made of.
    """

    deal_id: str
    owner_company: str
    second_partner: str | None
    deal_type: str
    pricing: Pricing
    column: Column
    currency: str
    percent: Decimal
    term_years: int
    billing_cycle: BillingCycle
    starts_on: date
    lines: tuple[PricedLine, ...]
    list_total: Decimal
    total: Decimal
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is quoted, whatever the pricing, and to whom it goes. **Units** `starts_on`: the first day of the term."""

    lines: tuple[QuoteLine, ...]
    starts_on: date
    column: Column = Column.DEAL


CYCLES: Final[Mapping[int, frozenset[BillingCycle]]] = {
    1: frozenset({BillingCycle.ANNUAL, BillingCycle.MONTHLY}),
    2: frozenset({BillingCycle.UP_FRONT, BillingCycle.ANNUAL}),
    3: frozenset({BillingCycle.UP_FRONT, BillingCycle.ANNUAL}),
}
"""Years of a term → the ways to pay it."""

_PAYMENTS_A_YEAR: Final = {BillingCycle.ANNUAL: 1, BillingCycle.MONTHLY: 12}
_OVER: Final = frozenset({Lifecycle.DRAFT, Lifecycle.DISABLED, Lifecycle.WITHDRAWN, Lifecycle.EXPIRED, Lifecycle.LOST})


def pricings_of(deal: Deal) -> tuple[Pricing, ...]:
    """The pricings this deal has."""
    return tuple(Pricing) if deal.second_partner else (Pricing.RETAIL, Pricing.DISTRIBUTOR)


def billed_company(deal: Deal) -> str | None:
    """Our id of the company the vendor bills: the second partner, or the owner of a single-tier deal. It signs."""
    return deal.second_partner or deal.owner_company


def priced_pair(deal: Deal, pricing: Pricing, vendor_id: str) -> tuple[str, str] | None:
    """The pair (lower, upper) whose terms say the percent; `None` for retail, which has none."""
    lower, upper = (deal.owner_company, deal.second_partner) if pricing is Pricing.RESELLER else (billed_company(deal), vendor_id)
    return (lower, upper) if lower and upper and pricing is not Pricing.RETAIL else None


def percent_of(terms: Terms | None, deal: Deal, pricing: Pricing) -> Decimal | Refusal:
    """The percent off the list price. A pair without terms has no discount; terms without this deal type are a refusal."""
    deal_type = str(deal.values.get("deal_type") or "")
    if pricing is Pricing.RETAIL or terms is None:
        return NO_DISCOUNT
    if deal_type not in terms.percents:
        why = f"the terms for {pricing} pricing have no percent for deal type {deal_type!r}"
        return Refusal("percent_missing", why, "the person who sets the terms", tuple(sorted(terms.percents)), "deal_type")
    return terms.percents[deal_type]


def quote_refusal(deal: Deal, pricing: Pricing) -> Refusal | None:
    """What this deal lacks before it can be quoted, all of it; `None` when nothing is missing. Retail pricing needs no approval."""
    unapproved = "" if pricing is Pricing.RETAIL else _unapproved(deal)
    missing = [words for words in (unapproved, _stopped(deal), *_unset(deal)) if words]
    if not missing:
        return None
    return Refusal("quote_not_ready", f"the deal cannot be quoted: {'; '.join(missing)}", "a person who supplies what is missing")


def price(deal: Deal, offer: Offer, pricing: Pricing, percent: Decimal) -> Quote | Refusal:
    """The quote in this pricing, or why there is none."""
    refused = quote_refusal(deal, pricing) or _unpriced(deal, pricing) or _wrong_lines(deal, offer.lines)
    if refused:
        return refused
    currency, years = str(deal.values["currency"]), int(str(deal.values["term_years"]))
    cycle = BillingCycle(str(deal.values["billing_cycle"]))
    lines = tuple(_priced(line, years, percent, currency) for line in offer.lines)
    total = sum((line.amount for line in lines), start=rounded(Decimal(0), currency))
    return Quote(
        deal_id=deal.id,
        owner_company=deal.owner_company or "",
        second_partner=deal.second_partner,
        deal_type=str(deal.values["deal_type"]),
        pricing=pricing,
        column=offer.column,
        currency=currency,
        percent=percent,
        term_years=years,
        billing_cycle=cycle,
        starts_on=offer.starts_on,
        lines=lines,
        list_total=sum((line.list_amount for line in lines), start=rounded(Decimal(0), currency)),
        total=total,
        payments=schedule(total, currency, years=years, cycle=cycle, starts_on=offer.starts_on),
    )


def outdated(quote: Quote, deal: Deal) -> tuple[str, ...]:
    """The fields of the deal that are no longer what the quote was made of; none: the quote still stands."""
    counted = deal.values.get("licence_count")
    made_of = {name: getattr(quote, name) for name in PRICED_FIELDS - {"licence_count"}}
    made_of["licence_count"] = sum(priced.line.count for priced in quote.lines) if counted is not None else None
    return tuple(sorted(name for name, value in made_of.items() if (deal.values.get(name) or None) != value))


def schedule(total: Decimal, currency: str, *, years: int, cycle: BillingCycle, starts_on: date) -> tuple[Payment, ...]:
    """When what is paid: equal parts, the first ones a unit larger where the total does not divide."""
    count = 1 if cycle is BillingCycle.UP_FRONT else years * _PAYMENTS_A_YEAR[cycle]
    months = years * 12 // count
    amounts = split(total, count, currency)
    return tuple(Payment(number + 1, months_later(starts_on, number * months), amount) for number, amount in enumerate(amounts))


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last one where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))


# ── what a deal lacks ────────────────────────────────────────────────────────────────────────────────────────────────


def _unapproved(deal: Deal) -> str:
    return "" if deal.vendor_approval is VendorApproval.APPROVED else f"the vendor's approval is {deal.vendor_approval}"


def _stopped(deal: Deal) -> str:
    return f"the deal is {deal.lifecycle}" if deal.lifecycle in _OVER else ""


def _unset(deal: Deal) -> list[str]:
    values = deal.values
    years, cycle, currency = values.get("term_years"), values.get("billing_cycle"), values.get("currency")
    cycles = CYCLES.get(years, frozenset()) if isinstance(years, int) else frozenset()
    return [
        "" if cycles else f"term_years is {years}, not {', '.join(map(str, CYCLES))}",
        "" if not cycles or cycle in cycles else f"billing_cycle is {cycle}, not {' or '.join(sorted(cycles))} (term of {years})",
        "" if isinstance(currency, str) and is_currency(currency) else f"currency is {currency}, not a code of ISO 4217 as EUR",
        "" if values.get("deal_type") else "deal_type is not set",
    ]


def _unpriced(deal: Deal, pricing: Pricing) -> Refusal | None:
    if pricing in pricings_of(deal):
        return None
    return Refusal(
        "pricing_not_for_deal", f"a deal without a second partner has no {pricing} pricing", "nobody", pricings_of(deal), "pricing"
    )


def _wrong_lines(deal: Deal, lines: Sequence[QuoteLine]) -> Refusal | None:
    """Every line is a licensed product, so the lines count what the deal counts."""
    who = "the person who makes the quote corrects the lines, or the owner company corrects the deal"
    if not lines or not all(_is_sound(line) for line in lines):
        return Refusal(
            "lines_malformed", "each line needs a product and a count of 1 or more, and its unit price is not below 0", who, field="lines"
        )
    count, counted = deal.values.get("licence_count"), sum(line.count for line in lines)
    if count is not None and count != counted:
        return Refusal("lines_count_otherwise", f"the lines count {counted} licences, the deal {count}", who, field="lines")
    return None


def _is_sound(line: QuoteLine) -> bool:
    return line.count >= 1 and line.unit_price.is_finite() and line.unit_price >= 0 and bool(line.name.strip())


def _priced(line: QuoteLine, years: int, percent: Decimal, currency: str) -> PricedLine:
    """Both amounts from the exact list price, each rounded once."""
    exact = product(line.unit_price, line.count, years)
    left = product((100 - percent) / 100, (100 - line.discount) / 100)
    return PricedLine(line, rounded(exact, currency), rounded(product(exact, left), currency))
