"""How fast one portal asks: the vendor counts arrivals, which lie anywhere between a call's start and its end here."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random

import pytest

from sync_worker.crm.hubspot.connection.pace import Pace, Window, spared
from sync_worker.services import Services

LIMIT, INTERVAL_S = 190, 10.0
USED_UP = {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Remaining": "0"}


class Minute:
    """A clock that moves when somebody sleeps, or by itself a little with every call."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def services(self) -> Services:
        return Services(random=Random(7), monotonic=lambda: self.now_s, sleep=self.sleep)


def starts(minute: Minute, pace: Pace, count: int, *, is_search: bool, between: Callable[[], None] = lambda: None) -> list[float]:
    found = []
    for _ in range(count):
        with pace.call(is_search=is_search):
            found.append(minute.now_s)
        between()
    return found


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


def test_calls_keep_within_the_allowance_that_the_answers_tell_and_use_nine_tenths_of_it() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    pace.hear(
        {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Remaining": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}
    )
    moments = starts(minute, pace, 1080, is_search=False)
    assert most_within(moments, 10.0) <= 190
    assert 1080 / (moments[-1] + 10.0) >= 0.9 * 19


def test_searches_keep_to_five_a_second_and_do_not_count_as_calls() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    moments = starts(minute, pace, 50, is_search=True)
    assert most_within(moments, 1.0) <= 5
    assert 50 / (moments[-1] + 1.0) >= 0.9 * 5
    before_s = minute.now_s
    starts(minute, pace, 90, is_search=False)
    assert minute.now_s == before_s


def test_what_others_use_is_left_to_them() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    starts(minute, pace, 1, is_search=False)
    pace.hear({"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Remaining": "9"})  # ninety were others'
    moments = starts(minute, pace, 20, is_search=False)
    assert most_within(moments, 10.0) <= 6


def test_after_a_no_nobody_starts_for_a_while() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    pace.rest(10.0, is_search=False)
    assert starts(minute, pace, 1, is_search=True) == [0.0]
    assert starts(minute, pace, 1, is_search=False) == [10.0]


@pytest.mark.parametrize("at_once", [8, 16, 32])
@pytest.mark.parametrize("seed", range(4))
def test_no_ten_seconds_of_arrivals_hold_more_than_the_limit_however_long_calls_are_on_their_way(at_once: int, seed: int) -> None:
    # Given calls that take up to 600 ms, and arrive at any moment of it; when as many as may be are made for five minutes
    arrivals = sorted(_arrivals(Window(spared(LIMIT), INTERVAL_S), at_once, 300.0, Random(seed)))
    # Then the vendor never counts more than it allows, and once the first burst is over it counts nearly all that it allows
    assert all(later - earlier > INTERVAL_S for earlier, later in zip(arrivals, arrivals[LIMIT:], strict=False))
    assert sum(INTERVAL_S < moment <= 300.0 for moment in arrivals) >= 0.95 * LIMIT * 29


def _arrivals(window: Window, at_once: int, until_s: float, dice: Random) -> list[float]:
    """When the calls of so many threads arrive. Each thread asks for the next place as soon as its call has ended."""
    arrivals = list[float]()
    free_at = [(0.0, thread) for thread in range(at_once)]
    ends: list[tuple[float, float]] = []
    while free_at[0][0] < until_s:
        now_s, thread = heapq.heappop(free_at)
        while ends and ends[0][0] <= now_s:
            end_s, start_s = heapq.heappop(ends)
            window.end(start_s, end_s)
        start_s = window.next_start_s(now_s)
        takes_s = dice.uniform(0.0, 0.6)
        arrivals.append(start_s + dice.uniform(0.0, takes_s))
        heapq.heappush(ends, (start_s + takes_s, start_s))
        heapq.heappush(free_at, (start_s + takes_s, thread))
    return arrivals


def test_the_first_refusal_rests_for_a_second_and_the_next_for_the_whole_window() -> None:
    # Given a portal whose window is used up; when a call is refused, others in flight with it, and one more after the rest
    minute = Minute()
    pace = Pace(minute.services())
    assert pace.refused(USED_UP, 10.0) == 1.0
    minute.sleep(0.4)
    assert pace.refused(USED_UP, 10.0) == pytest.approx(0.6)
    minute.sleep(0.6)
    assert pace.refused(USED_UP, 10.0) == 10.0
    # Then nothing starts before
    assert starts(minute, pace, 1, is_search=False) == [11.0]


@pytest.mark.parametrize("headers", [{}, {**USED_UP, "X-HubSpot-RateLimit-Remaining": "40"}], ids=["nothing", "that calls are left"])
def test_a_refusal_that_the_answer_does_not_explain_rests_for_the_whole_window(headers: dict[str, str]) -> None:
    minute = Minute()
    assert Pace(minute.services()).refused(headers, 10.0) == 10.0
