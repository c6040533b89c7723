"""Who decided, when and why, both ways: a portal's decision stands in the CRM, and one in the CRM stands on the deal with its reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.core.stamp import DISTRIBUTOR, STAMPS, VENDOR
from sync_worker.domain.core.user import Role
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.operate.erasure import ERASED
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.tell.mail import mail
from sync_worker.store.deals import deals, links
from tests.integration.steps.test_moves import done, pushed, refused, told
from tests.integration.steps.world import World
from tests.mailbox import Mailbox
from tests.servers import MONDAY

MONDAYS = MONDAY.date()
DAY_S = 86_400


@pytest.fixture
def dora(world: World) -> Actor:
    return told(world, "dora", "Arrow Electronics", Role.MANAGER)


@pytest.fixture
def vera(world: World) -> Actor:
    return told(world, "vera", "acme (vendor)", is_vendor_admin=True)


def held(world: World, deal_id: str, names: tuple[str, ...] = VENDOR) -> tuple[Value, ...]:
    """Who, when and why, as the deal says."""
    values = world.deal(deal_id).values
    return tuple(values.get(name) for name in names)


def shown(world: World, deal_id: str, track: str = "Vendor") -> tuple[Any, ...]:
    """The same, as the CRM shows it."""
    record = world.record_of(deal_id)
    return tuple(record[f"Portal_{track}_{name}__c"] for name in ("Decided_By", "Decided_On", "Reason"))


def version(world: World, deal_id: str) -> int:
    with world.store.reading("acme") as tx:
        stored = deals.get(tx, deal_id)
    assert stored
    return stored.version


def notes(world: World, deal_id: str, field: str) -> list[str]:
    with world.store.reading("acme") as tx:
        return [row["note"] for row in deals.history(tx, deal_id) if row["field"] == field]


# ── from the portal to the CRM ───────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_of_each_side_stands_in_the_crm_with_its_name_day_and_reason(world: World, dora: Actor, vera: Actor) -> None:
    # Given a registration that nobody has decided on
    deal_id = world.registered().id
    assert shown(world, deal_id) == shown(world, deal_id, "Distributor") == (None, None, None)
    # When both sides decide, one of them at a length that the CRM's field does not hold
    why = "They bought from us before.\n" + "x" * 900
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora, reason=why)))
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.REJECT, MoveRequest(vera, reason="Too small: " + "y" * 400)))
    # Then the CRM shows who, when and why, as far as it fits, and the deal has it whole
    assert shown(world, deal_id, "Distributor") == (dora.name, MONDAYS.isoformat(), f"{why[:254]}…")
    assert held(world, deal_id, DISTRIBUTOR) == (dora.name, MONDAYS, why)
    assert shown(world, deal_id) == (vera.name, MONDAYS.isoformat(), f"Too small: {'y' * 243}…")
    assert held(world, deal_id) == (vera.name, MONDAYS, "Too small: " + "y" * 400)
    # And the echo of it is no decision: nothing changes, nothing is owed
    before = version(world, deal_id)
    world.pull(is_full=True)
    assert (version(world, deal_id), world.push().run_id, world.conflicts(deal_id)) == (before, "", [])
    # and the nightly comparison finds no difference
    assert [one for one in compare(world.tenant).differences if one.id == deal_id] == []


def test_new_terms_take_the_decisions_back_in_the_crm_too(world: World, dora: Actor, vera: Actor) -> None:
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora, reason="ours")))
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera)))
    pushed(world, change(world.tenant, deal_id, {"licence_count": "99"}, MoveRequest(vera)))
    assert shown(world, deal_id) == shown(world, deal_id, "Distributor") == (None, None, None)
    assert {name: world.deal(deal_id).values[name] for name in STAMPS} == dict.fromkeys(STAMPS)


def test_what_only_the_portal_writes_is_put_back(world: World, dora: Actor, vera: Actor) -> None:
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera)))
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(dora, reason="ours")))
    world.edit(deal_id, Portal_Distributor_Reason__c="they never said so", Portal_Vendor_Decided_By__c="The board")
    world.pull()
    assert shown(world, deal_id, "Distributor") == (dora.name, MONDAYS.isoformat(), "ours")
    assert shown(world, deal_id) == (vera.name, MONDAYS.isoformat(), None)
    assert {field for field, code, _ in world.conflicts(deal_id) if code == "put_back"} == {DISTRIBUTOR.reason, VENDOR.by}


def test_an_org_without_these_fields_works_as_before(world: World, dora: Actor) -> None:
    # Given an org that has none of them
    absent = {f"deal.{name}": {"native": f"Absent_{name}__c", "direction": "push", "optional": True} for name in (VENDOR.by, VENDOR.reason)}
    world.configure(overrides=absent)
    deal_id = world.registered().id
    # When the vendor decides there, and the distributor here
    world.edit(deal_id, Portal_Vendor_Approval__c="Rejected", Portal_Vendor_Reason__c="nobody reads this")
    world.pull()
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(dora, reason="ours")))
    # Then the deal says who and when, with the reason that could be known
    assert held(world, deal_id) == ("CRM", MONDAYS, None)
    assert held(world, deal_id, DISTRIBUTOR) == (dora.name, MONDAYS, "ours")
    assert (world.codes(deal_id), world.push().run_id) == (set(), "")


# ── from the CRM to the portal ───────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_in_the_crm_comes_with_its_reason_into_the_deal_its_history_and_the_mail(
    world: World, mailbox: Mailbox, dora: Actor
) -> None:
    world.connect_mail(mailbox.url)
    deal_id = world.registered().id
    before = version(world, deal_id)
    # When the vendor rejects in the CRM, and says why
    world.edit(deal_id, Portal_Vendor_Approval__c="Rejected", Portal_Vendor_Reason__c="No <budget> in this region")
    world.pull()
    # Then all of it is one version of the deal, and the CRM shows who and when beside its own reason
    assert held(world, deal_id) == ("CRM", MONDAYS, "No <budget> in this region")
    assert shown(world, deal_id) == ("CRM", MONDAYS.isoformat(), "No <budget> in this region")
    note = "CRM: pending → rejected on the vendor track, in the CRM: No <budget> in this region"
    assert notes(world, deal_id, "vendor_approval") == notes(world, deal_id, VENDOR.by) == notes(world, deal_id, VENDOR.reason) == [note]
    assert version(world, deal_id) == before + 1
    # and the other side's letter has the reason
    mail(world.tenant)
    letter = next(one for one in mailbox.letters if "dora@" in str(one["To"]) and str(one["Subject"]).startswith("Updated"))
    assert "Reason given: No <budget> in this region" in next(letter.iter_parts()).get_content()
    # and another look finds nothing new
    world.pull(is_full=True)
    assert (version(world, deal_id), world.push().run_id) == (before + 1, "")


def test_a_reason_that_is_typed_before_the_decision_belongs_to_it(world: World) -> None:
    deal_id = world.registered().id
    world.edit(deal_id, Portal_Vendor_Reason__c="Strategic")
    world.pull()
    assert held(world, deal_id) == (None, None, "Strategic")
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert held(world, deal_id) == ("CRM", MONDAYS, "Strategic")
    assert notes(world, deal_id, "vendor_approval")[-1].endswith(": Strategic")


def test_the_reason_of_a_refusal_does_not_stay_beside_the_approval(world: World) -> None:
    deal_id = world.registered().id
    world.edit(deal_id, Portal_Vendor_Approval__c="Rejected", Portal_Vendor_Reason__c="Too small")
    world.pull()
    world.forward(DAY_S)
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert held(world, deal_id) == ("CRM", date(MONDAYS.year, MONDAYS.month, MONDAYS.day + 1), None)
    assert shown(world, deal_id)[2] is None


def test_a_decision_that_is_not_taken_over_brings_no_reason_with_it(world: World, dora: Actor, vera: Actor) -> None:
    # Given an approved deal of which finalize was requested
    bob = told(world, "bob", "Birch Systems", Role.MANAGER)
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera, reason="Strategic")))
    pushed(world, move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(bob)))
    # When the CRM rejects it all the same, with a reason
    world.edit(deal_id, Portal_Vendor_Approval__c="Rejected", Portal_Vendor_Reason__c="Changed our mind")
    world.pull()
    # Then the approval stands on both sides, with its own reason, and what the CRM said leaves a trace
    assert (world.deal(deal_id).vendor_approval, held(world, deal_id)) == ("approved", (vera.name, MONDAYS, "Strategic"))
    assert shown(world, deal_id) == (vera.name, MONDAYS.isoformat(), "Strategic")
    assert (VENDOR.reason, "put_back", "portal") in world.conflicts(deal_id)
    assert "decided_for_good" in world.codes(deal_id)


def test_a_corrected_reason_is_no_new_decision(world: World, vera: Actor) -> None:
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.REJECT, MoveRequest(vera, reason="Too smal")))
    world.edit(deal_id, Portal_Vendor_Reason__c="Too small")
    world.pull()
    assert held(world, deal_id) == (vera.name, MONDAYS, "Too small")
    assert len(notes(world, deal_id, "vendor_approval")) == 1


def test_a_deal_that_begins_approved_in_the_crm_says_nothing_of_when(world: World) -> None:
    """Nobody knows who decided before the portal saw the deal; a reason that stands there comes in."""
    fields = {"Portal_Vendor_Approval__c": "Approved", "Portal_Vendor_Reason__c": "Old friends", "Portal_Distributor_Reason__c": "not ours"}
    written = {
        "Name": "Born there",
        "StageName": "Qualification",
        "CloseDate": "2026-09-01",
        "Portal_Partner__c": world.id_of("Birch Systems"),
    }
    world.remote.create("Opportunity", {**written, **fields})
    world.pull()
    deal_id = world.named_deal("Born there").id
    assert held(world, deal_id) == (None, None, "Old friends")
    assert held(world, deal_id, DISTRIBUTOR) == shown(world, deal_id, "Distributor") == (None, None, None)


def test_a_database_that_was_lost_takes_who_decided_from_the_crm(world: World, dora: Actor, vera: Actor) -> None:
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora, reason="ours")))
    pushed(world, decide(world.tenant, deal_id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera, reason="theirs")))
    world.lose_database()
    world.pull()
    assert held(world, deal_id) == (vera.name, MONDAYS, "theirs")
    assert held(world, deal_id, DISTRIBUTOR) == (dora.name, MONDAYS, "ours")


# ── a day that is over ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_written_down", [False, True], ids=["before the night", "after it"])
def test_the_vendor_may_decide_in_the_crm_after_the_last_day_and_the_deal_does_not_proceed(
    world: World, dora: Actor, is_written_down: bool
) -> None:
    # Given a registration whose last day is over
    bob = told(world, "bob", "Birch Systems", Role.MANAGER)
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    world.edit(deal_id, Portal_Expires__c=MONDAYS.isoformat())
    world.pull()
    world.forward(2 * DAY_S)
    if is_written_down:
        world.settle(expire(world.tenant).follow_ups)
    # When the vendor approves it in the CRM
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved", Portal_Vendor_Reason__c="Late, but yes")
    world.pull()
    # Then the approval is taken, with its reason, and the deal goes nowhere until it has a later day
    assert (world.deal(deal_id).vendor_approval, held(world, deal_id)[2]) == ("approved", "Late, but yes")
    refusal = move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(bob))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, "last day was" in refusal.why) == ("deal_closed", True)
    world.settle(expire(world.tenant).follow_ups)
    assert (world.deal(deal_id).lifecycle, world.record_of(deal_id)["Portal_Registered__c"]) == ("expired", False)
    world.edit(deal_id, Portal_Expires__c="2099-01-01")
    world.pull()
    world.settle(expire(world.tenant).follow_ups)
    assert refused(move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(dora))) == "not_a_party"
    assert done(move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(bob))).deal.lifecycle == "finalize_requested"


# ── a person who is forgotten ────────────────────────────────────────────────────────────────────────────────────────


def test_an_erased_person_is_named_neither_on_the_deal_nor_in_the_crm(world: World, vera: Actor) -> None:
    # Given a decision with a name, and a reason that names its maker
    eve = told(world, "eve@example.org", "Arrow Electronics", Role.MANAGER)
    deal_id = world.registered().id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(eve, reason="ask eve@example.org why")))
    other = world.registered(name="Another", prospect_name="Somebody else").id
    pushed(world, decide(world.tenant, other, Track.VENDOR, Decision.REJECT, MoveRequest(vera, reason="no")))
    # When the person is erased
    erase(world.tenant, "eve@example.org")
    # Then the deal does not name the person, and the CRM is told so; nobody else is touched
    assert held(world, deal_id, DISTRIBUTOR) == (ERASED, MONDAYS, f"ask {ERASED} why")
    world.push()
    assert shown(world, deal_id, "Distributor") == (ERASED, MONDAYS.isoformat(), f"ask {ERASED} why")
    assert held(world, other) == (vera.name, MONDAYS, "no")
    with world.store.reading("acme") as tx:
        history, bases = repr(deals.history(tx, deal_id)), repr(links.current(tx, [deal_id]))
    assert "eve" not in history.casefold()
    assert "eve" not in bases.casefold()
    world.pull(is_full=True)
    assert held(world, deal_id, DISTRIBUTOR) == (ERASED, MONDAYS, f"ask {ERASED} why")
