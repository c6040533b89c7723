"""Deals, both ways: what one side changed travels, what both changed follows the field's rule, and an echo changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Track
from sync_worker.domain.core.values import Value
from sync_worker.steps.deals.decide import approve
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import notices
from tests.integration.steps.world import World


@contextmanager
def machine(world: World, *, ahead_s: int) -> Iterator[None]:
    """In here the worker is on a machine whose clock is so far off the one that all share."""
    before, clock = world.tenant, lambda: world.clock.now + timedelta(seconds=ahead_s)
    with closing(Store(world.store.url, clock=clock, shared_clock=world.clock)) as store:
        world.tenant = world.process()
        world.tenant.store, world.tenant.services = store, replace(world.services, clock=clock)
        yield
    world.tenant = before


# ── one side changed ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_in_the_portal_travels_and_nothing_else_is_written(world: World) -> None:
    # Given a deal at rest, when one field is edited in the portal, then that field and no other differs in the CRM
    deal = world.registered()
    world.pull()
    before = world.record_of(deal.id)
    world.change(deal.id, amount="99.90")
    world.push()
    after = world.record_of(deal.id)
    changed = {name for name in after if after[name] != before[name]} - {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}
    assert changed == {"Portal_Amount__c"}
    assert after["Portal_Amount__c"] == 99.9


def test_an_edit_in_the_crm_travels(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Amount__c=5.5, Portal_Deal_Name__c="Renamed", Status="Working - Contacted")
    world.pull()
    values = world.deal(deal.id).values
    assert (values["amount"], values["name"], values["stage"]) == (Decimal("5.50"), "Renamed", "Working - Contacted")
    assert world.outbox() == []


def test_a_cleared_field_travels_both_ways(world: World) -> None:
    deal = world.registered()
    world.change(deal.id, amount=None)
    world.push()
    assert world.record_of(deal.id)["Portal_Amount__c"] is None
    world.edit(deal.id, Portal_Close_Date__c=None)
    world.pull()
    assert world.deal(deal.id).values["expected_close_on"] is None
    assert world.outbox() == []


def test_both_sides_change_different_fields_and_both_travel(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Deal_Name__c="From the CRM")
    world.change(deal.id, amount="7")
    world.pull()
    assert world.deal(deal.id).values["name"] == "From the CRM"
    assert world.record_of(deal.id)["Portal_Amount__c"] == 7
    assert world.conflicts(deal.id) == []


def test_the_echo_of_our_own_write_changes_nothing(world: World) -> None:
    deal = world.registered()
    world.pull()
    before, org = world.rows(), world.org()
    world.pull()
    assert world.rows() == before
    assert world.org() == org
    assert world.deal(deal.id).values["amount"] == Decimal("1200.50")


def test_what_the_crm_makes_of_a_value_comes_back_and_is_not_pushed_again(world: World) -> None:
    # Given a CRM that trims text, when a name with blanks is registered, then both sides hold the CRM's spelling and it is over
    deal = world.registered(name="  Blanks  ")
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "Blanks"
    world.pull()
    assert world.deal(deal.id).values["name"] == "Blanks"
    assert push(world.tenant).run_id == ""


# ── both sides changed ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "native", "ours", "theirs", "taken"),
    [
        ("name", "Portal_Deal_Name__c", "Ours", "Theirs", "crm"),
        ("licence_count", "Portal_Licences__c", "70", 80, "portal"),
        ("prospect_name", "Company", "Ours Ltd", "Theirs Ltd", "portal"),
    ],
)
def test_the_fields_rule_decides(world: World, field: str, native: str, ours: str | None, theirs: object, taken: str) -> None:
    # Given a deal that both sides change in one field, when they meet, then both hold the rule's choice
    deal = world.registered()
    world.change(deal.id, **{field: ours})
    world.edit(deal.id, **{native: theirs})
    world.pull()
    world.push()
    expected = str(theirs if taken == "crm" else ours)
    assert str(world.deal(deal.id).values[field]) == expected
    assert str(world.record_of(deal.id)[native]).removesuffix(".0") == expected
    # and the conflict keeps both values
    assert (field, "both_changed", taken) in world.conflicts(deal.id)
    assert push(world.tenant).run_id == ""


def test_newest_is_the_portal_when_it_was_later(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Amount__c=10)
    world.forward(5)
    world.change(deal.id, amount="20")
    world.pull()
    assert world.record_of(deal.id)["Portal_Amount__c"] == 20
    assert world.deal(deal.id).values["amount"] == 20
    assert world.conflicts(deal.id) == [("amount", "both_changed", "portal")]


def test_newest_is_unclear_where_the_crm_may_have_changed_before_or_after(world: World) -> None:
    # Given a record that somebody touched after the portal's edit, but perhaps not in this field
    deal = world.registered()
    world.forward(5)
    world.change(deal.id, amount="20")
    world.forward(5)
    world.edit(deal.id, Portal_Amount__c=10)
    world.pull()
    # then the CRM wins and says that it was not clear
    assert world.deal(deal.id).values["amount"] == 10
    assert world.record_of(deal.id)["Portal_Amount__c"] == 10
    assert world.conflicts(deal.id) == [("amount", "newest_unclear", "crm")]


def test_newest_knows_that_the_clocks_differ_in_a_process_that_never_pulled(world: World) -> None:
    # Given a CRM whose clock is five minutes ahead, and a deal that was read back by it
    world.remote.advance_clock(300)
    deal = world.registered()
    world.edit(deal.id, Portal_Amount__c=10)
    world.forward(5)
    world.change(deal.id, amount="20")
    # when a worker that has just started pushes, then the portal's edit counts as later than the CRM's, as it was
    world.tenant = world.process()
    world.push()
    assert world.record_of(deal.id)["Portal_Amount__c"] == 20
    assert world.conflicts(deal.id) == [("amount", "both_changed", "portal")]


@pytest.mark.parametrize("apart", [(300, -300), (-300, 300)])
@pytest.mark.parametrize(("later", "stays"), [("crm", 10), ("portal", 20)])
def test_newest_is_told_by_workers_whose_clocks_are_minutes_apart(world: World, apart: tuple[int, int], later: str, stays: int) -> None:
    # Given a deal that a person edits on each side, ten seconds apart; the portal's edit is written by a machine whose clock is off
    deal = world.registered()
    with machine(world, ahead_s=apart[0]):
        for side in ("portal", "crm") if later == "crm" else ("crm", "portal"):
            if side == "crm":
                world.edit(deal.id, Portal_Amount__c=10)
            else:
                world.change(deal.id, amount="20")
            world.forward(10)
    # When another machine, whose clock is off the other way, reads it and writes
    with machine(world, ahead_s=apart[1]):
        world.pull()
        world.push()
    # Then the edit that was later stands on both sides
    assert world.deal(deal.id).values["amount"] == stays
    assert world.record_of(deal.id)["Portal_Amount__c"] == stays


def test_a_conflict_that_waits_for_a_person_changes_neither_side(world: World) -> None:
    # Given a field with the rule `ask`, and both sides at odds
    world.configure(overrides={"deal.name.conflict": "ask"})
    deal = world.registered()
    world.change(deal.id, name="Ours")
    world.edit(deal.id, Portal_Deal_Name__c="Theirs")
    world.change(deal.id, amount="7")
    world.pull()
    world.push()
    # then everything else travels, and this field waits
    assert world.deal(deal.id).values["name"] == "Ours"
    record = world.record_of(deal.id)
    assert (record["Portal_Deal_Name__c"], record["Portal_Amount__c"]) == ("Theirs", 7)
    assert world.conflicts(deal.id) == [("name", "both_changed", "")]
    # and when the person makes them equal in the CRM, then nothing waits any more, and edits travel again
    world.edit(deal.id, Portal_Deal_Name__c="Ours")
    world.pull()
    assert world.open_conflicts(deal.id) == []
    world.change(deal.id, name="Ours again")
    world.push()
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "Ours again"


# ── a push reads first ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_push_does_not_write_over_an_edit_nobody_has_seen(world: World) -> None:
    # Given an edit in the CRM that no pull has seen, when the same field was edited in the portal and is pushed
    deal = world.registered()
    world.edit(deal.id, Portal_Deal_Name__c="Unseen")
    world.change(deal.id, name="Ours", amount="3")
    world.push()
    # then the rule decided before anything was written
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "Unseen"
    assert world.deal(deal.id).values["name"] == "Unseen"
    assert world.record_of(deal.id)["Portal_Amount__c"] == 3


# ── approvals and what only the portal writes ────────────────────────────────────────────────────────────────────────


def test_an_approval_in_the_crm_is_a_move(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "approved"
    with world.store.reading("acme") as tx:
        from sync_worker.store.deals import deals

        notes = [row["note"] for row in deals.history(tx, deal.id) if row["field"] == "vendor_approval"]
    assert any("pending → approved" in note for note in notes)


def test_a_rejection_in_the_crm_ends_the_registration(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Vendor_Approval__c="Rejected")
    world.pull()
    assert (world.deal(deal.id).vendor_approval, world.deal(deal.id).values["is_registered"]) == ("rejected", False)
    assert world.record_of(deal.id)["Portal_Registered__c"] is False


def test_an_approval_of_other_terms_does_not_count(world: World) -> None:
    # Given terms that were changed in the portal and not pushed yet, when the vendor approves the old ones in the CRM
    deal = world.registered()
    world.change(deal.id, licence_count="500")
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.forward()
    pull(world.tenant, "lead")
    # then it is pending here, and said
    assert world.deal(deal.id).vendor_approval == "pending"
    assert world.codes(deal.id) == {"approved_other_terms"}
    # and when it is pushed, then the CRM says pending beside the new terms
    world.push()
    record = world.record_of(deal.id)
    assert (record["Portal_Vendor_Approval__c"], record["Portal_Licences__c"]) == ("Pending", 500)
    # and the vendor's next approval counts
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "approved"
    assert world.codes(deal.id) == set()


def test_a_state_that_is_no_move_is_put_back(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Vendor_Approval__c="Renewal pending")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "pending"
    assert world.record_of(deal.id)["Portal_Vendor_Approval__c"] == "Pending"


def test_the_distributors_field_is_put_back(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Distributor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).distributor_approval == "pending"
    assert world.record_of(deal.id)["Portal_Distributor_Approval__c"] == "Pending"
    assert world.conflicts(deal.id) == [("distributor_approval", "put_back", "portal")]
    assert push(world.tenant).run_id == ""


def test_terms_edited_in_the_crm_begin_the_approvals_anew(world: World) -> None:
    # Given a deal that both approved
    deal = world.registered()
    done = approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    assert done
    world.push()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    # when the terms change in the CRM, then both tracks are pending, here and there
    world.edit(deal.id, Portal_Licences__c=26)
    world.pull()
    after, record = world.deal(deal.id), world.record_of(deal.id)
    assert (after.values["licence_count"], after.vendor_approval, after.distributor_approval) == (26, "pending", "pending")
    assert (record["Portal_Vendor_Approval__c"], record["Portal_Distributor_Approval__c"]) == ("Pending", "Pending")


def test_terms_and_approval_in_one_edit_of_the_crm_stand(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Licences__c=26, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert (world.deal(deal.id).values["licence_count"], world.deal(deal.id).vendor_approval) == (26, "approved")
    assert world.record_of(deal.id)["Portal_Vendor_Approval__c"] == "Approved"


# ── second partner, as the CRM names it ──────────────────────────────────────────────────────────────────────────────


def test_another_second_partner_in_the_crm_is_taken_and_its_track_begins(world: World) -> None:
    deal = world.registered()
    approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    world.push()
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of("Bolt Distribution"))
    world.pull()
    after = world.deal(deal.id)
    assert (after.second_partner, after.distributor_approval) == (world.company("Bolt Distribution").id, "pending")
    assert world.record_of(deal.id)["Portal_Distributor_Approval__c"] == "Pending"
    assert world.codes(world.link(deal.id).crm_id) == set()


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("Granite Group", "second_partner_not_associated"),
        ("Cedar IT", "second_partner_wrong_type"),
        ("Cascade Supply", "second_partner_not_active"),
    ],
)
def test_a_second_partner_without_a_contract_is_accepted_and_flagged(world: World, named: str, code: str) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of(named))
    world.pull()
    assert world.deal(deal.id).second_partner == world.company(named).id
    assert world.codes(world.link(deal.id).crm_id) == {code}


def test_a_second_partner_without_a_contract_is_put_back_where_the_portal_says_so(world: World) -> None:
    world.configure(deals={"unassociated_second_partner": "revert"})
    deal = world.registered()
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of("Granite Group"), Portal_Amount__c=1)
    world.pull()
    assert world.deal(deal.id).second_partner == world.company("Arrow Electronics").id
    assert world.deal(deal.id).values["amount"] == 1
    assert world.record_of(deal.id)["Portal_Second_Partner__c"] == world.id_of("Arrow Electronics")
    assert push(world.tenant).run_id == ""


def test_the_owner_itself_is_never_its_second_partner(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of("Birch Systems"))
    world.pull()
    assert world.record_of(deal.id)["Portal_Second_Partner__c"] == world.id_of("Arrow Electronics")


# ── values of every kind survive both ways ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "ours", "value"),
    [
        ("amount", "0", Decimal("0.00")),
        ("licence_count", "0", 0),
        ("expected_close_on", "2026-02-28", date(2026, 2, 28)),
        ("name", "Zoë & Söhne <GmbH> 'x'", "Zoë & Söhne <GmbH> 'x'"),
    ],
)
def test_a_value_is_the_same_after_the_round_trip(world: World, field: str, ours: str, value: Value) -> None:
    deal = world.registered(**{field: ours})
    world.pull()
    assert world.deal(deal.id).values[field] == value
    assert push(world.tenant).run_id == ""


def test_a_notice_is_enough_to_read_a_record(world: World) -> None:
    # Given an edit in the CRM, when only a notice of it came, then it is here
    deal = world.registered()
    world.edit(deal.id, Portal_Amount__c=8)
    with world.store.side_transaction("acme") as tx:
        notices.add(tx, "lead", [world.link(deal.id).crm_id, "00Qnobodyknowsit00"])
    refresh(world.tenant, "lead")
    assert world.deal(deal.id).values["amount"] == 8
    assert world.notices() == {}
