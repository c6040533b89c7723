"""The two tracks: who moves them, when, and what follows from a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from sync_worker.domain.core.company import Company, PortalStatus
from sync_worker.domain.core.deal import (
    RESET_FIELDS,
    Actor,
    Deal,
    Decision,
    Lifecycle,
    Move,
    Outcome,
    Policy,
    Refusal,
    Track,
    VendorApproval,
    consequences,
    differing,
    locked_changes,
)
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.approval import VendorWord, missing_words, vendor_move_in_crm
from sync_worker.domain.deals.lifecycle import by_calendar, decision, move
from tests.unit.domain.stage import ACME, ARROW, INGRAM, POLICY, TODAY, VENDOR, member_of, moved, refused, scene, submitted


def decided(
    deal: Deal, track: str, said: str, company: Company | None, reason: str = "because", policy: Policy = POLICY, actor: Actor | None = None
) -> Move | Refusal:
    verb = decision(Track(track), Decision(said), policy)
    if isinstance(verb, Refusal):
        return verb
    return move(verb, scene(deal, actor or member_of(company), reason=reason, policy=policy))


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
    [("distributor", ACME), ("distributor", INGRAM), ("vendor", ACME), ("vendor", ARROW)],
)
def test_nobody_else_moves_it(track: str, company: Company) -> None:
    assert refused(decided(submitted(), track, "approve", company)) == "not_your_track"


@pytest.mark.parametrize("actor", [Actor("a stranger", "nobody", "portal"), Actor("an operator", None, "worker")])
def test_who_acts_for_none_of_them_decides_nothing(actor: Actor) -> None:
    assert refused(decided(submitted(), "distributor", "approve", None, actor=actor)) == "not_your_track"
    assert refused(decided(submitted(), "vendor", "approve", None, actor=actor)) == "not_your_track"


def test_the_vendor_decides_in_the_place_of_a_distributor_and_says_why() -> None:
    assert refused(decided(submitted(), "distributor", "approve", VENDOR, reason="")) == "reason_missing"
    made = decided(submitted(), "distributor", "approve", VENDOR, reason="Arrow is closed this week")
    assert moved(made) == {"distributor_approval": "approved"}
    assert isinstance(made, Move)
    assert made.note == "someone at Vendor: approve as distributor, in the place of the Distributor: Arrow is closed this week"


def test_an_inactive_company_decides_nothing() -> None:
    idle = replace(ARROW, status=PortalStatus.INACTIVE)
    verb = decision(Track.DISTRIBUTOR, Decision.APPROVE, POLICY)
    assert not isinstance(verb, Refusal)
    assert refused(move(verb, scene(submitted(), member_of(idle), companies=[idle]))) == "company_inactive"


@pytest.mark.parametrize(("track", "said", "knows"), [("distributor", "return", "renew"), ("vendor", "renew", "return")])
def test_a_track_refuses_what_it_does_not_know_and_says_what_it_does(track: str, said: str, knows: str) -> None:
    result = decided(submitted(), track, said, ARROW)
    assert refused(result) == "decision_not_in_track"
    assert isinstance(result, Refusal)
    assert result.allowed == ("approve", "reject", knows)


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
    assert moved(vendor_move_in_crm(deal, VendorWord(to=VendorApproval.APPROVED, actor=CRM, day=TODAY), terms_agree=True)) == {
        "vendor_approval": "approved"
    }
    assert refused(vendor_move_in_crm(deal, VendorWord(to=VendorApproval.APPROVED, actor=CRM, day=TODAY), terms_agree=False)) == (
        "approved_other_terms"
    )


@pytest.mark.parametrize("new", [VendorApproval.REJECTED, VendorApproval.RETURNED])
def test_a_no_in_the_crm_counts_whatever_the_terms(new: VendorApproval) -> None:
    assert moved(vendor_move_in_crm(submitted(), VendorWord(to=new, actor=CRM, day=TODAY), terms_agree=False))["vendor_approval"] == new


def test_an_echo_in_the_crm_is_no_move() -> None:
    approved = submitted(vendor_approval="approved")
    assert moved(vendor_move_in_crm(approved, VendorWord(to=VendorApproval.APPROVED, actor=CRM, day=TODAY), terms_agree=False)) == {}


def test_a_cleared_field_is_pending_again() -> None:
    approved = submitted(vendor_approval="approved")
    assert moved(vendor_move_in_crm(approved, VendorWord(to=VendorApproval.PENDING, actor=CRM, day=TODAY), terms_agree=False)) == {
        "vendor_approval": "pending"
    }


def test_what_the_vendor_cannot_say_in_the_crm() -> None:
    assert refused(
        vendor_move_in_crm(submitted(), VendorWord(to=VendorApproval.RENEWAL_PENDING, actor=CRM, day=TODAY), terms_agree=True)
    ) == ("not_a_vendor_move")
    signed = submitted(vendor_approval="approved", lifecycle="quote_signed")
    assert (
        refused(vendor_move_in_crm(signed, VendorWord(to=VendorApproval.REJECTED, actor=CRM, day=TODAY), terms_agree=True))
        == "decided_for_good"
    )


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
    told = locked_changes(locked, {"licence_count": 20, "amount": 1})
    assert [(problem.code, problem.field) for problem in told] == [("locked_in_crm", "licence_count")]
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
    ],
)
def test_when_no_approval_of_a_deal_is_missing(values: dict[str, Value], policy: Policy, expected: bool) -> None:
    assert (missing_words(APPROVED.changed(values), policy) == ()) is expected


def test_a_bare_deal_reads_as_just_submitted() -> None:
    bare = Deal("d", {})
    assert (bare.owner_company, bare.second_partner, bare.outcome) == (None, None, Outcome.OPEN)
    assert (bare.vendor_approval, bare.distributor_approval) == ("pending", "not_required")
    assert bare.lifecycle is Lifecycle.SUBMITTED


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
