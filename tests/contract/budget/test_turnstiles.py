"""One rule, two turnstiles: how many calls may be in flight, in one process and in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from sync_worker.crm import shared_turnstile
from sync_worker.crm.faults import TriedEnough
from sync_worker.crm.shared_turnstile import SharedTurnstile
from sync_worker.crm.turnstile import LONGEST_WAIT_S, Turnstile
from sync_worker.crm.width import FAST_S, Limit
from sync_worker.errors import Stopped, TransientError
from sync_worker.services import Services
from sync_worker.telemetry import logs
from tests.servers import free_port

LIMIT = Limit(4, 6)


class Hand:
    """The time of one test. **Shapes** `on_sleep`: what happens while a call waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.is_stopping = False
        self.on_sleep: Callable[[], object] = lambda: None
        self.services = Services(monotonic=lambda: self.now_s, sleep=self._sleep, is_stopping=lambda: self.is_stopping)

    def _sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.on_sleep()


@pytest.fixture
def hand() -> Hand:
    return Hand()


Open = Callable[..., Turnstile]


@pytest.fixture(params=["in_process", "redis"])
def turnstile_of(request: pytest.FixtureRequest, hand: Hand) -> Iterator[Open]:
    """Another process's way to the same turnstile; in one process it is the same object."""
    if request.param == "in_process":
        made: dict[Limit, Turnstile] = {}
        yield lambda limit=LIMIT: made.setdefault(limit, Turnstile(limit, hand.services))
        return
    url, opened = request.getfixturevalue("redis_db"), list[Redis]()

    def another(limit: Limit = LIMIT) -> Turnstile:
        opened.append(Redis.from_url(url, decode_responses=True))
        return SharedTurnstile("acme", opened[-1], limit, hand.services)

    yield another
    for client in opened:
        client.close()


def test_as_many_calls_pass_as_may_be_in_flight_whichever_process_makes_them(turnstile_of: Open, hand: Hand) -> None:
    # Given two processes, and four calls in flight
    one, other = turnstile_of(), turnstile_of()
    with ExitStack() as calls:
        for turnstile in (one, other, one):
            calls.enter_context(turnstile.passing("live"))
        last = other.passing("operator")
        last.__enter__()
        # When a fifth comes, then it waits until one has ended
        hand.on_sleep = lambda: last.__exit__(None, None, None) if 1 <= hand.now_s < 1.2 else None
        with one.passing("live"):
            assert 1 <= hand.now_s < 1.3


def test_a_backfill_leaves_room_for_live_work(turnstile_of: Open, hand: Hand) -> None:
    turnstile = turnstile_of()
    with ExitStack() as calls:
        for _ in range(3):
            calls.enter_context(turnstile.passing("backfill"))
        with pytest.raises(TriedEnough, match="has waited 60 seconds for its portal's other calls to end"):
            calls.enter_context(turnstile.passing("backfill"))
        assert LONGEST_WAIT_S <= hand.now_s < LONGEST_WAIT_S + 1
        calls.enter_context(turnstile.passing("live"))
    assert (turnstile.parallel_calls("live"), turnstile.parallel_calls("backfill")) == (4, 3)


def test_a_call_stops_waiting_with_its_worker_or_with_its_claim(turnstile_of: Open, hand: Hand) -> None:
    # Given a portal whose calls are made one after the other, and one of them in flight
    turnstile = turnstile_of(Limit(1, 1))
    with turnstile.passing("live"):
        # When a second one waits and its claim runs out, then it ends as the claim says
        def claim() -> None:
            if hand.now_s > 2:
                raise TransientError("too little time is left")

        with pytest.raises(TransientError, match="too little time"), turnstile.passing("live", claim):
            pass
        # and when the worker stops, then it ends too
        hand.is_stopping = True
        with pytest.raises(Stopped, match="stopped on request while a call waited"), turnstile.passing("live"):
            pass
        assert hand.now_s < 3


