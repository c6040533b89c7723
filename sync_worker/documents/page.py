"""A quote's page as HTML, and the words that HTML and PDF share. A portal may replace `quote.html`, and add its `logo.png`."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sync_worker.config.templates import Templates
from sync_worker.domain.core.money import shown, spelled
from sync_worker.domain.deals.quotes.quote import BillingCycle, PricedLine, Pricing, Quote

ROOM: Final = Path(__file__).parent
TITLES: Final = {Pricing.RETAIL: "Quote", Pricing.DISTRIBUTOR: "Distributor quote", Pricing.RESELLER: "Reseller quote"}
_CYCLES: Final = {BillingCycle.ANNUAL: "billed annually", BillingCycle.MONTHLY: "billed monthly", BillingCycle.UP_FRONT: "billed up front"}


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, for whom, and when."""

    name: str
    company: str
    on: date


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything a quote's document says. **Shapes** companies by their names; `number`: of the quote, as people cite it."""

    quote: Quote
    number: str
    deal: str
    vendor: str
    addressee: str
    made_on: date
    signature: Signature | None = None

    @property
    def title(self) -> str:
        return TITLES[self.quote.pricing]


def as_html(templates: Templates, paper: Paper) -> str:
    """The page. **Raises** ConfigError for a template."""
    return templates.render("quote.html", words_of(paper) | {"logo": _logo(templates.own / "logo.png")})


def words_of(paper: Paper) -> dict[str, Any]:
    """What both documents print, spelled for people; the amounts are those of the quote, to the digit."""
    quote = paper.quote

    def money(amount: Any) -> str:
        return shown(amount, quote.currency)

    years = f"{quote.term_years} year{'s' if quote.term_years > 1 else ''}"
    return {
        "title": paper.title,
        "number": paper.number,
        "deal": paper.deal,
        "vendor": paper.vendor,
        "addressee": paper.addressee,
        "made_on": paper.made_on.isoformat(),
        "term": f"{years} from {quote.starts_on}, {_CYCLES[quote.billing_cycle]}",
        "percent": _percent(quote.percent),
        "discount": f"{_percent(quote.percent)} off the list price" if quote.percent else "",
        "is_discounted": quote.percent > 0 or any(priced.line.discount for priced in quote.lines),
        "lines": [
            {
                "name": _named(priced),
                "count": f"{priced.line.count:,}",
                "unit_price": spelled(priced.line.unit_price, quote.currency),
                "list_amount": spelled(priced.list_amount, quote.currency),
                "amount": spelled(priced.amount, quote.currency),
            }
            for priced in quote.lines
        ],
        "list_total": money(quote.list_total),
        "total": money(quote.total),
        "currency": quote.currency,
        "payments": [{"due_on": payment.due_on.isoformat(), "amount": money(payment.amount)} for payment in quote.payments],
        "signature": paper.signature,
    }


def _named(priced: PricedLine) -> str:
    """The product, and what was taken off beside the terms."""
    return f"{priced.line.name}, less {_percent(priced.line.discount)}" if priced.line.discount else priced.line.name


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f} %"


def _logo(path: Path) -> str:
    """As an address that stands in the page itself; "" where the portal has none."""
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}" if path.is_file() else ""
