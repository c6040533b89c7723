"""The table of moves: each move's way and its refusals; renewal; and random walks by random people, which never reach a forbidden state."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sync_worker.domain.core.company import Company, PortalStatus
from sync_worker.domain.core.deal import (
    CLOSED,
    LOCKED,
    RESET_FIELDS,
    Actor,
    Deal,
    Lifecycle,
    Move,
    Period,
    Policy,
    Refusal,
    VendorApproval,
    consequences,
    is_registered,
)
from sync_worker.domain.core.move_context import Party
from sync_worker.domain.core.stamp import stamp_of
from sync_worker.domain.core.user import Role
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.approval import VendorWord, missing_words, vendor_move_in_crm
from sync_worker.domain.deals.lifecycle import DECISIONS, MOVES, Verb, by_calendar, move
from sync_worker.domain.deals.registration import Registration, draft
from tests.unit.domain.stage import (
    ACME,
    ARROW,
    BETA,
    COMPANIES,
    INGRAM,
    POLICY,
    TODAY,
    VENDOR,
    as_actor,
    member_of,
    moved,
    refused,
    scene,
    submitted,
    user,
)

CRM = Actor("the CRM", None, "crm")
OPERATOR = Actor("an operator", None, "worker")
APPROVED: dict[str, Value] = {"vendor_approval": "approved", "distributor_approval": "approved"}
LAST_DAY = date(2026, 6, 30)
LATER = date(2027, 6, 30)


def made(verb: Verb, deal: Deal, company: Company | None = None, actor: Actor | None = None, **more: Any) -> Move | Refusal:
    return move(verb, scene(deal, actor or member_of(company), **more))


def drafted(**more: Any) -> Deal:
    given: dict[str, Any] = {"owner": ACME, "second_partner": ARROW, "options": [ARROW], "policy": POLICY, "actor": member_of(ACME)}
    values = more.pop("values", {"prospect_name": "Globex"})
    begun = draft(values, Registration(deal_id="d1", **{**given, **more}))
    assert isinstance(begun, Deal), begun
    return begun


# ── a deal's way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_submitted_and_both_tracks_begin() -> None:
    begun = drafted()
    assert (begun.lifecycle, begun.values["is_registered"]) == ("draft", False)
    after = begun.changed(moved(made(Verb.SUBMIT, begun, ACME)))
    assert (after.lifecycle, after.vendor_approval, after.distributor_approval) == ("submitted", "pending", "pending")
    assert after.values["is_registered"] is True


def test_a_draft_may_lack_its_name_and_a_submission_may_not() -> None:
    nameless = drafted(values={"amount": Decimal(5)})
    assert refused(made(Verb.SUBMIT, nameless, ACME)) == "name_missing"
    named = nameless.changed(moved(made(Verb.EDIT, nameless, ACME, changes={"prospect_name": "Globex"})))
    assert moved(made(Verb.SUBMIT, named, ACME))["name"] == "Globex"


def test_a_submission_judges_the_pair_as_it_is_then() -> None:
    assert refused(made(Verb.SUBMIT, drafted(), ACME, options=[INGRAM])) == "second_partner_not_associated"
    pending = Company("acme", "1", "Acme", PortalStatus.PENDING, ACME.account_type)
    assert refused(made(Verb.SUBMIT, drafted(), ACME, companies=[pending])) == "owner_not_active"


def test_the_whole_way_to_completion() -> None:
    deal = submitted(**APPROVED)
    for verb, company, state in (
        (Verb.FINALIZE, ACME, "finalize_requested"),
        (Verb.SIGN, ARROW, "quote_signed"),
        (Verb.COMPLETE, VENDOR, "completed"),
    ):
        deal = deal.changed(moved(made(verb, deal, company, is_quote_sent=True, is_licensed=True)))
        assert deal.lifecycle == state
    assert (deal.values["is_registered"], deal.values["quote_state"]) == (True, "signed")


def test_nothing_is_signed_before_its_quote_was_sent_and_nothing_ends_before_its_licences() -> None:
    finalized = submitted(**APPROVED, lifecycle="finalize_requested", quote_state="sent")
    assert refused(made(Verb.SIGN, finalized, ARROW)) == "quote_not_sent"
    assert refused(made(Verb.COMPLETE, submitted(**APPROVED, lifecycle="quote_signed"), VENDOR)) == "not_licensed"


@pytest.mark.parametrize("state", ["quote_signed", "completed", "won"])
def test_a_second_signature_gets_the_first_answer_and_only_from_whoever_may_sign(state: str) -> None:
    signed = submitted(**APPROVED, lifecycle=state, quote_state="signed")
    assert moved(made(Verb.SIGN, signed, ARROW)) == {}
    assert refused(made(Verb.SIGN, signed, ACME)) == "not_a_party"


def test_a_term_that_nobody_sells_is_refused_however_it_is_written() -> None:
    deal = submitted(term_years=1, billing_cycle="annual")
    for changes, code in (({"term_years": 4}, "term_unknown"), ({"term_years": 2, "billing_cycle": "monthly"}, "billing_not_for_term")):
        assert refused(made(Verb.EDIT, deal, ACME, changes=changes)) == code
    assert refused(made(Verb.EDIT, deal, ACME, changes={"billing_cycle": "up_front"})) == "billing_not_for_term"
    assert moved(made(Verb.EDIT, deal, ACME, changes={"term_years": 3, "billing_cycle": "up_front"}))
    # a deal that came in otherwise from the CRM can still be edited elsewhere
    assert moved(made(Verb.EDIT, submitted(term_years=7), ACME, changes={"amount": Decimal(5)}))


@pytest.mark.parametrize(
    ("verb", "lifecycle", "company"),
    [(Verb.FINALIZE, "submitted", ACME), (Verb.SIGN, "finalize_requested", ARROW)],
)
def test_the_sale_goes_on_only_when_nobodys_word_is_missing(verb: Verb, lifecycle: str, company: Company) -> None:
    result = made(verb, submitted(lifecycle=lifecycle, vendor_approval="approved"), company)
    assert refused(result) == "not_ready"
    assert isinstance(result, Refusal)
    assert "the Distributor's approval is pending" in result.why
    assert ("Distributor" in result.who_may, result.allowed) == (True, ())


def test_the_vendor_may_record_a_signature_and_the_owner_signs_alone_on_its_own() -> None:
    two_tier = submitted(**APPROVED, lifecycle="finalize_requested")
    assert refused(made(Verb.SIGN, two_tier, VENDOR, is_quote_sent=True)) == "reason_missing"
    assert moved(made(Verb.SIGN, two_tier, VENDOR, is_quote_sent=True, reason="on paper"))["lifecycle"] == "quote_signed"
    assert refused(made(Verb.SIGN, two_tier, ACME, is_quote_sent=True)) == "not_a_party"
    single = submitted(second_partner=None, vendor_approval="approved", lifecycle="finalize_requested")
    assert moved(made(Verb.SIGN, single, ACME, is_quote_sent=True))["lifecycle"] == "quote_signed"


def test_a_disabled_deal_goes_nowhere_until_it_is_enabled() -> None:
    deal = submitted(**APPROVED)
    disabled = deal.changed(moved(made(Verb.DISABLE, deal, VENDOR)))
    assert (disabled.lifecycle, disabled.values["is_registered"]) == ("disabled", False)
    result = made(Verb.FINALIZE, disabled, ACME)
    assert refused(result) == "wrong_state"
    assert isinstance(result, Refusal)
    assert result.allowed == ("submitted",)
    assert moved(made(Verb.ENABLE, disabled, VENDOR)) == {"lifecycle": "submitted", "is_registered": True}


def test_an_enabled_deal_that_was_won_meanwhile_is_won() -> None:
    assert moved(made(Verb.ENABLE, submitted(lifecycle="disabled", outcome="won", is_registered=False), VENDOR))["lifecycle"] == "won"


@pytest.mark.parametrize("lifecycle", ["draft", "submitted", "finalize_requested", "disabled"])
def test_the_owner_withdraws_what_is_not_signed(lifecycle: str) -> None:
    deal = submitted(lifecycle=lifecycle, is_registered=is_registered(submitted(lifecycle=lifecycle)))
    assert deal.changed(moved(made(Verb.WITHDRAW, deal, ACME, reason="lost the tender"))).values["is_registered"] is False
    assert refused(made(Verb.WITHDRAW, deal, ARROW)) == "not_a_party"


def test_a_signed_quote_is_neither_withdrawn_nor_disabled() -> None:
    signed = submitted(**APPROVED, lifecycle="quote_signed")
    assert refused(made(Verb.WITHDRAW, signed, ACME)) == "wrong_state"
    assert refused(made(Verb.DISABLE, signed, VENDOR)) == "wrong_state"


@pytest.mark.parametrize("verb", [Verb.SUBMIT, Verb.WITHDRAW, Verb.DISABLE, Verb.ENABLE, Verb.FINALIZE])
def test_saying_it_again_is_harmless(verb: Verb) -> None:
    deal = submitted(**APPROVED, lifecycle=MOVES[verb].states[0].value, is_registered=True)
    after = deal.changed(moved(made(verb, deal, actor=OPERATOR)))
    assert moved(made(verb, after, actor=OPERATOR)) == {}


@pytest.mark.parametrize("verb", [verb for verb in Verb if not MOVES[verb].asks])
@pytest.mark.parametrize("lifecycle", Lifecycle)
def test_every_move_is_refused_from_every_other_state(verb: Verb, lifecycle: Lifecycle) -> None:
    row = MOVES[verb]
    company = {Party.OWNER: ACME, Party.SECOND_PARTNER: ARROW, Party.VENDOR: VENDOR}.get(row.who[0])
    if lifecycle in row.states or company is None:
        return
    result = made(verb, submitted(**APPROVED, lifecycle=lifecycle.value), company, reason="why", until=LATER)
    assert isinstance(result, Refusal) or not result.changes
    if isinstance(result, Refusal):
        assert result.code == ("deal_closed" if lifecycle in CLOSED else "wrong_state")


# ── whose move it is ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in (Verb.REASSIGN, Verb.EDIT)])
def test_nobody_moves_what_is_not_theirs_and_is_told_whose_it_is(verb: Verb) -> None:
    result = made(verb, submitted(), BETA)
    assert refused(result) == ("not_your_track" if verb in DECISIONS.values() else "not_a_party")


def test_a_user_moves_what_its_role_sees() -> None:
    mine, others = user("ann", ACME), user("bob", ACME)
    deal = submitted(**APPROVED, owner_user="bob")
    assert refused(made(Verb.FINALIZE, deal, actor=as_actor(mine), rep=others)) == "not_a_party"
    assert moved(made(Verb.FINALIZE, deal, actor=as_actor(others), rep=others))
    assert moved(made(Verb.FINALIZE, deal, actor=as_actor(user("cy", ACME, Role.MANAGER)), rep=others))


def test_a_user_who_was_deactivated_moves_nothing_and_an_inactive_companys_neither() -> None:
    gone = as_actor(user("ann", ACME, Role.MANAGER, is_active=False))
    assert refused(made(Verb.WITHDRAW, submitted(), actor=gone)) == "user_inactive"
    idle = Company("acme", "1", "Acme", PortalStatus.INACTIVE, ACME.account_type)
    assert (
        refused(made(Verb.WITHDRAW, submitted(), actor=as_actor(user("ann", ACME, Role.MANAGER)), companies=[idle])) == "company_inactive"
    )


def test_a_vendor_admin_is_no_operator() -> None:
    admin = as_actor(user("vera", VENDOR, is_vendor_admin=True))
    assert moved(made(Verb.APPROVE_VENDOR, submitted(), actor=admin)) == {"vendor_approval": "approved"}
    assert refused(made(Verb.WITHDRAW, submitted(), actor=admin)) == "not_a_party"
    nowhere = Actor("vera", None, "portal", as_actor(user("vera", VENDOR, is_vendor_admin=False)).user)
    assert refused(made(Verb.APPROVE_VENDOR, submitted(), actor=nowhere)) == "not_your_track"


def test_a_deal_is_given_to_an_active_colleague() -> None:
    manager, ann = as_actor(user("cy", ACME, Role.MANAGER)), user("ann", ACME)
    result = made(Verb.REASSIGN, submitted(owner_user="bob"), actor=manager, colleague=ann, colleague_id="ann")
    assert moved(result) == {"owner_user": "ann"}
    for colleague, code in (
        (None, "user_unknown"),
        (user("ann", BETA), "not_a_colleague"),
        (user("ann", ACME, is_active=False), "not_a_colleague"),
    ):
        assert refused(made(Verb.REASSIGN, submitted(), actor=manager, colleague=colleague, colleague_id="ann")) == code
    stranger = as_actor(user("cy", BETA, Role.MANAGER))
    assert refused(made(Verb.REASSIGN, submitted(), actor=stranger, colleague=ann, colleague_id="ann")) == "not_a_party"


def test_another_owner_company_leaves_the_rep_behind() -> None:
    deal = submitted(owner_user="ann")
    assert consequences(deal, {"owner_company": "beta"}, POLICY, vendor_moved=False)["owner_user"] is None


# ── a draft on behalf ────────────────────────────────────────────────────────────────────────────────────────────────

ON_BEHALF = Policy(on_behalf=True)


def on_behalf(verb: Verb, maker: str = "dora", lifecycle: str = "draft", **more: Any) -> Move | Refusal:
    """A move of Dora, of Arrow, on a draft of Acme's that somebody made on behalf."""
    deal = submitted(lifecycle=lifecycle, registered_by=maker, is_registered=lifecycle != "draft")
    return made(verb, deal, actor=as_actor(user("dora", ARROW)), **{"policy": ON_BEHALF, **more})


