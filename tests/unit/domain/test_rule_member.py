"""Memberships in time: at every moment the standing answer is right, and so is the next one from its first moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.associations.rule import Membership
from sync_worker.domain.associations.rule_member import Holding, Member, turn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B = Membership("a", "partner", ""), Membership("b", "partner", "")
HOLDS = st.sets(st.sampled_from([A, B, Membership("c", "partner", "x")]))


def act(held: list[Member], no: int, now: set[Membership], later: set[Membership] | None, at: int) -> list[Member]:
    """The rows after the turn, as a store would have them."""
    moment = NOW + timedelta(hours=at)
    due = turn(
        Holding(company_id="c1", now=now, later=later),
        [one for one in held if one.until is None],
        standing_no=no,
        now=moment,
        run_id=f"r{at}",
    )
    keep = {(one.membership, one.since): one for one in held if one not in due.gone}
    return list((keep | {(one.membership, one.since): one for one in due.saved + due.waiting}).values())


def holds(rows: list[Member], no: int) -> set[Membership]:
    return {row.membership for row in rows if row.is_in(no)}


@given(st.lists(st.tuples(HOLDS, st.one_of(st.none(), HOLDS), st.booleans()), max_size=8))
def test_law_both_answers_are_right_at_every_moment(steps: list[tuple[set[Membership], set[Membership] | None, bool]]) -> None:
    rows: list[Member] = []
    no, is_next_under_way, now = 1, False, set[Membership]()
    for at, (now_holds, later, stands) in enumerate(steps):
        is_next_under_way = is_next_under_way or later is not None
        now = now_holds
        following = (later or set()) if is_next_under_way else None
        # When the company is looked at, whatever was there before
        rows = act(rows, no, now, following, at)
        assert holds(rows, no) == now
        if following is not None:
            assert holds(rows, no + 1) == following
        # and once more, then nothing is written
        assert act(rows, no, now, following, at + 100) == rows
        if stands and following is not None:  # one number makes the new one stand
            no, is_next_under_way = no + 1, False
            assert holds(rows, no) == following


def test_what_goes_on_keeps_its_beginning_across_evaluations() -> None:
    rows = act([], 1, {A, B}, None, 0)
    rows = act(rows, 1, {A, B}, {A}, 5)
    rows = act(rows, 2, {A}, None, 9)
    (kept,) = [row for row in rows if row.is_in(2)]
    assert (kept.membership, kept.since, kept.run_id) == (A, NOW, "r0")


def test_what_never_stood_leaves_nothing() -> None:
    rows = act([], 1, {A}, {A, B}, 0)
    rows = act(rows, 1, {A}, {A}, 1)
    assert [row.membership for row in rows] == [A]


def test_the_first_evaluation_stands_on_nothing() -> None:
    rows = act([], 0, set(), {A}, 0)
    assert holds(rows, 0) == set()
    assert holds(rows, 1) == {A}
