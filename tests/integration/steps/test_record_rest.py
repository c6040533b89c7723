"""A record type that lacks a field it cannot do without rests alone; everything else of the portal goes on, and nothing of it is lost."""

from __future__ import annotations

import pytest

from sync_worker.domain.operate.status import Release, needs_of_portal
from sync_worker.errors import SchemaChanged
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.operate.status import status
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.push.record_rest import resting, try_again, wake_fit
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.sync import backfills
from tests.integration.steps.test_every_answer import Desk
from tests.integration.steps.world import World

AMOUNT = ("Lead", "Portal_Amount__c")
STATUS = ("Account", "Portal_Status__c")
READS = ("company", "lead", "opportunity")
NOTE = {"deal.attributes.note": {"native": "Description", "direction": "both"}}
OPTIONAL = {"deal.attributes.note": {"native": "Description", "direction": "both", "optional": True}}


@pytest.fixture
def desk(any_world: World) -> Desk:
    """The actors of a portal at rest."""
    desk = Desk(any_world)
    desk.later(2000)
    desk.later(2000)
    return desk


def asleep(world: World) -> dict[str, float]:
    """Record type → for how many seconds it rests from now on."""
    with world.store.reading("acme") as tx:
        return {name: (pause.until_at - world.clock()).total_seconds() for name, pause in resting(tx).items()}


def told(world: World) -> list[tuple[str, str]]:
    return sorted((row.failure.object, row.failure.kind) for row in world.failures("schema_changed"))


def problem(world: World) -> FailureRow:
    (row,) = world.failures("schema_changed")
    return row


def pulled(desk: Desk) -> list[str]:
    """The record types whose pull goes through now."""
    desk.world.forward(301)
    return [name for name in READS if desk.attempt(Work.PULL, name)]


def hide(world: World, field: tuple[str, str], *, shown: bool = False) -> None:
    world.remote.hide_field(*field, hidden=not shown)


@pytest.mark.parametrize(("field", "record"), [(AMOUNT, "lead"), (STATUS, "company"), (("Lead", "Portal_Deal_Key__c"), "lead")], ids=str)
def test_a_hidden_field_rests_its_record_type_alone(desk: Desk, field: tuple[str, str], record: str) -> None:
    # Given a portal at work, and a field that a person hides
    world = desk.world
    hide(world, field)
    # when everything is polled, then the others are read; and the type rests, longer each time
    others = [name for name in READS if name != record]
    rests = []
    for _ in range(5):
        assert pulled(desk) == others
        rests.append(asleep(world)[record])
        assert desk.standing().paused_until_at is None, "the portal does not rest"
        assert FollowUp(Work.PULL, record) not in desk.due()
        world.forward(rests[-1] - 300)
    assert [round(rest, -2) for rest in rests] == [300, 600, 1200, 2400, 3600]
    # and one problem names the field, what rests and what to do
    assert told(world) == [(record, "problem")]
    assert ".".join(field) in problem(world).failure.message
    assert f"Only records of type {record} rest" in problem(world).failure.message
    # when it is shown again, then the type goes on by itself
    hide(world, field, shown=True)
    world.forward(3600)
    assert pulled(desk) == list(READS)
    assert (asleep(world), told(world)) == ({}, [])


def test_a_record_type_that_is_hidden_as_a_whole_rests_alone(desk: Desk) -> None:
    world = desk.world
    for call in ("describe", "query", "query_all"):
        world.remote.fault(call, object_name="Lead", times=999, error_code="NOT_FOUND", status=404)
    assert pulled(desk) == ["company", "opportunity"]
    assert told(world) == [("lead", "problem")]
    world.remote.clear_faults()
    world.forward(301)
    assert pulled(desk) == list(READS)