def test_who_made_a_draft_on_behalf_edits_submits_and_withdraws_it() -> None:
    assert moved(on_behalf(Verb.EDIT, changes={"name": "Other"})) == {"name": "Other"}
    assert moved(on_behalf(Verb.SUBMIT))["lifecycle"] == "submitted"
    assert moved(on_behalf(Verb.WITHDRAW))["lifecycle"] == "withdrawn"


@pytest.mark.parametrize("verb", [Verb.EDIT, Verb.SUBMIT, Verb.WITHDRAW])
def test_somebody_elses_draft_and_a_submitted_deal_are_not_the_distributors_to_change(verb: Verb) -> None:
    assert refused(on_behalf(verb, maker="rita", changes={"name": "Other"})) == "not_a_party"
    if verb is not Verb.SUBMIT:
        assert refused(on_behalf(verb, lifecycle="submitted", changes={"name": "Other"})) == "not_a_party"


@pytest.mark.parametrize("other", [None, INGRAM])
def test_a_draft_on_behalf_keeps_the_company_of_its_maker(other: Company | None) -> None:
    result = on_behalf(Verb.EDIT, changes={"second_partner": other.id if other else None}, second_partner=other, options=[ARROW, INGRAM])
    assert refused(result) == "not_a_party"
    assert isinstance(result, Refusal)
    assert result.field == "second_partner"


