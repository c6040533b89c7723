"""Values of the CRM's own lists: retired, deleted, and added by an admin since we asked."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.operate.replay import replay
from tests.integration.steps.world import ANN, TERMS, World

LINES = "Portal_Product_Lines__c"
MONEY = "Portal_Money__c"
DAY_S = 90_000  # after so long the describe of yesterday has ended


def describe_count(world: World) -> int:
    return int(world.remote.calls()["kinds"].get("describe", 0))


def choose_currency(world: World) -> None:
    """The portal's deals have a currency, from a closed list of the CRM's own."""
    for native in ("Lead", "Opportunity"):
        world.remote.add_field(native, MONEY, "picklist", values=["EUR", "USD"], is_restricted=True, length=40)
    world.configure(overrides={"deal.currency": {"native": MONEY, "direction": "both", "values": "from_crm"}})


def lead_in(world: World, status: str) -> str:
    """A registered deal whose lead has that status; its id."""
    deal = world.registered()
    world.edit(deal.id, Status=status)
    world.pull()
    assert world.deal(deal.id).values["stage"] == status
    return deal.id


@pytest.mark.parametrize(("verb", "codes"), [("retire", set()), ("delete", {"value_not_listed"})])
def test_a_value_that_an_admin_took_off_the_list_is_read_and_holds_nothing_back(world: World, verb: str, codes: set[str]) -> None:
    # Given a lead whose status is retired (the normal way), or deleted, while the lead keeps it
    deal_id = lead_in(world, "Working - Contacted")
    world.remote.change_picklist("Lead", "Status", **{verb: ["Working - Contacted"]})
    world.forward(DAY_S)
    # when its amount changes, then the deal has the new amount and the status as it stands
    world.edit(deal_id, Portal_Amount__c=7)
    world.pull()
    values = world.deal(deal_id).values
    assert (str(values["amount"]), values["stage"]) == ("7.00", "Working - Contacted")
    # and only a value that stands in no list is a problem, on that record and field
    assert world.codes(world.link(deal_id).crm_id) == codes
    # which closes when the record has another value
    world.edit(deal_id, Status="Open - Not Contacted")
    world.pull()
    assert world.codes(world.link(deal_id).crm_id) == set()


@pytest.mark.parametrize(("verb", "is_told"), [("retire", False), ("delete", True)])
def test_a_set_with_a_retired_member_is_not_blank(world: World, verb: str, is_told: bool) -> None:
    # Given a company with two product lines, one of which an admin takes off the list; rules use the field
    world.configure(associations={"mode": "contracts"})
    birch = world.id_of("Birch Systems")
    world.remote.change_picklist("Account", LINES, add=["Fog"])
    world.remote.edit("Account", birch, {LINES: "Cloud;Fog"})
    world.pull("company")
    world.remote.change_picklist("Account", LINES, **{verb: ["Fog"]})
    world.forward(DAY_S)
    # when the company is read again, then it has both
    world.remote.edit("Account", birch, {"Phone": "1"})
    world.pull("company", is_full=True)
    assert world.company("Birch Systems").attributes["product_lines"] == ["Cloud", "Fog"]
    rows = world.failures("value_not_listed", birch)
    assert [row.failure.field for row in rows] == (["product_lines"] if is_told else [])
    assert all("'Fog'" in row.failure.message and "Cloud" not in row.failure.message for row in rows)


def test_a_value_that_an_admin_adds_is_known_at_once_by_one_describe(world: World) -> None:
    # Given a list that was described, and an admin who adds a value and gives it to three companies
    world.pull("company")
    world.remote.change_picklist("Account", LINES, add=["Fog"])
    names = ["Birch Systems", "Cedar IT", "Arrow Electronics"]
    for name in names:
        world.remote.edit("Account", world.id_of(name), {LINES: "Cloud;Fog"})
    before = describe_count(world)
    # when they are read, then nothing is wrong with them, and one describe has told
    world.pull("company")
    assert describe_count(world) == before + 1
    assert world.failures("value_not_listed") == []
    assert all("Fog" in world.company(name).attributes["product_lines"] for name in names)  # type: ignore[operator]  # a list of text
    # and the next pull needs none
    world.pull("company")
    assert describe_count(world) == before + 1


def test_a_value_on_no_list_costs_one_describe_a_run_however_many_records_have_it(world: World) -> None:
    names = ["Birch Systems", "Cedar IT", "Arrow Electronics"]
    world.remote.change_picklist("Account", LINES, restricted=False)
    for name in names:
        world.remote.edit("Account", world.id_of(name), {LINES: "Cloud;Typed in"})
    before = describe_count(world)
    world.pull("company")
    assert describe_count(world) == before + 1
    assert len(world.failures("value_not_listed")) == 3


def test_a_choice_that_an_admin_has_just_added_is_taken_at_the_door(world: World) -> None:
    # Given a list of the CRM's that people choose from, described before the admin adds a value
    choose_currency(world)
    refused = register(world.tenant, {**TERMS, "currency": "CHF"}, actor=ANN)
    assert isinstance(refused, Refusal)
    assert refused.code == "value_not_listed"
    world.forward(61)
    for native in ("Lead", "Opportunity"):
        world.remote.change_picklist(native, MONEY, add=["CHF"])
    # when somebody chooses it, then it is taken, and reaches the CRM
    deal = world.registered(currency="CHF")
    assert world.record_of(deal.id)[MONEY] == "CHF"


def test_a_retired_value_is_not_offered_and_whoever_has_it_keeps_it(world: World) -> None:
    # Given a deal with a value that is retired afterwards
    choose_currency(world)
    deal = world.registered(currency="EUR")
    for native in ("Lead", "Opportunity"):
        world.remote.change_picklist(native, MONEY, retire=["EUR"])
    world.forward(DAY_S)
    # when another deal wants it, then it is refused, and the refusal lists what may be chosen
    refused = register(world.tenant, {**TERMS, "currency": "EUR"}, actor=ANN)
    assert isinstance(refused, Refusal)
    assert refused.allowed == ("USD",)
    # and a form that sends the deal's own value back unchanged is no edit of it
    assert not isinstance(change(world.tenant, deal.id, {"currency": "EUR", "amount": "5"}, MoveRequest(ANN)), Refusal)


def test_a_value_that_the_crm_refuses_is_not_offered_any_more(world: World) -> None:
    # Given a deal that chose a value just before an admin retired it
    choose_currency(world)
    deal = world.submitted(currency="EUR")
    for native in ("Lead", "Opportunity"):
        world.remote.change_picklist(native, MONEY, retire=["EUR"])
    # when the CRM refuses the write, then its list is asked for, and the next one is told at the door
    world.push()
    assert world.codes(deal.id) == {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"}
    refused = register(world.tenant, {**TERMS, "currency": "EUR"}, actor=ANN)
    assert isinstance(refused, Refusal)
    assert refused.code == "value_not_listed"
    # and what was refused passes once the value is back
    for native in ("Lead", "Opportunity"):
        world.remote.change_picklist(native, MONEY, add=["EUR"])
    world.settle(replay(world.tenant, world.failures(record=deal.id)))
    assert world.record_of(deal.id)[MONEY] == "EUR"


def test_a_set_with_members_that_the_mapping_does_not_list_is_not_written_over(world: World) -> None:
    # Given a set of which the mapping lists two members, and a record that holds a third
    for native in ("Lead", "Opportunity"):
        world.remote.add_field(native, "Portal_Modules__c", "multipicklist", values=["A", "B", "X"], length=40)
    modules = {"native": "Portal_Modules__c", "transform": "multi_select", "direction": "both", "conflict": "portal", "values": ["A", "B"]}
    world.configure(overrides={"deal.attributes.modules": modules})
    deal = world.registered(modules=["A"])
    world.edit(deal.id, Portal_Modules__c="A;X")
    world.pull()
    assert world.deal(deal.id).values["modules"] == ("A",)
    assert world.codes(world.link(deal.id).crm_id) == {"unlisted_value"}
    # when the portal adds one, then the third is not lost; the write follows once the mapping knows it, or it is gone
    world.change(deal.id, modules=["A", "B"], amount="5")
    world.push()
    record = world.record_of(deal.id)
    assert (record["Portal_Modules__c"], record["Portal_Amount__c"]) == ("A;X", 5)
    world.edit(deal.id, Portal_Modules__c="A")
    world.pull()
    world.push()
    assert world.record_of(deal.id)["Portal_Modules__c"] == "A;B"
