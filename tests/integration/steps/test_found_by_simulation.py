"""What the simulation lost, each loss as the smallest story that shows it."""

from __future__ import annotations

import pytest

from sync_worker.domain.deal import Refusal
from sync_worker.steps.decide import change
from sync_worker.steps.pull import pull
from sync_worker.steps.push import push
from sync_worker.steps.refresh import refresh
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
    done = change(world.tenant, deal.id, {"name": "Acme again"}, actor=ANN)
    assert not isinstance(done, Refusal)
    assert world.deal(deal.id).values["name"] == "Acme again"


def test_a_refused_write_that_is_not_owed_any_more_leaves_no_failure(world: World) -> None:
    # Given an edit that the CRM refuses
    deal = world.registered()
    world.remote.add_validation_rule("Lead", "Portal_Licences__c", "gt", 1000)
    change(world.tenant, deal.id, {"licence_count": "2000"}, actor=ANN)
    world.push()
    assert world.codes(deal.id) == {"FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    # When it is taken back in the portal, then nothing is owed and nothing is open
    change(world.tenant, deal.id, {"licence_count": "25"}, actor=ANN)
    world.push()
    assert (world.codes(deal.id), world.outbox()) == (set(), [])


def test_an_opportunity_read_before_the_lead_it_came_from_is_no_second_deal(world: World) -> None:
    # Given a registered deal whose lead is converted
    deal = world.registered()
    done = world.remote.convert_lead(world.link(deal.id).crm_id)
    world.forward()
    # When the opportunity, which carries the deal's key and partner, is read first
    world.settle(pull(world.tenant, "opportunity").wakes)
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
    change(world.tenant, other.id, {"name": "Other still"}, actor=ANN)
    world.push()
    assert world.records_of(other.id) == []


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
