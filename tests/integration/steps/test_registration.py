"""Registration: checked on the server, refused with who would be right, and one lead in the CRM with everything it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync_worker.cli.associations.companies import find
from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.core.user import Role
from sync_worker.errors import ConfigError
from sync_worker.steps.deals.decide import approve, change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.people.users import UserData, put
from sync_worker.steps.sync.push.push import push
from tests.integration.steps.world import ANN, TERMS, World


def refused(world: World, actor: Actor = ANN, **written: Any) -> Refusal:
    result = register(world.tenant, {**TERMS, **written}, actor=actor)
    assert isinstance(result, Refusal), result
    return result


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"owner_company": "Nobody Inc"}, "owner_unknown"),
        ({"owner_company": "Larch Logistics"}, "owner_unknown"),
        ({"owner_company": None}, "owner_unknown"),
        ({"owner_company": "acme (vendor)", "second_partner": None}, "owner_is_vendor"),
        ({"owner_company": "Maple Managed Services"}, "owner_not_active"),
        ({"owner_company": "Katsura Labs"}, "owner_not_active"),
        ({"second_partner": "Zenith Supply"}, "second_partner_unknown"),
        ({"second_partner": "Summit Partners"}, "company_ambiguous"),  # there are two
        ({"owner_company": "Summit Partners", "second_partner": None}, "company_ambiguous"),
        ({"second_partner": "Birch Systems"}, "second_partner_is_owner"),
        ({"owner_company": "Arrow Electronics", "second_partner": "Bolt Distribution"}, "second_partner_single_tier"),
        ({"owner_company": "Hazel Cloud", "second_partner": "Cascade Supply"}, "second_partner_not_active"),
        ({"owner_company": "Cedar IT", "second_partner": "Bolt Distribution"}, "second_partner_not_associated"),
        ({"vendor_approval": "approved"}, "field_not_registrable"),
        ({"discount": "10"}, "field_unknown"),
        ({"name": "", "prospect_name": None}, "name_missing"),
        ({"amount": "a lot"}, "value_malformed"),
        ({"expected_close_on": "soon"}, "value_malformed"),
        ({"billing_cycle": "quarterly"}, "value_not_listed"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_stored(world: World, written: dict[str, Any], code: str) -> None:
    before = world.rows()
    refusal = refused(world, **written)
    assert refusal.code == code
    assert refusal.why
    assert refusal.who_may
    assert world.rows() == before


@pytest.mark.parametrize("field", ["owner_company", "second_partner"])
def test_a_name_that_two_companies_share_is_refused_with_the_ids_of_both(world: World, field: str) -> None:
    twins = [row["Id"] for row in world.remote.records("Account") if row["Name"] == "Summit Partners"]
    refusal = refused(world, ANN, **{field: "Summit Partners"})
    assert (refusal.code, refusal.field, sorted(refusal.allowed)) == ("company_ambiguous", field, sorted(twins))
    assert all(crm_id in refusal.why and world.company(crm_id).id in refusal.why for crm_id in twins)
    # and each of them is found by its id
    assert refused(world, ANN, **{field: twins[0]}).code != "company_ambiguous"


def test_every_other_door_says_ambiguous_as_well(world: World) -> None:
    # Given a deal, when a user, an edit and a decision name a company whose name two have
    deal = world.registered()
    told = UserData("u1", "u1@example.com", "U", Role.SALES, "Summit Partners")
    answers = [
        put(world.tenant, told),
        put(world.tenant, replace(told, primary_company="Birch Systems", further_companies=("Summit Partners",))),
        change(world.tenant, deal.id, {"second_partner": "Summit Partners"}, MoveRequest(ANN)),
        approve(
            world.tenant,
            deal.id,
            Track.DISTRIBUTOR,
            Decision.APPROVE,
            MoveRequest(Actor("Dora", None, "portal")),
            company="Summit Partners",
        ),
    ]
    # then each is refused so, and the command line names both ids
    assert [isinstance(one, Refusal) and one.code for one in answers] == ["company_ambiguous"] * 4
    with pytest.raises(ConfigError, match=r"2 companies are called 'Summit Partners': .*CRM id .*our id .*CRM id .*our id"):
        find(world.tenant, "Summit Partners")


def test_a_refused_pair_says_who_would_be_allowed(world: World) -> None:
    assert refused(world, owner_company="Cedar IT", second_partner="Bolt Distribution").allowed == ("Arrow Electronics",)
    assert refused(world, owner_company="Dogwood Networks").allowed == ()


def test_a_stranger_registers_nothing_for_another_company(world: World) -> None:
    stranger = Actor("Sam", world.company("Cedar IT").id, "portal")
    assert refused(world, stranger).code == "not_a_party"


def test_two_tier_off_takes_no_second_partner(empty_world: World) -> None:
    world = empty_world
    world.configure(two_tier=False, deals={"approvals": ["vendor"]})
    world.pull()
    assert refused(world).code == "two_tier_off"
    assert world.registered(second_partner=None).distributor_approval == "not_required"


def test_a_registered_deal_becomes_exactly_one_lead(world: World) -> None:
    # Given a registration without a first name, when it is pushed
    deal = world.registered()
    # then there is one lead: our key, the constants, the lookups, the terms, both tracks
    (lead,) = world.records_of(deal.id)
    expected = {
        "LeadSource": "Partner Portal",
        "Status": "Open - Not Contacted",
        "LastName": "Doe",
        "Company": "Acme Inc",
        "Portal_Partner__c": world.id_of("Birch Systems"),
        "Portal_Second_Partner__c": world.id_of("Arrow Electronics"),
        "Portal_Deal_Name__c": "Acme expansion",
        "Portal_Amount__c": 1200.5,
        "Portal_Licences__c": 25,
        "Portal_Billing__c": "Annual",
        "Portal_Close_Date__c": "2026-06-30",
        "Portal_Vendor_Approval__c": "Pending",
        "Portal_Distributor_Approval__c": "Pending",
        "Portal_Deal_State__c": "submitted",
        "Portal_Registered__c": True,
    }
    assert {name: lead[name] for name in expected} == expected
    # and the read-back was merged: what only the CRM knows is here, nothing is owed, nothing is wrong
    assert world.deal(deal.id).values["stage"] == "Open - Not Contacted"
    assert world.deal(deal.id).values["crm_owner"] == lead["OwnerId"]
    assert world.outbox() == []
    assert world.codes(deal.id) | world.codes(lead["Id"]) == set()
    assert push(world.tenant).run_id == ""


def test_what_a_lead_requires_is_filled(world: World) -> None:
    # Given a deal that has a name and nothing else
    result = register(world.tenant, {"owner_company": "Dogwood Networks", "name": "Bare"}, actor=ANN)
    assert not isinstance(result, Refusal)
    world.settle(result[1])
    (lead,) = world.records_of(result[0].id)
    assert (lead["LastName"], lead["Company"]) == ("Unknown", "Unknown")
    assert lead["Portal_Distributor_Approval__c"] == "Not required"


def test_nobody_re_routes_the_lead(world: World) -> None:
    # Given an org that assigns new and changed leads to a queue, when a deal is registered and edited, then its owner stays
    world.remote.set_assignment_rule(on=True)
    deal = world.registered()
    owner = world.record_of(deal.id)["OwnerId"]
    world.change(deal.id, amount="99")
    world.push()
    assert world.record_of(deal.id)["OwnerId"] == owner
    queue = next(row["Id"] for row in world.remote.records("User") if row["Name"] == "Lead Queue")
    assert owner != queue


def test_a_portal_may_ask_for_assignment(empty_world: World) -> None:
    world = empty_world
    world.remote.set_assignment_rule(on=True)
    world.configure(deals={"run_assignment_rules_on_create": True})
    world.pull()
    deal = world.registered()
    queue = next(row["Id"] for row in world.remote.records("User") if row["Name"] == "Lead Queue")
    assert world.record_of(deal.id)["OwnerId"] == queue


def test_a_lead_that_looks_like_another_is_saved_all_the_same_and_reported(world: World) -> None:
    world.remote.set_duplicate_rule("Lead")
    first, second = world.registered(), world.registered()
    assert len(world.records_of(first.id)) == len(world.records_of(second.id)) == 1
    assert world.codes(first.id) == set()
    assert world.codes(second.id) == {"duplicate_in_crm"}


def test_a_portal_may_register_opportunities(empty_world: World) -> None:
    world = empty_world
    world.configure(deals={"record": "opportunity"})
    world.pull()
    deal = world.registered()
    (record,) = world.records_of(deal.id, "Opportunity")
    assert (record["Name"], record["StageName"], record["CloseDate"]) == ("Acme expansion", "Qualification", "2026-06-30")
    assert world.codes(deal.id) == set()


# ── decisions and edits by people ────────────────────────────────────────────────────────────────────────────────────


def test_the_distributor_approves_and_the_crm_hears_of_it(world: World) -> None:
    deal = world.registered()
    result = approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    assert not isinstance(result, Refusal)
    world.settle(result[1])
    assert world.deal(deal.id).distributor_approval == "approved"
    assert world.record_of(deal.id)["Portal_Distributor_Approval__c"] == "Approved"


@pytest.mark.parametrize(
    ("track", "decision", "company", "code"),
    [
        (Track.DISTRIBUTOR, Decision.APPROVE, "Bolt Distribution", "not_your_track"),
        (Track.DISTRIBUTOR, Decision.APPROVE, "Nobody Inc", "not_your_track"),
        (Track.VENDOR, Decision.APPROVE, "Arrow Electronics", "not_your_track"),
        (Track.DISTRIBUTOR, Decision.REJECT, "Arrow Electronics", "reason_missing"),
        (Track.DISTRIBUTOR, Decision.RETURN, "Arrow Electronics", "decision_not_in_track"),
    ],
)
def test_a_decision_of_the_wrong_person_is_refused(world: World, track: Track, decision: Decision, company: str, code: str) -> None:
    deal = world.registered()
    before = world.rows()
    result = approve(world.tenant, deal.id, track, decision, MoveRequest(Actor("Sam", None, "portal")), company=company)
    assert isinstance(result, Refusal)
    assert result.code == code
    assert world.rows() == before


def test_a_deal_that_is_none_is_refused(world: World) -> None:
    result = approve(
        world.tenant, "nothing", Track.VENDOR, Decision.APPROVE, MoveRequest(Actor("Ann", None, "portal")), company="acme (vendor)"
    )
    assert isinstance(result, Refusal)
    assert result.code == "deal_unknown"
    result = change(world.tenant, "nothing", {"amount": "1"}, MoveRequest(ANN))
    assert isinstance(result, Refusal)
    assert result.code == "deal_unknown"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"amount": "plenty"}, "value_malformed"),
        ({"billing_cycle": "quarterly"}, "value_not_listed"),
        ({"vendor_approval": "approved"}, "field_not_registrable"),
        ({"second_partner": "Granite Group"}, "second_partner_not_associated"),
        ({"second_partner": "Nobody Inc"}, "second_partner_unknown"),
        ({"owner_company": "Maple Managed Services"}, "owner_not_active"),
        ({"name": "", "prospect_name": ""}, "name_missing"),
    ],
)
def test_a_wrong_edit_is_refused(world: World, written: dict[str, Any], code: str) -> None:
    deal = world.registered()
    before = world.rows()
    result = change(world.tenant, deal.id, written, MoveRequest(ANN))
    assert isinstance(result, Refusal)
    assert result.code == code
    assert world.rows() == before


def test_an_edit_that_changes_nothing_wakes_nobody(world: World) -> None:
    deal = world.registered()
    before = world.rows()
    result = change(world.tenant, deal.id, {"amount": "1200.5", "second_partner": "Arrow Electronics"}, MoveRequest(ANN))
    assert not isinstance(result, Refusal)
    assert result[1] == frozenset()
    assert world.rows() == before


def test_another_second_partner_begins_its_track_anew(world: World) -> None:
    deal = world.registered()
    approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    world.change(deal.id, second_partner="Bolt Distribution")
    world.push()
    record = world.record_of(deal.id)
    assert record["Portal_Second_Partner__c"] == world.id_of("Bolt Distribution")
    assert record["Portal_Distributor_Approval__c"] == "Pending"
    world.change(deal.id, second_partner=None)
    world.push()
    record = world.record_of(deal.id)
    assert (record["Portal_Second_Partner__c"], record["Portal_Distributor_Approval__c"]) == (None, "Not required")


def test_people_decide_a_day_later_with_a_mapping_of_yesterday(world: World) -> None:
    # Given a worker that has not looked at the CRM's fields for a day, when somebody decides, then it looks first and the move is kept
    deal = world.registered()
    world.forward(100_000)
    result = approve(
        world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(Actor("Dora", None, "portal")), company="Arrow Electronics"
    )
    assert not isinstance(result, Refusal)