def test_where_nobody_registers_on_behalf_any_more_a_draft_is_only_withdrawn_by_its_maker() -> None:
    assert refused(on_behalf(Verb.SUBMIT, policy=POLICY)) == "on_behalf_off"
    assert refused(on_behalf(Verb.EDIT, changes={"name": "Other"}, policy=POLICY)) == "on_behalf_off"
    assert moved(on_behalf(Verb.WITHDRAW, policy=POLICY))["lifecycle"] == "withdrawn"


# ── the last day ─────────────────────────────────────────────────────────────────────────────────────────────────────

PERIOD = Policy(period=Period(90, {"renewal": 30}))
PAST: dict[str, Value] = {**APPROVED, "expires_on": TODAY - timedelta(days=1)}


@pytest.mark.parametrize(("deal_type", "days"), [("new", 90), ("renewal", 30), (None, 90)])
def test_a_submission_gives_the_last_day_of_the_period(deal_type: str | None, days: int) -> None:
    begun = drafted(values={"prospect_name": "Globex", "deal_type": deal_type})
    assert moved(made(Verb.SUBMIT, begun, ACME, policy=PERIOD))["expires_on"] == TODAY + timedelta(days=days)


def test_a_type_without_a_period_has_no_last_day() -> None:
    begun = drafted(values={"prospect_name": "Globex", "deal_type": "new"})
    assert "expires_on" not in moved(made(Verb.SUBMIT, begun, ACME, policy=Policy(period=Period(None, {"renewal": 30}))))


