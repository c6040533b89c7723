"""Portal ids that are written in several calls at once: what ends them, what an error leaves, and which companies wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select

from sync_worker.crm.faults import RecordLocked
from sync_worker.crm.port import RecordWrite, WriteOutcome, Wrote
from sync_worker.errors import AuthFailed, CallRefused, ConnectionDown, RateLimited, Stopped, StoreDown, SyncError, TransientError
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.push import patch_back, patch_several
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Run
from sync_worker.store.core.tables import companies
from sync_worker.store.sync import patch_backs
from tests.integration.steps.world import World
from tests.patience import HANG_S, until
from tests.stand_in import StandIn

AT_ONCE, BATCH = 3, 2
PLACES = ("first", "second", "third")
Answer = Callable[[int, Sequence[RecordWrite]], None]


class Killed(BaseException):
    """kill -9."""


class Listener(StandIn):
    """A CRM that takes so many calls at once. `calls_of`: the records of each call; `threads`: that made one."""

    def __init__(self, world: World, hear: Answer, at_once: int) -> None:
        super().__init__(world.tenant.crm)
        self.parallel_calls = at_once
        self.is_trusted = True
        self.calls_of: list[list[str]] = []
        self.threads = set[int]()
        self._hear = hear

    def _called(self, changes: Sequence[RecordWrite]) -> list[str]:
        """The records of a call that this thread makes."""
        refs = [change.ref for change in changes]
        self.calls_of.append(refs)
        self.threads.add(threading.get_ident())
        return refs


@contextmanager
def listening(world: World, crm: Listener, place: ModuleType, name: str, noted: Callable[..., Any]) -> Iterator[None]:
    """The portal's CRM is this one, and what is chosen to be written is noted where it is chosen."""
    real = world.tenant.crm
    world.tenant.crm = crm
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, noted)
        try:
            yield
        finally:
            world.tenant.crm = real


class Watched(Listener):
    """Every portal id is taken, once the test has heard of the call: `hear(n, changes)`, in the thread of the n-th claim."""

    def __init__(self, world: World, hear: Answer, at_once: int = AT_ONCE) -> None:
        super().__init__(world, hear, at_once)
        self.claims: list[list[str]] = []
        self.error: SyncError | None = None  # of every company

    def write(self, native: str, key: str, changes: Sequence[RecordWrite], **more: Any) -> Iterator[Any]:
        if native != "Account":
            self.calls_of.append([native])
            yield from self._crm.write(native, key, changes, **more)
            return
        refs = self._called(changes)
        self._hear(self.claims.index(refs) if refs in self.claims else -1, changes)
        yield [WriteOutcome(one.ref, Wrote.LATER if self.error else Wrote.WRITTEN, one.crm_id, self.error) for one in changes]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_back, "BATCH_COUNT", BATCH)


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("beside", "keeper"))]


@pytest.fixture
def unpatched(world: World) -> World:
    """All companies are loaded, and all their ids are still to be written."""
    with world.store.transaction("acme") as tx:
        tx.connection.execute(companies.update().where(companies.c.portal_id_written_at.is_not(None)).values(portal_id_written_at=None))
    return world


@contextmanager
def watched(world: World, hear: Answer, *, at_once: int = AT_ONCE) -> Iterator[Watched]:
    """The portal's CRM so, and its claims in their order."""
    claimed, crm = patch_back.claimed, Watched(world, hear, at_once)

    def noted(*given: Any, **named: Any) -> Any:
        if claim := claimed(*given, **named):
            crm.claims.append([row.company_id for row in claim.rows])
        return claim

    with listening(world, crm, patch_several, "claimed", noted):
        yield crm


def tries(world: World) -> dict[str, int]:
    """Our id → how often it was tried, of the companies that lack it."""
    with world.store.reading("acme") as tx:
        query = select(companies.c.id, companies.c.patch_tries).where(patch_backs.TO_PATCH)
        return {company_id: count for company_id, count in tx.connection.execute(query)}


def is_free(world: World, ids: Sequence[str]) -> bool:
    """Whether no claim stands in these companies."""
    with world.store.reading("acme") as tx:
        query = select(companies.c.id).where(companies.c.id.in_(ids), companies.c.patch_token.is_not(None))
        return tx.connection.execute(query).first() is None


def is_due(world: World) -> bool:
    with world.store.reading("acme") as tx:
        return patch_backs.is_due(tx)


def last_run(world: World) -> Run:
    with world.store.reading("acme") as tx:
        return runs.listed(tx, limit=1)[0]


