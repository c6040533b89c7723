"""What the simulation lost, each loss as the smallest story that shows it."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Refusal
from sync_worker.errors import StoreDown, TransientError
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import runs
from sync_worker.store.sync import outbox
from tests.integration.steps.world import ANN, World


def test_a_second_partner_who_was_unknown_when_the_deal_began_is_taken_when_it_arrives(world: World) -> None:
    # Given a deal that begins in the CRM with a second partner whose account has no portal status
    second = world.remote.create("Account", {"Name": "Yew Supply", "Portal_Account_Type__c": "Distributor"})
    fields = {"Portal_Partner__c": world.id_of("Birch Systems"), "Portal_Second_Partner__c": second}
    named = {"Name": "Waiting deal", "StageName": "Prospecting", "CloseDate": "2026-06-30"}
    crm_id = world.remote.create("Opportunity", {**named, **fields})
    world.pull()
    assert world.named_deal("Waiting deal").second_partner is None
    # When the account gets its status
    world.remote.edit("Account", second, {"Portal_Status__c": "Active"})
    world.pull()
    # Then the deal names it, and nothing waits any more
    assert world.named_deal("Waiting deal").second_partner == world.company("Yew Supply").id
    assert "waiting_for_parent" not in world.codes(crm_id)


def test_an_edit_before_our_read_back_of_a_list_that_only_we_write_is_put_back(world: World) -> None:
    # Given a deal whose create was not read back yet
    deal = world.submitted()
    push(world.tenant)
    # When a person sets the distributor's approval in the CRM, and only then it is read
    world.remote.edit("Lead", world.link(deal.id).crm_id, {"Portal_Distributor_Approval__c": "Approved", "Portal_Registered__c": False})
    refresh(world.tenant, "lead")
    world.push()
    # Then the portal's words stand there again
    record = world.record_of(deal.id)
    assert (record["Portal_Distributor_Approval__c"], record["Portal_Registered__c"]) == ("Pending", True)


def test_a_portal_edit_by_a_process_that_knows_no_schema_yet_asks_for_it_first(world: World) -> None:
    # Given a deal, and a day later a new process
    deal = world.registered()
    world.forward(100_000)
    world.tenant = world.process()
    # When its first work is an edit, then it is done
    done = change(world.tenant, deal.id, {"name": "Acme again"}, MoveRequest(ANN))
    assert not isinstance(done, Refusal)
    assert world.deal(deal.id).values["name"] == "Acme again"


def test_a_refused_write_that_is_not_owed_any_more_leaves_no_failure(world: World) -> None:
    # Given an edit that the CRM refuses
    deal = world.registered()
    world.remote.add_validation_rule("Lead", "Portal_Licences__c", "gt", 1000)
    change(world.tenant, deal.id, {"licence_count": "2000"}, MoveRequest(ANN))
    world.push()
    assert world.codes(deal.id) == {"FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    # When it is taken back in the portal, then nothing is owed and nothing is open
    change(world.tenant, deal.id, {"licence_count": "25"}, MoveRequest(ANN))
    world.push()
    assert (world.codes(deal.id), world.outbox()) == (set(), [])


def test_an_opportunity_read_before_the_lead_it_came_from_is_no_second_deal(world: World) -> None:
    # Given a registered deal whose lead is converted
    deal = world.registered()
    done = world.remote.convert_lead(world.link(deal.id).crm_id)
    world.forward()
    # When the opportunity, which carries the deal's key and partner, is read first
    world.settle(pull(world.tenant, "opportunity").follow_ups)
    # Then it is the deal's, and nobody else's
    assert [one.id for one in world.deals() if one.values["name"] == deal.values["name"]] == [deal.id]
    assert world.link(deal.id).crm_id == done["ConvertedOpportunityId"]


def test_two_deals_whose_leads_are_merged_do_not_fight_for_the_record(world: World) -> None:
    # Given two registered deals, when one's lead is merged into the other's
    one, other = world.registered(), world.registered(name="Other", prospect_name="Other Inc")
    lost = world.link(other.id).crm_id
    world.remote.merge(world.link(one.id).crm_id, [lost])
    world.pull()
    # Then the survivor is the first deal's still, the second says what happened, and no third lead is made
    assert world.records_of(one.id) == [world.record_of(one.id)]
    assert world.codes(lost) == {"deleted_in_crm"}
    change(world.tenant, other.id, {"name": "Other still"}, MoveRequest(ANN))
    world.push()
    assert world.records_of(other.id) == []


@pytest.mark.parametrize("is_chain", [True, False])
def test_deals_whose_merged_lead_is_deleted_before_it_was_read_say_so(world: World, *, is_chain: bool) -> None:
    # Given two registered deals whose leads are merged, perhaps into a stranger, and what is left is deleted before anything is read
    one, other = world.registered(), world.registered(name="Other", prospect_name="Other Inc")
    stranger = world.remote.create("Lead", {"LastName": "Roe", "Company": "Roe Inc"})
    survivor = world.link(one.id).crm_id
    world.remote.merge(survivor, [world.link(other.id).crm_id])
    if is_chain:
        world.remote.merge(stranger, [survivor])
        survivor = stranger
    world.remote.delete("Lead", survivor)
    # When the poll tells of it, then each deal says that its record is deleted
    world.pull()
    records = [world.link(deal.id).crm_id for deal in (one, other)]
    assert records.count(survivor) == 1
    assert [world.codes(record) for record in records] == [{"deleted_in_crm"}] * 2
    # When a person takes the record out of the bin, then the deal of that record goes on
    world.remote.undelete([survivor])
    world.pull()
    assert world.codes(survivor) == set()


@pytest.mark.parametrize("winner", ["Cedar IT", "a stranger"])
def test_a_company_that_lost_a_merge_to_a_record_that_is_deleted_before_it_was_read_is_inactive(world: World, winner: str) -> None:
    # Given a company that is merged into another one, or into an account that is not ours, which is deleted before anything is read
    world.pull()
    lost = world.company("Birch Systems")
    survivor = world.id_of(winner) if winner != "a stranger" else world.remote.create("Account", {"Name": "Stranger"})
    world.remote.merge(survivor, [world.id_of("Birch Systems")])
    world.remote.delete("Account", survivor)
    # When the poll tells of it, then no company of the two is active
    world.pull()
    assert world.company(lost.id).is_deleted
    assert world.company(survivor).is_deleted


@pytest.mark.parametrize("is_older", [True, False])
def test_a_deal_goes_on_with_the_lead_that_its_own_was_merged_into(world: World, *, is_older: bool) -> None:
    # Given a registered deal, and a lead with a partner that nobody read yet, before or behind it in the order of ids
    deal = world.submitted()
    if not is_older:
        world.push()
    lead = {"LastName": "Roe", "Company": "Roe Inc", "Portal_Partner__c": world.id_of("Cedar IT")}
    survivor = world.remote.create("Lead", lead)
    world.push()
    # When the deal's lead is merged into that one, and both stand in one page
    world.remote.merge(survivor, [world.link(deal.id).crm_id])
    before = len(world.deals())
    world.pull("lead")
    # Then that is the deal's lead, and no second deal began there
    assert world.link(deal.id).crm_id == survivor
    assert len(world.deals()) == before
    assert [record["Id"] for record in world.records_of(deal.id)] == [survivor]


def test_a_lead_that_survives_a_merge_with_empty_fields_empties_nothing(world: World) -> None:
    # Given a deal whose lead is merged into one that a person typed in, without partner and amount
    deal = world.registered()
    survivor = world.remote.create("Lead", {"LastName": "Roe", "Company": "Roe Inc"})
    world.remote.merge(survivor, [world.link(deal.id).crm_id])
    world.pull()
    # Then what the survivor says counts, and what it does not say is written to it
    after, record = world.deal(deal.id).values, world.record_of(deal.id)
    assert (after["owner_company"], after["amount"]) == (deal.values["owner_company"], deal.values["amount"])
    assert (after["prospect_name"], record["Company"], record["Portal_Amount__c"]) == ("Roe Inc", "Roe Inc", 1200.5)


def test_a_write_whose_settling_the_database_refused_is_read_back_not_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a deal whose create reached the CRM, and a database that fails when it is to be settled
    deal = world.submitted()

    def fails(*_: object) -> None:
        raise StoreDown("the database is full")

    monkeypatch.setattr(outbox, "done", fails)
    with pytest.raises(StoreDown):
        push(world.tenant)
    monkeypatch.undo()
    # When a person changes the lead before anything else happens
    (lead,) = world.records_of(deal.id)
    world.remote.edit("Lead", lead["Id"], {"Portal_Licences__c": 77})
    world.forward(60)
    world.push()
    # Then the change stands on both sides
    assert (world.deal(deal.id).values["licence_count"], world.record_of(deal.id)["Portal_Licences__c"]) == (77, 77)


def test_a_create_of_ours_that_a_pull_finds_first_is_known_by_what_was_sent(world: World) -> None:
    # Given a create whose answer was lost
    deal = world.submitted()
    world.remote.fault("collections_write", drop_connection=True, when="after_commit")
    world.remote.fault("/query", times=9, status=503)
    with pytest.raises(TransientError):
        push(world.tenant)
    world.remote.clear_faults()
    # When a person changes the lead, and a pull comes before the read-back
    (lead,) = world.records_of(deal.id)
    world.remote.edit("Lead", lead["Id"], {"Portal_Licences__c": 77})
    world.pull("lead")
    world.push()
    # Then the person's change counts: nobody changed it in the portal
    assert (world.deal(deal.id).values["licence_count"], world.record_of(deal.id)["Portal_Licences__c"]) == (77, 77)


def test_a_record_that_cannot_be_read_is_not_written_over(world: World) -> None:
    # Given a deal whose record carries a spelling nobody mapped, and beside it a new date that was not taken over for that reason
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id
    world.remote.edit("Lead", crm_id, {"Portal_Billing__c": "Quarterly", "Portal_Deal_Name__c": "The vendor's name"})
    world.forward()
    # When the same field is changed in the portal
    change(world.tenant, deal.id, {"name": "The partner's name"}, MoveRequest(ANN))
    world.push()
    # Then the vendor's word stands until the record can be read
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "The vendor's name"
    # And when it can, the field's rule decides, and what else is owed is written
    world.remote.edit("Lead", crm_id, {"Portal_Billing__c": "Annual"})
    world.pull()
    assert world.deal(deal.id).values["name"] == world.record_of(deal.id)["Portal_Deal_Name__c"] == "The vendor's name"
    assert world.outbox() == []


def test_a_portal_edit_waits_for_a_record_that_cannot_be_read_and_is_written_then(world: World) -> None:
    # Given a record with a spelling nobody mapped, and an edit in the portal
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id
    world.remote.edit("Lead", crm_id, {"Portal_Billing__c": "Quarterly"})
    world.pull()
    change(world.tenant, deal.id, {"name": "The partner's name"}, MoveRequest(ANN))
    world.push()
    # When the spelling is put right to what it was
    world.remote.edit("Lead", crm_id, {"Portal_Billing__c": "Annual"})
    world.pull()
    # Then the edit is written
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "The partner's name"
    assert world.outbox() == []


def test_a_storm_of_lost_writes_does_not_keep_one_push_busy(world: World) -> None:
    # Given a CRM that answers reads, and every write with 503
    world.submitted()
    world.remote.fault("collections_write", times=1000, status=503, body="<html></html>")
    world.remote.reset_calls()
    # When a push meets it, then it gives up after a try or two and comes back later
    push(world.tenant)
    assert world.remote.calls()["kinds"]["collections_write"] <= 3
    world.remote.clear_faults()
    world.forward(700)
    world.push()
    world.forward(700)
    world.push()
    assert world.outbox() == []


def test_a_new_process_knows_how_far_the_clocks_are_apart(world: World) -> None:
    # Given a CRM whose clock is four minutes ahead of ours, and a deal read by one process
    world.remote.advance_clock(240)
    deal = world.registered()
    world.pull()
    crm_id = world.link(deal.id).crm_id
    # When the vendor changes the amount, a minute later the partner does, and another process reads it first
    world.forward(60)
    world.remote.edit("Lead", crm_id, {"Portal_Amount__c": 5})
    world.forward(60)
    change(world.tenant, deal.id, {"amount": "7.00"}, MoveRequest(ANN))
    world.tenant = world.process()
    world.push()
    # Then the newer of the two stands
    assert world.record_of(deal.id)["Portal_Amount__c"] == 7


def test_a_record_of_ours_whose_partner_was_cleared_before_the_first_load_is_read(empty_world: World) -> None:
    # Given a deal registered and written before the leads were ever read
    world = empty_world
    world.pull("company")
    deal = world.submitted()
    push(world.tenant)
    world.settle({FollowUp(Work.REFRESH, "lead")})
    # When a person takes the partner off the lead, and then comes the first load
    world.remote.edit("Lead", world.link(deal.id).crm_id, {"Portal_Partner__c": None, "Portal_Licences__c": 77})
    world.forward(3000)
    world.pull()
    # Then it was seen
    assert world.deal(deal.id).values["licence_count"] == 77


def test_what_was_written_on_a_lead_right_before_its_conversion_is_not_lost_with_it(world: World) -> None:
    # Given a deal whose lead is changed, its amount emptied, and converted without field mapping, before anybody reads it
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id
    world.remote.edit("Lead", crm_id, {"Portal_Licences__c": 77, "Portal_Amount__c": None})
    world.forward()
    world.remote.convert_lead(crm_id, copy_mapping=False)
    world.pull()
    # Then both sides hold the last words
    after, record = world.deal(deal.id).values, world.record_of(deal.id)
    assert (after["licence_count"], record["Portal_Licences__c"]) == (77, 77)
    assert (after["amount"], record["Amount"]) == (None, None)


def test_a_run_that_could_not_be_opened_ends_with_what_stopped_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a database that goes out of reach as a run is opened
    def away(*_: object) -> None:
        raise StoreDown("the database is out of reach")

    monkeypatch.setattr(runs, "start", away)
    # When a step begins, then those very words come out, and no run is there to be closed
    with pytest.raises(StoreDown, match="out of reach"):
        pull(world.tenant, "company")
