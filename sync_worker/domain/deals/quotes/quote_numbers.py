"""A quote as plain numbers (JSON) and back: what the store keeps, the API answers and the documents print is one and the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sync_worker.domain.core.values import plain
from sync_worker.domain.deals.quotes.quote import BillingCycle, Column, Payment, PricedLine, Pricing, Quote, QuoteLine


def to_numbers(quote: Quote) -> dict[str, Any]:
    """The quote as JSON has it: amounts as text with all their digits, days as ISO dates."""
    return {
        "deal_id": quote.deal_id,
        "owner_company": quote.owner_company,
        "second_partner": quote.second_partner,
        "deal_type": quote.deal_type,
        "pricing": quote.pricing.value,
        "column": quote.column.value,
        "currency": quote.currency,
        "percent": plain(quote.percent),
        "term_years": quote.term_years,
        "billing_cycle": quote.billing_cycle.value,
        "starts_on": plain(quote.starts_on),
        "lines": [
            {
                "name": priced.line.name,
                "unit_price": plain(priced.line.unit_price),
                "count": priced.line.count,
                "discount_percent": plain(priced.line.discount),
                "list_amount": plain(priced.list_amount),
                "amount": plain(priced.amount),
            }
            for priced in quote.lines
        ],
        "list_total": plain(quote.list_total),
        "total": plain(quote.total),
        "payments": [{"number": one.number, "due_on": plain(one.due_on), "amount": plain(one.amount)} for one in quote.payments],
    }


def from_numbers(numbers: Mapping[str, Any]) -> Quote:
    """The quote that `to_numbers` made these of."""
    return Quote(
        deal_id=numbers["deal_id"],
        owner_company=numbers["owner_company"],
        second_partner=numbers["second_partner"],
        deal_type=numbers["deal_type"],
        pricing=Pricing(numbers["pricing"]),
        column=Column(numbers["column"]),
        currency=numbers["currency"],
        percent=Decimal(numbers["percent"]),
        term_years=numbers["term_years"],
        billing_cycle=BillingCycle(numbers["billing_cycle"]),
        starts_on=date.fromisoformat(numbers["starts_on"]),
        lines=tuple(_line(line) for line in numbers["lines"]),
        list_total=Decimal(numbers["list_total"]),
        total=Decimal(numbers["total"]),
        payments=tuple(_payment(payment) for payment in numbers["payments"]),
    )


def _line(line: Mapping[str, Any]) -> PricedLine:
    written = QuoteLine(line["name"], Decimal(line["unit_price"]), line["count"], Decimal(line["discount_percent"]))
    return PricedLine(written, Decimal(line["list_amount"]), Decimal(line["amount"]))


def _payment(payment: Mapping[str, Any]) -> Payment:
    return Payment(payment["number"], date.fromisoformat(payment["due_on"]), Decimal(payment["amount"]))
