"""Terms of a pair: percents that stand, the terms of a moment, and what a deal needs to be registered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.terms import (
    DatedTerms,
    Footing,
    Terms,
    current,
    pair_refusal,
    read_terms,
    registration_refusal,
)

BIRCH = Company("birch", "1", "Birch", PortalStatus.ACTIVE, AccountType.PARTNER)
ARROW = Company("arrow", "2", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
VENDOR = Company("vendor", "3", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)
TYPES = ("new", "renewal")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AGREED = Terms(may_register=True, percents={"new": Decimal("12.50")})
SUBGROUP = Footing(BIRCH, ARROW, AGREED, is_subgroup=True, has_agreement=True)


def code_of(result: object) -> str:
    return result.code if isinstance(result, Refusal) else ""


# ── percents ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.decimals(0, 100, places=2))
def test_every_percent_from_0_to_100_is_kept_exactly(percent: Decimal) -> None:
    for written in (percent, str(percent), float(percent)):
        assert read_terms(True, {"new": written}, deal_types=TYPES) == Terms(True, {"new": percent})


@pytest.mark.parametrize("written", [-1, "-0.01", "100.01", 1000, "12,5", "", None, True, "nan", "Infinity", "1e3", "12.345", [], {}])
def test_what_is_no_percent_is_refused_with_its_deal_type(written: Any) -> None:
    refused = read_terms(True, {"new": 5, "renewal": written}, deal_types=TYPES)
    assert (code_of(refused), getattr(refused, "field", "")) == ("percent_malformed", "renewal")


def test_a_deal_type_is_one_of_the_portals_where_it_has_a_list() -> None:
    refused = read_terms(True, {"upsell": 5}, deal_types=TYPES)
    assert (code_of(refused), getattr(refused, "allowed", ())) == ("deal_type_unknown", TYPES)
    assert read_terms(True, {"upsell": 5}, deal_types=()) == Terms(True, {"upsell": Decimal("5.00")})


def test_a_minus_before_zero_is_nothing() -> None:
    terms = read_terms(True, {"new": "-0"}, deal_types=TYPES)
    assert isinstance(terms, Terms)
    assert str(terms.percents["new"]) == "0.00"


# ── pairs and history ────────────────────────────────────────────────────────────────────────────────────────────────


def test_terms_are_between_a_partner_and_a_second_partner_or_that_and_the_vendor() -> None:
    companies = (BIRCH, ARROW, VENDOR)
    fitting = {(lower.id, upper.id) for lower in companies for upper in companies if pair_refusal(lower, upper) is None}
    assert fitting == {("birch", "arrow"), ("arrow", "vendor")}
    assert code_of(pair_refusal(BIRCH, VENDOR)) == "no_terms_between"


@given(st.lists(st.integers(0, 20)), st.integers(-1, 21))
def test_the_terms_of_a_moment_are_the_last_begun_by_then(days: list[int], day: int) -> None:
    history = [DatedTerms(Terms(bool(place % 2)), BEGIN + timedelta(days=begun), f"{place}") for place, begun in enumerate(days)]
    found = current(history, BEGIN + timedelta(days=day))
    begun = [begun for begun in days if begun <= day]
    assert (found is None) == (not begun)
    if found:
        assert found.since_at == BEGIN + timedelta(days=max(begun))
        assert found.actor == str(max(place for place, one in enumerate(days) if one == max(begun)))


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subgroup_with_terms_a_percent_and_an_agreement_registers() -> None:
    assert registration_refusal("new", [SUBGROUP]) is None


@pytest.mark.parametrize(
    ("deal_type", "change", "code"),
    [
        ("new", {"terms": None}, "terms_missing"),
        ("new", {"terms": replace(AGREED, may_register=False)}, "may_not_register"),
        ("renewal", {}, "percent_missing"),
        (None, {}, "percent_missing"),
        ("new", {"has_agreement": False}, "agreement_missing"),
    ],
)
def test_what_a_subgroup_lacks_is_said(deal_type: str | None, change: dict[str, Any], code: str) -> None:
    refused = registration_refusal(deal_type, [replace(SUBGROUP, **change)])
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert "Arrow" in refused.why + refused.who_may


def test_a_partner_that_is_nobodys_subgroup_needs_neither_terms_nor_an_agreement() -> None:
    assert registration_refusal("new", [Footing(BIRCH, ARROW, None)]) is None
    assert registration_refusal("new", [Footing(BIRCH, ARROW, AGREED)]) is None


def test_terms_that_were_set_count_for_every_pair_on_the_deal() -> None:
    above = Footing(ARROW, VENDOR, Terms(True, {"renewal": Decimal(20)}))
    refused = registration_refusal("new", [SUBGROUP, above])
    assert (code_of(refused), getattr(refused, "allowed", ())) == ("percent_missing", ("renewal",))


@given(st.booleans(), st.dictionaries(st.sampled_from(TYPES), st.just(Decimal(1))), st.booleans(), st.booleans(), st.sampled_from(TYPES))
def test_whoever_registers_may_and_has_a_percent(
    may: bool, percents: dict[str, Decimal], is_subgroup: bool, has_agreement: bool, deal_type: str
) -> None:
    footing = Footing(BIRCH, ARROW, Terms(may, percents), is_subgroup=is_subgroup, has_agreement=has_agreement)
    passes = registration_refusal(deal_type, [footing]) is None
    assert passes == (may and deal_type in percents and (has_agreement or not is_subgroup))