@pytest.mark.parametrize(
    "verb", [Verb.FINALIZE, Verb.EDIT, Verb.REASSIGN, Verb.DISABLE, Verb.WITHDRAW, Verb.APPROVE_DISTRIBUTOR, Verb.REJECT_DISTRIBUTOR]
)
def test_past_its_last_day_a_deal_is_expired_before_the_night_says_so(verb: Verb) -> None:
    parties = {Verb.APPROVE_DISTRIBUTOR: ARROW, Verb.REJECT_DISTRIBUTOR: ARROW, Verb.DISABLE: VENDOR}
    deal = submitted(**{**PAST, "distributor_approval": "approved" if verb is not Verb.APPROVE_DISTRIBUTOR else "pending"})
    wish: dict[str, Any] = {"reason": "why", "changes": {"name": "Other"}, "colleague": user("ann", ACME), "colleague_id": "ann"}
    result = made(verb, deal, parties.get(verb, ACME), **wish)
    assert refused(result) == "deal_closed"
    assert isinstance(result, Refusal)
    assert "its last day was 2026-03-01" in result.why
    assert "renews it, or the vendor sets a later last day" in result.who_may


def test_on_its_last_day_a_deal_still_runs() -> None:
    assert moved(made(Verb.FINALIZE, submitted(**{**PAST, "expires_on": TODAY}), ACME))["lifecycle"] == "finalize_requested"


