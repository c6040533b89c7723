"""One text that no database can hold costs that text only: its record says so, every other record goes on, and it heals by itself."""

from __future__ import annotations

import pytest

from tests.integration.steps.world import World

UNFIT = ["\\u0000", "\\ud800", "\x00", "\xe4"]


@pytest.mark.parametrize("unfit", UNFIT, ids=repr)
def test_a_company_with_an_unfit_name_is_read_and_says_so_until_it_is_right(world: World, unfit: str) -> None:
    # Given two renamed companies, and an answer in which one of the names cannot be stored
    cedar, bolt = world.company("Cedar IT"), world.company("Bolt Distribution")
    world.remote.edit("Account", str(cedar.crm_id), {"Name": "Cedar Corp"})
    world.remote.edit("Account", str(bolt.crm_id), {"Name": "Bolt Corp"})
    world.remote.fault("query_all", object_name="Account", spoil={"Cedar Corp": f"Cedar{unfit}Corp"})
    world.forward(30)
    # when they are pulled, then both are there, and one problem says which field is not as in the CRM
    world.pull("company")
    assert (world.company(cedar.id).name, world.company(bolt.id).name) == ("Cedar\ufffdCorp", "Bolt Corp")
    [row] = world.failures(code="text_repaired")
    assert (row.failure.kind, row.failure.record) == ("problem", cedar.crm_id)
    assert "Name" in row.failure.message
    # and when the text is right, then so is the name, and nothing is open
    world.forward(30)
    world.pull("company")
    assert world.company(cedar.id).name == "Cedar Corp"
    assert world.failures(code="text_repaired") == []


def test_a_deal_with_an_unfit_text_is_merged_and_says_so(world: World) -> None:
    # Given an edit of a deal in the CRM, whose text cannot be stored
    deal = world.registered()
    world.edit(deal.id, Company="Acme Corp", Portal_Amount__c=5)
    world.remote.fault("query_all", object_name="Lead", spoil={"Acme Corp": "Acme\\ud800Corp"})
    world.forward(30)
    # when it is pulled, then the other values arrive as well
    world.pull("lead")
    values = world.deal(deal.id).values
    assert (values["prospect_name"], str(values["amount"])) == ("Acme\ufffdCorp", "5.00")
    assert "Company" in world.failures(code="text_repaired")[0].failure.message
    # and nothing of it is written back over the CRM's own text
    world.push()
    assert world.record_of(deal.id)["Company"] == "Acme Corp"