def test_it_grows_with_fast_answers_and_halves_in_a_crowd_for_all_processes(
    turnstile_of: Open, hand: Hand, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.set_up()
    one, other = turnstile_of(), turnstile_of()

    def rounds(count: int, took_s: float = 0.1) -> int:
        for _ in range(count):
            with ExitStack() as calls:
                numbers = [calls.enter_context(one.passing("live")) for _ in range(one.parallel_calls("live"))]
                hand.now_s += took_s
        return numbers[-1]

    # Given calls that are answered fast, as many at a time as may be
    newest = rounds(12)
    # Then it has grown to the most there is
    assert one.parallel_calls("live") == 6
    # When the CRM refuses one of them, then it is halved, once for calls that were sent together, and the log says so
    one.crowded(newest)
    one.crowded(newest - 1)
    said = capfd.readouterr()
    assert (said.out + said.err).count("too many calls at once, says the CRM") == 1
    with other.passing("live"):
        assert (one.parallel_calls("live"), other.parallel_calls("live")) == (3, 3)
    # and while answers are slow, it does not grow
    rounds(12, took_s=FAST_S + 1)
    assert one.parallel_calls("live") == 3


EVENTS = st.lists(st.tuples(st.sampled_from(["live", "backfill", "end", "end slow", "crowded", "fail"]), st.integers(0, 30)), max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_law_redis_decides_as_one_process_does(redis_db: str, events: list[tuple[str, int]]) -> None:
    hand = Hand()
    with Redis.from_url(redis_db, decode_responses=True) as client:
        client.flushdb()
        twins = Turnstile(LIMIT, hand.services), SharedTurnstile("acme", client, LIMIT, hand.services)
        flying: list[int] = []
        for what, which in events:
            if what in ("live", "backfill"):
                numbers = {twin._enter(what) for twin in twins}  # type: ignore[arg-type]
                assert len(numbers) == 1
                flying += filter(None, numbers)
            elif flying:
                number = flying[which % len(flying)]
                if what != "crowded":
                    flying.remove(number)
                for twin in twins:
                    twin._end(number, {"end": "fast", "crowded": "crowded"}.get(what, "slow"))  # type: ignore[arg-type]
                if what == "crowded":
                    flying.remove(number)
            assert len({twin.parallel_calls("live") for twin in twins}) == 1


def test_the_places_of_a_killed_process_come_back(redis_db: str, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a process that is killed with all the portal's calls in flight
    monkeypatch.setattr(shared_turnstile, "LASTS_S", 0.05)
    limit = Limit(2, 2)
    with Redis.from_url(redis_db, decode_responses=True) as client:
        killed, other = (SharedTurnstile("acme", client, limit, Services()) for _ in range(2))
        calls = [killed.passing("live") for _ in range(2)]
        for call in calls:
            call.__enter__()
        # When another process calls, then it waits until their places have expired
        with other.passing("live"), other.passing("live"):
            assert client.zcard("sync-worker-calls:acme:in-flight") == 2


def test_a_process_that_is_alive_keeps_the_places_of_its_long_calls(redis_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a call that lasts longer than its place does, in a process that makes other calls meanwhile
    with Redis.from_url(redis_db, decode_responses=True) as client:
        turnstile = SharedTurnstile("acme", client, Limit(2, 2), Services())
        with turnstile.passing("live") as number:
            before = client.zscore("sync-worker-calls:acme:in-flight", number)
            monkeypatch.setattr(shared_turnstile, "LASTS_S", 2 * shared_turnstile.LASTS_S)
            with turnstile.passing("live"):
                pass
            # Then its place lasts longer by then
            assert client.zscore("sync-worker-calls:acme:in-flight", number) > before


def test_without_redis_each_process_counts_its_own(hand: Hand, capfd: pytest.CaptureFixture[str]) -> None:
    with Redis(port=free_port()) as client:
        turnstile = SharedTurnstile("acme", client, Limit(1, 1), hand.services)
        with turnstile.passing("live"), suppress(TriedEnough), turnstile.passing("live"):
            raise AssertionError("a second call went out")
        with turnstile.passing("live"):
            pass
    said = capfd.readouterr()
    assert (said.out + said.err).count("Redis is out of reach: each process counts its own calls in flight") == 1