class Meeting:
    """The first three calls wait for each other; then each does what the test says of its claim."""

    def __init__(self, **acts: Callable[[], object]) -> None:
        self._together = threading.Barrier(AT_ONCE, timeout=HANG_S)
        self._acts = acts

    def __call__(self, number: int, _changes: Sequence[RecordWrite]) -> None:
        if 0 <= number < AT_ONCE:
            self._together.wait()
            if act := self._acts.get(PLACES[number]):
                act()


def others_after(event: threading.Event) -> dict[str, Callable[[], object]]:
    """The second and the third call are answered once that has happened."""
    return {place: lambda: event.wait(HANG_S) for place in PLACES[1:]}


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def test_several_calls_are_in_flight_and_one_thread_settles_them(unpatched: World) -> None:
    # Given calls of which the first three wait for each other
    owed = tries(unpatched).keys()
    with watched(unpatched, Meeting()) as crm:
        # When all ids are due, then they meet, and each is written once
        done = push(unpatched.tenant)
    assert len(crm.threads) == AT_ONCE
    assert sorted(ref for refs in crm.calls_of for ref in refs) == sorted(owed)
    assert (done.counts.written, last_run(unpatched).counts.written, last_run(unpatched).state) == (len(owed), len(owed), "done")
    assert not is_due(unpatched)


