"""Deals that begin in the CRM, wait for a company, are deleted, merged or converted there, or cannot be read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Track
from sync_worker.steps.deals.decide import approve
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.operate.replay import replay
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from tests.integration.steps.world import World


def opportunity(world: World, name: str = "Born there", **fields: Any) -> str:
    """A person enters an opportunity with a partner."""
    written = {"Name": name, "StageName": "Qualification", "CloseDate": "2026-09-01", "Portal_Partner__c": world.id_of("Birch Systems")}
    return world.remote.create("Opportunity", {**written, **fields})


# ── deals that begin in the CRM ──────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_that_begins_in_the_crm_comes_in_and_gets_its_key(world: World) -> None:
    crm_id = opportunity(world, Portal_Second_Partner__c=world.id_of("Arrow Electronics"), Amount=10, Portal_Vendor_Approval__c="Approved")
    world.pull()
    deal = world.named_deal("Born there")
    assert (deal.owner_company, deal.second_partner) == (world.company("Birch Systems").id, world.company("Arrow Electronics").id)
    assert (deal.vendor_approval, deal.distributor_approval, deal.values["amount"]) == ("approved", "pending", Decimal(10))
    record = world.remote.record("Opportunity", crm_id)
    assert (record["Portal_Deal_Key__c"], record["Portal_Distributor_Approval__c"]) == (deal.id, "Pending")
    assert push(world.tenant).run_id == ""


def test_where_the_portal_does_not_want_them_they_stay_out(empty_world: World) -> None:
    world = empty_world
    world.configure(deals={"from_crm": False})
    world.pull()
    opportunity(world)
    world.pull()
    assert world.deals() == []
    assert {row["Portal_Deal_Key__c"] for row in world.remote.records("Opportunity")} == {None}


def test_an_opportunity_without_a_partner_is_none_of_ours_until_it_has_one(world: World) -> None:
    crm_id = opportunity(world, Portal_Partner__c=None)
    world.pull()
    assert [deal for deal in world.deals() if deal.values["name"] == "Born there"] == []
    world.remote.edit("Opportunity", crm_id, {"Portal_Partner__c": world.id_of("Birch Systems")})
    world.pull()
    assert world.named_deal("Born there").owner_company == world.company("Birch Systems").id


def test_a_database_that_was_lost_makes_the_same_deals_again(world: World) -> None:
    opportunity(world)
    world.pull()
    before = world.named_deal("Born there")
    world.lose_database()
    world.pull()
    assert world.named_deal("Born there").id == before.id
    assert len([deal for deal in world.deals() if deal.values["name"] == "Born there"]) == 1


def test_won_and_lost_follow_the_stage(world: World) -> None:
    crm_id = opportunity(world)
    world.pull()
    for stage, lifecycle in (("Closed Won", "won"), ("Closed Lost", "lost"), ("Qualification", "submitted")):
        world.remote.edit("Opportunity", crm_id, {"StageName": stage})
        world.pull()
        assert world.named_deal("Born there").lifecycle == lifecycle
        assert world.remote.record("Opportunity", crm_id)["Portal_Deal_State__c"] == lifecycle


# ── waiting for a company ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_waits_whole_for_its_owner(world: World) -> None:
    # Given an opportunity of a company without a status
    larch = world.id_of("Larch Logistics")
    crm_id = opportunity(world, Portal_Partner__c=larch)
    world.pull()
    (row,) = world.failures(record=crm_id)
    assert (row.failure.kind, row.failure.code, row.failure.waits_for) == ("failure", "waiting_for_parent", larch)
    # when the company comes, then the deal comes by itself
    world.remote.edit("Account", larch, {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    world.pull("company")
    assert world.named_deal("Born there").owner_company == world.company(larch).id
    assert world.codes(crm_id) == set()


def test_a_deal_that_begins_there_waits_for_its_second_partner_in_that_field_only(world: World) -> None:
    larch = world.id_of("Larch Logistics")
    crm_id = opportunity(world, Portal_Second_Partner__c=larch, Amount=5)
    world.pull()
    deal = world.named_deal("Born there")
    assert (deal.second_partner, deal.values["amount"]) == (None, 5)
    assert world.codes(crm_id) == {"waiting_for_parent"}
    assert world.remote.record("Opportunity", crm_id)["Portal_Second_Partner__c"] == larch
    world.remote.edit("Account", larch, {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"})
    world.pull("company")
    assert world.named_deal("Born there").second_partner == world.company(larch).id
    assert world.named_deal("Born there").distributor_approval == "pending"
    assert world.codes(crm_id) == {"second_partner_not_associated"}
    assert world.remote.record("Opportunity", crm_id)["Portal_Second_Partner__c"] == larch


def test_a_deal_of_ours_waits_for_its_new_second_partner_in_that_field_only(world: World) -> None:
    deal = world.registered()
    larch, arrow = world.id_of("Larch Logistics"), world.company("Arrow Electronics").id
    world.edit(deal.id, Portal_Second_Partner__c=larch, Portal_Amount__c=5)
    world.pull()
    assert (world.deal(deal.id).second_partner, world.deal(deal.id).values["amount"]) == (arrow, 5)
    assert world.record_of(deal.id)["Portal_Second_Partner__c"] == larch
    world.remote.edit("Account", larch, {"Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"})
    world.pull("company")
    assert world.deal(deal.id).second_partner == world.company(larch).id


def test_waiting_shows_once_however_often_it_is_read(world: World) -> None:
    crm_id = opportunity(world, Portal_Partner__c=world.id_of("Larch Logistics"))
    world.pull()
    world.pull()
    world.pull(is_full=True)
    (row,) = world.failures(record=crm_id)
    assert row.count == 1


def test_a_deal_that_waits_for_a_merged_company_finds_the_survivor(world: World) -> None:
    # Given a deal whose owner has no status, when a company of ours is merged into that owner
    larch, cedar = world.id_of("Larch Logistics"), world.company("Cedar IT")
    crm_id = opportunity(world, Portal_Partner__c=larch)
    world.pull()
    assert world.codes(crm_id) == {"waiting_for_parent"}
    world.remote.merge(larch, [str(cedar.crm_id)])
    world.remote.edit("Account", larch, {"Portal_Status__c": "Active"})
    world.pull("company")
    assert world.named_deal("Born there").owner_company == cedar.id
    assert world.codes(crm_id) == set()


# ── gone and back ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_lead_leaves_the_deal_and_says_so_until_it_is_back(world: World) -> None:
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id
    before = world.deal(deal.id)
    world.remote.delete("Lead", crm_id)
    world.pull()
    assert world.deal(deal.id) == before
    assert world.codes(crm_id) == {"deleted_in_crm"}
    # an edit meanwhile makes no second lead
    world.change(deal.id, amount="4")
    world.push()
    assert world.records_of(deal.id) == []
    assert world.outbox() == []
    # and travels when the lead is back
    world.remote.undelete([crm_id])
    world.pull()
    assert world.codes(crm_id) == set()
    (lead,) = world.records_of(deal.id)
    assert lead["Portal_Amount__c"] == 4


def test_two_leads_merged_go_on_as_one_each_deal_knowing_where_it_stands(world: World) -> None:
    # Given two deals whose leads a person merges
    kept, lost = world.registered(name="Kept"), world.registered(name="Lost")
    survivor, loser = world.link(kept.id).crm_id, world.link(lost.id).crm_id
    world.remote.merge(survivor, [loser])
    world.pull()
    # then the survivor is still the first deal's, and the other one is said to be without a record
    assert world.link(kept.id).crm_id == survivor
    assert world.remote.record("Lead", survivor)["Portal_Deal_Key__c"] == kept.id
    assert world.codes(loser)
    assert push(world.tenant).run_id == ""


def test_a_lead_merged_into_a_stranger_goes_on_there(world: World) -> None:
    deal = world.registered()
    loser = world.link(deal.id).crm_id
    survivor = world.remote.create("Lead", {"LastName": "Stranger", "Company": "Acme Inc"})
    world.remote.merge(survivor, [loser])
    world.pull()
    world.pull()
    assert world.link(deal.id).crm_id == survivor
    assert world.remote.record("Lead", survivor)["Portal_Deal_Key__c"] == deal.id
    assert len([row for row in world.remote.records("Lead") if row["Portal_Deal_Key__c"] == deal.id and not row["IsDeleted"]]) == 1


# ── conversion ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("from_crm", [True, False])
@pytest.mark.parametrize("order", [("lead", "opportunity"), ("opportunity", "lead")])
def test_a_converted_lead_is_one_deal_with_one_record(empty_world: World, order: tuple[str, str], from_crm: bool) -> None:
    # Given a registered deal, when its lead is converted and either record is read first
    world = empty_world
    world.configure(deals={"from_crm": from_crm})
    world.pull()
    deal = world.registered()
    world.pull()
    count = len(world.deals())
    became = world.remote.convert_lead(world.link(deal.id).crm_id)["ConvertedOpportunityId"]
    for record in (*order, *order):
        world.pull(record)
    # then the deal lives in the opportunity, nothing was lost, and there is no other
    link = world.link(deal.id)
    assert (link.object, link.crm_id) == ("opportunity", became)
    assert len(world.deals()) == count
    assert world.deal(deal.id).second_partner == world.company("Arrow Electronics").id
    record_ = world.record_of(deal.id)
    assert (record_["Portal_Deal_Key__c"], record_["Portal_Second_Partner__c"]) == (deal.id, world.id_of("Arrow Electronics"))
    # and edits travel both ways from there
    world.change(deal.id, amount="11")
    world.push()
    assert world.record_of(deal.id)["Amount"] == 11
    world.edit(deal.id, StageName="Closed Won")
    world.pull()
    assert world.deal(deal.id).lifecycle == "won"


def test_a_conversion_that_forgot_the_fields_loses_nothing(world: World) -> None:
    # Given an admin who mapped no field of ours from lead to opportunity, when the lead is converted
    deal = world.registered()
    count = len(world.deals())
    world.remote.convert_lead(world.link(deal.id).crm_id, copy_mapping=False)
    world.pull()
    world.pull()
    # then the deal keeps its companies and terms, and the opportunity gets them
    after, record = world.deal(deal.id), world.record_of(deal.id)
    assert after.second_partner == world.company("Arrow Electronics").id
    assert (after.values["licence_count"], after.values["billing_cycle"]) == (25, "annual")
    assert (record["Portal_Partner__c"], record["Portal_Second_Partner__c"]) == (
        world.id_of("Birch Systems"),
        world.id_of("Arrow Electronics"),
    )
    assert (record["Portal_Deal_Key__c"], record["Portal_Licences__c"]) == (deal.id, 25)
    assert len(world.deals()) == count
    # and the admin can see which
    assert "second_partner" in world.history(deal.id)["conversion_mapping_missing"]


def test_an_opportunity_read_before_its_lead_is_no_second_deal(world: World) -> None:
    # Given an admin who mapped everything but our key, and a reader that sees the opportunity first
    deal = world.registered()
    world.pull()
    became = str(world.remote.convert_lead(world.link(deal.id).crm_id, omit=["Portal_Deal_Key__c"])["ConvertedOpportunityId"])
    world.pull("opportunity")
    world.pull("lead")
    world.pull("opportunity")
    # then one deal goes on with it, the one that began by mistake has ended, and no lead was made for it
    assert world.link(deal.id).crm_id == became
    assert world.remote.record("Opportunity", became)["Portal_Deal_Key__c"] == deal.id
    (twin,) = [one for one in world.deals() if one.values["prospect_name"] == "Acme Inc" and one.id != deal.id]
    assert (twin.lifecycle, twin.values["is_registered"]) == ("withdrawn", False)
    assert world.records_of(twin.id) == world.records_of(twin.id, "Opportunity") == []
    assert push(world.tenant).run_id == ""


def test_a_lead_converted_without_an_opportunity_is_disconnected(world: World) -> None:
    deal = world.registered()
    crm_id = world.link(deal.id).crm_id
    world.remote.convert_lead(crm_id, create_opportunity=False)
    world.pull()
    assert world.codes(crm_id) == {"disconnected"}
    assert world.deal(deal.id).lifecycle == "submitted"
    # and an edit in the portal makes no second lead, and no loop
    world.change(deal.id, amount="4")
    world.push()
    assert len(world.records_of(deal.id)) == 1


# ── what cannot be read ──────────────────────────────────────────────────────────────────────────────────────────────


def unreadable(world: World) -> str:
    """The cast's bank, whose record holds a word where the mapping reads a day; its CRM id."""
    for native in ("Lead", "Opportunity"):
        world.remote.add_field(native, "Portal_Day__c", "string", length=40)
    world.configure(overrides={"deal.expires_on": {"native": "Portal_Day__c", "transform": "date"}})
    crm_id = str(world.remote.named("Opportunity", "Meridian Bank - Cloud")["Id"])
    world.remote.edit("Opportunity", crm_id, {"Portal_Day__c": "soon"})
    world.pull("opportunity")
    return crm_id


