"""The circuit breaker: it opens after a row of failures, lets one probe through at a time, and closes by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.push.breaker import CLOSED, REST, TRIP_COUNT, Breaker, after

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def failed(breaker: Breaker, count: int, *, at: datetime = NOON) -> Breaker:
    return after(breaker, passed_count=0, failed_count=count, now=at)


def test_it_opens_at_the_twentieth_failure_in_a_row_and_not_before() -> None:
    almost = failed(CLOSED, TRIP_COUNT - 1)
    assert almost.admits(NOON) is None
    opened = failed(almost, 1)
    assert opened.admits(NOON) == 0
    assert opened.until_at == NOON + timedelta(seconds=REST.first_s)


def test_anything_that_passes_closes_it_whatever_failed_beside_it() -> None:
    assert after(failed(CLOSED, 300), passed_count=1, failed_count=50, now=NOON) == CLOSED


def test_after_its_rest_one_probe_passes_at_a_time() -> None:
    opened = failed(CLOSED, TRIP_COUNT)
    later = NOON + timedelta(seconds=REST.first_s)
    assert opened.admits(later) == 1
    assert opened.probing(later).admits(later) == 0
    assert opened.probing(later).admits(later + timedelta(seconds=2 * REST.first_s)) == 1


@given(probes=st.integers(min_value=1, max_value=30))
def test_each_probe_that_fails_doubles_the_rest_up_to_ten_minutes(probes: int) -> None:
    breaker, now = failed(CLOSED, TRIP_COUNT), NOON
    for _ in range(probes):
        now = breaker.until_at or now
        breaker = failed(breaker.probing(now), 1, at=now)
    assert breaker.rest_s == min(REST.first_s * 2**probes, REST.ceiling_s)
    assert breaker.until_at == now + timedelta(seconds=breaker.rest_s)


def test_what_is_tried_for_the_first_time_and_fails_makes_no_rest_longer() -> None:
    opened = failed(CLOSED, TRIP_COUNT)
    again = failed(opened, 300, at=NOON + timedelta(seconds=5))
    assert (again.until_at, again.rest_s) == (opened.until_at, REST.first_s)


def test_nothing_learnt_changes_nothing() -> None:
    for breaker in (CLOSED, failed(CLOSED, 3), failed(CLOSED, TRIP_COUNT)):
        assert after(breaker, passed_count=0, failed_count=0, now=NOON + timedelta(hours=1)) == breaker
