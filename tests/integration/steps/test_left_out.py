"""Fields that an answer leaves out: emptied in the CRM, or taken away by an admin."""

from __future__ import annotations

import pytest

from sync_worker.errors import SchemaChanged
from tests.integration.steps.world import World


def test_a_field_that_was_emptied_and_is_left_out_is_empty_here_too(world: World) -> None:
    # Given a deal with an amount, and a CRM that leaves empty fields out of its answers
    deal = world.registered(licence_count="25")
    world.pull()
    world.remote.leave_out(empty=True)
    # when a person empties the amount, then it is empty in the portal, and nothing else is
    world.edit(deal.id, Portal_Amount__c=None)
    world.pull()
    assert world.deal(deal.id).values.get("amount") is None
    assert world.deal(deal.id).values["licence_count"] == 25
    # and the next pull finds nothing to do
    before = world.rows()
    world.pull()
    assert world.rows() == before


def test_a_company_s_field_that_was_emptied_and_is_left_out_is_empty_here_too(world: World) -> None:
    birch = world.company("Birch Systems")
    assert birch.second_partner_values
    world.remote.leave_out(empty=True)
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Associated_Second_Partner__c": None})
    world.pull("company")
    assert world.company("Birch Systems").second_partner_values == ()


def test_a_field_that_an_admin_took_away_clears_nothing_and_somebody_is_told(world: World) -> None:
    # Given a deal, and an admin who takes a field from our sight: answers leave it out, and nothing is refused
    deal = world.registered(licence_count="25")
    world.pull()
    world.remote.leave_out(object="Lead", field="Portal_Licences__c")
    world.edit(deal.id, Portal_Amount__c=7)
    # when the lead is read, then the pull ends, and names the field
    with pytest.raises(SchemaChanged, match="Portal_Licences__c"):
        world.pull("lead")
    # and the describe of yesterday is forgotten: the next pull says so before it reads anything
    with pytest.raises(SchemaChanged, match="Portal_Licences__c"):
        world.pull("lead")
    assert world.deal(deal.id).values["licence_count"] == 25
    # when the field is given back, then work goes on
    world.remote.leave_out(object="Lead", field="Portal_Licences__c", on=False)
    world.pull("lead")
    assert str(world.deal(deal.id).values["amount"]) == "7.00"
