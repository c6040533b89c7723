"""Money: which currencies there are, how many decimals each has, and what is said of an amount that does not fit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.money import is_currency, misfit, rounded, unit

CURRENCIES = ("EUR", "USD", "JPY", "KWD", "CLF", "IQD", "HUF")


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        ("EUR", True),
        ("KWD", True),
        ("eur", False),
        ("EURO", False),
        ("", False),
        ("E1R", False),
        ("EUR\n", False),
        ("ABC", False),
        ("DEM", False),  # withdrawn
        ("XAU", False),  # an ounce of gold
        ("XTS", False),  # for tests
        ("XXX", False),  # no currency at all
    ],
)
def test_a_currency_is_a_code_of_iso_4217_that_people_pay_in(code: str, is_one: bool) -> None:
    assert is_currency(code) is is_one


@pytest.mark.parametrize(
    ("currency", "smallest"),
    [("EUR", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("IQD", "0.001"), ("CLF", "0.0001"), ("", "0.01"), ("?", "0.01")],
)
def test_each_currency_has_its_own_decimals(currency: str, smallest: str) -> None:
    assert str(unit(currency)) == smallest


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("10.123", "KWD", ""),
        ("1000.00", "JPY", ""),
        ("1E+3", "JPY", ""),
        ("0.10", "EUR", ""),
        ("1000.50", "JPY", "1000.50 is not an amount of JPY, which has no decimals"),
        ("10.1234", "KWD", "10.1234 is not an amount of KWD, which has 3 decimals"),
        ("10.0000000001", "EUR", "10.0000000001 is not an amount of EUR, which has 2 decimals"),
        ("10.123", "", "an amount has 2 decimals at most, not 10.123"),
    ],
)
def test_an_amount_with_more_decimals_than_its_currency_is_said_to_be_none(amount: str, currency: str, words: str) -> None:
    assert misfit(Decimal(amount), currency) == words


def test_without_a_currency_the_mapping_says_how_many_decimals() -> None:
    assert misfit(Decimal("1.2345"), "", otherwise=4) == ""
    assert str(rounded(Decimal("1.23455"), "", otherwise=4)) == "1.2346"


@given(st.decimals(-(10**12), 10**12, places=6), st.sampled_from(CURRENCIES))
def test_what_was_rounded_fits_and_is_never_a_negative_nothing(amount: Decimal, currency: str) -> None:
    result = rounded(amount, currency)
    assert not misfit(result, currency)
    assert result.as_tuple().exponent == unit(currency).as_tuple().exponent
    assert result or not result.is_signed()