def test_what_is_owed_waits_with_its_record_type_and_the_others_are_written(desk: Desk) -> None:
    # Given an edited lead, a lead to be made, and an edited opportunity
    world = desk.world
    lead = world.registered()
    sold = converted(world, desk)
    desk.later(2000)
    world.change(lead.id, licence_count="26")
    world.change(sold, licence_count="31")
    new = world.submitted(name="second")
    # when the push is the first to meet a hidden field of leads
    hide(world, AMOUNT)
    desk.attempt(Work.PUSH)
    # then the opportunity is written, and nothing of leads is parked: it waits with the type
    assert world.record_of(sold)["Portal_Licences__c"] == 31
    assert world.record_of(lead.id)["Portal_Licences__c"] == 25
    assert {(row.record_id, row.state) for row in world.outbox()} == {(lead.id, "ready"), (new.id, "ready")}
    assert {round((row.due_at - world.clock()).total_seconds()) for row in world.outbox()} == {300}
    assert told(world) == [("lead", "problem")]
    # and the wait doubles, however many push
    world.forward(300)
    desk.attempt(Work.PUSH)
    desk.attempt(Work.PUSH)
    assert asleep(world) == {"lead": 600}
    # when it is shown again, then both are written by themselves
    hide(world, AMOUNT, shown=True)
    desk.later(601)
    assert world.outbox() == []
    assert world.record_of(lead.id)["Portal_Licences__c"] == 26
    assert len(world.records_of(new.id)) == 1
    assert told(world) == []


def converted(world: World, desk: Desk) -> str:
    """A deal that lives in an opportunity by now."""
    deal = world.registered(name="sold")
    world.remote.convert_lead(world.link(deal.id).crm_id)
    desk.later(301)
    desk.later(301)
    assert world.link(deal.id).object == "opportunity"
    return deal.id


@pytest.mark.parametrize("reads_first", [True, False])
def test_a_create_that_meets_a_hidden_field_waits_with_its_type(desk: Desk, reads_first: bool) -> None:
    world = desk.world
    hide(world, AMOUNT)
    if reads_first:
        desk.attempt(Work.PULL, "lead")
    deal = world.submitted()
    desk.attempt(Work.PUSH)
    assert [(row.record_id, row.state) for row in world.outbox()] == [(deal.id, "ready")]
    assert world.failures(record=deal.id) == []
    hide(world, AMOUNT, shown=True)
    desk.later(301)
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []


def test_a_create_that_meets_a_hidden_attribute_is_written_without_it(desk: Desk) -> None:
    # Given a deal with a note, and a field that is hidden since the last poll
    world = desk.world
    world.configure(overrides=NOTE)
    desk.later(301)
    hide(world, ("Lead", "Description"))
    deal = world.submitted(note="call back")
    # when the create is the first to meet it
    desk.attempt(Work.PUSH)
    # then the record is made without it, nothing is parked, and the attribute rests
    assert world.record_of(deal.id)["Description"] is None
    assert world.outbox() == []
    assert [row.failure.field for row in world.failures("attribute_rests")] == ["note"]
    # and once it is shown again, the note is written
    hide(world, ("Lead", "Description"), shown=True)
    desk.later(601)
    desk.later(301)
    assert world.record_of(deal.id)["Description"] == "call back"
    assert world.deal(deal.id).values["note"] == "call back"


def test_an_uncertain_write_stays_uncertain_while_its_type_rests(desk: Desk) -> None:
    # Given a create whose answer was lost, and a field that is hidden then
    world = desk.world
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    for call in ("query", "query_all", "retrieve"):
        world.remote.fault(call, object_name="Lead", status=503, times=99)
    desk.attempt(Work.PUSH)
    world.remote.clear_faults()
    hide(world, AMOUNT)
    world.forward(60)
    desk.attempt(Work.PUSH)
    # then it is still uncertain, and not made twice
    assert [row.state for row in world.outbox()] == ["uncertain"]
    assert asleep(world) == {"lead": 300}
    hide(world, AMOUNT, shown=True)
    desk.later(301)
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []


