"""The mass-change brake: what went within a day, in whatever order, against what there was."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.ingest.brake import ASSOCIATIONS, COMPANIES, FEW_COUNT, WINDOW, Allowance, Excess, Removal, excess

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

removal = st.builds(
    Removal,
    kind=st.sampled_from([COMPANIES, ASSOCIATIONS]),
    count=st.integers(1, 400),
    at=st.integers(0, 60).map(lambda hours: NOW - timedelta(hours=hours)),
)


def judged(losing: int, *removals: Removal, left: int, percent: int = 15) -> Excess | None:
    return excess(COMPANIES, losing, Allowance(percent, NOW, removals), lambda at_most: left if at_most is None else min(left, at_most))


def gone(count: int, *, hours_ago: float = 1, kind: str = COMPANIES) -> Removal:
    return Removal(kind, count, NOW - timedelta(hours=hours_ago))


@pytest.mark.parametrize(
    ("losing", "left", "is_held"),
    [
        (15, 85, False),  # exactly the limit
        (16, 84, True),
        (1, 2, False),  # one company of three
        (FEW_COUNT, 0, False),
        (FEW_COUNT + 1, 0, True),
        (0, 100, False),
    ],
)
def test_what_may_go_at_once(losing: int, left: int, is_held: bool) -> None:
    assert (judged(losing, left=left) is not None) is is_held


def test_what_went_earlier_that_day_counts_too() -> None:
    # Given a hundred, of which ten went an hour ago; when six more would go
    found = judged(6, gone(10), left=84)
    # then that is too much, and the words say how many of how many, and since when
    assert found == Excess(COMPANIES, 6, 10, 100, 15, NOW - timedelta(hours=1))
    assert str(found) == (
        "6 active companies would go at once, after 10 since 2026-03-02 08:00 UTC: 16 of 100 within a day; the brake is 15 %"
    )


def test_what_went_a_day_ago_or_is_of_another_kind_does_not() -> None:
    assert judged(6, gone(10, hours_ago=24), gone(90, kind=ASSOCIATIONS), left=94) is None


def test_a_commit_that_takes_nothing_away_always_passes() -> None:
    assert judged(0, gone(90), left=10) is None


@given(st.lists(removal), st.randoms(), st.integers(0, 300), st.integers(0, 300), st.integers(0, 100))
def test_law_the_order_of_removals_means_nothing(
    removals: list[Removal], chance: random.Random, losing: int, left: int, percent: int
) -> None:
    shuffled = list(removals)
    chance.shuffle(shuffled)
    assert judged(losing, *shuffled, left=left, percent=percent) == judged(losing, *removals, left=left, percent=percent)


@given(st.lists(removal), st.integers(0, 300), st.integers(0, 300), st.integers(0, 100))
def test_law_only_the_sum_within_the_window_counts(removals: list[Removal], losing: int, left: int, percent: int) -> None:
    """Cut into many commits or made in one, the same removals meet the same verdict; and nothing is left out but what is a day old."""
    recent = [one for one in removals if one.kind == COMPANIES and NOW - one.at < WINDOW]
    whole = [Removal(COMPANIES, sum(one.count for one in recent), max(one.at for one in recent))] if recent else []
    one, other = judged(losing, *removals, left=left, percent=percent), judged(losing, *whole, left=left, percent=percent)
    assert (one is None) == (other is None)
    if one and other:
        assert (one.before, one.of) == (other.before, other.of)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 500), st.integers(1, 99))
def test_law_no_day_takes_more_than_the_limit_or_a_few(losses: list[int], standing: int, percent: int) -> None:
    """Commit after commit, whatever the sizes: what passed never adds up to more than may go."""
    passed: list[Removal] = []
    left = standing
    for losing in (min(loss, standing) for loss in losses):
        if losing <= left and judged(losing, *passed, left=left - losing, percent=percent) is None:
            passed.append(gone(losing))
            left -= losing
    assert sum(one.count for one in passed) <= max(FEW_COUNT, standing * percent / 100)
