"""A write of ours that the CRM commits after we gave it up is told from an edit by a person, and the portal's newer value stands again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sync_worker.crm.port import Witness, WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.sync.push.late_write import COMMIT_LATE, Send
from sync_worker.steps.sync.push.late_writes import CALL, READ_WITHIN
from sync_worker.steps.sync.push.push import has_work, push
from sync_worker.store.sync import unlearned
from tests.integration.steps.world import World

FIELD = "Portal_Licences__c"  # of licence_count, for which the portal wins conflicts; for amount the newest edit does


def sent_late(world: World, deal: Deal, *, late_s: float = 100, **written: str) -> None:
    """These values are sent and not answered, are not there when they are looked for, are sent again, and are committed that much later."""
    world.change(deal.id, **written)
    world.remote.fault("collections_write", object_name="Lead", when="late", late_s=late_s, drop_connection=True)
    world.push()
    assert world.outbox() == []


def kept(world: World) -> list[Send]:
    with world.store.reading("acme") as tx:
        return [send for row in unlearned.of(tx, "deal", [deal.id for deal in world.deals()]).values() for send in row]


def worked_off(world: World) -> None:
    """Whatever is due is done, as the schedule would."""
    while has_work(world.tenant):
        world.push()


def late_writes(world: World, deal: Deal) -> list[str]:
    return sorted(row.failure.field for row in world.failures("late_write_undone", deal.id))


def test_a_late_write_is_undone_and_both_values_are_told(world: World) -> None:
    # Given a value that was written, another one that replaced it, and the first one's lost call, which is committed after both
    deal = world.registered()
    sent_late(world, deal, licence_count="5", name="Old name")
    world.change(deal.id, licence_count="6")
    world.push()
    world.forward(101)
    assert world.record_of(deal.id)[FIELD] == 5
    # When the record is read
    world.pull("lead")
    worked_off(world)
    # Then the newer value stands on both sides
    assert world.record_of(deal.id)[FIELD] == 6
    assert world.deal(deal.id).values["licence_count"] == 6
    # and a person reads of it, with both values, until it is discarded; the deal's history has it, too
    [row] = world.failures("late_write_undone")
    assert (row.failure.kind, row.failure.record, row.failure.field) == ("problem", deal.id, "licence_count")
    assert "back to 5" in row.failure.message
    assert "newer 6" in row.failure.message
    world.change(deal.id, name="Another")
    world.push()
    assert late_writes(world, deal) == ["licence_count"]
    assert world.conflicts(deal.id) == [("licence_count", "late_write_undone", "portal")]
    # and it is recognized once
    assert [send.sent.keys() for send in kept(world)] == []


def test_a_late_write_is_found_without_a_poll(world: World) -> None:
    deal = world.registered()
    sent_late(world, deal, late_s=CALL.total_seconds() - 1, licence_count="5")
    world.change(deal.id, licence_count="6")
    world.push()
    world.forward(CALL.total_seconds() + 1)
    worked_off(world)
    assert world.record_of(deal.id)[FIELD] == 6
    assert late_writes(world, deal) == ["licence_count"]


def test_a_late_write_is_found_when_its_time_is_over(world: World) -> None:
    deal = world.registered()
    sent_late(world, deal, late_s=(CALL + COMMIT_LATE).total_seconds() - 1, licence_count="5")
    world.change(deal.id, licence_count="6")
    world.push()
    for _ in range(2):
        world.forward((CALL + COMMIT_LATE).total_seconds())
        worked_off(world)
    assert world.record_of(deal.id)[FIELD] == 6
    assert late_writes(world, deal) == ["licence_count"]


def test_what_is_kept_is_forgotten_when_its_time_is_over(world: World) -> None:
    # Given a send that never arrives
    deal = world.registered()
    world.change(deal.id, licence_count="5")
    world.remote.fault("collections_write", object_name="Lead", drop_connection=True)
    world.push()
    assert len(kept(world)) == 1
    # When its time is over, and its last look was read
    for wait in (CALL, COMMIT_LATE, READ_WITHIN):
        world.forward(wait.total_seconds() + 1)
        worked_off(world)
    # Then nothing is kept, and nothing is due
    assert kept(world) == []
    assert not has_work(world.tenant)


def test_a_late_write_before_the_newer_value_was_written_is_no_conflict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an update that is committed late, and an edit in the portal before it is sent again
    deal = world.registered()
    world.change(deal.id, name="Old", licence_count="5")
    world.remote.fault("collections_write", object_name="Lead", when="late", late_s=5, drop_connection=True)
    with monkeypatch.context() as patch:
        patch.setattr("sync_worker.steps.sync.push.read_back.unanswered_wait_s", lambda *_: 20.0)
        push(world.tenant)
    world.change(deal.id, name="New")
    # When the late one stands there, and the newer value is pushed
    world.forward(21)
    world.push()
    # Then it stands on both sides, though the CRM wins conflicts of the name; nothing was undone
    assert world.record_of(deal.id)["Portal_Deal_Name__c"] == "New"
    assert world.deal(deal.id).values["name"] == "New"
    assert (world.conflicts(deal.id), late_writes(world, deal)) == ([], [])


def test_a_person_who_enters_the_old_value_is_heard(world: World) -> None:
    # Given a send whose outcome was never learned, and a person who enters the very same values afterwards
    deal = world.registered()
    world.change(deal.id, name="Old")
    world.remote.fault("collections_write", object_name="Lead", drop_connection=True)
    world.push()
    world.change(deal.id, name="New")
    world.push()
    world.forward(60)
    world.edit(deal.id, Portal_Deal_Name__c="Old")
    # When it is read, then it is an edit, for Salesforce says who made it
    world.pull("lead")
    assert world.deal(deal.id).values["name"] == "Old"
    assert late_writes(world, deal) == []


def test_a_late_write_that_a_person_has_edited_since_is_an_edit(world: World) -> None:
    # Given a late write of two fields, of which a person corrects one before it is read
    deal = world.registered()
    sent_late(world, deal, name="Old", licence_count="5")
    world.change(deal.id, name="New")
    world.push()
    world.forward(101)
    world.edit(deal.id, Portal_Licences__c=9)
    # When it is read, then the record says what it says
    world.pull("lead")
    assert world.deal(deal.id).values["name"] == "Old"
    assert late_writes(world, deal) == []


def test_what_comes_after_its_time_is_an_edit(world: World) -> None:
    deal = world.registered()
    sent_late(world, deal, late_s=(CALL + COMMIT_LATE).total_seconds() + 60, name="Old")
    world.change(deal.id, name="New")
    world.push()
    world.forward((CALL + COMMIT_LATE).total_seconds() + 61)
    world.pull("lead")
    worked_off(world)
    assert world.deal(deal.id).values["name"] == "Old"
    assert late_writes(world, deal) == []


def test_a_worker_stopped_before_its_send_does_not_bring_back_the_old_value(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a worker that is stopped for an hour between its last look at the deadline and its send
    deal = world.registered()
    world.change(deal.id, licence_count="5")
    other, write = world.process(), SalesforceCrm.write

    def stopped(self: SalesforceCrm, *args: Any, witness: Witness, **words: Any) -> Iterator[list[WriteOutcome]]:
        def sleeps(refs: Any) -> None:
            witness.before_send(refs)
            monkeypatch.undo()
            world.forward(40)
            push(other)
            world.change(deal.id, licence_count="6")
            push(other)
            world.forward(3600)
            words["time_left_s"] = lambda: 20.0

        yield from write(self, *args, witness=Witness(sleeps), time_left_s=lambda: 20.0)

    monkeypatch.setattr(SalesforceCrm, "write", stopped)
    # When it wakes and sends, long after another worker has written a newer value
    world.push()
    worked_off(world)
    # Then the newer value stands again, and both are told
    assert world.record_of(deal.id)[FIELD] == 6
    assert world.deal(deal.id).values["licence_count"] == 6
    assert late_writes(world, deal) == ["licence_count"]


def test_a_worker_whose_machine_slept_past_its_claim_sends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a worker whose machine sleeps before the send, so that its own clock of durations does not count the time
    deal = world.registered()
    world.change(deal.id, licence_count="5")
    other, write = world.process(), SalesforceCrm.write

    def sleeps(self: SalesforceCrm, *args: Any, witness: Witness, **words: Any) -> Iterator[list[WriteOutcome]]:
        def asks(refs: Any) -> None:
            monkeypatch.undo()
            world.forward(40)
            push(other)
            world.change(deal.id, licence_count="6")
            push(other)
            witness.before_send(refs)

        yield from write(self, *args, witness=Witness(asks), time_left_s=lambda: 20.0)

    monkeypatch.setattr(SalesforceCrm, "write", sleeps)
    # When it wakes, after another worker has taken over its claim and has written a newer value
    push(world.tenant)
    # Then it sends nothing: the newer value stands, and no late write is to be undone
    assert world.record_of(deal.id)[FIELD] == 6
    worked_off(world)
    assert world.deal(deal.id).values["licence_count"] == 6
    assert late_writes(world, deal) == []


def test_a_late_create_is_one_record_with_the_newer_values(world: World) -> None:
    # Given a create whose call is lost, the second one that is written, and an edit
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", when="late", late_s=100, drop_connection=True)
    world.push()
    world.change(deal.id, licence_count="6")
    world.push()
    # When the first one is committed, by the same key
    world.forward(CALL.total_seconds() + 1)
    worked_off(world)
    # Then there is one record, and it has the newer value
    [record] = world.records_of(deal.id)
    assert (record[FIELD], record["Id"]) == (6, world.link(deal.id).crm_id)
    assert late_writes(world, deal) == ["licence_count"]


def test_a_late_create_of_a_deal_that_is_not_sent_again_is_found_by_its_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a create whose call is lost, and a deal that the CRM then refuses
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", when="late", late_s=100, drop_connection=True)
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", times=9)
    world.push()
    assert [row.state for row in world.outbox()] == ["parked"]
    # When the call is committed after all, and the deal was looked for by its key
    world.remote.clear_faults()
    world.forward(CALL.total_seconds() + 1)
    worked_off(world)
    # Then the deal has its record
    [record] = world.records_of(deal.id)
    assert world.link(deal.id).crm_id == record["Id"]


def test_a_write_may_be_answered_long_after_its_claim_would_have_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a call that is begun with six seconds of the claim left
    timeouts: list[Any] = []
    restful = "sync_worker.crm.salesforce.connection.session.Client.restful"
    from sync_worker.crm.salesforce.connection.session import Client

    real = Client.restful

    def noting(self: Client, path: str, *args: Any, **words: Any) -> Any:
        if path.startswith("composite/sobjects/Lead"):
            timeouts.append(words["timeout"])
        return real(self, path, *args, **words)

    monkeypatch.setattr(restful, noting)
    monkeypatch.setattr("sync_worker.steps.core.claim.Claim.time_left_s", lambda _: 6.0)
    world.registered()
    # Then its answer may take two minutes, and only the connection is held to what is left
    assert timeouts == [(5.0, 115.0)]