def test_with_one_call_at_a_time_this_thread_makes_the_same_calls_one_after_the_other(unpatched: World) -> None:
    count = len(tries(unpatched))
    with watched(unpatched, Meeting(), at_once=1) as crm:
        push(unpatched.tenant)
    assert crm.threads == {threading.get_ident()}
    assert [len(refs) for refs in crm.calls_of] == [*[BATCH] * (count // BATCH), *[1] * (count % BATCH)]


def test_a_token_that_the_crm_has_not_taken_yet_is_tried_by_one_call(unpatched: World) -> None:
    # Given a token that a person gave
    def refused(_number: int, _changes: Sequence[RecordWrite]) -> None:
        raise AuthFailed("the CRM refused the token")

    with watched(unpatched, refused) as crm:
        crm.is_trusted = False
        # When it is wrong, then it is refused once
        with pytest.raises(AuthFailed):
            push(unpatched.tenant)
    assert len(crm.calls_of) == 1

    # and when the CRM has taken it, then several calls are made at once
    def taken(_number: int, _changes: Sequence[RecordWrite]) -> None:
        crm.is_trusted = True

    with watched(unpatched, taken) as crm:
        crm.is_trusted = False
        push(unpatched.tenant)
    assert (threading.get_ident() in crm.threads, len(crm.threads) > 1) == (True, True)
    assert not tries(unpatched)


@pytest.mark.parametrize("error", [AuthFailed("refused"), ConnectionDown("down"), RateLimited("too many", retry_after_s=9, scope="burst")])
def test_an_error_ends_the_work_once_what_is_in_flight_is_settled_and_the_earliest_is_raised(unpatched: World, error: Any) -> None:
    # Given three calls in flight: the third one fails, then the second, and then the first is answered
    third_failed = threading.Event()

    def second() -> None:
        third_failed.wait(HANG_S)
        raise error

    def third() -> None:
        third_failed.set()
        raise TransientError("the third one")

    before = tries(unpatched)
    with watched(unpatched, Meeting(first=lambda: until(lambda: is_free(unpatched, crm.claims[1])), second=second, third=third)) as crm:
        with pytest.raises(type(error)):
            push(unpatched.tenant)
    # Then no other call was made, the first one's companies are written, and those of the refused call are free at once
    assert len(crm.calls_of) == AT_ONCE
    assert before.keys() - tries(unpatched).keys() == set(crm.claims[0])
    assert (last_run(unpatched).state, last_run(unpatched).counts.written) == ("failed", BATCH)
    assert not is_free(unpatched, crm.claims[2])


def test_what_a_killed_worker_had_in_flight_is_written_by_another_after_half_a_minute(unpatched: World) -> None:
    # Given a worker that dies with three calls in flight
    with watched(unpatched, Meeting(second=raising(Killed()))) as crm, pytest.raises(Killed):
        push(unpatched.tenant)
    # When another one comes before the claims have ended, then it leaves them alone
    other = unpatched.process()
    push(other)
    left = tries(unpatched).keys()
    assert set(crm.claims[1]) <= left <= {ref for claim in crm.claims for ref in claim}
    # When they have ended, then it writes them
    unpatched.forward(31)
    push(other)
    assert not tries(unpatched)


def test_a_stop_begins_nothing_new_and_waits_for_what_is_in_flight(unpatched: World) -> None:
    stopped = threading.Event()
    unpatched.tenant.services = replace(unpatched.services, is_stopping=stopped.is_set)
    with watched(unpatched, Meeting(first=stopped.set, **others_after(stopped))) as crm, pytest.raises(Stopped):
        push(unpatched.tenant)
    assert len(crm.calls_of) == AT_ONCE
    assert (last_run(unpatched).state, last_run(unpatched).counts.written) == ("stopped", AT_ONCE * BATCH)


def test_a_turn_that_is_over_begins_nothing_new(unpatched: World) -> None:
    is_over = threading.Event()

    def time_passes() -> None:
        unpatched.clock.forward(seconds=6)
        is_over.set()

    with watched(unpatched, Meeting(first=time_passes, **others_after(is_over))) as crm, unpatched.tenant.turn.lasting(5):
        done = push(unpatched.tenant)
    assert len(crm.calls_of) == AT_ONCE
    assert (done.counts.written, list(done.follow_ups)) == (AT_ONCE * BATCH, [FollowUp(Work.PUSH)])


def test_a_deal_does_not_wait_for_the_portal_ids_that_are_left(unpatched: World) -> None:
    # Given a deal that is submitted while three calls are in flight
    is_submitted = threading.Event()

    def submit() -> None:
        unpatched.submitted()
        is_submitted.set()

    with watched(unpatched, Meeting(first=submit, **others_after(is_submitted))) as crm:
        push(unpatched.tenant)
    # Then it is written next, and the other ids after it
    assert [refs == ["Lead"] for refs in crm.calls_of[:5]] == [False, False, False, True, False]
    assert not is_due(unpatched)


def test_a_database_that_is_down_for_one_answer_ends_the_work_and_the_others_are_settled(
    unpatched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_down, settled = threading.Event(), patch_back._settled

    def down_once(tenant: Any, claim: Any, *more: Any) -> Any:
        if was_down.is_set():
            return settled(tenant, claim, *more)
        was_down.set()
        raise StoreDown("the database is away")

    monkeypatch.setattr(patch_back, "_settled", down_once)
    with watched(unpatched, Meeting(**others_after(was_down))) as crm, pytest.raises(StoreDown):
        push(unpatched.tenant)
    assert last_run(unpatched).counts.written == 2 * BATCH
    assert set(crm.claims[0]) <= tries(unpatched).keys()


def test_companies_that_were_tried_before_are_in_one_call_at_a_time(unpatched: World) -> None:
    # Given companies whose records were locked once, the oldest of all
    with watched(unpatched, lambda *_: None) as crm:
        crm.error = RecordLocked("the record is locked")
        push(unpatched.tenant)
    unpatched.forward(5)
    tried = {ref for ref, count in tries(unpatched).items() if count}
    assert len(tried) == AT_ONCE * BATCH
    # When all are due, and a call with such companies stays in flight until all others are written
    together: list[int] = []
    in_flight: set[int] = set()

    def hear(_number: int, changes: Sequence[RecordWrite]) -> None:
        if tried.isdisjoint(change.ref for change in changes):
            return
        in_flight.add(threading.get_ident())
        together.append(len(in_flight))
        until(lambda: not tries(unpatched).keys() - tried or len(in_flight) > 1, every_s=0.005)
        in_flight.discard(threading.get_ident())

    with watched(unpatched, hear):
        push(unpatched.tenant)
    # Then no two such calls were in flight at once, and everything is written
    assert set(together) == {1}
    assert not tries(unpatched)


def test_companies_of_a_call_that_was_refused_for_a_lock_rest_and_are_never_left_to_a_person(unpatched: World) -> None:
    def locked(_number: int, _changes: Sequence[RecordWrite]) -> None:
        raise CallRefused("423") from RecordLocked("423")

    with watched(unpatched, locked) as crm:
        for _ in range(12):
            before = len(crm.calls_of)
            with pytest.raises(CallRefused):
                push(unpatched.tenant)
            assert {count for ref, count in tries(unpatched).items() if ref in {ref for refs in crm.calls_of[before:] for ref in refs}} == {
                1
            }
            unpatched.forward(3)
    assert {len(refs) for refs in crm.calls_of} <= {BATCH, 1}
    assert not [row for row in unpatched.failures() if row.failure.object == COMPANY and row.failure.stage == "push"]
    # and when it is over, then all are written
    unpatched.forward(3)
    with watched(unpatched, lambda *_: None):
        push(unpatched.tenant)
    assert not tries(unpatched)
