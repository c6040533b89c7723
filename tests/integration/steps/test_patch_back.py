"""What becomes of portal ids that the CRM refuses, does not take now, or never answers; and of the claim on their companies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite, WriteOutcome, Wrote
from sync_worker.errors import ConnectionDown, RateLimited, SyncError, TransientError, UncertainWrite, WriteRejected, WritesRest
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.push import patch_back
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.sync import patch_backs
from tests.integration.steps.world import World
from tests.patience import HANG_S
from tests.stand_in import StandIn

CEDAR = "Cedar IT"
Answers = Callable[[RecordWrite], WriteOutcome]


class Scripted(StandIn):
    """The CRM's connection, but for writes: each change is answered as the test says."""

    def __init__(self, crm: Any, answer: Answers) -> None:
        super().__init__(crm)
        self._answer = answer
        self.calls_of: list[list[str]] = []
        self.time_left_s = 0.0

    def write(
        self, _native: str, _key: str, changes: Sequence[RecordWrite], *, time_left_s: Callable[[], float], **_: Any
    ) -> Iterator[Any]:
        self.calls_of.append([change.ref for change in changes])
        self.time_left_s = time_left_s()
        yield [self._answer(change) for change in changes]


class SideBySide(Scripted):
    """The same, three calls at once: the first three wait until all of them are under way."""

    parallel_calls = 3

    def __init__(self, crm: Any, answer: Answers) -> None:
        super().__init__(crm, answer)
        self._all_under_way = threading.Barrier(3, timeout=HANG_S)
        self._left = [1, 1, 1]

    def write(self, *given: Any, **words: Any) -> Iterator[Any]:
        if self._left:
            self._left.pop()
            self._all_under_way.wait()
        yield from super().write(*given, **words)


@pytest.fixture
def unpatched(empty_world: World) -> World:
    """Companies were read, and their ids are still to be written: the CRM was down meanwhile."""
    empty_world.forward()
    empty_world.tenant.crm = scripted(empty_world, ConnectionDown("the CRM is down"))
    with pytest.raises(ConnectionDown):
        empty_world.pull(COMPANY)
    return empty_world


def scripted(world: World, error: SyncError, name: str = "", wrote: Wrote = Wrote.LATER) -> Any:
    """Writes of the company of this name end so, others are written; without a name the whole call fails."""
    cedar = world.company(name).id if name == CEDAR else ""

    def answer(change: RecordWrite) -> WriteOutcome:
        if not name:
            raise error
        return (
            WriteOutcome(change.ref, wrote, error=error) if change.ref == cedar else WriteOutcome(change.ref, Wrote.WRITTEN, change.crm_id)
        )

    return Scripted(getattr(world.tenant.crm, "_crm", world.tenant.crm), answer)


def is_due(world: World) -> bool:
    with world.store.reading("acme") as tx:
        return patch_backs.is_due(tx)


def push_failures(world: World) -> list[FailureRow]:
    return [row for row in world.failures() if row.failure.stage == "push"]


def test_one_that_the_crm_refuses_is_asked_for_once_and_is_a_failure(unpatched: World) -> None:
    # Given a CRM that refuses the id of one company
    world = unpatched
    world.tenant.crm = crm = scripted(world, WriteRejected("not this one", code="not_allowed"), CEDAR, Wrote.REJECTED)
    # When it is pushed, and again an hour later
    push(world.tenant)
    world.forward(3600)
    push(world.tenant)
    # Then the company was in one call, and a person is told
    cedar = world.company(CEDAR).id
    assert sum(cedar in refs for refs in crm.calls_of) == 1
    assert [(row.failure.record, row.failure.kind) for row in push_failures(world)] == [(cedar, "failure")]
    assert not is_due(world)


@pytest.mark.parametrize(
    ("wrote", "error"),
    [(Wrote.LATER, TransientError("the record is locked")), (Wrote.UNCERTAIN, UncertainWrite("no answer came"))],
    ids=["later", "unanswered"],
)
def test_one_that_is_never_written_goes_alone_from_the_third_call_on_and_is_left_to_a_person_after_ten(
    unpatched: World, wrote: Wrote, error: SyncError
) -> None:
    # Given a company whose record the CRM never takes
    world = unpatched
    world.tenant.crm = crm = scripted(world, error, CEDAR, wrote)
    cedar = world.company(CEDAR).id
    # When the worker comes back to it, whenever it is due
    for _ in range(200):
        push(world.tenant)
        world.forward(60)
    # Then it had ten calls, those after the second without any other company, and the others were written by the first
    mine = [refs for refs in crm.calls_of if cedar in refs]
    assert len(mine) == 10
    assert all(refs == [cedar] for refs in mine[2:])
    assert {ref for refs in crm.calls_of for ref in refs} == set(mine[0])
    assert [(row.failure.record, row.failure.kind) for row in push_failures(world)] == [(cedar, "failure")]
    assert not is_due(world)


