"""How many calls may be in flight: what holds whatever the CRM answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.crm.width import CROWDED, FAST, SLOW, CallEnd, Limit, Width

VERDICTS = st.sampled_from([FAST, SLOW, CROWDED])


def fast(number: int, in_flight: int) -> CallEnd:
    return CallEnd(FAST, number, number, in_flight)


@given(most=st.integers(1, 30), first=st.integers(1, 30), answers=st.lists(st.tuples(VERDICTS, st.integers(0, 30)), max_size=80))
def test_law_it_stays_between_one_and_the_limit_and_grows_by_one_at_a_time(most: int, first: int, answers: list[tuple[str, int]]) -> None:
    limit = Limit(first, 30).at_most(most)
    width = Width(limit.first)
    for number, (verdict, in_flight) in enumerate(answers, start=1):
        before, width = width, width.after(CallEnd(verdict, number, number, in_flight), limit)  # type: ignore[arg-type]
        assert 1 <= width.calls <= limit.most
        assert width.calls - before.calls <= 1
        assert verdict != CROWDED or width.calls == max(1, before.calls // 2)


@given(calls=st.integers(1, 40), others=st.integers(0, 40))
def test_law_live_work_finds_room_whatever_backfills_do(calls: int, others: int) -> None:
    # Given as many calls of backfills as may be
    width = Width(calls)
    of_backfills = sum(width.has_room("backfill", in_flight=number, of_backfills=number) for number in range(calls))
    # Then one of them always goes out, and a quarter is left for live work, where there is one
    assert of_backfills >= 1
    assert calls - of_backfills == calls // 4
    assert width.has_room("live", in_flight=of_backfills, of_backfills=of_backfills) == (calls >= 4)
    # and live work never goes beyond the whole
    assert not width.has_room("live", in_flight=calls + others, of_backfills=0)


def test_it_grows_after_as_many_fast_answers_as_calls_while_they_are_used() -> None:
    limit, width = Limit(4, 6), Width(4)
    for number in range(1, 4):
        width = width.after(fast(number, 4), limit)
    assert width.calls == 4
    assert width.after(fast(4, 4), limit).calls == 5
    assert width.after(fast(4, 1), limit) == width, "calls that come one by one say nothing of several at once"
    assert width.after(CallEnd(SLOW, 4, 4, 4), limit) == Width(4)


def test_calls_refused_for_one_crowd_halve_it_once() -> None:
    # Given eight calls in flight
    width, limit = Width(8), Limit(8, 24)
    # When all of them are refused, then it is halved once
    for number in range(1, 9):
        width = width.after(CallEnd(CROWDED, number, 8, 8), limit)
    assert width.calls == 4
    # and when one that was sent later is refused, then once more
    assert width.after(CallEnd(CROWDED, 9, 9, 4), limit).calls == 2


@pytest.mark.parametrize(("written", "meant"), [(None, Limit(4, 20)), (1, Limit(1, 1)), (8, Limit(4, 8)), (40, Limit(4, 40))])
def test_the_portal_file_says_the_most(written: int | None, meant: Limit) -> None:
    assert Limit(4, 20).at_most(written) == meant