def test_the_vendor_decides_on_a_past_deal_only_where_its_renewal_waits() -> None:
    assert refused(made(Verb.REJECT_VENDOR, submitted(**PAST), VENDOR, reason="late")) == "deal_closed"
    waiting = submitted(**{**PAST, "vendor_approval": "renewal_pending", "renews_until": LATER})
    assert moved(made(Verb.APPROVE_VENDOR, waiting, VENDOR)) == {"vendor_approval": "approved", "expires_on": LATER, "renews_until": None}


def test_a_deal_that_was_put_off_runs_before_the_night_says_so() -> None:
    deal = submitted(**APPROVED, expires_on=LATER, lifecycle="expired", is_registered=False)
    assert moved(made(Verb.FINALIZE, deal, ACME)) == {"lifecycle": "finalize_requested", "is_registered": True}


@pytest.mark.parametrize("lifecycle", ["submitted", "disabled", "expired"])
def test_the_vendor_sets_a_last_day(lifecycle: str) -> None:
    deal = submitted(**{**PAST, "lifecycle": lifecycle, "is_registered": lifecycle == "submitted"})
    after = deal.changed(moved(made(Verb.SET_LAST_DAY, deal, VENDOR, until=LATER)))
    becomes = "disabled" if lifecycle == "disabled" else "submitted"
    assert (after.values["expires_on"], after.lifecycle, after.values["is_registered"]) == (LATER, becomes, becomes == "submitted")


def test_a_last_day_is_the_vendors_and_not_in_the_past() -> None:
    deal = submitted(expires_on=LAST_DAY)
    assert refused(made(Verb.SET_LAST_DAY, deal, ARROW, until=LATER)) == "not_a_party"
    past, nothing = (made(Verb.SET_LAST_DAY, deal, VENDOR, until=day) for day in (TODAY - timedelta(days=1), None))
    assert (refused(past), refused(nothing)) == ("last_day_over", "last_day_missing")
    assert isinstance(past, Refusal)
    assert past.field == "expires_on"
    assert moved(made(Verb.SET_LAST_DAY, deal, VENDOR, until=TODAY)) == {"expires_on": TODAY}


def test_a_renewal_does_not_shorten_what_the_vendor_gave_meanwhile() -> None:
    further = LATER + timedelta(days=30)
    deal = renewed().changed({"expires_on": further})
    assert deal.changed(moved(made(Verb.APPROVE_VENDOR, deal, VENDOR))).values["expires_on"] == further


