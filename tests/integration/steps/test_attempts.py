"""Two counters: what the CRM refused, and what it never answered. A worker that dies before it sends counts for neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite, WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.domain.sync.push.attempts import ALONE_FROM, MOST_REFUSED, MOST_UNANSWERED
from sync_worker.steps.core.keeper import CLAIM_S
from sync_worker.steps.operate.replay import replay
from sync_worker.steps.sync.push.push import has_work, push
from tests.integration.steps.world import World

SCHEDULE_S = 5.0  # the schedule's beat: what is due is pushed that much later at most


class Killed(BaseException):
    """kill -9."""


def never_sent(*_args: Any, **_kwargs: Any) -> Iterator[list[WriteOutcome]]:
    """The worker dies before its call."""
    raise Killed


def never_arrived(self: SalesforceCrm, *args: Any, **words: Any) -> Iterator[list[WriteOutcome]]:
    """The worker dies in its call, which the CRM never gets."""
    refs = [change.ref for change in args[2]]
    words["witness"].before_send(refs)
    raise Killed


def killed(world: World, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Iterator[list[WriteOutcome]]] = never_arrived) -> None:
    """The next push dies in its write; another worker comes later."""
    with monkeypatch.context() as patch:
        patch.setattr(SalesforceCrm, "write", write)
        with pytest.raises(Killed):
            push(world.tenant)
    world.tenant = world.process()


def until_due(world: World, monkeypatch: pytest.MonkeyPatch, write: Callable[..., Iterator[list[WriteOutcome]]] = never_arrived) -> float:
    """Pushes as the schedule has them done, until one gets as far as a write, and dies in it. How long that took, in seconds."""
    for beat in range(1000):
        if has_work(world.tenant):
            try:
                with monkeypatch.context() as patch:
                    patch.setattr(SalesforceCrm, "write", write)
                    push(world.tenant)
            except Killed:
                world.tenant = world.process()
                return beat * SCHEDULE_S
        world.forward(SCHEDULE_S)
    raise AssertionError("the write is never taken up again")


def counted(world: World) -> list[tuple[str, int, int]]:
    return [(row.state, row.refused, row.unanswered) for row in world.outbox()]


def test_a_worker_killed_before_it_sends_counts_for_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deal = world.submitted()
    for _ in range(MOST_REFUSED + 2):
        killed(world, monkeypatch, never_sent)
        world.forward(CLAIM_S + 1)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.outbox() == []


def test_kills_do_not_park_a_write_that_the_crm_refused_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a write in whose call five workers died
    deal = world.submitted()
    for _ in range(5):
        until_due(world, monkeypatch)
    world.forward(CLAIM_S + 1)
    # When the CRM then refuses it once
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW")
    world.push()
    # Then it waits for its next try, as after any first refusal, and is written by it
    assert counted(world) == [("ready", 1, 5)]
    world.forward(5)
    world.push()
    assert len(world.records_of(deal.id)) == 1
    assert world.codes(deal.id) == set()


def test_after_every_kill_the_write_is_taken_up_within_35_s(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.submitted()
    until_due(world, monkeypatch)
    waits = [until_due(world, monkeypatch) for _ in range(MOST_UNANSWERED - 1)]
    assert max(waits) <= 35, waits


def test_a_write_refused_often_waits_longer_each_time(world: World) -> None:
    world.submitted()
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW", times=1000)
    waits = []
    for _ in range(MOST_REFUSED - 1):
        world.push()
        (row,) = world.outbox()
        waits.append((row.due_at - world.clock.now).total_seconds())
        world.forward(waits[-1])
    assert waits == sorted(waits)
    assert waits[-1] > 250


def test_a_write_without_answer_goes_alone_from_its_third_send_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a batch whose call is never answered
    deals = [world.submitted(name=f"Deal {number}") for number in range(3)]
    for _ in range(ALONE_FROM - 1):
        until_due(world, monkeypatch)
    assert counted(world) == [("claimed", 0, ALONE_FROM - 1)] * 3
    # When it is sent the third time
    sizes: list[int] = []
    write = SalesforceCrm.write

    def noting(
        self: SalesforceCrm, native: str, key_field: str, changes: Sequence[RecordWrite], **words: Any
    ) -> Iterator[list[WriteOutcome]]:
        if native == "Lead":
            sizes.append(len(changes))
        return write(self, native, key_field, changes, **words)

    world.forward(CLAIM_S + 1)
    world.submitted(name="Beside them")
    monkeypatch.setattr(SalesforceCrm, "write", noting)
    world.push()
    # Then each of them goes alone, and the write beside them is not among them
    assert sizes == [1, 1, 1, 1]
    assert [len(world.records_of(deal.id)) for deal in deals] == [1, 1, 1]
    assert world.outbox() == []


def test_a_poison_row_takes_no_other_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a deal that kills every worker that sends it, among others
    poison, *others = [world.submitted(name=f"Deal {number}") for number in range(4)]
    write = SalesforceCrm.write

    def kills(
        self: SalesforceCrm, native: str, key_field: str, changes: Sequence[RecordWrite], **words: Any
    ) -> Iterator[list[WriteOutcome]]:
        if poison.id in {change.ref for change in changes}:
            return never_arrived(self, native, key_field, changes, **words)
        return write(self, native, key_field, changes, **words)

    for _ in range(MOST_UNANSWERED):
        until_due(world, monkeypatch, kills)
    # When the tenth send is read back, then the deal is parked with its reason, and the others stand in the CRM
    world.forward(CLAIM_S + 1)
    monkeypatch.setattr(SalesforceCrm, "write", kills)
    world.push()
    assert [len(world.records_of(deal.id)) for deal in others] == [1, 1, 1]
    assert counted(world) == [("parked", 0, MOST_UNANSWERED)]
    (row,) = world.failures(record=poison.id)
    assert (row.failure.kind, row.failure.code) == ("failure", "outcome_never_learned")
    assert "10 times" in row.failure.message
    assert row.failure.payload is not None
    # and a person's replay begins anew
    monkeypatch.undo()
    world.settle(replay(world.tenant, [row]))
    assert len(world.records_of(poison.id)) == 1
    assert world.codes(poison.id) == set()


def test_replies_that_are_lost_after_the_commit_never_park(world: World) -> None:
    # Given a CRM that writes and whose replies are lost, every time
    deal = world.registered()
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True, times=1000)
    # When the deal is edited more often than a send may go without answer
    for number in range(MOST_UNANSWERED + 2):
        world.change(deal.id, amount=str(1000 + number))
        world.push()
        world.forward(CLAIM_S + 1)
        world.push()
    # Then every edit arrived, because each outcome was learned by reading
    assert world.record_of(deal.id)["Portal_Amount__c"] == 1000 + MOST_UNANSWERED + 1
    assert world.outbox() == []
    assert world.codes(deal.id) == set()


def test_the_next_edit_of_a_parked_write_begins_anew(world: World) -> None:
    # Given a write that was given up
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW", times=1000)
    for _ in range(MOST_REFUSED):
        world.push()
        world.forward(1000)
    assert [row.state for row in world.outbox()] == ["parked"]
    # When the deal is edited while the CRM still refuses it, then one refusal does not park it again
    world.change(deal.id, amount="9")
    world.push()
    assert counted(world) == [("ready", 1, 0)]


def test_waiting_for_the_connection_is_no_refusal(world: World) -> None:
    # Given an org whose daily allowance is used up, again and again
    deal = world.submitted()
    world.remote.fault("collections_write", object_name="Lead", status=403, error_code="REQUEST_LIMIT_EXCEEDED", times=MOST_REFUSED + 2)
    for _ in range(MOST_REFUSED + 2):
        with pytest.raises(Exception, match="REQUEST_LIMIT_EXCEEDED"):
            push(world.tenant)
        assert counted(world) == [("ready", 0, 0)]
        world.forward(10)
    world.push()
    assert len(world.records_of(deal.id)) == 1
