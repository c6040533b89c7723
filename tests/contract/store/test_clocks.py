"""Two processes whose clocks are minutes apart: claims, leases and whatever waits are judged by the clock that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from sync_worker.domain.deals.deal_edit import FieldChange
from sync_worker.domain.distributors.terms import Pair as PartnerPair
from sync_worker.domain.distributors.terms import Terms
from sync_worker.domain.tell.event import COMPANY, KINDS, By, Event
from sync_worker.store.core import cursors, feed, portals, runs
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import deals
from sync_worker.store.distributors import terms
from sync_worker.store.operate.due import standings
from sync_worker.store.people import answers
from sync_worker.store.people.answers import Ask
from sync_worker.store.sync import outbox
from sync_worker.store.tell import deliveries, mails
from sync_worker.store.tell.mails import OwedMail
from tests.servers import Clock

APART = [(-300, 300), (300, -300), (0, 45), (45, 0)]
CLAIM = timedelta(seconds=30)
TOKENS = map(str, count())  # a new one for each claimer


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes on one database. One works; the other one looks at what it left."""

    one: Store
    other: Store


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work. **Shapes** `make`: it becomes due. `is_due`: a process finds it. `take`: true = it is this process's now."""

    make: Callable[[Tx], object]
    is_due: Callable[[Tx], object]
    take: Callable[[Tx], object]


WORK = {
    "outbox": Work(
        lambda tx: outbox.owe(tx, "lead", ["d1"], "r1"),
        lambda tx: outbox.has_due(tx) and standings(tx)["acme"].owes,
        lambda tx: outbox.claim(tx, state="ready", limit=1, token=next(TOKENS), until_at=tx.shared_now + CLAIM),
    ),
    "mails": Work(
        lambda tx: mails.write(tx, [OwedMail("m1", "e1", "ann@example.com", "approval_waits")]),
        lambda tx: mails.has_due(tx) and standings(tx)["acme"].is_mail_due,
        lambda tx: mails.claim(tx, limit=1, token=next(TOKENS), until_at=tx.shared_now + CLAIM),
    ),
    "deliveries": Work(
        lambda tx: feed.tell(tx, [Event("company.changed", COMPANY, "c1", By("crm", "CRM", "r1"))]),
        lambda tx: deliveries.is_due(tx) and standings(tx)["acme"].is_feed_due and deliveries.due(tx, 1),
        lambda tx: deliveries.acquire(tx, next(TOKENS)),
    ),
    "cursors": Work(lambda _: None, lambda _: True, lambda tx: cursors.acquire(tx, "lead", next(TOKENS))),
    "answers": Work(lambda _: None, lambda _: True, lambda tx: answers.begin(tx, Ask("token", "key", "hash", next(TOKENS))) is None),
}


def _ahead(clock: Callable[[], datetime], seconds: float) -> Callable[[], datetime]:
    return lambda: clock() + timedelta(seconds=seconds)


@contextmanager
def _pair(url: str, clock: Callable[[], datetime], apart: tuple[int, int], shared_clock: Clock | None = None) -> Iterator[Pair]:
    events = {"acme": frozenset(KINDS)}
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(closing(Store(url, clock=_ahead(clock, ahead_s), shared_clock=shared_clock, events=events)))
            for ahead_s in apart
        )
        with one.side_transaction("acme") as tx:
            portals.enter(tx, "contracts")
        yield Pair(one, other)


