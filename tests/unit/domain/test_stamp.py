"""Who decided, when and why: what a decision writes, what ends it, and which reason in the CRM belongs to which decision."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Move, VendorApproval, consequences
from sync_worker.domain.core.stamp import DISTRIBUTOR, MOST_NAME, STAMPS, VENDOR, reason_in_crm, short, stamp_of
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.approval import VendorWord, vendor_move_in_crm
from sync_worker.domain.deals.lifecycle import Verb, move
from tests.unit.domain.stage import ARROW, POLICY, TODAY, member_of, scene, submitted
from tests.unit.domain.stage import VENDOR as MAKER

BY_ARROW, BY_VENDOR = "someone at Arrow", "someone at Vendor"


def after(deal: Deal, verb: Verb, company: Company, **asked: Any) -> Deal:
    result = move(verb, scene(deal, member_of(company), **asked))
    assert isinstance(result, Move), result
    return deal.changed(result.changes)


def stamp(deal: Deal, track: str) -> tuple[Value, ...]:
    return tuple(deal.values.get(name) for name in stamp_of(track))


@pytest.mark.parametrize(
    ("verb", "company", "track", "who"),
    [
        (Verb.APPROVE_DISTRIBUTOR, ARROW, "distributor", BY_ARROW),
        (Verb.REJECT_DISTRIBUTOR, ARROW, "distributor", BY_ARROW),
        (Verb.APPROVE_DISTRIBUTOR, MAKER, "distributor", BY_VENDOR),  # the vendor in the distributor's place
        (Verb.APPROVE_VENDOR, MAKER, "vendor", BY_VENDOR),
        (Verb.REJECT_VENDOR, MAKER, "vendor", BY_VENDOR),
        (Verb.RETURN_VENDOR, MAKER, "vendor", BY_VENDOR),
    ],
)
def test_a_decision_says_who_made_it_when_and_why_on_its_own_track(verb: Verb, company: Company, track: str, who: str) -> None:
    deal = after(submitted(), verb, company, reason=" we know them ")
    assert stamp(deal, track) == (who, TODAY, "we know them")
    assert stamp(deal, "vendor" if track == "distributor" else "distributor") == (None, None, None)


def test_the_next_decision_takes_the_place_of_the_last_and_the_same_one_again_changes_nothing() -> None:
    rejected = after(submitted(), Verb.REJECT_VENDOR, MAKER, reason="too small")
    approved = after(rejected, Verb.APPROVE_VENDOR, MAKER, today=date(2026, 3, 9))
    assert stamp(approved, "vendor") == (BY_VENDOR, date(2026, 3, 9), None)
    again = move(Verb.APPROVE_VENDOR, scene(approved, member_of(MAKER), today=date(2026, 4, 1), reason="still"))
    assert isinstance(again, Move)
    assert again.changes == {}


def test_new_terms_empty_both_tracks_and_another_distributor_empties_the_distributors() -> None:
    decided = after(after(submitted(), Verb.APPROVE_DISTRIBUTOR, ARROW), Verb.APPROVE_VENDOR, MAKER, reason="fine")
    terms = consequences(decided, {"licence_count": 11}, POLICY, vendor_moved=False)
    assert {name: terms.get(name, "kept") for name in STAMPS} == dict.fromkeys(STAMPS - {DISTRIBUTOR.reason}) | {DISTRIBUTOR.reason: "kept"}
    another = consequences(decided, {"second_partner": "ingram"}, POLICY, vendor_moved=False)
    assert STAMPS & another.keys() == {DISTRIBUTOR.by, DISTRIBUTOR.on}
    assert STAMPS & consequences(decided, {"name": "Another"}, POLICY, vendor_moved=False).keys() == set()


def test_a_reason_that_is_typed_beside_new_terms_stays() -> None:
    decided = after(submitted(), Verb.APPROVE_VENDOR, MAKER, reason="fine")
    follows = consequences(decided, {"licence_count": 11, VENDOR.reason: "say why 11"}, POLICY, vendor_moved=False)
    assert (follows["vendor_approval"], follows[VENDOR.by], VENDOR.reason in follows) == ("pending", None, False)


def test_a_renewal_is_the_distributors_decision_and_empties_the_vendors() -> None:
    deal = submitted(vendor_approval="approved", distributor_approval="approved", expires_on=date(2026, 6, 30), vendor_decided_by="Vera")
    renewed = after(deal, Verb.RENEW, ARROW, until=date(2026, 12, 31), reason="they stay")
    assert stamp(renewed, "distributor") == (BY_ARROW, TODAY, "they stay")
    assert stamp(renewed, "vendor") == (None, None, None)
    refused = after(renewed, Verb.REJECT_VENDOR, MAKER, reason="not again")
    assert (refused.vendor_approval, stamp(refused, "vendor")) == ("approved", (BY_VENDOR, TODAY, "not again"))


def test_a_decision_in_the_crm_is_the_crms_with_its_reason_in_the_note_and_for_the_mail() -> None:
    crm = Actor("CRM", None, "crm")
    made = vendor_move_in_crm(
        submitted(), VendorWord(to=VendorApproval.REJECTED, actor=crm, day=TODAY, reason="no budget"), terms_agree=True
    )
    assert isinstance(made, Move)
    assert (made.reason, made.note) == ("no budget", "CRM: pending → rejected on the vendor track, in the CRM: no budget")
    assert {name: made.changes[name] for name in VENDOR} == {VENDOR.by: "CRM", VENDOR.on: TODAY, VENDOR.reason: "no budget"}


@pytest.mark.parametrize(
    ("held", "typed", "before", "new", "reason"),
    [
        (None, "now", "pending", "approved", "now"),
        ("first", None, "pending", "approved", "first"),  # typed before the decision
        ("no", None, "rejected", "approved", ""),  # the reason of the refusal is not one for the approval
        ("yes", None, "approved", "returned", ""),
        ("no", None, "rejected", "returned", "no"),
        ("no", "", "rejected", "returned", ""),  # cleared together with the decision
        ("no", "yes", "rejected", "approved", "yes"),
    ],
)
def test_which_reason_belongs_to_a_decision_in_the_crm(held: str | None, typed: str | None, before: str, new: str, reason: str) -> None:
    brought = {} if typed is None else {VENDOR.reason: typed}
    assert reason_in_crm({VENDOR.reason: held}, brought, before=before, new=new) == reason


@pytest.mark.parametrize("name", ["Vera", "V" * 300, f"{'V' * 300} (u-1)", f"Vera ({'u' * 250})"])
def test_a_name_fits_into_a_text_field_with_its_id_whole(name: str) -> None:
    assert len(short(name)) <= MOST_NAME + 5
    assert short(name).endswith(name[name.rfind(" (") + 1 :] if "(" in name else ("Vera" if name == "Vera" else "…"))


@pytest.mark.parametrize(
    ("held", "follows"),
    [
        ({"lifecycle": "submitted", "is_registered": True}, {}),
        ({"is_registered": True}, {"lifecycle": "submitted"}),
        ({"lifecycle": "submitted", "is_registered": None}, {"is_registered": True}),
        ({"lifecycle": "submitted", "outcome": "won", "is_registered": True}, {"lifecycle": "won"}),
        ({"lifecycle": "won", "outcome": "open", "is_registered": True}, {"lifecycle": "submitted"}),
        ({"lifecycle": "submitted", "is_registered": True, "renews_until": TODAY}, {"renews_until": None}),
    ],
)
def test_what_follows_of_a_deal_in_which_nothing_changed(held: dict[str, Value], follows: dict[str, Value]) -> None:
    # Given a deal as it is held, when its record is read and brings nothing new, then only what does not fit is put right
    assert consequences(Deal("d1", held), {}, POLICY, vendor_moved=False) == follows
