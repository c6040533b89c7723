"""The nightly net: what vanished without a word, what no poll has seen, and that repairing goes the ordinary way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_worker.domain.company import PortalStatus
from sync_worker.errors import HeldForReview
from sync_worker.steps import compare as compare_step
from sync_worker.steps.compare import DELETED, LIVE, WHOLE, Difference, compare, repair
from sync_worker.steps.tenant import DEAL, Wake
from sync_worker.store import companies, notices, runs
from tests.integration.steps.world import NATIVES, World


def vanish(world: World, record: str, crm_id: str) -> None:
    """The record is deleted, and the bin is emptied."""
    world.remote.delete(NATIVES[record], crm_id)
    world.remote.hard_delete([crm_id])


def mended(world: World) -> list[Difference]:
    """Compares, repairs, works off what that made due. Returns what was found."""
    comparison = compare(world.tenant)
    world.settle(repair(world.tenant, comparison).wakes)
    return comparison.differences


# ── compare ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_differs_where_both_sides_agree(world: World) -> None:
    world.registered()
    found = compare(world.tenant)
    assert found.field_count > 150
    assert found.differences == []
    # and a repair of nothing makes nothing due
    assert repair(world.tenant, found).wakes == frozenset()


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


def test_it_costs_a_call_per_two_thousand_records(world: World) -> None:
    world.registered()
    calls = world.tenant.crm.calls
    compare(world.tenant)
    assert world.tenant.crm.calls - calls == 3  # accounts, leads, opportunities


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
    world.settle([Wake("refresh", record)])
    world.remote.clear_faults()


def test_a_delete_that_no_poll_saw_is_an_ordinary_delete(world: World) -> None:
    deal = world.registered()
    lead_id = world.link(deal.id).crm_id
    world.remote.delete("Lead", lead_id)
    assert [(one.portal, one.crm) for one in mended(world)] == [(LIVE, DELETED)]
    assert world.codes(lead_id) == {"deleted_in_crm"}


def test_so_many_that_vanish_at_once_are_held_for_a_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a user that lost sight of half the companies
    monkeypatch.setattr("sync_worker.domain.brake.FEW_COUNT", 2)
    names = ["Birch Systems", "Cedar IT", "Dogwood Networks", "Bolt Distribution"]
    for name in names:
        vanish(world, "company", world.id_of(name))
    before = world.rows()
    # when that is to be repaired, then nothing is, and the words say what to look at
    with pytest.raises(HeldForReview, match=r"CRM shows 4 of .* company no more.*brake of 15 %"):
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
