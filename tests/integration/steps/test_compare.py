"""The nightly net: what vanished without a word, what no poll has seen, and that repairing goes the ordinary way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_worker.domain.core.company import PortalStatus
from sync_worker.errors import HeldForReview
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL
from sync_worker.steps.sync.ingest import compare as compare_step
from sync_worker.steps.sync.ingest.compare import DELETED, LIVE, WHOLE, Difference, compare, repair
from sync_worker.store.core import companies, runs
from sync_worker.store.sync import notices
from tests.integration.steps.world import NATIVES, World


def vanish(world: World, record: str, crm_id: str) -> None:
    """The record is deleted, and the bin is emptied."""
    world.remote.delete(NATIVES[record], crm_id)
    world.remote.hard_delete([crm_id])


def mended(world: World) -> list[Difference]:
    """Compares, repairs, works off what that made due. Returns what was found."""
    comparison = compare(world.tenant)
    world.settle(repair(world.tenant, comparison).follow_ups)
    return comparison.differences


# ── compare ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_differs_where_both_sides_agree(world: World) -> None:
    world.registered()
    found = compare(world.tenant)
    assert found.field_count > 150
    assert found.differences == []
    # and a repair of nothing makes nothing due
    assert repair(world.tenant, found).follow_ups == frozenset()


def test_every_record_is_looked_at_however_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registered()
    expected = compare(world.tenant)
    monkeypatch.setattr(compare_step, "PAGE_COUNT", 2)
    found = compare(world.tenant)
    assert (found.counts.read, found.field_count, found.differences) == (expected.counts.read, expected.field_count, [])


def test_it_names_what_differs_and_changes_nothing(world: World) -> None:
    # Given an edited deal, one that vanished, and a renamed company, none of which was read yet
    deal, gone = world.registered(), world.registered()
    world.edit(deal.id, Portal_Amount__c=5, Portal_Second_Partner__c=world.id_of("Bolt Distribution"))
    lead_id, cedar_id = world.link(gone.id).crm_id, world.id_of("Cedar IT")
    vanish(world, "lead", lead_id)
    world.remote.edit("Account", cedar_id, {"Name": "Cedar Corp"})
    before = world.rows()
    # when they are compared, then each difference has its place and both values, in one run, and nothing was changed
    comparison = compare(world.tenant)
    found = {(one.crm_id, one.field): (one.portal, one.crm) for one in comparison.differences}
    assert found[lead_id, WHOLE] == (LIVE, None)
    assert found[world.link(deal.id).crm_id, "amount"] == ("1200.50", "5.00")
    assert found[cedar_id, "name"] == ("Cedar IT", "Cedar Corp")
    assert len(found) == 4
    assert world.rows() == before
    with world.store.reading("acme") as tx:
        run = runs.get(tx, comparison.run_id)
    assert run is not None
    assert (run.verb, run.state, run.counts.skips) == ("compare", "done", {"differs": 2, "gone": 1})
    assert run.counts.read == run.counts.unchanged + run.counts.skipped


def test_it_costs_two_calls_per_two_thousand_records(world: World) -> None:
    world.registered()
    calls = world.tenant.crm.calls
    compare(world.tenant)
    assert world.tenant.crm.calls - calls == 6  # accounts, leads, opportunities: read by id, and their census


# ── what is missing here ─────────────────────────────────────────────────────────────────────────────────────────────


def hidden_lead(world: World, **fields: object) -> str:
    """A lead that would be a deal of Birch Systems, hidden since the moment it was made."""
    made = {"Company": "Late Inc", "LastName": "Doe", "Portal_Partner__c": world.id_of("Birch Systems"), **fields}
    crm_id = world.remote.create("Lead", made)
    world.remote.hide([crm_id])
    return crm_id


def hidden_account(world: World, **fields: object) -> str:
    made = {"Name": "Late IT", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner", **fields}
    crm_id = world.remote.create("Account", made)
    world.remote.hide([crm_id])
    return crm_id


@pytest.mark.parametrize("minutes", [20, 60 * 24 * 40])
def test_records_that_become_visible_after_the_look_back_are_found(world: World, minutes: int) -> None:
    # Given a company and a deal that are hidden while polls go by, and shown with their old stamps
    company_id, lead_id = hidden_account(world), hidden_lead(world)
    for _ in range(2):
        world.forward(minutes * 30)
        world.pull()
    world.remote.show([company_id, lead_id])
    world.pull()
    assert not world.knows("Late IT")
    # When both sides are compared, then both are missing here
    comparison = compare(world.tenant)
    assert [(one.record, one.id, one.crm_id, one.is_missing) for one in comparison.differences] == [
        ("company", "", company_id, True),
        ("lead", "", lead_id, True),
    ]
    assert comparison.counts.skips == {"missing": 2}
    assert comparison.counts.read == comparison.counts.unchanged + comparison.counts.skipped
    # and a repair reads them, as if a notice had told of them
    world.settle(repair(world.tenant, comparison).follow_ups)
    assert world.company("Late IT").status is PortalStatus.ACTIVE
    link = world.link_of_record(lead_id)
    assert link is not None
    assert world.deal(link.deal_id).owner_company == world.company("Birch Systems").id
    assert compare(world.tenant).differences == []


def test_a_write_that_becomes_visible_with_a_stamp_of_twenty_minutes_ago_is_found(world: World) -> None:
    world.pull()
    world.remote.write_late(1200)
    crm_id = world.remote.create("Account", {"Name": "Late IT", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    world.pull()
    assert not world.knows(crm_id)
    mended(world)
    assert world.knows(crm_id)


def test_a_field_that_is_only_read_and_was_changed_long_ago_is_found(world: World) -> None:
    # Given a deal whose lead a person moved on, in a transaction that ended after the look-back
    deal = world.registered()
    world.pull()
    world.remote.write_late(1200)
    world.edit(deal.id, Status="Working - Contacted")
    world.pull()
    before = world.deal(deal.id).values["stage"]
    # Then the comparison finds it, and a repair reads it
    (found,) = mended(world)
    assert (found.field, found.portal) == ("stage", before)
    assert world.deal(deal.id).values["stage"] == found.crm
    assert mended(world) == []


def test_what_has_failed_before_is_not_missing(world: World) -> None:
    # Given a deal that waits for its company
    waiting = world.remote.create("Lead", {"Company": "Wait", "LastName": "Doe", "Portal_Partner__c": world.id_of("Larch Logistics")})
    world.pull()
    assert world.codes(waiting) == {"waiting_for_parent"}
    # Then the comparison has nothing to add, tonight or any other night
    assert mended(world) == []
    assert mended(world) == []


def test_what_was_read_and_is_not_ours_is_read_again_only_when_it_changes(world: World) -> None:
    # Given a lead with the key of a deal that is not of this portal, which no poll has seen
    key = "7d4f7f0e-0000-4000-8000-000000000001"
    lead_id = hidden_lead(world, Portal_Partner__c=None, Portal_Deal_Key__c=key)
    world.forward(3600)
    world.pull()
    world.remote.show([lead_id])
    # When it was found and read once, then it is a stranger, and no difference any more
    assert [one.crm_id for one in mended(world)] == [lead_id]
    assert mended(world) == []
    # Until it changes without a word, and is a deal now
    world.remote.edit("Lead", lead_id, {"Portal_Partner__c": world.id_of("Birch Systems")})
    world.remote.hide([lead_id])
    world.forward(3600)
    world.pull()
    world.remote.show([lead_id])
    assert [one.crm_id for one in mended(world)] == [lead_id]
    assert world.link_of_record(lead_id)
    assert mended(world) == []


def test_where_deals_do_not_begin_in_the_crm_only_records_with_our_key_are_asked_for(world: World) -> None:
    world.configure(deals={"from_crm": False})
    lead_id = hidden_lead(world)
    world.remote.show([lead_id])
    assert mended(world) == []


def test_losers_of_merges_and_deleted_records_are_not_missing(world: World) -> None:
    world.remote.merge(world.id_of("Birch Systems"), [world.id_of("Cedar IT")])
    stranger = hidden_account(world)
    world.remote.show([stranger])
    world.remote.delete("Account", stranger)
    world.forward(3600)
    assert not any(one.is_missing for one in mended(world))
    assert mended(world) == []


def test_no_census_is_taken_before_the_first_load_has_ended(empty_world: World) -> None:
    calls = empty_world.tenant.crm.calls
    assert compare(empty_world.tenant).differences == []
    assert empty_world.tenant.crm.calls == calls


def test_it_says_how_far_it_has_come(world: World) -> None:
    told: list[tuple[str, int]] = []
    comparison = compare(world.tenant, on_page=lambda words, done, _total: told.append((words, done)))
    assert [words for words, _ in told] == ["comparing", "comparing", "census: company", "census: lead", "census: opportunity"]
    assert comparison.census_count == sum(done for words, done in told if words.startswith("census"))


# ── what vanished ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_that_vanished_is_inactive_and_says_so(world: World) -> None:
    # Given a distributor with a contract, deleted for good: no poll will ever say so
    bolt = world.company("Bolt Distribution")
    assert bolt.crm_id is not None
    vanish(world, "company", bolt.crm_id)
    world.pull()
    assert world.company(bolt.id) == bolt
    # when the nightly comparison has run, then it is inactive, marked, reported, and found once only
    assert [one.is_gone for one in mended(world)] == [True]
    gone = world.company(bolt.id)
    assert (gone.is_deleted, gone.status) == (True, PortalStatus.INACTIVE)
    assert world.codes(bolt.crm_id) == {"gone_from_crm"}
    assert mended(world) == []
    assert world.codes(bolt.crm_id) == {"gone_from_crm"}


def test_a_deal_whose_record_vanished_stays_and_says_so(world: World) -> None:
    # Given a deal whose lead is gone without a trace
    deal = world.registered()
    lead_id = world.link(deal.id).crm_id
    vanish(world, "lead", lead_id)
    mended(world)
    # then the deal stays as it was, its link is marked, nothing is written for it and no second lead is made
    assert world.deal(deal.id).lifecycle == deal.lifecycle
    assert world.link(deal.id).deleted_at is not None
    assert world.codes(lead_id) == {"gone_from_crm"}
    world.change(deal.id, amount="7")
    world.push()
    assert world.records_of(deal.id) == []
    assert world.outbox() == []


@pytest.mark.parametrize("record", ["company", "lead"])
def test_a_record_that_is_shown_again_heals(world: World, record: str) -> None:
    # Given a record that is hidden, as by sharing: here it is in the bin, and was taken for gone
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id if record == "lead" else world.id_of("Dogwood Networks")
    before = world.company("Dogwood Networks")
    _refresh_hidden(world, record, crm_id)
    assert world.codes(crm_id) == {"gone_from_crm"}
    # when it is shown again, which bumps no stamp, then the next comparison brings it back
    found = mended(world)
    assert [(one.crm_id, one.portal, one.crm) for one in found] == [(crm_id, DELETED, LIVE)]
    assert world.codes(crm_id) == set()
    assert world.link(deal.id).deleted_at is None
    assert world.company(before.id) == before


def _refresh_hidden(world: World, record: str, crm_id: str) -> None:
    """The CRM shows nothing of the record while it is refreshed."""
    with world.store.side_transaction("acme") as tx:
        notices.add(tx, record, [crm_id])
    world.remote.fault("retrieve", body=[None], status=200)
    world.remote.fault("query_all", body={"totalSize": 0, "done": True, "records": []}, status=200)
    world.settle([FollowUp(Work.REFRESH, record)])
    world.remote.clear_faults()


def test_a_delete_that_no_poll_saw_is_an_ordinary_delete(world: World) -> None:
    deal = world.registered()
    lead_id = world.link(deal.id).crm_id
    world.remote.delete("Lead", lead_id)
    assert [(one.portal, one.crm) for one in mended(world)] == [(LIVE, DELETED)]
    assert world.codes(lead_id) == {"deleted_in_crm"}


def test_so_many_that_vanish_at_once_are_held_for_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a user that lost sight of half the companies
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    names = ["Birch Systems", "Cedar IT", "Dogwood Networks", "Bolt Distribution"]
    for name in names:
        vanish(world, "company", world.id_of(name))
    before = world.rows()
    # when that is to be repaired, then nothing is, and the words say what to look at
    with pytest.raises(HeldForReview, match=r"CRM no longer shows 4 of .* company.*brake of 15 %"):
        repair(world.tenant, compare(world.tenant))
    assert {**world.rows(), "failures": before["failures"]} == before
    (held,) = world.failures("held_for_review")
    assert (held.failure.object, held.failure.record) == ("compare", "compare")
    # and with a higher brake it goes on
    world.configure(brake="90%")
    mended(world)
    assert all(world.company(name).is_deleted for name in names)


# ── what no poll saw ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_that_no_poll_saw_travels(world: World) -> None:
    # Given an edit in the CRM whose stamp lies before the look-back
    deal = world.registered()
    world.pull()
    world.remote.write_late(100_000)
    world.edit(deal.id, Portal_Amount__c=5)
    world.forward(2000)
    world.pull()
    assert world.deal(deal.id).values["amount"] == deal.values["amount"]
    # when the comparison is repaired, then it is the deal's, and nothing differs any more
    assert [one.field for one in mended(world)] == ["amount"]
    assert str(world.deal(deal.id).values["amount"]) == "5.00"
    assert compare(world.tenant).differences == []


def test_a_write_that_was_lost_is_made_again(world: World) -> None:
    # Given a portal edit whose outbox row is gone
    deal = world.registered()
    world.change(deal.id, amount="77")
    with world.store.side_transaction("acme") as tx:
        tx.connection.exec_driver_sql("DELETE FROM outbox")
    # when the comparison is repaired, then the CRM has it
    assert [(one.field, one.portal) for one in mended(world)] == [("amount", "77.00")]
    assert world.record_of(deal.id)["Portal_Amount__c"] == 77
    assert world.outbox() == []


def test_a_parked_write_differs_and_is_left_to_its_person(world: World) -> None:
    deal = world.registered()
    world.remote.add_validation_rule("Lead", "Portal_Amount__c", "gt", 5000, message="too much")
    world.change(deal.id, amount="9000")
    world.push()
    (row,) = world.outbox()
    assert [one.field for one in mended(world)] == ["amount"]
    assert world.outbox() == [row]
    assert row.object == DEAL


def test_a_company_that_we_hold_otherwise_is_read_again(world: World) -> None:
    cedar = world.company("Cedar IT")
    with world.store.transaction("acme") as tx:
        (stored,) = companies.by_crm_ids(tx, [str(cedar.crm_id)]).values()
        companies.save(tx, [replace(stored, company=replace(cedar, name="Old Cedar"))])
    assert [one.field for one in mended(world)] == ["name"]
    assert world.company(cedar.id) == cedar
