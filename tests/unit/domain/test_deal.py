"""The two tracks: who moves them, when, and what follows from a change. At the end, random walks that must not reach a forbidden state."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.company import AccountType, Company, PortalStatus
from sync_worker.domain.deal import (
    LOCKED,
    MOVES,
    NEEDS_REASON,
    RESET_FIELDS,
    Actor,
    Deal,
    Decision,
    DistributorApproval,
    Lifecycle,
    Move,
    Outcome,
    Policy,
    Refusal,
    Track,
    VendorApproval,
    by_calendar,
    consequences,
    decide,
    differing,
    is_registered,
    locked_changes,
    may_proceed,
    vendor_move_in_crm,
)
from sync_worker.domain.registration import edit, register
from sync_worker.domain.values import Value

ACME = Company("acme", "1", "Acme", PortalStatus.ACTIVE, AccountType.PARTNER)
ARROW = Company("arrow", "2", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
INGRAM = Company("ingram", "3", "Ingram", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
VENDOR = Company("vendor", "4", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)
COMPANIES = {company.id: company for company in (ACME, ARROW, INGRAM, VENDOR)}
POLICY = Policy()


def member_of(company: Company) -> Actor:
    return Actor(f"someone at {company.name}", company.id, "portal")


def submitted(**values: Value) -> Deal:
    two_tier = values.get("second_partner", "arrow")
    begun: dict[str, Value] = {
        "name": "Deal",
        "prospect_name": "Prospect",
        "owner_company": "acme",
        "second_partner": "arrow",
        "vendor_approval": "pending",
        "distributor_approval": "pending" if two_tier else "not_required",
        "lifecycle": "submitted",
        "outcome": "open",
        "is_registered": True,
        "licence_count": 10,
        "deal_type": "new",
        **values,
    }
    return Deal("d1", begun)


def decided(deal: Deal, track: str, decision: str, company: Company, reason: str = "because", policy: Policy = POLICY) -> Move | Refusal:
    return decide(
        deal,
        track=Track(track),
        decision=Decision(decision),
        actor=member_of(company),
        actor_company=company,
        reason=reason,
        policy=policy,
    )


def refused(result: object) -> str:
    assert isinstance(result, Refusal)
    assert result.why
    assert result.who_may
    return result.code


def moved(result: object) -> dict[str, Value]:
    assert isinstance(result, Move), result
    return dict(result.changes)


@pytest.mark.parametrize(
    ("track", "decision", "company", "changes"),
    [
        ("distributor", "approve", ARROW, {"distributor_approval": "approved"}),
        ("distributor", "reject", ARROW, {"distributor_approval": "rejected", "is_registered": False}),
        ("vendor", "approve", VENDOR, {"vendor_approval": "approved"}),
        ("vendor", "reject", VENDOR, {"vendor_approval": "rejected", "is_registered": False}),
        ("vendor", "return", VENDOR, {"vendor_approval": "returned"}),
    ],
)
def test_each_track_is_moved_by_its_own_company(track: str, decision: str, company: Company, changes: dict[str, Value]) -> None:
    assert moved(decided(submitted(), track, decision, company)) == changes


@pytest.mark.parametrize(
    ("track", "company"),
    [("distributor", ACME), ("distributor", VENDOR), ("distributor", INGRAM), ("vendor", ACME), ("vendor", ARROW)],
)
def test_nobody_else_moves_it(track: str, company: Company) -> None:
    assert refused(decided(submitted(), track, "approve", company)) == "not_your_track"


def test_an_actor_cannot_borrow_a_company() -> None:
    for company in (ARROW, None):
        result = decide(
            submitted(),
            track=Track.DISTRIBUTOR,
            decision=Decision.APPROVE,
            actor=member_of(ACME),
            actor_company=company,
            reason="",
            policy=POLICY,
        )
        assert refused(result) == "not_your_track"


def test_an_inactive_company_decides_nothing() -> None:
    assert refused(decided(submitted(), "distributor", "approve", replace(ARROW, status=PortalStatus.INACTIVE))) == ("company_inactive")


@pytest.mark.parametrize("decision", ["return", "renew"])
def test_a_track_refuses_what_it_does_not_know_and_says_what_it_does(decision: str) -> None:
    result = decided(submitted(), "distributor", decision, ARROW)
    assert refused(result) == "decision_not_in_track"
    assert isinstance(result, Refusal)
    assert result.allowed == ("approve", "reject")


@pytest.mark.parametrize(("track", "decision", "company"), [("distributor", "reject", ARROW), ("vendor", "return", VENDOR)])
def test_a_no_says_why(track: str, decision: str, company: Company) -> None:
    assert refused(decided(submitted(), track, decision, company, reason=" ")) == "reason_missing"
    result = decided(submitted(), track, decision, company, reason="too cheap")
    assert isinstance(result, Move)
    assert "too cheap" in result.note


def test_saying_it_again_is_harmless_even_without_a_reason_or_when_locked() -> None:
    rejected = submitted(vendor_approval="rejected", is_registered=False, lifecycle="quote_signed")
    assert moved(decided(rejected, "vendor", "reject", VENDOR, reason="")) == {}


def test_a_decision_may_change_until_finalize_is_requested() -> None:
    rejected = submitted(distributor_approval="rejected", is_registered=False)
    assert moved(decided(rejected, "distributor", "approve", ARROW)) == {
        "distributor_approval": "approved",
        "is_registered": True,
    }
    locked = submitted(distributor_approval="approved", lifecycle="finalize_requested")
    assert refused(decided(locked, "distributor", "reject", ARROW)) == "decided_for_good"


def test_what_is_still_open_may_be_decided_after_finalize() -> None:
    locked = submitted(lifecycle="finalize_requested")
    assert moved(decided(locked, "distributor", "approve", ARROW)) == {"distributor_approval": "approved"}


@pytest.mark.parametrize("lifecycle", ["completed", "won", "lost", "withdrawn", "expired"])
def test_a_deal_that_is_over_is_not_decided(lifecycle: str) -> None:
    assert refused(decided(submitted(lifecycle=lifecycle), "vendor", "approve", VENDOR)) == "deal_closed"


def test_a_track_nobody_uses_is_not_moved() -> None:
    single = submitted(second_partner=None)
    assert refused(decided(single, "distributor", "approve", ARROW)) == "track_not_required"
    vendor_only = Policy(approvals=frozenset({"vendor"}))
    assert refused(decided(submitted(), "distributor", "approve", ARROW, policy=vendor_only)) == "track_not_in_use"
    one_tier = Policy(is_two_tier=False)
    assert refused(decided(submitted(), "distributor", "approve", ARROW, policy=one_tier)) == "track_not_in_use"


# ── the vendor's move through the CRM ────────────────────────────────────────────────────────────────────────────────

CRM = Actor("the CRM", None, "crm")


def test_an_approval_in_the_crm_counts_for_the_terms_it_saw() -> None:
    deal = submitted()
    assert moved(vendor_move_in_crm(deal, VendorApproval.APPROVED, terms_agree=True, actor=CRM)) == {"vendor_approval": "approved"}
    assert refused(vendor_move_in_crm(deal, VendorApproval.APPROVED, terms_agree=False, actor=CRM)) == ("approved_other_terms")


@pytest.mark.parametrize("new", [VendorApproval.REJECTED, VendorApproval.RETURNED])
def test_a_no_in_the_crm_counts_whatever_the_terms(new: VendorApproval) -> None:
    assert moved(vendor_move_in_crm(submitted(), new, terms_agree=False, actor=CRM))["vendor_approval"] == new


def test_an_echo_in_the_crm_is_no_move() -> None:
    approved = submitted(vendor_approval="approved")
    assert moved(vendor_move_in_crm(approved, VendorApproval.APPROVED, terms_agree=False, actor=CRM)) == {}


def test_a_cleared_field_is_pending_again() -> None:
    approved = submitted(vendor_approval="approved")
    assert moved(vendor_move_in_crm(approved, None, terms_agree=False, actor=CRM)) == {"vendor_approval": "pending"}


def test_what_the_vendor_cannot_say_in_the_crm() -> None:
    assert refused(vendor_move_in_crm(submitted(), VendorApproval.RENEWAL_PENDING, terms_agree=True, actor=CRM)) == ("not_a_vendor_move")
    signed = submitted(vendor_approval="approved", lifecycle="quote_signed")
    assert refused(vendor_move_in_crm(signed, VendorApproval.REJECTED, terms_agree=True, actor=CRM)) == "decided_for_good"


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────────────

APPROVED = submitted(vendor_approval="approved", distributor_approval="approved", billing_cycle="annual")


@pytest.mark.parametrize("name", sorted(RESET_FIELDS))
def test_a_change_of_terms_sets_both_tracks_back(name: str) -> None:
    follows = consequences(APPROVED, {name: "other"}, POLICY, vendor_moved=False)
    assert follows == {"vendor_approval": "pending", "distributor_approval": "pending"}


def test_the_vendors_own_move_in_the_same_read_stands() -> None:
    changes: dict[str, Value] = {"licence_count": 20, "vendor_approval": "approved"}
    assert consequences(APPROVED, changes, POLICY, vendor_moved=True) == {"distributor_approval": "pending"}


def test_a_rejected_deal_whose_terms_change_is_registered_again() -> None:
    rejected = submitted(vendor_approval="rejected", is_registered=False)
    assert consequences(rejected, {"licence_count": 20}, POLICY, vendor_moved=False) == {
        "vendor_approval": "pending",
        "is_registered": True,
    }


@pytest.mark.parametrize("changes", [{"amount": Decimal(9)}, {"licence_count": 10}, {"expected_close_on": date(2026, 1, 1)}])
def test_what_is_no_term_or_no_change_resets_nothing(changes: dict[str, Value]) -> None:
    assert consequences(APPROVED, changes, POLICY, vendor_moved=False) == {}


def test_zero_is_not_empty_but_unset_and_cleared_are() -> None:
    assert differing(submitted(licence_count=None), {"licence_count": 0}) == {"licence_count"}
    assert differing(submitted(), {"billing_cycle": None, "new": ""}) == frozenset()


def test_another_second_partner_decides_anew_and_none_is_not_required() -> None:
    assert consequences(APPROVED, {"second_partner": "ingram"}, POLICY, vendor_moved=False) == {"distributor_approval": "pending"}
    assert consequences(APPROVED, {"second_partner": None}, POLICY, vendor_moved=False) == {"distributor_approval": "not_required"}


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_won_and_lost_follow_the_stage_and_a_reopened_deal_is_submitted(outcome: str) -> None:
    closing: dict[str, Value] = {"outcome": outcome, "licence_count": 11}
    assert consequences(APPROVED, closing, POLICY, vendor_moved=False) == {"lifecycle": outcome}
    closed = APPROVED.changed({"outcome": outcome, "lifecycle": outcome})
    assert consequences(closed, {"outcome": "open"}, POLICY, vendor_moved=False) == {"lifecycle": "submitted"}
    other: dict[str, Value] = {"outcome": "lost" if outcome == "won" else "won"}
    assert consequences(closed, other, POLICY, vendor_moved=False) == {"lifecycle": other["outcome"]}


@pytest.mark.parametrize("lifecycle", ["completed", "disabled", "withdrawn", "expired"])
def test_side_exits_do_not_follow_the_stage(lifecycle: str) -> None:
    deal = APPROVED.changed({"lifecycle": lifecycle, "is_registered": lifecycle == "completed"})
    assert consequences(deal, {"outcome": "won"}, POLICY, vendor_moved=False) == {}


def test_terms_that_change_in_the_crm_while_locked_are_applied_reset_and_said() -> None:
    locked = APPROVED.changed({"lifecycle": "finalize_requested"})
    assert [p.field for p in locked_changes(locked, {"licence_count": 20, "amount": 1})] == ["licence_count"]
    assert consequences(locked, {"licence_count": 20}, POLICY, vendor_moved=False)["vendor_approval"] == "pending"
    assert locked_changes(APPROVED, {"licence_count": 20}) == ()


@pytest.mark.parametrize(
    ("values", "policy", "expected"),
    [
        ({}, POLICY, True),
        ({"distributor_approval": "pending"}, POLICY, False),
        ({"distributor_approval": "pending"}, Policy(approvals=frozenset({"vendor"})), True),
        ({"vendor_approval": "returned"}, POLICY, False),
        ({"vendor_approval": "pending"}, Policy(approvals=frozenset({"distributor"})), True),
        ({"second_partner": None, "distributor_approval": "not_required"}, POLICY, True),
        ({"lifecycle": "disabled"}, POLICY, False),
        ({"lifecycle": "expired"}, POLICY, False),
        ({"lifecycle": "draft"}, POLICY, False),
        ({"lifecycle": "quote_signed"}, POLICY, True),
    ],
)
def test_when_a_deal_may_proceed(values: dict[str, Value], policy: Policy, expected: bool) -> None:
    assert may_proceed(APPROVED.changed(values), policy) is expected


def test_a_bare_deal_reads_as_just_submitted() -> None:
    bare = Deal("d", {})
    assert (bare.owner_company, bare.second_partner, bare.outcome) == (None, None, Outcome.OPEN)
    assert (bare.vendor_approval, bare.distributor_approval) == ("pending", "not_required")
    assert bare.lifecycle is Lifecycle.SUBMITTED


def test_the_tables_know_every_word() -> None:
    assert {track for track, _ in MOVES} == set(Track)
    assert {decision for _, decision in MOVES} == set(Decision) - {Decision.RENEW}
    assert set(Decision) >= NEEDS_REASON
    for (track, _), state in MOVES.items():
        assert isinstance(state, VendorApproval if track is Track.VENDOR else DistributorApproval)


# ── random walks ─────────────────────────────────────────────────────────────────────────────────────────────────────

DECISIONS = st.fixed_dictionaries(
    {
        "do": st.just("decide"),
        "track": st.sampled_from(Track),
        "decision": st.sampled_from(Decision),
        "company": st.sampled_from(sorted(COMPANIES)),
        "reason": st.sampled_from(["", "why"]),
    }
)
EDITS = st.fixed_dictionaries(
    {
        "do": st.sampled_from(["edit", "crm"]),
        "company": st.sampled_from(sorted(COMPANIES)),
        "changes": st.fixed_dictionaries(
            {},
            optional={
                "licence_count": st.integers(1, 3),
                "amount": st.integers(1, 3).map(Decimal),
                "second_partner": st.sampled_from(["arrow", "ingram", None]),
                "prospect_name": st.sampled_from(["P", "Q"]),
            },
        ),
        "outcome": st.sampled_from(["open", "open", "won", "lost"]),
        "lifecycle": st.sampled_from([None, None, *Lifecycle]),
    }
)
CRM_MOVES = st.fixed_dictionaries({"do": st.just("vendor"), "new": st.none() | st.sampled_from(VendorApproval), "agree": st.booleans()})


def step(deal: Deal, act: dict[str, Any]) -> Deal:
    """One thing that may happen to a deal; a refusal leaves it as it was."""
    if act["do"] == "decide":
        result = decided(deal, act["track"], act["decision"], COMPANIES[act["company"]], act["reason"])
    elif act["do"] == "vendor":
        result = vendor_move_in_crm(deal, act["new"], terms_agree=act["agree"], actor=CRM)
    elif act["do"] == "edit":
        company = COMPANIES[act["company"]]
        second = act["changes"].get("second_partner", deal.second_partner)
        result = edit(
            deal,
            act["changes"],
            actor=member_of(company),
            actor_company=company,
            policy=POLICY,
            owner=ACME,
            second_partner=COMPANIES[second] if second else None,
            options=[ARROW],
        )
    else:
        changes = {**act["changes"], "outcome": act["outcome"]}
        return deal.changed({**changes, **consequences(deal, changes, POLICY, vendor_moved=False)})
    return deal.changed(result.changes) if isinstance(result, Move) else deal


def enter(deal: Deal, lifecycle: Lifecycle | None) -> Deal:
    """Finalize, disable and the like come from elsewhere; they change the lifecycle and what follows from it."""
    if lifecycle is None or deal.lifecycle in ("won", "lost") or lifecycle in ("won", "lost", "draft"):
        return deal
    changes: dict[str, Value] = {"lifecycle": lifecycle.value}
    return deal.changed({**changes, **consequences(deal, changes, POLICY, vendor_moved=False)})


@given(acts=st.lists(st.one_of(DECISIONS, EDITS, CRM_MOVES), max_size=12))
def test_law_no_walk_reaches_a_forbidden_state(acts: list[dict[str, Any]]) -> None:
    begun = register({"name": "D"}, deal_id="d", owner=ACME, second_partner=ARROW, options=[ARROW], policy=POLICY, actor=member_of(ACME))
    assert isinstance(begun, Deal)
    deal = begun
    for act in acts:
        before = enter(deal, act.get("lifecycle"))
        deal = step(before, act)
        assert_sound(deal)
        assert_followed(before, deal, act)


def assert_sound(deal: Deal) -> None:
    """What holds of every deal at any time."""
    assert deal.owner_company != deal.second_partner
    assert (deal.distributor_approval == "not_required") == (deal.second_partner is None)
    assert deal.values["is_registered"] is is_registered(deal)
    assert deal.outcome == "open" or deal.lifecycle not in ("draft", "submitted", "finalize_requested", "quote_signed")
    assert deal.lifecycle not in ("won", "lost") or deal.lifecycle.value == deal.outcome.value
    assert deal.vendor_approval != "renewal_pending"
    if may_proceed(deal, POLICY):
        assert deal.vendor_approval == "approved"
        assert deal.distributor_approval in ("approved", "not_required")


def assert_followed(before: Deal, after: Deal, act: dict[str, Any]) -> None:
    """What must have had its cause in this step."""
    terms = [name for name in RESET_FIELDS if before.values.get(name) != after.values.get(name)]
    if terms and after.lifecycle not in ("completed", "won", "lost"):
        assert after.vendor_approval == "pending"
        assert after.distributor_approval in ("pending", "not_required")
    if before.second_partner != after.second_partner:
        assert after.distributor_approval in ("pending", "not_required")
    if act["do"] == "edit" and before.lifecycle in LOCKED:
        assert not terms
    newly = after.distributor_approval in ("approved", "rejected") and after.distributor_approval != before.distributor_approval
    if newly:
        assert act["do"] == "decide"
        assert act["company"] == after.second_partner


# ── the calendar ─────────────────────────────────────────────────────────────────────────────────────────────────────

LAST_DAY = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("lifecycle", "today", "becomes"),
    [
        ("submitted", date(2026, 6, 30), None),  # the last day counts
        ("submitted", date(2026, 7, 1), {"lifecycle": "expired", "is_registered": False}),
        ("expired", date(2026, 7, 1), None),
        ("expired", date(2026, 6, 30), {"lifecycle": "submitted", "is_registered": True}),  # somebody put it off
        ("finalize_requested", date(2026, 7, 1), None),
        ("won", date(2026, 7, 1), None),
        ("withdrawn", date(2026, 7, 1), None),
    ],
)
def test_a_day_ends_a_registration_and_nothing_else(lifecycle: str, today: date, becomes: dict[str, Value] | None) -> None:
    registered = lifecycle not in ("expired", "withdrawn")
    move = by_calendar(submitted(lifecycle=lifecycle, is_registered=registered, expires_on=LAST_DAY), today)
    assert (dict(move.changes) if move else None) == becomes


def test_a_deal_without_a_last_day_never_expires() -> None:
    assert by_calendar(submitted(expires_on=None), date.max) is None
