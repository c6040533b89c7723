"""Names that look the same and are written otherwise: contract values, the portal file, references, subgroups."""

from __future__ import annotations

import pytest

from sync_worker.steps.associations.rebind import rebind
from tests.integration.steps.test_contracts import explained, partners, sign
from tests.integration.steps.world import World

TYPE = "Portal_Account_Type__c"
COMPOSED, DECOMPOSED, NO_BREAK = "Zo\u00eb Ltd", "Zoe\u0308 Ltd", "Zo\u00eb\u00a0Ltd"


def distributor(world: World, name: str) -> str:
    """Its CRM id, once it was read."""
    fields = {"Name": name, "Portal_Status__c": "Active", TYPE: "Distributor"}
    crm_id = world.remote.create("Account", fields)
    world.pull("company")
    return crm_id


@pytest.mark.parametrize(("value", "words"), [(DECOMPOSED, "with a decomposed \u00eb"), (NO_BREAK, "with a no-break space")])
def test_a_value_that_looks_the_same_binds_and_explain_says_so(world: World, value: str, words: str) -> None:
    # Given a distributor, and a contract value that looks like its name
    distributor(world, COMPOSED)
    crm_id = sign(world, "Birch Systems", value)
    world.pull("company")
    # then it binds, nothing is wrong, and whoever asks why is told
    assert partners(world, "Birch Systems") == [COMPOSED]
    assert "contract_value_unresolved" not in world.codes(crm_id)
    told = explained(world, "Birch Systems", COMPOSED).words
    assert "looks the same as the company's name" in told
    assert words in told


def test_the_exact_name_wins_and_two_that_look_the_same_are_ambiguous(world: World) -> None:
    # Given two distributors whose names look the same
    for name in (COMPOSED, NO_BREAK):
        distributor(world, name)
    # then each exact name means its own, and a third spelling names both: the problem shows how they differ
    sign(world, "Birch Systems", NO_BREAK)
    crm_id = sign(world, "Cedar IT", DECOMPOSED)
    world.pull("company")
    assert partners(world, "Birch Systems") == [NO_BREAK]
    assert partners(world, "Cedar IT") == []
    message = world.history(crm_id)["contract_value_ambiguous"]
    assert message.count("no-break space") == 1
    assert message.count("decomposed \u00eb") == 1


def test_a_binding_stays_when_the_exact_name_arrives(world: World) -> None:
    distributor(world, COMPOSED)
    sign(world, "Birch Systems", NO_BREAK)
    world.pull("company")
    bound = world.company(COMPOSED).id
    distributor(world, NO_BREAK)
    world.pull("company", is_full=True)
    assert [row.binding.company_id for row in world.contracts() if row.binding.value == NO_BREAK] == [bound]


def test_a_value_that_waits_heals_when_a_company_arrives_that_looks_the_same(world: World) -> None:
    crm_id = sign(world, "Birch Systems", NO_BREAK)
    world.pull("company")
    assert "contract_value_unresolved" in world.codes(crm_id)
    assert "no-break space" in world.history(crm_id)["contract_value_unresolved"]
    distributor(world, DECOMPOSED)
    assert partners(world, "Birch Systems") == [DECOMPOSED]
    assert "contract_value_unresolved" not in world.codes(crm_id)


def test_a_rename_to_what_looks_the_same_is_no_news(world: World) -> None:
    second = distributor(world, COMPOSED)
    crm_id = sign(world, "Birch Systems", COMPOSED)
    world.pull("company")
    world.remote.edit("Account", second, {"Name": NO_BREAK})
    world.pull("company")
    assert "contract_value_renamed" not in world.codes(crm_id)


def test_the_portal_file_s_key_and_a_person_s_word_count_for_what_looks_the_same(world: World) -> None:
    # Given a key of the portal file in one spelling, and the value in another
    world.configure(associations={"contract_values": {COMPOSED: world.id_of("Arrow Electronics")}})
    sign(world, "Birch Systems", DECOMPOSED, "Somebody\u00a0else")
    world.pull("company")
    assert partners(world, "Birch Systems") == ["Arrow Electronics"]
    # and a person who types the other value as it looks
    rebind(world.tenant, "Somebody else", world.company("Bolt Distribution"), actor="Olga", reason="told by mail")
    assert partners(world, "Birch Systems") == ["Arrow Electronics", "Bolt Distribution"]


def test_a_company_is_found_by_a_name_that_looks_the_same_unless_two_have_it(world: World) -> None:
    distributor(world, NO_BREAK)
    assert world.company(COMPOSED).name == NO_BREAK
    assert world.company(DECOMPOSED).name == NO_BREAK
    distributor(world, DECOMPOSED)
    assert world.company(DECOMPOSED).name == DECOMPOSED
    assert not world.knows(COMPOSED)
