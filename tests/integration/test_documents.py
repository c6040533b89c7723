"""A quote's documents: the numbers of the JSON in HTML and PDF, in letters of all Europe, escaped; a portal's own where it has them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sync_worker.config.templates import Templates
from sync_worker.documents.page import ROOM, Paper, Signature, as_html
from sync_worker.documents.sheet import as_pdf
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.quotes.quote import Offer, Pricing, Quote, QuoteLine, price
from sync_worker.domain.deals.quotes.quote_numbers import from_numbers, to_numbers

LINES = (QuoteLine("Seat, Professional", Decimal("99.90"), 2500), QuoteLine("Server – Größe L, Łódź, Αθήνα, Київ", Decimal(1200), 2))


def quote(pricing: Pricing = Pricing.DISTRIBUTOR, percent: str = "12.50", lines: tuple[QuoteLine, ...] = LINES, **values: Any) -> Quote:
    ready: dict[str, Any] = {
        "vendor_approval": "approved",
        "currency": "EUR",
        "deal_type": "new",
        "term_years": 3,
        "billing_cycle": "annual",
    }
    deal = Deal("d1", {**ready, "owner_company": "c1", "second_partner": "c2", **values})
    made = price(deal, Offer(lines, date(2026, 4, 1)), pricing, Decimal(percent))
    assert isinstance(made, Quote), made
    return made


def paper(made: Quote | None = None, **more: Any) -> Paper:
    words = {"number": "Q-1a2b3c4d-1", "deal": "Harbor Freight Lines", "vendor": "Acme Software", "addressee": "Arrow Electronics"}
    return Paper(**{"quote": made or quote(), "made_on": date(2026, 3, 2), **words, **more})


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return Templates(ROOM, tmp_path / "config", "acme")


def letters_of(pdf: bytes) -> set[str]:
    """The letters that the sheet shows, by its fonts' own tables."""
    tables = [stream for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL) if b"beginbfchar" in stream]
    return {chr(int(letter, 16)) for table in tables for letter in re.findall(rb"<\w{4}> <(\w{4})>", table)}


def test_the_page_says_what_the_numbers_say(templates: Templates) -> None:
    made = quote()
    page = as_html(templates, paper(made))
    amounts = [*(line.amount for line in made.lines), *(line.list_amount for line in made.lines), *(one.amount for one in made.payments)]
    for amount in [made.total, *amounts]:
        assert f"{amount:,f}" in page
    for words in (
        "Distributor quote",
        "Q-1a2b3c4d-1",
        "Arrow Electronics",
        "12.5 % off",
        "3 years from 2026-04-01, billed annually",
        "Київ",
    ):
        assert words in page


def test_numbers_come_back_as_the_quote_they_were_made_of() -> None:
    made = quote(percent="0.01", currency="JPY")
    assert from_numbers(to_numbers(made)) == made


def test_a_retail_quote_says_nothing_of_discounts(templates: Templates) -> None:
    page = as_html(templates, paper(quote(Pricing.RETAIL, "0")))
    assert "Discount" not in page
    assert "List amount" not in page


def test_what_a_person_wrote_is_text_in_the_page(templates: Templates) -> None:
    page = as_html(templates, paper(deal="<img src=x onerror=alert(1)>", signature=Signature("<b>Bo</b>", "Arrow", date(2026, 3, 9))))
    assert "<img" not in page
    assert "<b>Bo" not in page
    assert "Signed by" in page


def test_the_sheet_is_a_pdf_whose_letters_are_all_there_and_the_same_each_time(templates: Templates) -> None:
    sheet = as_pdf(templates, paper())
    assert sheet.startswith(b"%PDF-")
    assert set("ŁódźΑθήναКиївGröße") <= letters_of(sheet)
    assert as_pdf(templates, paper()) == sheet
    assert as_pdf(templates, paper(quote(percent="13"))) != sheet


def test_a_long_quote_goes_on_over_pages_and_is_numbered(templates: Templates) -> None:
    lines = tuple(
        QuoteLine(f"Product {number}, with a name that is long enough to need a second line", Decimal(7), 3) for number in range(60)
    )
    sheet = as_pdf(templates, paper(quote(lines=lines, term_years=1, billing_cycle="monthly")))
    assert len(re.findall(rb"/Type /Page\b", sheet)) >= 3


def test_a_portals_own_page_and_logo_count(templates: Templates) -> None:
    # Given a portal with a template and a logo of its own
    templates.own.mkdir(parents=True)
    (templates.own / "quote.html").write_text("Angebot {{ number }}: {{ total }}{{ '!' if logo }}")
    from PIL import Image

    Image.new("RGB", (90, 36), (31, 78, 121)).save(templates.own / "logo.png")

    # Then both documents use them
    plain = replace(paper(), signature=None)
    assert as_html(templates, plain) == "Angebot Q-1a2b3c4d-1: 661,893.75 EUR!"
    assert b"/Subtype /Image" in as_pdf(templates, plain)
