"""One association mode per portal, set once: what a file says otherwise stops the portal, and an operator's word turns it over."""

from __future__ import annotations

from typing import cast

import pytest

from sync_worker.crm.port import WholeCrm
from sync_worker.errors import ConfigError
from sync_worker.steps.associations import mode as mode_step
from sync_worker.steps.associations.associate import options
from sync_worker.steps.associations.evaluate import EVALUATE, evaluate
from sync_worker.steps.associations.mode import DERIVE, derive, set_mode, standing
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.setup.check import check
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import portals
from sync_worker.store.core.portals import PortalRow
from sync_worker.store.operate import interventions
from tests.integration.due import due
from tests.integration.steps.world import World

RULES = {"mode": "rules", "rules": [{"name": "same-region", "partner": {}, "second_partner": {}, "match": ["region"]}]}


def row(world: World) -> PortalRow:
    with world.store.reading("acme") as tx:
        found = portals.get(tx)
    assert found is not None
    return found


def partners(world: World, name: str) -> list[str]:
    with world.store.reading("acme") as tx:
        return [company.name for company in options(tx, world.company(name))]


def by_rules(world: World) -> None:
    world.configure(associations=RULES)


def by_contracts(world: World) -> None:
    world.configure(associations={"mode": "contracts", "rules": []})


def test_a_file_that_says_otherwise_stops_the_portal_with_the_command_that_would_change_it(world: World) -> None:
    before = world.rows()
    by_rules(world)
    with pytest.raises(ConfigError) as refused:
        world.pull()
    assert "uses contracts since 2026-03-02, and a mode is set once" in str(refused.value)
    assert "sync-worker portals set-association-mode acme rules --override --reason TEXT" in str(refused.value)
    # a push that has nothing to do, and a check, say so as well
    schema = cast("WholeCrm", world.tenant.crm).schema
    for work in (lambda: push(world.tenant), lambda: check(world.tenant, schema)):
        with pytest.raises(ConfigError, match="sync-worker portals set-association-mode acme rules"):
            work()
    assert world.rows() == before
    # and when the file says what it said, all goes on
    by_contracts(world)
    world.pull()


def test_what_else_is_wrong_with_a_company_stays_open_when_contracts_are_derived(world: World) -> None:
    # Given a portal by rules, and companies whose account types the mapping does not know
    by_rules(world)
    set_mode(world.tenant, "rules", actor="Ann", reason="to try")
    world.settle([EVALUATE])
    before = {(row.failure.record, row.failure.code) for row in world.failures() if row.failure.field == "account_type"}
    assert before
    # When it goes back to contracts, and these are derived
    by_contracts(world)
    set_mode(world.tenant, "contracts", actor="Ann", reason="to try")
    world.settle([DERIVE])
    # Then what is wrong with the account types is open still: nothing of it was looked at
    assert {(row.failure.record, row.failure.code) for row in world.failures() if row.failure.field == "account_type"} == before


def test_from_contracts_to_rules_the_old_answer_stands_until_all_is_evaluated(world: World) -> None:
    # Given associations by contract, and a deal of such a pair
    deal = world.registered()
    by_rules(world)
    assert standing(world.tenant).mode == "contracts"
    # when an operator sets the other mode, then contracts still answer, and evaluation is due
    set_mode(world.tenant, "rules", actor="Ann", reason="the program is by region now")
    assert (row(world).mode, row(world).next_mode) == ("contracts", "rules")
    assert partners(world, "Birch Systems") == ["Arrow Electronics", "Bolt Distribution"]
    assert EVALUATE in set(due(world.tenant))
    # and when that is complete, then the rules do, and the deal is looked at again
    done = evaluate(world.tenant)
    assert (row(world).mode, row(world).next_mode) == ("rules", None)
    assert EVALUATE not in set(due(world.tenant))
    assert any(follow_up.work == Work.REFRESH for follow_up in done.follow_ups)
    world.settle(follow_up for follow_up in done.follow_ups if follow_up.work == Work.REFRESH)
    assert ("second_partner_not_associated" in world.codes(world.link(deal.id).crm_id)) == (
        "Arrow Electronics" not in partners(world, "Birch Systems")
    )
    world.pull()
    with world.store.reading("acme") as tx:
        (act,) = interventions.listed(tx, "mode")
    assert (act.selection, act.actor, act.reason, act.asked_at) == (
        "contracts → rules",
        "Ann",
        "the program is by region now",
        row(world).mode_set_at,
    )


def test_and_back_contracts_are_bound_page_by_page_from_what_the_records_say_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a portal that went over to rules, while contracts changed in the CRM
    by_rules(world)
    set_mode(world.tenant, "rules", actor="Ann", reason="try it")
    evaluate(world.tenant)
    field = "Associated_Second_Partner__c"
    world.remote.edit("Account", world.id_of("Dogwood Networks"), {field: "Bolt Distribution"})
    world.remote.edit("Account", world.id_of("Birch Systems"), {field: None})
    world.pull()
    by_rule = partners(world, "Dogwood Networks")
    # when it goes back, a page at a time, then the rules answer until the last page
    by_contracts(world)
    set_mode(world.tenant, "contracts", actor="Ann", reason="it was better")
    monkeypatch.setattr(mode_step, "PAGE_COUNT", 7)
    assert DERIVE in set(due(world.tenant))
    with world.tenant.turn.lasting(0):
        derive(world.tenant)
    assert row(world).next_position != ""
    assert partners(world, "Dogwood Networks") == by_rule
    while DERIVE in set(due(world.tenant)):
        derive(world.tenant)
    # then contracts do, as the records say now
    assert row(world).mode == "contracts"
    assert partners(world, "Dogwood Networks") == ["Bolt Distribution"]
    assert partners(world, "Birch Systems") == []
    assert {held.binding.value for held in world.contracts() if held.company_id == world.company("Birch Systems").id} == set()
    world.pull()


def test_rules_that_come_back_unchanged_are_evaluated_anew(world: World) -> None:
    """What they made before is of an earlier time."""
    by_rules(world)
    set_mode(world.tenant, "rules", actor="Ann", reason="one")
    evaluate(world.tenant)
    found = {name: partners(world, name) for name in ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting")}
    name, before = next((name, seconds) for name, seconds in found.items() if seconds)
    by_contracts(world)
    set_mode(world.tenant, "contracts", actor="Ann", reason="two")
    derive(world.tenant)
    world.remote.edit("Account", world.id_of(before[0]), {"Portal_Region__c": None})
    world.pull(COMPANY)
    by_rules(world)
    set_mode(world.tenant, "rules", actor="Ann", reason="three")
    while EVALUATE in set(due(world.tenant)):
        evaluate(world.tenant)
    assert row(world).mode == "rules"
    assert partners(world, name) == before[1:]


def test_going_back_before_it_is_complete_changes_nothing(world: World) -> None:
    before = partners(world, "Birch Systems")
    by_rules(world)
    set_mode(world.tenant, "rules", actor="Ann", reason="try it")
    by_contracts(world)
    set_mode(world.tenant, "contracts", actor="Ann", reason="rather not")
    assert (row(world).mode, row(world).next_mode) == ("contracts", None)
    assert partners(world, "Birch Systems") == before
    world.pull()
