"""Parts that are asked for side by side: their order, their errors, and how many threads work on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sync_worker.crm.siblings import Siblings, side_by_side
from sync_worker.errors import AuthFailed, TransientError
from sync_worker.services import Services
from tests.patience import HANG_S


class Line:
    """A connection that asks nobody."""

    def __init__(self, parallel_calls: int) -> None:
        self.parallel_calls = parallel_calls
        self.is_trusted = True
        self.services = Services()
        self.siblings: Siblings[Line] = Siblings(lambda: Line(parallel_calls))

    @contextmanager
    def another(self) -> Iterator[Line]:
        with self.siblings.lend() as line:
            yield line


def test_with_one_call_at_a_time_the_connection_itself_asks_in_order() -> None:
    line, asked = Line(1), list[tuple[Line, int]]()
    assert side_by_side(line, lambda one, part: asked.append((one, part)), range(5)) == [None] * 5
    assert asked == [(line, part) for part in range(5)]


def test_as_many_as_may_be_are_asked_at_once_each_on_its_own_connection() -> None:
    # Given four calls at once, each of which waits until the others are under way
    line, all_under_way, used = Line(4), threading.Barrier(4, timeout=HANG_S), list[Line]()

    def ask(one: Line, part: int) -> int:
        used.append(one)
        all_under_way.wait()
        return part * part

    # When eight parts are asked for, then they come in order, from four connections, one of them the line itself
    assert side_by_side(line, ask, range(8)) == [part * part for part in range(8)]
    assert len(set(map(id, used))) == 4
    assert line in used
    assert line.siblings.lent == 0


def test_a_token_that_may_be_wrong_is_tried_by_one_call_before_several_carry_it() -> None:
    # Given a connection whose token the CRM has not taken yet, and refuses
    line, asked = Line(4), list[int]()
    line.is_trusted = False

    def refused(_one: Line, part: int) -> int:
        asked.append(part)
        raise AuthFailed("the token is wrong")

    # When eight parts are asked for, then one call is made
    with pytest.raises(AuthFailed):
        side_by_side(line, refused, range(8))
    assert asked == [0]

    # Given that the CRM takes the token, then the others are asked for side by side
    all_under_way = threading.Barrier(4, timeout=HANG_S)

    def taken(_one: Line, part: int) -> int:
        line.is_trusted = True
        if part:
            all_under_way.wait()
        return part

    assert side_by_side(line, taken, range(5)) == list(range(5))


def test_connections_that_others_use_are_not_asked_for() -> None:
    line, used = Line(3), set[int]()
    with line.another(), line.another():
        side_by_side(line, lambda one, _part: used.add(id(one)), range(6))
    assert used == {id(line)}


def test_the_first_error_in_order_is_raised_once_all_calls_have_ended() -> None:
    # Given parts of which the third fails at once, and the second later
    line, third_failed, ended = Line(4), threading.Event(), list[int]()

    def ask(_one: Line, part: int) -> int:
        if part == 2:
            third_failed.set()
            raise TransientError("the third")
        assert third_failed.wait(HANG_S)
        ended.append(part)
        if part == 1:
            raise TransientError("the second")
        return part

    # When they are asked for, then the second one's error is raised, all that were begun have ended, and no other was begun
    with pytest.raises(TransientError, match="the second"):
        side_by_side(line, ask, range(20))
    assert set(ended) <= {0, 1, 3}