def test_the_calendar_gives_a_last_day_to_what_has_none() -> None:
    endless = submitted(expires_on=None, deal_type="renewal")
    given = by_calendar(endless, TODAY, PERIOD)
    assert given is not None
    assert dict(given.changes) == {"expires_on": TODAY + timedelta(days=30)}
    assert by_calendar(submitted(expires_on=LAST_DAY), TODAY, PERIOD) is None


# ── renewal ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def renewed(**values: Value) -> Deal:
    deal = submitted(**{**APPROVED, "expires_on": LAST_DAY, **values})
    return deal.changed(moved(made(Verb.RENEW, deal, ARROW, until=LATER)))


def test_a_renewal_waits_for_the_vendor() -> None:
    deal = renewed()
    assert (deal.distributor_approval, deal.vendor_approval, deal.values["expires_on"]) == ("approved", "renewal_pending", LAST_DAY)
    assert deal.values["renews_until"] == LATER
    assert missing_words(deal, POLICY)
    assert moved(made(Verb.APPROVE_VENDOR, deal, VENDOR)) == {"vendor_approval": "approved", "expires_on": LATER, "renews_until": None}


def test_an_expired_deal_runs_again_when_the_vendor_renews_it() -> None:
    deal = renewed(lifecycle="expired", is_registered=False)
    after = deal.changed(moved(made(Verb.APPROVE_VENDOR, deal, VENDOR)))
    assert (after.lifecycle, after.values["expires_on"], after.values["is_registered"]) == ("submitted", LATER, True)


@pytest.mark.parametrize("verb", [Verb.REJECT_VENDOR, Verb.RETURN_VENDOR])
@pytest.mark.parametrize("lifecycle", ["submitted", "expired"])
def test_a_refused_renewal_leaves_everything_as_it_was(verb: Verb, lifecycle: str) -> None:
    deal = renewed(lifecycle=lifecycle, is_registered=lifecycle == "submitted")
    after = deal.changed(moved(made(verb, deal, VENDOR, reason="no more")))
    assert (after.vendor_approval, after.values["expires_on"], after.values["renews_until"]) == ("approved", LAST_DAY, None)
    assert (after.lifecycle, after.values["is_registered"]) == (lifecycle, lifecycle == "submitted")


def test_the_vendor_may_say_so_in_the_crm() -> None:
    approved = moved(vendor_move_in_crm(renewed(), VendorWord(to=VendorApproval.APPROVED, actor=CRM, day=TODAY), terms_agree=True))
    assert approved == {"vendor_approval": "approved", "expires_on": LATER, "renews_until": None}
    rejected = moved(vendor_move_in_crm(renewed(), VendorWord(to=VendorApproval.REJECTED, actor=CRM, day=TODAY), terms_agree=True))
    assert rejected == {"vendor_approval": "approved", "renews_until": None}


def test_new_terms_end_a_renewal_that_waits() -> None:
    follows = consequences(renewed(), {"licence_count": 99}, POLICY, vendor_moved=False)
    assert follows == {"vendor_approval": "pending", "distributor_approval": "pending", "renews_until": None}


@pytest.mark.parametrize(
    ("values", "until", "code"),
    [
        ({}, None, "renewal_not_later"),
        ({}, LAST_DAY, "renewal_not_later"),
        ({"expires_on": date(2020, 1, 1), "lifecycle": "expired"}, TODAY, "renewal_not_later"),
        ({"expires_on": None}, LATER, "nothing_to_renew"),
        ({"vendor_approval": "pending"}, LATER, "not_ready"),
        ({"distributor_approval": "pending"}, LATER, "not_ready"),
    ],
)
def test_what_cannot_be_renewed(values: dict[str, Value], until: date | None, code: str) -> None:
    deal = submitted(**{**APPROVED, "expires_on": LAST_DAY, **values})
    assert refused(made(Verb.RENEW, deal, ARROW, until=until)) == code


