"""Two partners with one prospect: the warning, and when it closes itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.deals.register import register
from tests.integration.steps.world import ANN, World

End = Callable[[World, str], object]


def withdrawn(world: World, deal_id: str) -> object:
    return move(world.tenant, deal_id, Verb.WITHDRAW, MoveRequest(ANN))


def rejected(world: World, deal_id: str) -> object:
    vendor = Actor("Vera", world.company("acme (vendor)").id, "portal")
    return decide(world.tenant, deal_id, Track.VENDOR, Decision.REJECT, MoveRequest(vendor, reason="the other partner was first"))


def renamed(world: World, deal_id: str) -> object:
    return change(world.tenant, deal_id, {"prospect_name": "Somebody else", "contact_email": None}, MoveRequest(ANN))


def lost_in_the_crm(world: World, deal_id: str) -> object:
    world.push()
    world.remote.convert_lead(world.link(deal_id).crm_id)
    world.pull()
    world.edit(deal_id, StageName="Closed Lost")
    return world.pull()


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """Deals of Birch and Dogwood for one prospect: the first, and the one that was warned."""
    first = world.submitted(prospect_name="Globex Inc.", contact_email="jo@globex.com").id
    second = register(world.tenant, {"owner_company": "Dogwood Networks", "prospect_name": "GLOBEX"}, actor=ANN)
    assert not isinstance(second, Refusal)
    assert world.codes(second.deal.id) == {"same_prospect"}
    return first, second.deal.id


@pytest.mark.parametrize("place", [0, 1], ids=["the first", "the second"])
@pytest.mark.parametrize("end", [withdrawn, rejected, renamed, lost_in_the_crm])
def test_the_warning_ends_with_either_deals_claim_on_the_prospect(world: World, pair: tuple[str, str], end: End, place: int) -> None:
    result = end(world, pair[place])
    assert not isinstance(result, Refusal), result
    assert world.failures("same_prospect") == []


def test_it_stands_while_a_third_deal_is_for_the_prospect(world: World, pair: tuple[str, str]) -> None:
    register(world.tenant, {"owner_company": "Cedar IT", "prospect_name": "globex"}, actor=ANN)
    withdrawn(world, pair[0])
    assert world.codes(pair[1]) == {"same_prospect"}


def test_an_edit_of_something_else_leaves_it(world: World, pair: tuple[str, str]) -> None:
    change(world.tenant, pair[0], {"amount": "5"}, MoveRequest(ANN))
    assert world.codes(pair[1]) == {"same_prospect"}