def test_portal_ids_wait_with_companies(desk: Desk) -> None:
    world = desk.world
    key = ("Account", "Portal_Company_Id__c")
    world.remote.create("Account", {"Name": "New Ltd", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"})
    desk.world.forward(301)
    with_new = desk.attempt(Work.PULL, "company")
    assert with_new
    hide(world, key)
    desk.attempt(Work.PUSH)
    assert [row.failure.code for row in world.failures() if row.failure.stage == "push"] == []
    hide(world, key, shown=True)
    desk.later(700)
    assert world.remote.named("Account", "New Ltd")["Portal_Company_Id__c"]


def test_a_comparison_leaves_out_what_cannot_be_read(desk: Desk) -> None:
    world = desk.world
    world.registered()
    hide(world, AMOUNT)
    found = compare(world.tenant)
    assert (found.left_out, found.differences) == (["lead"], [])
    assert found.census_count > 0


def test_a_person_who_corrects_it_lets_the_type_go_on_at_once(desk: Desk) -> None:
    world = desk.world
    hide(world, AMOUNT)
    deal = world.submitted()
    desk.attempt(Work.PUSH)
    assert world.outbox()[0].due_at > world.clock()
    wake_fit(world.tenant)
    assert asleep(world), "nothing was corrected yet"
    hide(world, AMOUNT, shown=True)
    wake_fit(world.tenant)
    assert (asleep(world), told(world)) == ({}, [])
    desk.later(1)
    assert len(world.records_of(deal.id)) == 1


def test_a_restart_tries_again_at_once(desk: Desk) -> None:
    world = desk.world
    hide(world, AMOUNT)
    desk.attempt(Work.PULL, "lead")
    assert asleep(world)
    try_again(world.store, "acme")
    assert asleep(world) == {}
    assert told(world) == [("lead", "problem")]


def test_a_foreground_pull_names_the_type_and_leaves_the_others_alone(world: World) -> None:
    hide(world, AMOUNT)
    with pytest.raises(SchemaChanged, match=r"Lead\.Portal_Amount__c") as caught:
        world.pull("lead")
    assert caught.value.record == "lead"
    world.pull("company", "opportunity")


def ordered(world: World) -> list[tuple[str, str]]:
    with world.store.reading("acme") as tx:
        return [(one.object, one.field) for one in backfills.unfinished(tx)]


def test_an_optional_field_is_read_for_all_once_it_is_shown_again(desk: Desk) -> None:
    # Given an optional field that both sides hold
    world = desk.world
    world.configure(overrides=OPTIONAL)
    deal = world.registered(note="call back")
    desk.later(301)
    # when it is hidden, then nothing rests and nothing is said
    hide(world, ("Lead", "Description"))
    assert pulled(desk) == list(READS)
    assert (asleep(world), world.failures("attribute_rests"), ordered(world)) == ({}, [], [])
    # and when it is shown again, and was edited meanwhile, then the describe that shows it orders a backfill
    hide(world, ("Lead", "Description"), shown=True)
    world.edit(deal.id, Description="called back")
    hide(world, ("Lead", "Description"))
    assert pulled(desk) == list(READS)
    hide(world, ("Lead", "Description"), shown=True)
    world.forward(86_401)
    assert pulled(desk) == list(READS)
    assert ordered(world) == [("lead", "note")]
    desk.later(301)
    assert world.deal(deal.id).values["note"] == "called back"
    assert ordered(world) == []


def test_a_field_that_was_there_at_the_first_describe_needs_no_backfill(empty_world: World) -> None:
    empty_world.configure(overrides=OPTIONAL)
    empty_world.pull()
    empty_world.tenant.described.forget()
    empty_world.pull()
    assert ordered(empty_world) == []


def test_status_shows_the_type_with_its_reason_and_needs_a_person(desk: Desk) -> None:
    hide(desk.world, AMOUNT)
    desk.attempt(Work.PULL, "lead")
    (standing,) = status(desk.world.store, Release("1.0", "abc"), [(desk.world.tenant, desk.budget("acme"))]).portals
    (rest,) = standing.rests
    assert (rest.what, "Lead.Portal_Amount__c" in rest.why) == ("lead", True)
    (need,) = [need for need in needs_of_portal(standing, desk.world.clock()) if "rests" in need.what]
    assert "lead rests alone, next try in 5 min" in need.what
    assert "sync-worker check acme" in need.do