@pytest.mark.parametrize("error", [ConnectionDown("the CRM is down"), RateLimited("too many calls", retry_after_s=1, scope="burst")])
def test_where_the_whole_call_fails_the_companies_are_free_at_once(unpatched: World, error: SyncError) -> None:
    world = unpatched
    world.tenant.crm = scripted(world, error)
    with pytest.raises(type(error)):
        push(world.tenant)
    assert is_due(world)


@pytest.mark.parametrize("error", [WritesRest("the org is in maintenance", code="crm_in_maintenance", rest_s=300), ConnectionDown("down")])
def test_what_says_nothing_of_the_company_is_no_try_of_it(unpatched: World, error: SyncError) -> None:
    # Given an org that takes no writes
    world = unpatched
    world.tenant.crm = crm = scripted(world, error, CEDAR, Wrote.LATER)
    # When hours pass, then its company is tried again and again, never alone, and is nobody's failure
    for _ in range(15):
        push(world.tenant)
        world.forward(301)
    assert len(crm.calls_of) == 15
    assert [row.failure.kind for row in push_failures(world)] in ([], ["problem"])
    # and when it is over, then it is written, and nothing is open
    world.tenant.crm = scripted(world, error, "no such company")
    push(world.tenant)
    assert push_failures(world) == []
    assert not is_due(world)


def test_a_write_may_last_no_longer_than_the_claim(unpatched: World) -> None:
    world = unpatched
    world.tenant.crm = crm = scripted(world, TransientError("locked"), CEDAR)
    push(world.tenant)
    assert crm.time_left_s == 30


def test_batches_are_sent_side_by_side_and_each_company_once(unpatched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given batches of two companies, and a CRM that takes three calls at once
    world = unpatched
    monkeypatch.setattr(patch_back, "BATCH_COUNT", 2)
    world.tenant.crm = crm = SideBySide(world.tenant.crm._crm, lambda change: WriteOutcome(change.ref, Wrote.WRITTEN, change.crm_id))  # type: ignore[attr-defined]
    # When they are pushed, then three calls were under way at once, each company was in one call, and none is left
    done = push(world.tenant)
    refs = [ref for refs in crm.calls_of for ref in refs]
    assert len(refs) == len(set(refs)) == done.counts.written > 6
    assert not is_due(world)


def test_where_one_of_several_calls_fails_what_the_others_wrote_stands(unpatched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given three calls at once, of which one finds the CRM down
    world = unpatched
    monkeypatch.setattr(patch_back, "BATCH_COUNT", 2)
    cedar = world.company(CEDAR).id

    def answer(change: RecordWrite) -> WriteOutcome:
        if change.ref == cedar:
            raise ConnectionDown("the CRM is down")
        return WriteOutcome(change.ref, Wrote.WRITTEN, change.crm_id)

    real = world.tenant.crm._crm  # type: ignore[attr-defined]
    world.tenant.crm = crm = SideBySide(real, answer)
    # When they are pushed, then the error is raised, and the companies of that call are free at once
    with pytest.raises(ConnectionDown):
        push(world.tenant)
    assert is_due(world)
    # and when the CRM is back, then only those that were not written are written
    first = {ref for refs in crm.calls_of if cedar not in refs for ref in refs}
    assert first
    again = Scripted(real, lambda change: WriteOutcome(change.ref, Wrote.WRITTEN, change.crm_id))
    world.tenant.crm = again  # type: ignore[assignment]
    push(world.tenant)
    assert first.isdisjoint(ref for refs in again.calls_of for ref in refs)
    assert cedar in {ref for refs in again.calls_of for ref in refs}
    assert not is_due(world)


def test_what_a_killed_worker_had_claimed_is_written_by_another_after_half_a_minute(unpatched: World) -> None:
    # Given a worker that dies in the middle of the call
    world = unpatched
    world.tenant.crm = scripted(world, KeyboardInterrupt())  # type: ignore[arg-type]  # as a kill: nothing in its way
    with pytest.raises(KeyboardInterrupt):
        push(world.tenant)
    # When another one comes before the claim has ended, then it leaves the companies alone
    other = world.process()
    push(other)
    assert world.remote.named("Account", CEDAR)["Portal_Company_Id__c"] is None
    # When the claim has ended, then it writes their ids
    world.forward(31)
    push(other)
    assert world.remote.named("Account", CEDAR)["Portal_Company_Id__c"] == world.company(CEDAR).id