def test_only_the_second_partner_renews_and_the_owner_where_there_is_none() -> None:
    deal = submitted(**APPROVED, expires_on=LAST_DAY)
    assert refused(made(Verb.RENEW, deal, ACME, until=LATER)) == "not_your_track"
    single = submitted(second_partner=None, vendor_approval="approved", expires_on=LAST_DAY)
    assert moved(made(Verb.RENEW, single, ACME, until=LATER))["vendor_approval"] == "renewal_pending"


def test_where_the_vendor_is_not_asked_a_renewal_counts_at_once() -> None:
    policy = Policy(approvals=frozenset({"distributor"}))
    deal = submitted(distributor_approval="approved", expires_on=LAST_DAY, lifecycle="expired", is_registered=False)
    assert moved(made(Verb.RENEW, deal, ARROW, until=LATER, policy=policy)) == {
        "distributor_approval": "approved",
        "expires_on": LATER,
        "lifecycle": "submitted",
        "is_registered": True,
    }


def test_an_expired_deal_is_decided_only_where_its_renewal_waits() -> None:
    expired = submitted(vendor_approval="pending", lifecycle="expired")
    assert refused(made(Verb.APPROVE_VENDOR, expired, VENDOR)) == "deal_closed"


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_verb_has_its_row_and_every_decision_its_verb() -> None:
    assert set(MOVES) == set(Verb)
    assert set(DECISIONS.values()) <= set(Verb)
    for row in MOVES.values():
        assert row.states
        assert row.who
        assert row.effects


# ── random walks ─────────────────────────────────────────────────────────────────────────────────────────────────────

USERS = [user(f"{role.value}-{company.id}", company, role) for company in (ACME, BETA, ARROW, INGRAM) for role in Role]
ADMIN = user("admin", VENDOR, is_vendor_admin=True)
PEOPLE = {one.id: one for one in (*USERS, ADMIN)}
ACTORS = [*map(as_actor, PEOPLE.values()), *map(member_of, COMPANIES.values()), OPERATOR]
PORTAL_VERBS = [verb for verb in Verb if verb not in (Verb.EXPIRE, Verb.RESUME, Verb.WIN, Verb.LOSE, Verb.REOPEN)]
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "licence_count": st.integers(1, 3),
        "amount": st.integers(1, 3).map(Decimal),
        "second_partner": st.sampled_from(["arrow", "ingram", None]),
        "owner_company": st.sampled_from(["acme", "beta", "acme"]),
        "prospect_name": st.sampled_from(["P", "Q"]),
    },
)


