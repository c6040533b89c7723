"""The laws of a wait that grows: longer each time up to its ceiling, never nothing, and chance takes away no more than its share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.backoff import Backoff

SECONDS = st.floats(min_value=0.001, max_value=1e6)
TRIES = st.integers(min_value=1, max_value=10_000)
CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    first_s, ceiling_s = sorted((draw(SECONDS), draw(SECONDS)))
    factor = draw(st.floats(min_value=1, max_value=1000))
    return Backoff(first_s=first_s, factor=factor, ceiling_s=ceiling_s, jitter=draw(CHANCES))


@given(backoff=backoffs(), tries=TRIES)
def test_the_longest_wait_grows_with_each_try_up_to_the_ceiling(backoff: Backoff, tries: int) -> None:
    waits_s = [backoff.wait_s(1), backoff.wait_s(tries), backoff.wait_s(tries + 1)]
    assert waits_s[0] == backoff.first_s
    assert sorted(waits_s) == waits_s
    assert waits_s[-1] <= backoff.ceiling_s


@given(backoff=backoffs(), tries=TRIES, chance=CHANCES)
def test_chance_takes_away_its_share_at_most_and_never_the_whole_wait(backoff: Backoff, tries: int, chance: float) -> None:
    longest_s = backoff.wait_s(tries)
    assert 0 < longest_s * (1 - backoff.jitter) <= backoff.wait_s(tries, chance) <= longest_s


@given(backoff=backoffs())
def test_the_ten_thousandth_wait_is_no_longer_than_the_ceiling(backoff: Backoff) -> None:
    assert backoff.first_s <= backoff.wait_s(10_000) <= backoff.ceiling_s


def test_a_wait_that_grows_reaches_its_ceiling_and_stays_there() -> None:
    backoff = Backoff(first_s=2, factor=3, ceiling_s=60)
    assert [backoff.wait_s(tries) for tries in range(1, 7)] == [2, 6, 18, 54, 60, 60]


@given(backoff=backoffs(), tries=TRIES)
def test_the_wait_after_the_last_one_is_that_of_the_next_try(backoff: Backoff, tries: int) -> None:
    assert backoff.next_s(backoff.wait_s(tries)) == pytest.approx(backoff.wait_s(tries + 1))


@given(backoff=backoffs(), tries=st.integers(max_value=0))
def test_before_the_first_try_it_waits_as_after_it(backoff: Backoff, tries: int) -> None:
    assert backoff.wait_s(tries) == backoff.first_s


@pytest.mark.parametrize(
    ("first_s", "factor", "ceiling_s", "jitter"), [(0, 2, 8, 0), (-1, 2, 8, 0), (9, 2, 8, 0), (1, 0.5, 8, 0), (1, 2, 8, 1), (1, 2, 8, -0.1)]
)
def test_numbers_that_make_no_back_off_are_refused(first_s: float, factor: float, ceiling_s: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="is not a back-off"):
        Backoff(first_s=first_s, factor=factor, ceiling_s=ceiling_s, jitter=jitter)