def test_a_value_that_the_mapping_does_not_list_is_refused_alone_and_the_rest_is_applied(world: World) -> None:
    # Given the cast's bank, whose billing cycle nobody mapped
    (row,) = world.failures("unlisted_value")
    crm_id = row.failure.record
    assert (row.failure.kind, row.failure.field, row.failure.name) == ("problem", "billing_cycle", "Meridian Bank - Cloud")
    assert "'Quarterly'" in row.failure.message
    assert world.named_deal("Meridian Bank - Cloud").values.get("billing_cycle") is None
    # when it is corrected, then the row resolves itself and the deal has the value
    world.remote.edit("Opportunity", crm_id, {"Portal_Billing__c": "Annual"})
    world.pull()
    assert world.codes(crm_id) == set()
    assert world.named_deal("Meridian Bank - Cloud").values["billing_cycle"] == "annual"


def test_a_known_failure_is_not_tried_again_until_something_changes(world: World) -> None:
    crm_id = unreadable(world)
    (row,) = world.failures("not_a_date")
    done = world.pull("opportunity", is_full=True)[0]
    assert done.counts.skips["failed_before"] == 1
    assert world.failures("not_a_date")[0].count == 1
    # a replay forces it, and it fails again
    world.settle(replay(world.tenant, [row]))
    assert world.failures("not_a_date")[0].count == 2
    # another mapping is a reason too
    world.configure(overrides={"deal.expires_on": {"native": "Portal_Expires__c", "transform": "date"}})
    world.pull("opportunity", is_full=True)
    assert "not_a_date" not in world.codes(crm_id)