@pytest.fixture(params=APART, ids=lambda apart: "{:+}s and {:+}s".format(*apart))
def on_server(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[Pair]:
    """Two processes on a PostgreSQL whose clock nobody has replaced; theirs are so far off it."""
    with _pair(postgresql_url, lambda: datetime.now(UTC), request.param) as found:
        yield found


@pytest.fixture(params=APART, ids=lambda apart: "{:+}s and {:+}s".format(*apart))
def by_hand(request: pytest.FixtureRequest, database_url: str, clock: Clock) -> Iterator[Pair]:
    """Two processes that share a clock which stands still until told to move; theirs are so far off it."""
    with _pair(database_url, clock, request.param, clock) as found:
        yield found


def _made_and_taken(store: Store, work: Work) -> None:
    with store.transaction("acme") as tx:
        work.make(tx)
    with store.side_transaction("acme") as tx:
        assert work.take(tx)


def _taken(store: Store, work: Work) -> bool:
    with store.side_transaction("acme") as tx:
        outbox.doubt_expired(tx)
        return bool(work.take(tx))


@pytest.mark.parametrize("noun", WORK)
def test_what_one_process_makes_due_the_other_one_finds_at_once(on_server: Pair, noun: str) -> None:
    with on_server.one.transaction("acme") as tx:
        WORK[noun].make(tx)
    with on_server.other.reading("acme") as tx:
        assert WORK[noun].is_due(tx)
    assert _taken(on_server.other, WORK[noun])


@pytest.mark.parametrize("noun", WORK)
def test_what_one_process_has_claimed_the_other_one_leaves_to_it(on_server: Pair, noun: str) -> None:
    _made_and_taken(on_server.one, WORK[noun])
    assert not _taken(on_server.other, WORK[noun])


@pytest.mark.parametrize("noun", WORK)
def test_a_claim_ends_when_its_time_is_over_by_the_shared_clock(by_hand: Pair, clock: Clock, noun: str) -> None:
    # Given work that was claimed by a process that is killed
    _made_and_taken(by_hand.one, WORK[noun])
    # When its time is almost over, then the work still waits
    clock.forward(seconds=29)
    assert not _taken(by_hand.other, WORK[noun])
    # When its time is over (the claim of a request's key is the longest), then another process goes on with it
    clock.forward(seconds=32)
    assert _taken(by_hand.other, WORK[noun])


def test_a_run_that_is_alive_is_not_taken_for_one_that_its_process_left(on_server: Pair) -> None:
    # Given a run that its process has just spoken of
    with on_server.one.side_transaction("acme") as tx:
        runs.start(tx, "r1", "pull", "company")
        runs.go_on(tx, "r1")
    # When another process looks for runs that were left
    with on_server.other.side_transaction("") as tx:
        assert not runs.is_any_left(tx)
        runs.close_left(tx)
    # Then it goes on, and ends no earlier than it began, whoever writes that down
    with on_server.other.side_transaction("acme") as tx:
        ended = runs.finish(tx, "r1")
    assert ended.finished_at
    assert ended.finished_at >= ended.started_at


def test_a_killed_run_is_closed_within_a_minute_of_the_shared_clock(by_hand: Pair, clock: Clock) -> None:
    with by_hand.one.side_transaction("acme") as tx:
        runs.start(tx, "r1", "pull", "company")
    clock.forward(seconds=61)
    with by_hand.other.side_transaction("") as tx:
        assert runs.is_any_left(tx)
        runs.close_left(tx)
        assert not runs.is_any_left(tx)


def test_a_transaction_has_one_shared_moment_and_the_next_one_a_later_one(on_server: Pair) -> None:
    with on_server.one.reading("acme") as tx:
        first = tx.shared_now
        assert tx.shared_now is first
        assert first.tzinfo is UTC
    with on_server.other.reading("acme") as tx:
        assert first < tx.shared_now < first + timedelta(seconds=60)


def test_a_deals_history_is_of_the_shared_clock(by_hand: Pair, clock: Clock) -> None:
    # Given a deal's field that a process changes, when another process compares that moment with the CRM's stamps
    with by_hand.one.transaction("acme") as tx:
        deals.record_changes(tx, [FieldChange("d1", 1, "amount", "portal", "Ann", "", "1", "2")])
    with by_hand.other.reading("acme") as tx:
        found = deals.edited_at(tx, ["d1"])
    # Then it is the clock's that both share
    assert found == {"d1": {"amount": clock.now}}


def test_the_terms_that_were_set_last_hold_at_once_and_for_every_process(by_hand: Pair, clock: Clock) -> None:
    # Given terms that one process sets, and others that another process sets a minute later
    pair = PartnerPair("c1", "c2")
    with by_hand.one.transaction("acme") as tx:
        terms.begin(tx, pair, Terms(True), "Ann")
    with by_hand.other.reading("acme") as tx:
        first = terms.current(tx, [pair])
    clock.forward(seconds=60)
    with by_hand.other.transaction("acme") as tx:
        terms.begin(tx, pair, Terms(False), "Bo")
    # Then each of them held from the moment at which it was set
    assert first == {pair: Terms(True)}
    for store in (by_hand.one, by_hand.other):
        with store.reading("acme") as tx:
            assert terms.current(tx, [pair]) == {pair: Terms(False)}
