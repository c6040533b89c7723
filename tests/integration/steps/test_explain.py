"""A deal's story: which side set each field, by which run and why; how the CRM has it; what lost."""

from __future__ import annotations

from sync_worker.steps.deals.explain import DealStory, FieldStory, Setting, explain
from sync_worker.steps.operate.resolve import Resolved, disputes, resolve
from tests.integration.steps.world import World


def story(world: World, deal_id: str) -> DealStory:
    found = explain(world.tenant, deal_id)
    assert found is not None
    return found


def told(world: World, deal_id: str, name: str) -> FieldStory:
    [found] = [one for one in story(world, deal_id).fields if one.field == name]
    return found


def set_by(world: World, deal_id: str, name: str) -> Setting:
    found = told(world, deal_id, name).set_by
    assert found is not None
    return found


def test_a_deal_nobody_has_is_none(world: World) -> None:
    assert explain(world.tenant, "nobody") is None


def test_what_a_registration_brought_says_who_and_by_which_run_and_is_owed_until_it_is_written(world: World) -> None:
    deal = world.submitted()
    assert story(world, deal.id).crm_record == ""
    assert (told(world, deal.id, "licence_count").crm.state, story(world, deal.id).writing.state) == ("owed", "ready")
    done = world.push()
    name = told(world, deal.id, "licence_count")
    assert (name.value, name.crm.state, name.crm.spelling, name.lost) == (25, "agreed", 25, ())
    by = set_by(world, deal.id, "licence_count")
    assert (by.side, by.actor, by.why, by.verb) == ("portal", "Ann", "submitted", "register")
    writing = story(world, deal.id).writing
    assert (writing.run_id, writing.attempt, writing.state, writing.errors) == (done.run_id, 1, "", ())


def test_a_change_says_what_was_there_before_and_what_followed_from_it(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    # Given terms that a person edits in the portal, which sets an approval back
    world.change(deal.id, licence_count="40")
    licences = told(world, deal.id, "licence_count")
    assert licences.value == 40
    assert [value for value, _ in licences.replaced] == [25]
    assert licences.crm.state == "owed"
    approval = told(world, deal.id, "vendor_approval")
    assert approval.value == "pending"
    assert next(value for value, _ in approval.replaced) == "approved"


def test_what_only_the_crm_changed_says_so(world: World) -> None:
    deal = world.registered()
    world.edit(deal.id, Portal_Licences__c=31)
    [pulled] = [done for done in world.pull("lead") if done.run_id]
    by = set_by(world, deal.id, "licence_count")
    assert (by.side, by.why, by.verb, by.run_id) == ("crm", "only the CRM had changed it", "pull", pulled.run_id)


def test_what_lost_is_kept_with_the_rule_or_the_person_that_decided(world: World) -> None:
    # Given a field whose rule takes the portal's value, and one of which a person decides
    world.configure(overrides={"deal.name.conflict": "ask"})
    deal = world.registered()
    world.change(deal.id, name="Ours", licence_count="40")
    world.edit(deal.id, Portal_Deal_Name__c="Theirs", Portal_Licences__c=31)
    world.pull()
    [lost] = told(world, deal.id, "licence_count").lost
    assert (lost.value, lost.side, lost.rule, lost.taken, lost.decided_by) == (31, "crm", "portal", "portal", "")
    waiting = told(world, deal.id, "name")
    assert (waiting.crm.state, {one.value for one in waiting.lost}) == ("waits", {"Ours", "Theirs"})
    [open_] = disputes(world.tenant)
    assert isinstance(resolve(world.tenant, open_.id, take="crm", actor="Olga", reason="they asked"), Resolved)
    name = told(world, deal.id, "name")
    [lost] = name.lost
    assert (name.value, lost.value, lost.side, lost.taken, lost.decided_by, lost.reason) == (
        "Theirs",
        "Ours",
        "portal",
        "crm",
        "Olga",
        "they asked",
    )
    assert set_by(world, deal.id, "name").why == "both sides changed it: a person decided"