def test_a_known_deal_keeps_the_field_that_turns_unreadable_and_takes_the_others(world: World) -> None:
    world.configure(overrides={"deal.billing_cycle.conflict": "crm"})
    crm_id = opportunity(world, Portal_Billing__c="Annual", Amount=5)
    world.pull()
    before = world.named_deal("Born there")
    world.remote.edit("Opportunity", crm_id, {"Portal_Billing__c": "Quarterly", "Amount": 6})
    world.pull()
    now = world.named_deal("Born there").values
    assert (now["amount"], now["billing_cycle"]) == (6, "annual")
    assert world.codes(crm_id) == {"unlisted_value"}
    # and what the portal edits meanwhile is not lost; the same field is not written over what nobody could read
    world.change(before.id, licence_count="9", billing_cycle="up_front")
    world.push()
    record = world.remote.record("Opportunity", crm_id)
    assert (record["Portal_Licences__c"], record["Portal_Billing__c"]) == (9, "Quarterly")
    world.push()
    world.remote.edit("Opportunity", crm_id, {"Portal_Billing__c": "Monthly"})
    world.pull()
    world.push()
    after = world.named_deal("Born there")
    assert (after.values["amount"], after.values["billing_cycle"], after.values["licence_count"]) == (6, "monthly", 9)
    assert world.remote.record("Opportunity", crm_id)["Portal_Licences__c"] == 9


def test_a_decided_deal_from_the_crm_is_pushed_by_its_id(world: World) -> None:
    crm_id = opportunity(world, Portal_Second_Partner__c=world.id_of("Arrow Electronics"))
    world.pull()
    deal = world.named_deal("Born there")
    approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    world.forward()
    pull(world.tenant, "opportunity")
    world.push()
    assert world.remote.record("Opportunity", crm_id)["Portal_Distributor_Approval__c"] == "Approved"
    assert world.records_of(deal.id) == []