class Walk(RuleBasedStateMachine):
    """People, the CRM and the calendar do whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.deal = drafted(actor=as_actor(PEOPLE["sales-acme"]))
        self.today = TODAY

    @rule(
        verb=st.sampled_from(PORTAL_VERBS),
        actor=st.sampled_from(ACTORS),
        reason=st.sampled_from(["", "why"]),
        changes=CHANGES,
        colleague=st.sampled_from([None, *PEOPLE]),
        until=st.sampled_from([None, TODAY, LATER]),
    )
    def somebody_moves(
        self, verb: Verb, actor: Actor, reason: str, changes: dict[str, Value], colleague: str | None, until: date | None
    ) -> None:
        before = self.deal
        owner = changes.get("owner_company", before.owner_company) if verb is Verb.EDIT else before.owner_company
        second = changes.get("second_partner", before.second_partner) if verb is Verb.EDIT else before.second_partner
        result = made(
            verb,
            before,
            actor=actor,
            rep=PEOPLE.get(before.owner_user or ""),
            reason=reason,
            changes=changes,
            colleague=PEOPLE.get(colleague or ""),
            colleague_id=colleague or "",
            until=until,
            today=self.today,
            owner=COMPANIES.get(str(owner)),
            second_partner=COMPANIES.get(str(second)),
            options=[ARROW, INGRAM],
        )
        if isinstance(result, Refusal):
            assert result.why
            assert result.who_may
            return
        self.deal = before.changed(result.changes)
        assert before.lifecycle in MOVES[verb].states or not result.changes
        self._nobody_spoke_for_another(before, actor, reason)
        terms = {name for name in RESET_FIELDS if before.values.get(name) != self.deal.values.get(name)}
        assert not (terms and before.lifecycle in LOCKED)

    def _nobody_spoke_for_another(self, before: Deal, actor: Actor, reason: str) -> None:
        is_vendor = actor.user.is_vendor_admin if actor.user else actor.company_id == "vendor"
        after = self.deal
        if before.vendor_approval != after.vendor_approval and after.vendor_approval not in ("pending", "renewal_pending"):
            assert is_vendor
        if before.distributor_approval != after.distributor_approval and after.distributor_approval in ("approved", "rejected"):
            assert actor.is_of(before.second_partner) or (is_vendor and reason)

    @rule(changes=CHANGES, outcome=st.sampled_from(["open", "open", "won", "lost"]))
    def the_crm_edits(self, changes: dict[str, Value], outcome: str) -> None:
        if self.deal.lifecycle is Lifecycle.DRAFT or changes.get("owner_company") == changes.get("second_partner", 0):
            return
        before, all_changes = self.deal, {**changes, "outcome": outcome}
        self.deal = before.changed({**all_changes, **consequences(before, all_changes, POLICY, vendor_moved=False)})
        if before.lifecycle is not self.deal.lifecycle:
            verb = {"won": Verb.WIN, "lost": Verb.LOSE, "submitted": Verb.REOPEN}[self.deal.lifecycle.value]
            assert before.lifecycle in MOVES[verb].states

    @rule(new=st.none() | st.sampled_from(VendorApproval), agree=st.booleans(), reason=st.sampled_from(["", "seen there"]))
    def the_vendor_says_in_the_crm(self, new: VendorApproval | None, agree: bool, reason: str) -> None:
        if self.deal.lifecycle is Lifecycle.DRAFT:
            return
        result = vendor_move_in_crm(
            self.deal, VendorWord(to=new or VendorApproval.PENDING, actor=CRM, day=self.today, reason=reason), terms_agree=agree
        )
        if isinstance(result, Move):
            follows = consequences(self.deal, result.changes, POLICY, vendor_moved=True)
            self.deal = self.deal.changed({**result.changes, **follows})

    @rule(days=st.integers(1, 400), last_day=st.sampled_from([None, LAST_DAY, LATER]))
    def time_passes(self, days: int, last_day: date | None) -> None:
        if self.deal.lifecycle is not Lifecycle.DRAFT:
            self.deal = self.deal.changed({"expires_on": last_day})
        self.today += timedelta(days=days)
        result = by_calendar(self.deal, self.today)
        self.deal = self.deal.changed(result.changes) if result else self.deal

    @invariant()
    def the_deal_is_sound(self) -> None:
        deal = self.deal
        assert deal.owner_company != deal.second_partner
        assert (deal.distributor_approval == "not_required") == (deal.second_partner is None)
        assert deal.values["is_registered"] is is_registered(deal)
        assert deal.outcome == "open" or deal.lifecycle not in ("draft", "submitted", "finalize_requested", "quote_signed")
        assert deal.lifecycle not in ("won", "lost") or deal.lifecycle.value == deal.outcome.value
        assert (deal.vendor_approval == "renewal_pending") == (deal.values.get("renews_until") is not None)
        if deal.lifecycle is Lifecycle.DRAFT:
            assert deal.vendor_approval == "pending"
            assert deal.distributor_approval in ("pending", "not_required")
        if not missing_words(deal, POLICY):
            assert deal.vendor_approval == "approved"
            assert deal.distributor_approval in ("approved", "not_required")

    @invariant()
    def who_decided_and_when_stands_beside_each_decision_and_nowhere_else(self) -> None:
        values = self.deal.values
        for stamp, state in ((stamp_of("vendor"), self.deal.vendor_approval), (stamp_of("distributor"), self.deal.distributor_approval)):
            is_said = state in ("approved", "rejected", "returned")
            assert [values.get(stamp.by) is not None, values.get(stamp.on) is not None] == [is_said, is_said]
            assert is_said or values.get(stamp.reason) is None

    @invariant()
    def no_rep_of_another_company_owns_it(self) -> None:
        rep = PEOPLE.get(self.deal.owner_user or "")
        assert rep is None or self.deal.owner_company in rep.companies


Walk.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
test_law_no_walk_reaches_a_forbidden_state = Walk.TestCase
