"""From finalize to licences: each step once, whoever is killed where; and who sees and signs what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Deal, Lifecycle, Refusal
from sync_worker.domain.deals.completion import Facts, Step, licences, next_step
from sync_worker.domain.deals.quotes.quote import Column, Offer, Pricing, Quote, QuoteLine, price
from sync_worker.domain.deals.quotes.quote_policy import (
    SEEN_BY,
    SENDERS,
    Side,
    column_of,
    is_offer,
    recipient_company,
    rights_of,
    send_refusal,
    sides,
    view_refusal,
)

LINES = (QuoteLine("Seat", Decimal(10), 20), QuoteLine("Server", Decimal(100), 5))


def deal(**values: Any) -> Deal:
    ready: dict[str, Any] = {
        "owner_company": "birch",
        "second_partner": "arrow",
        "vendor_approval": "approved",
        "lifecycle": "finalize_requested",
        "currency": "EUR",
        "deal_type": "new",
        "term_years": 2,
        "billing_cycle": "annual",
    }
    return Deal("d1", {**ready, **values})


def quote() -> Quote:
    made = price(deal(), Offer(LINES, date(2026, 4, 1)), Pricing.DISTRIBUTOR, Decimal(20))
    assert isinstance(made, Quote)
    return made


def identity(name: str) -> str:
    return f"id of {name}"


# ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.booleans(), min_size=40, max_size=40))
def test_whoever_is_killed_at_whatever_step_every_step_is_done_once_and_in_order(is_killed: list[bool]) -> None:
    """Each try may die before it is recorded; the next one asks again."""
    now, facts, done = deal(), Facts(), []
    owed = frozenset(licence.id for licence in licences(now, quote(), identity=identity))
    for dies in [*is_killed, *[False] * 9]:
        step = next_step(now, facts, owed if facts.is_quote_signed else frozenset())
        if step is None:
            break
        if dies:
            continue
        done.append(step)
        if step is Step.LICENSE:  # one licence a commit is the worst that can be
            facts = replace(facts, licence_ids=facts.licence_ids | {min(owed - facts.licence_ids)})
        elif step is Step.COMPLETE:
            now = now.changed({"lifecycle": "completed"})
        else:
            passed = {*done}
            facts = Facts(Step.QUOTE in passed, Step.SIGN in passed)
            now = now.changed({"lifecycle": "quote_signed"}) if step is Step.SIGN else now
    assert done == [Step.QUOTE, Step.SIGN, Step.LICENSE, Step.LICENSE, Step.COMPLETE]
    assert facts.licence_ids == owed


@pytest.mark.parametrize("lifecycle", sorted(set(Lifecycle) - {Lifecycle.FINALIZE_REQUESTED, Lifecycle.QUOTE_SIGNED}))
def test_before_finalize_and_after_the_end_nothing_is_to_be_done(lifecycle: Lifecycle) -> None:
    assert next_step(deal(lifecycle=lifecycle.value), Facts(True, True), frozenset()) is None


def test_a_deal_won_in_the_crm_once_it_was_signed_gets_its_licences_and_a_lost_one_does_not() -> None:
    signed, owed = Facts(True, True), frozenset({"l1"})
    assert next_step(deal(lifecycle="won"), signed, owed) is Step.LICENSE
    assert next_step(deal(lifecycle="won"), replace(signed, licence_ids=owed), owed) is None
    assert next_step(deal(lifecycle="lost"), signed, owed) is None


# ── licences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_licences_are_the_resellers_with_count_and_term_and_the_same_each_time() -> None:
    first, second = licences(deal(), quote(), identity=identity)
    assert (first.company_id, first.name, first.count, first.starts_on, first.ends_on) == (
        "birch",
        "Seat",
        20,
        date(2026, 4, 1),
        date(2028, 3, 31),
    )
    assert second.count == 5
    assert first.id != second.id
    assert licences(deal(), quote(), identity=identity) == (first, second)


# ── who sees which quote ─────────────────────────────────────────────────────────────────────────────────────────────

SEEN = {
    "vendor": {Pricing.RETAIL, Pricing.DISTRIBUTOR, Pricing.RESELLER},
    "arrow": {Pricing.RETAIL, Pricing.DISTRIBUTOR, Pricing.RESELLER},
    "birch": {Pricing.RETAIL, Pricing.RESELLER},
    "stranger": set(),
}


@pytest.mark.parametrize("company", SEEN)
def test_each_company_sees_its_pricings(company: str) -> None:
    standing = sides(deal(), [company], vendor_id="vendor")
    assert {pricing for pricing in Pricing if view_refusal(pricing, standing, sees_deal=True) is None} == SEEN[company]
    unseen = [view_refusal(pricing, standing, sees_deal=False) for pricing in Pricing]
    assert [refused and refused.code for refused in unseen] == ["quote_not_yours"] * len(Pricing)


SENT: dict[str, set[tuple[Column, Pricing]]] = {
    "vendor": set(SENDERS),
    "arrow": set(SENDERS),
    "birch": {(Column.DEAL, Pricing.RESELLER), (Column.DEAL, Pricing.RETAIL)},
    "stranger": set(),
}


@pytest.mark.parametrize("company", SENT)
def test_each_company_presses_its_own_buttons(company: str) -> None:
    standing = sides(deal(), [company], vendor_id="vendor")
    assert {button for button in SENDERS if send_refusal(*button, standing, sees_deal=True) is None} == SENT[company]
    assert all(send_refusal(*button, standing, sees_deal=False) for button in SENDERS)


@pytest.mark.parametrize(
    ("column", "second_partner", "company"),
    [
        (Column.DISTRIBUTOR, "arrow", "arrow"),
        (Column.DEAL, "arrow", "birch"),
        (Column.DISTRIBUTOR, None, "birch"),
        (Column.DEAL, None, "birch"),
    ],
)
def test_a_column_goes_to_its_own_members(column: Column, second_partner: str | None, company: str) -> None:
    assert recipient_company(column, deal(second_partner=second_partner)) == company


@pytest.mark.parametrize(
    ("pricing", "company", "column"),
    [
        (Pricing.DISTRIBUTOR, "vendor", Column.DISTRIBUTOR),
        (Pricing.DISTRIBUTOR, "arrow", Column.DISTRIBUTOR),
        (Pricing.RESELLER, "arrow", Column.DEAL),
        (Pricing.RETAIL, "arrow", Column.DISTRIBUTOR),
        (Pricing.RETAIL, "birch", Column.DEAL),
        (Pricing.RETAIL, "vendor", Column.DEAL),
    ],
)
def test_a_quote_stands_in_the_column_of_its_pricing_and_retail_in_that_of_its_maker(
    pricing: Pricing, company: str, column: Column
) -> None:
    standing = sides(deal(), [company], vendor_id="vendor")
    assert column_of(pricing, standing, None) is column
    # and whoever says another one gets it, or hears which there are
    other = next(one for one in Column if one is not column)
    found = column_of(pricing, standing, other)
    assert found is other if pricing is Pricing.RETAIL else isinstance(found, Refusal) and found.allowed == (column,)


@given(st.sampled_from(sorted(SENDERS)), st.frozensets(st.sampled_from(Side)))
def test_whoever_may_send_a_quote_may_see_it_and_no_reseller_sees_distributor_pricing(
    button: tuple[Column, Pricing], standing: frozenset[Side]
) -> None:
    column, pricing = button
    assert SENDERS[column, pricing] <= SEEN_BY[pricing]
    if standing <= {Side.RESELLER} and pricing is Pricing.DISTRIBUTOR:
        assert view_refusal(pricing, standing, sees_deal=True)


def test_only_what_the_vendor_sends_after_finalize_may_be_signed() -> None:
    vendor, distributor = frozenset({Side.VENDOR}), frozenset({Side.DISTRIBUTOR})
    assert is_offer(deal(), Pricing.DISTRIBUTOR, vendor)
    assert not is_offer(deal(lifecycle="submitted"), Pricing.DISTRIBUTOR, vendor)
    assert not is_offer(deal(), Pricing.DISTRIBUTOR, distributor)
    assert not is_offer(deal(), Pricing.RESELLER, vendor)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("pricing", Pricing)
def test_nobody_makes_cheaper_what_the_own_company_pays(pricing: Pricing, side: Side) -> None:
    rights = rights_of(pricing, frozenset({side}), discounts=[one.value for one in Side])
    pays = {Pricing.RETAIL: set[Side](), Pricing.RESELLER: {Side.RESELLER}, Pricing.DISTRIBUTOR: {Side.DISTRIBUTOR, Side.RESELLER}}
    assert rights.discounts is (side not in pays[pricing])
    assert rights.names_prices is (side is Side.VENDOR)
    # and where the portal lets nobody, nobody does
    assert not rights_of(pricing, frozenset({side}), discounts=()).discounts
