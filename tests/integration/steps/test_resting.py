"""An attribute that the CRM does not show any more rests alone; what else the portal syncs goes on, and nothing of it is lost."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Refusal
from sync_worker.errors import SchemaChanged
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.explain import explain
from sync_worker.steps.deals.move import Moved, MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.store.sync import backfills
from tests.integration.due import due
from tests.integration.steps.world import ANN, TERMS, World

RESTS = "attribute_rests"
NOTE = {"deal.attributes.note": {"native": "Description", "direction": "both"}}
LINE = {"company.attributes.line": {"native": "Industry"}}
RULES = {
    "mode": "rules",
    "rules": [{"name": "by-line", "partner": {"line": ["Banking"]}, "second_partner": {"name": ["Arrow Electronics"]}}],
}
LISTED = {"company.attributes.line": {"native": "Industry", "rule_field": True, "values": {"Banking": "Banking", "Energy": "Energy"}}}


def resting(world: World) -> list[tuple[str, str]]:
    """(record type, attribute) of what is told to rest."""
    return sorted((row.failure.object, row.failure.field) for row in world.failures(RESTS))


def ordered(world: World) -> list[tuple[str, str]]:
    with world.store.reading("acme") as tx:
        return [(one.object, one.field) for one in backfills.unfinished(tx)]


@pytest.mark.parametrize("hide", ["refused", "left out"])
def test_a_hidden_attribute_of_deals_rests_alone_and_comes_back_whole(any_world: World, hide: str) -> None:
    world = any_world
    # Given a deal with a note that both sides hold
    world.configure(overrides=NOTE)
    deal = world.registered(note="call back")
    world.pull()
    base = world.link(deal.id).base["note"]
    # when an admin hides the field of leads, and another field is edited in the CRM
    show(world, "Lead", "Description", hide, shown=False)
    world.edit(deal.id, Portal_Amount__c=7)
    world.pull()
    # then the pull passes, the edit is here, and one problem names the field and what to do
    assert str(world.deal(deal.id).values["amount"]) == "7.00"
    (row,) = world.failures(RESTS)
    assert (row.failure.object, row.failure.field, row.failure.kind) == ("lead", "note", "problem")
    assert "Grant the user access to Lead.Description" in row.failure.message
    # and the last value and what was agreed on stay
    assert world.deal(deal.id).values["note"] == "call back"
    assert world.link(deal.id).base["note"] == base
    # and it is not written, and compared with nothing
    world.change(deal.id, licence_count="26")
    world.settle({FollowUp(Work.PUSH)})
    assert world.record_of(deal.id)["Portal_Licences__c"] == 26
    assert world.record_of(deal.id)["Description"] == "call back"
    assert compare(world.tenant).differences == []
    # when somebody with access edits it, and then the field is shown again
    show(world, "Lead", "Description", hide, shown=True)
    world.edit(deal.id, Description="called back")
    show(world, "Lead", "Description", hide, shown=False)
    world.pull()
    assert world.deal(deal.id).values["note"] == "call back"
    show(world, "Lead", "Description", hide, shown=True)
    world.forward(601)
    world.pull()
    # then the problem is closed, a backfill of that field alone is due, and brings in what was edited meanwhile
    assert resting(world) == []
    assert ordered(world) == [("lead", "note")]
    assert FollowUp(Work.BACKFILL, "lead", share="backfill") in due(world.tenant)
    world.settle({FollowUp(Work.BACKFILL, "lead")})
    assert world.deal(deal.id).values["note"] == "called back"
    assert ordered(world) == []


def describe_count(world: World) -> int:
    return int(world.remote.calls()["kinds"].get("describe", 0))


def show(world: World, native: str, field: str, how: str, *, shown: bool) -> None:
    """Field-level security refuses the field, or answers leave it out and refuse nothing."""
    if how == "refused":
        world.remote.hide_field(native, field, hidden=not shown)
    else:
        world.remote.leave_out(object=native, field=field, on=not shown)


def test_a_hidden_attribute_of_companies_rests_alone_and_comes_back_whole(any_world: World) -> None:
    world = any_world
    # Given companies with an attribute that no rule uses
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Industry": "Banking"})
    world.configure(overrides=LINE)
    world.pull()
    # when a company is edited, and the field is hidden before anybody has read it
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Name": "Birch and Sons", "Industry": "Energy"})
    world.remote.hide_field("Account", "Industry")
    world.pull()
    # then the name comes in, the attribute stays, and nothing differs
    assert world.company("Birch and Sons").attributes["line"] == "Banking"
    assert resting(world) == [("company", "line")]
    assert compare(world.tenant).differences == []
    # and another worker that begins now says nothing twice
    world.tenant = world.process()
    world.pull()
    assert [row.count for row in world.failures(RESTS)] == [1]
    # when the field is shown again, then its value comes in although no stamp has moved
    world.remote.hide_field("Account", "Industry", hidden=False)
    world.forward(601)
    world.pull()
    world.settle({FollowUp(Work.BACKFILL, "company")})
    assert world.company("Birch and Sons").attributes["line"] == "Energy"
    assert resting(world) == []


def test_an_attribute_that_only_the_portal_writes_is_written_once_it_is_shown_again(any_world: World) -> None:
    world = any_world
    world.configure(overrides={"deal.attributes.note": {"native": "Description", "direction": "push"}})
    deal = world.registered(note="call back")
    world.pull()
    world.edit(deal.id, Description="by somebody with access")
    world.remote.hide_field("Lead", "Description")
    world.pull()
    assert resting(world) == [("lead", "note")]
    world.remote.hide_field("Lead", "Description", hidden=False)
    world.forward(601)
    world.pull()
    world.settle({FollowUp(Work.BACKFILL, "lead"), FollowUp(Work.PUSH)})
    assert world.record_of(deal.id)["Description"] == "call back"


def test_an_attribute_that_a_rule_uses_rests_its_record_type(empty_world: World) -> None:
    world = empty_world
    world.configure(overrides=LISTED, associations=RULES)
    world.pull()
    world.remote.hide_field("Account", "Industry")
    with pytest.raises(SchemaChanged, match=r"Industry"):
        world.pull("company")
    assert resting(world) == []


def test_a_worker_with_an_older_describe_reads_the_field_as_soon_as_another_one_has_seen_it(any_world: World) -> None:
    world = any_world
    # Given two workers that know the attribute rests
    world.configure(overrides=NOTE)
    deal = world.registered(note="call back")
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    here, elsewhere = world.tenant, world.process()
    # when one of them sees the field again, then the other reads it at its next turn, without a describe of its own
    world.remote.hide_field("Lead", "Description", hidden=False)
    world.edit(deal.id, Description="called back")
    world.forward(601)
    world.tenant = elsewhere
    world.pull("lead")
    world.tenant = here
    world.settle({FollowUp(Work.BACKFILL, "lead")})
    assert world.deal(deal.id).values["note"] == "called back"


def test_a_describe_is_asked_for_every_ten_minutes_and_not_at_every_poll(world: World) -> None:
    world.configure(overrides=NOTE)
    world.registered(note="call back")
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    before = describe_count(world)
    for _ in range(5):
        world.pull("lead")
    assert describe_count(world) == before
    world.forward(601)
    world.pull("lead")
    assert describe_count(world) == before + 1


def test_a_write_that_meets_the_hidden_field_first_parks_no_record(any_world: World) -> None:
    world = any_world
    # Given a deal whose note and licences were changed in the portal, and a field that was hidden since the last poll
    world.configure(overrides=NOTE)
    deal = world.registered(note="call back")
    world.pull()
    world.change(deal.id, licence_count="26")
    world.change(deal.id, note="later")
    world.remote.hide_field("Lead", "Description")
    # when the push is the first to meet it
    world.settle({FollowUp(Work.PUSH)})
    world.forward(120)
    world.settle({FollowUp(Work.PUSH)})
    # then the rest is written, nothing is parked, and the attribute rests
    assert world.record_of(deal.id)["Portal_Licences__c"] == 26
    assert [row.state for row in world.outbox()] == []
    assert resting(world) == [("lead", "note")]
    # when it is shown again, then the portal's value is written
    world.remote.hide_field("Lead", "Description", hidden=False)
    world.forward(601)
    world.pull()
    world.settle({FollowUp(Work.BACKFILL, "lead"), FollowUp(Work.PUSH)})
    assert world.record_of(deal.id)["Description"] == "later"


def hidden_and_back(world: World, deal_id: str, *, edited: str | None = None) -> None:
    """The note is shown again, and its backfill done; perhaps somebody with access edited it meanwhile."""
    world.remote.hide_field("Lead", "Description", hidden=False)
    if edited is not None:
        world.edit(deal_id, Description=edited)
    world.forward(601)
    world.pull()
    world.settle({FollowUp(Work.BACKFILL, "lead"), FollowUp(Work.PUSH)})


def test_an_edit_of_a_resting_attribute_is_taken_owed_and_written_once_it_is_shown(any_world: World) -> None:
    # Given a deal whose note rests
    world = any_world
    world.configure(overrides=NOTE)
    deal = world.registered(note="call back")
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    # when a partner edits it, then the value is taken, and the answer says that it waits, why, since when and what to do
    moved = change(world.tenant, deal.id, {"note": "later"}, MoveRequest(ANN))
    assert isinstance(moved, Moved)
    assert moved.deal.values["note"] == "later"
    (warning,) = moved.warnings
    assert (warning.code, warning.field) == ("attribute_rests", "note")
    for words in ("Lead.Description", "since 20", "written to the CRM once", "Grant the worker's user access"):
        assert words in warning.message
    # and other fields still travel, without it
    world.change(deal.id, licence_count="26")
    world.settle({FollowUp(Work.PUSH)})
    assert (world.record_of(deal.id)["Portal_Licences__c"], world.record_of(deal.id)["Description"]) == (26, "call back")
    story = explain(world.tenant, deal.id)
    assert story
    assert next(one.crm.state for one in story.fields if one.field == "note") == "owed"
    # when it is shown again, then the backfill does not take it back: it is written
    hidden_and_back(world, deal.id)
    assert world.deal(deal.id).values["note"] == "later"
    assert world.record_of(deal.id)["Description"] == "later"
    assert world.open_conflicts(deal.id) == []


def test_an_edit_of_a_resting_attribute_that_the_crm_has_edited_too_goes_by_the_fields_rule(world: World) -> None:
    world.configure(overrides={"deal.attributes.note": {"native": "Description", "direction": "both", "conflict": "portal"}})
    deal = world.registered(note="call back")
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    world.change(deal.id, note="ours")
    hidden_and_back(world, deal.id, edited="theirs")
    assert (world.deal(deal.id).values["note"], world.record_of(deal.id)["Description"]) == ("ours", "ours")
    assert ("note", "portal") in [(field, taken) for field, _, taken in world.conflicts(deal.id)]


def test_a_registration_with_a_resting_attribute_is_made_without_it_and_gets_it_later(any_world: World) -> None:
    world = any_world
    world.configure(overrides=NOTE)
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    moved = register(world.tenant, {**TERMS, "note": "call back"}, actor=ANN)
    assert isinstance(moved, Moved)
    assert [warning.field for warning in moved.warnings if warning.code == "attribute_rests"] == ["note"]
    world.settle({FollowUp(Work.PUSH)})
    assert world.record_of(moved.deal.id)["Description"] is None
    assert world.outbox() == []
    hidden_and_back(world, moved.deal.id)
    assert (world.deal(moved.deal.id).values["note"], world.record_of(moved.deal.id)["Description"]) == ("call back", "call back")


def test_a_resting_attribute_that_only_the_crm_sets_is_still_refused(world: World) -> None:
    world.configure(overrides={"deal.attributes.note": {"native": "Description", "direction": "pull"}})
    deal = world.registered()
    world.pull()
    world.remote.hide_field("Lead", "Description")
    world.pull()
    refused = change(world.tenant, deal.id, {"note": "later"}, MoveRequest(ANN))
    assert isinstance(refused, Refusal)
    assert refused.code == "only_in_crm"
