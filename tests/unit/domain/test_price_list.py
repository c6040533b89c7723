"""The price list: which price counts on a day, who may write what beside it, and what a refusal names."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.quotes.price_list import Price, PriceList, Rights, Wish, lines_of, unsound
from sync_worker.domain.deals.quotes.quote import QuoteLine

NEW_YEAR, MAY = date(2026, 1, 1), date(2026, 5, 1)
VENDOR, NOBODY = Rights(names_prices=True, discounts=True), Rights(who_discounts="the vendor")
PRICES = PriceList(
    (
        Price("Seat", "EUR", Decimal(100), NEW_YEAR),
        Price("Seat", "EUR", Decimal(110), MAY),
        Price("Seat", "USD", Decimal(120), NEW_YEAR),
        Price("Server", "EUR", Decimal(1200), NEW_YEAR),
        Price("Server", "EUR", None, MAY),
    )
)


def lines(*wishes: Wish, day: date = NEW_YEAR, rights: Rights = NOBODY, currency: str = "EUR") -> tuple[QuoteLine, ...] | Refusal:
    return lines_of(wishes, PRICES, currency, day, rights)


def price_of(product: str, **more: Any) -> Decimal | str:
    """Its price, or the code of the refusal."""
    found = lines(Wish(product, 1), **more)
    return found.code if isinstance(found, Refusal) else found[0].unit_price


@pytest.mark.parametrize(
    ("product", "day", "price"),
    [
        ("Seat", NEW_YEAR, Decimal(100)),
        ("Seat", MAY - timedelta(days=1), Decimal(100)),
        ("Seat", MAY, Decimal(110)),
        ("Seat", date(2099, 1, 1), Decimal(110)),
        ("  sEAT ", MAY, Decimal(110)),
        ("Seat", NEW_YEAR - timedelta(days=1), "no_price"),
        ("Server", NEW_YEAR, Decimal(1200)),
        ("Server", MAY, "no_price"),
        ("Desk", MAY, "no_price"),
    ],
)
def test_the_latest_price_that_is_valid_by_the_day_counts(product: str, day: date, price: Decimal | str) -> None:
    assert price_of(product, day=day) == price


def test_a_line_is_called_as_the_list_calls_the_product() -> None:
    assert lines(Wish("sEAT", 3)) == (QuoteLine("Seat", Decimal(100), 3),)


@pytest.mark.parametrize(
    ("product", "currency", "words", "allowed"),
    [
        (
            "Seat",
            "CHF",
            "on 2026-01-01; it has 100.00 EUR from 2026-01-01, 120.00 USD from 2026-01-01, 110.00 EUR from 2026-05-01",
            (),
        ),
        ("Desk", "EUR", "Desk in EUR on 2026-01-01: the product is not on the list", ("Seat", "Server")),
    ],
)
def test_a_price_that_is_not_there_names_product_currency_and_day_and_what_is_there(
    product: str, currency: str, words: str, allowed: tuple[str, ...]
) -> None:
    refused = (
        lines(Wish("Seat", 1), Wish(product, 1), currency=currency) if product != "Seat" else lines(Wish(product, 1), currency=currency)
    )
    assert isinstance(refused, Refusal)
    assert words in refused.why
    assert refused.allowed == allowed
    assert refused.field == ("lines.0.product" if product == "Seat" else "lines.1.product")


@pytest.mark.parametrize(
    ("wish", "rights", "code", "field"),
    [
        (Wish("Seat", 1, discount=Decimal(5)), NOBODY, "discount_not_yours", "discount_percent"),
        (Wish("Desk", 1, Decimal(5)), NOBODY, "unit_price_not_yours", "unit_price"),
        (Wish("Seat", 1, Decimal(5)), NOBODY, "unit_price_not_yours", "unit_price"),
        (Wish("Seat", 1, Decimal(5)), VENDOR, "price_listed", "unit_price"),
        (Wish("seat ", 1, Decimal(5)), VENDOR, "price_listed", "unit_price"),
        (Wish("Desk", 1, Decimal("5.001")), VENDOR, "amount_misfit", "unit_price"),
    ],
)
def test_what_somebody_may_not_write_is_refused_by_its_own_name(wish: Wish, rights: Rights, code: str, field: str) -> None:
    refused = lines(Wish("Seat", 1), wish, rights=rights)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == (code, f"lines.1.{field}")


def test_the_vendor_names_the_price_of_what_is_not_listed_and_gives_a_discount() -> None:
    wishes = (Wish("Desk", 2, Decimal("5.50")), Wish("Seat", 1, discount=Decimal("12.5")))
    assert lines(*wishes, rights=VENDOR) == (QuoteLine("Desk", Decimal("5.50"), 2), QuoteLine("Seat", Decimal(100), 1, Decimal("12.5")))


@pytest.mark.parametrize(
    ("price", "field"),
    [
        (Price(" ", "EUR", Decimal(1), MAY), "product"),
        (Price("Seat", "EURO", Decimal(1), MAY), "currency"),
        (Price("Seat", "EUR", Decimal(-1), MAY), "unit_price"),
        (Price("Seat", "EUR", Decimal("NaN"), MAY), "unit_price"),
        (Price("Seat", "EUR", Decimal("1e9"), MAY), "unit_price"),
        (Price("Seat", "JPY", Decimal("1000.5"), MAY), "unit_price"),
    ],
)
def test_what_is_no_price_is_said_with_its_field(price: Price, field: str) -> None:
    found = unsound(price)
    assert found is not None
    assert found[0] == field


def test_a_price_of_three_decimals_is_one_in_dinars() -> None:
    assert unsound(Price("Seat", "KWD", Decimal("10.123"), MAY)) is None
    assert unsound(Price("Seat", "KWD", None, MAY)) is None


@given(st.permutations(PRICES.prices), st.dates(date(2025, 1, 1), date(2027, 1, 1)))
def test_the_order_of_rows_means_nothing(rows: list[Price], day: date) -> None:
    assert PriceList(tuple(rows)).on("Seat", "EUR", day) == PRICES.on("Seat", "EUR", day)


def test_a_change_names_the_price_that_it_takes_the_place_of_and_the_day_that_ends_it() -> None:
    between = PRICES.change(Price(" seat ", "EUR", Decimal(105), date(2026, 3, 1)))
    assert (between.before, between.until, between.is_new) == (PRICES.prices[0], MAY, True)
    same_day = PRICES.change(Price("Seat", "EUR", Decimal(111), MAY))
    assert (same_day.before, same_day.until) == (PRICES.prices[1], None)
    assert PRICES.change(Price("Desk", "EUR", Decimal(1), MAY)).before is None
    assert not PRICES.change(PRICES.prices[0]).is_new
