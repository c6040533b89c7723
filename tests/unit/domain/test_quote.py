"""Quotes: sums that are exact, payments that add up, and what is missing said at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Deal, Policy, Refusal, consequences
from sync_worker.domain.core.money import rounded, shown, split, unit
from sync_worker.domain.deals.quotes.quote import (
    CYCLES,
    BillingCycle,
    Offer,
    Pricing,
    Quote,
    QuoteLine,
    months_later,
    outdated,
    percent_of,
    price,
    priced_pair,
    pricings_of,
    quote_refusal,
    schedule,
)
from sync_worker.domain.distributors.terms import Terms

START = date(2026, 4, 1)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD", "CLF"])
PERCENTS = st.decimals(0, 100, places=2)
LINES = st.lists(
    st.builds(QuoteLine, st.sampled_from(["Seat", "Server"]), st.decimals(0, 10**7, places=3), st.integers(1, 10**5)),
    min_size=1,
    max_size=6,
)
TERMS = st.sampled_from([(years, cycle) for years, cycles in CYCLES.items() for cycle in sorted(cycles)])


def deal(**values: Any) -> Deal:
    ready: dict[str, Any] = {
        "owner_company": "birch",
        "second_partner": "arrow",
        "vendor_approval": "approved",
        "lifecycle": "submitted",
        "currency": "EUR",
        "deal_type": "new",
        "term_years": 1,
        "billing_cycle": "annual",
    }
    return Deal("d1", {**ready, **values})


def quoted(deal: Deal, lines: list[QuoteLine], pricing: Pricing = Pricing.DISTRIBUTOR, percent: str | Decimal = "20") -> Quote:
    result = price(deal, Offer(tuple(lines), START), pricing, Decimal(percent))
    assert isinstance(result, Quote), result
    return result


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(LINES, PERCENTS, CURRENCIES, TERMS)
def test_every_sum_is_exact(lines: list[QuoteLine], percent: Decimal, currency: str, term: tuple[int, BillingCycle]) -> None:
    quote = quoted(deal(currency=currency, term_years=term[0], billing_cycle=term[1]), lines, percent=percent)
    assert quote.total == sum(line.amount for line in quote.lines) == sum(payment.amount for payment in quote.payments)
    assert quote.list_total == sum(line.list_amount for line in quote.lines)
    amounts = [quote.total, *(line.amount for line in quote.lines), *(payment.amount for payment in quote.payments)]
    assert all(
        amount == rounded(amount, currency) and amount.as_tuple().exponent == unit(currency).as_tuple().exponent for amount in amounts
    )


@given(LINES, PERCENTS, PERCENTS, CURRENCIES)
def test_a_larger_percent_never_costs_more_and_none_costs_more_than_the_list(
    lines: list[QuoteLine], one: Decimal, other: Decimal, currency: str
) -> None:
    less, more = sorted((one, other))
    dear, cheap = (quoted(deal(currency=currency), lines, percent=percent) for percent in (less, more))
    assert cheap.total <= dear.total <= dear.list_total
    assert quoted(deal(currency=currency), lines, Pricing.RETAIL, "0").total == dear.list_total


@given(LINES.flatmap(lambda lines: st.tuples(st.just(lines), st.permutations(lines))), PERCENTS)
def test_the_order_of_lines_changes_no_amount(both: tuple[list[QuoteLine], list[QuoteLine]], percent: Decimal) -> None:
    one, other = (quoted(deal(), lines, percent=percent) for lines in both)
    assert (one.total, one.list_total, one.payments) == (other.total, other.list_total, other.payments)


@given(st.integers(0, 10**15), st.integers(1, 36), CURRENCIES)
def test_parts_differ_by_a_unit_at_most_and_the_larger_come_first(units: int, count: int, currency: str) -> None:
    total = units * unit(currency)
    parts = split(total, count, currency)
    assert sum(parts) == total
    assert list(parts) == sorted(parts, reverse=True)
    assert parts[0] - parts[-1] in (0, unit(currency))


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_quote_as_a_person_would_work_it_out() -> None:
    # Given 25 seats at 99.90 and 2 servers at 1,200.00 a year, for three years, less 12.5 %
    lines = [QuoteLine("Seat", Decimal("99.90"), 25), QuoteLine("Server", Decimal(1200), 2)]

    # When it is priced, to be paid a year at a time
    quote = quoted(deal(term_years=3), lines, percent="12.50")

    # Then 7,492.50 and 7,200.00 become 6,555.94 (half up) and 6,300.00, in three payments
    assert [line.list_amount for line in quote.lines] == [Decimal("7492.50"), Decimal("7200.00")]
    assert [line.amount for line in quote.lines] == [Decimal("6555.94"), Decimal("6300.00")]
    assert [(str(payment.due_on), str(payment.amount)) for payment in quote.payments] == [
        ("2026-04-01", "4285.32"),
        ("2027-04-01", "4285.31"),
        ("2028-04-01", "4285.31"),
    ]


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "2.35"), ("JPY", "2"), ("KWD", "2.345"), ("UYW", "2.3450")])
def test_a_half_goes_up_in_the_currencys_own_units(currency: str, amount: str) -> None:
    assert str(rounded(Decimal("2.345"), currency)) == amount
    assert rounded(Decimal("0.5"), "JPY") == 1


@pytest.mark.parametrize(
    ("amount", "currency", "words"), [("1200", "EUR", "1,200.00 EUR"), ("0.005", "EUR", "0.005 EUR"), ("12E2", "JPY", "1,200 JPY")]
)
def test_an_amount_is_shown_with_no_fewer_digits_than_its_currency_has(amount: str, currency: str, words: str) -> None:
    assert shown(Decimal(amount), currency) == words


@pytest.mark.parametrize(
    ("years", "cycle", "count"), [(1, "annual", 1), (1, "monthly", 12), (2, "up_front", 1), (2, "annual", 2), (3, "annual", 3)]
)
def test_how_many_payments_a_term_has(years: int, cycle: str, count: int) -> None:
    payments = schedule(Decimal("100.00"), "EUR", years=years, cycle=BillingCycle(cycle), starts_on=date(2026, 1, 31))
    assert [payment.number for payment in payments] == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-01-31", 1, "2024-02-29"), ("2026-12-15", 1, "2027-01-15"), ("2024-02-29", 12, "2025-02-28")],
)
def test_a_later_month_has_the_same_day_or_its_last(day: str, months: int, later: str) -> None:
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(later)


# ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_the_vendor_approved_can_be_quoted() -> None:
    assert quote_refusal(deal(), Pricing.DISTRIBUTOR) is None
    assert quote_refusal(deal(lifecycle="finalize_requested"), Pricing.DISTRIBUTOR) is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"vendor_approval": "pending"}, "vendor's approval is pending"),
        ({"vendor_approval": None}, "vendor's approval is pending"),
        ({"lifecycle": "disabled"}, "the deal is disabled"),
        ({"lifecycle": "expired"}, "the deal is expired"),
        ({"currency": None}, "currency is None"),
        ({"currency": "euro"}, "currency is euro"),
        ({"currency": "XTS"}, "currency is XTS"),
        ({"term_years": 4}, "term_years is 4, not 1, 2, 3"),
        ({"term_years": None}, "term_years is None"),
        ({"billing_cycle": "up_front"}, "billing_cycle is up_front, not annual or monthly"),
        ({"term_years": 2, "billing_cycle": "monthly"}, "billing_cycle is monthly, not annual or up_front"),
        ({"deal_type": None}, "deal_type is not set"),
    ],
)
def test_what_is_missing_is_said(values: dict[str, Any], words: str) -> None:
    refused = quote_refusal(deal(**values), Pricing.DISTRIBUTOR)
    assert refused is not None
    assert refused.code == "quote_not_ready"
    assert words in refused.why


def test_retail_pricing_needs_no_approval_and_all_else_that_the_others_need() -> None:
    waiting = deal(vendor_approval="pending")
    assert quote_refusal(waiting, Pricing.RETAIL) is None
    assert {bool(quote_refusal(waiting, pricing)) for pricing in (Pricing.DISTRIBUTOR, Pricing.RESELLER)} == {True}
    for values in ({"currency": None}, {"lifecycle": "disabled"}, {"deal_type": None}):
        assert quote_refusal(deal(**values), Pricing.RETAIL)


def test_a_discount_is_off_what_the_terms_leave_and_rounded_once() -> None:
    # 3 × 33.33 × 1 year, less 20 percent, less 12.5 percent of that
    quote = quoted(deal(), [QuoteLine("Seat", Decimal("33.33"), 3, Decimal("12.5"))])
    assert (quote.list_total, quote.total) == (Decimal("99.99"), Decimal("69.99"))


def test_everything_that_is_missing_is_said_at_once() -> None:
    refused = quote_refusal(Deal("d1", {"lifecycle": "disabled"}), Pricing.RESELLER)
    assert refused is not None
    assert refused.why.count(";") == 4


@pytest.mark.parametrize(
    "line",
    [
        QuoteLine("Seat", Decimal(1), 0),
        QuoteLine("Seat", Decimal(-1), 1),
        QuoteLine(" ", Decimal(1), 1),
        QuoteLine("Seat", Decimal("NaN"), 1),
    ],
)
def test_a_line_without_a_name_a_count_or_a_price_is_refused(line: QuoteLine) -> None:
    refused = price(deal(), Offer((line,), START), Pricing.RETAIL, Decimal(0))
    assert isinstance(refused, Refusal)
    assert refused.code == "lines_malformed"
    assert isinstance(price(deal(), Offer((), START), Pricing.RETAIL, Decimal(0)), Refusal)


def test_the_lines_count_the_licences_the_deal_counts() -> None:
    lines = [QuoteLine("Seat", Decimal(1), 20), QuoteLine("Server", Decimal(1), 5)]
    assert quoted(deal(licence_count=25), lines).lines
    refused = price(deal(licence_count=30), Offer(tuple(lines), START), Pricing.RETAIL, Decimal(0))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.why) == ("lines_count_otherwise", "the lines count 25 licences, the deal 30")


# ── a quote and its deal, later ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner_company", "maple"),
        ("second_partner", "ingram"),
        ("second_partner", None),
        ("deal_type", "renewal"),
        ("licence_count", 30),
        ("term_years", 2),
        ("billing_cycle", "monthly"),
        ("currency", "USD"),
    ],
)
def test_a_quote_is_outdated_once_anything_it_is_made_of_changes_and_the_deal_forgets_that_it_was_sent(name: str, value: Any) -> None:
    now = deal(licence_count=25, quote_state="sent")
    quote = quoted(now, [QuoteLine("Seat", Decimal(1), 25)])
    assert outdated(quote, now.changed({"amount": Decimal(7), "prospect_name": "Globex"})) == ()
    assert outdated(quote, now.changed({name: value})) == (name,)
    assert consequences(now, {name: value}, Policy(), vendor_moved=False)["quote_state"] is None
    assert "quote_state" not in consequences(now, {"amount": Decimal(7)}, Policy(), vendor_moved=False)


# ── pricings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_single_tier_deal_has_no_reseller_pricing() -> None:
    single = deal(second_partner=None)
    assert pricings_of(single) == (Pricing.RETAIL, Pricing.DISTRIBUTOR)
    refused = price(single, Offer((QuoteLine("Seat", Decimal(1), 1),), START), Pricing.RESELLER, Decimal(0))
    assert isinstance(refused, Refusal)
    assert refused.code == "pricing_not_for_deal"


def test_each_pricing_takes_its_percent_from_its_own_pair() -> None:
    assert priced_pair(deal(), Pricing.RETAIL, "vendor") is None
    assert priced_pair(deal(), Pricing.DISTRIBUTOR, "vendor") == ("arrow", "vendor")
    assert priced_pair(deal(), Pricing.RESELLER, "vendor") == ("birch", "arrow")
    assert priced_pair(deal(second_partner=None), Pricing.DISTRIBUTOR, "vendor") == ("birch", "vendor")


def test_a_percent_that_is_missing_is_never_taken_for_none() -> None:
    terms = Terms(True, {"renewal": Decimal(30)})
    assert percent_of(terms, deal(deal_type="renewal"), Pricing.RESELLER) == 30
    assert isinstance(percent_of(terms, deal(), Pricing.RESELLER), Refusal)
    assert percent_of(None, deal(), Pricing.RESELLER) == percent_of(terms, deal(), Pricing.RETAIL) == 0
