"""SQLite's writers take turns in the order of asking, within one process."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from sync_worker.store.core.engine import Turns
from tests.patience import HANG_S, until


def waits(turns: Turns, count: int) -> None:
    """Until so many threads wait."""
    until(lambda: len(turns._waiting) == count, every_s=0.01)


def test_whoever_asks_again_and_again_lets_the_others_in() -> None:
    # Given one who holds it, and three who wait, one after the other
    turns, came = Turns(), []

    def once(name: str) -> None:
        with turns:
            came.append(name)

    threads = [threading.Thread(target=once, args=(name,)) for name in ("first", "second", "third")]
    with turns:
        for nth, thread in enumerate(threads, start=1):
            thread.start()
            waits(turns, nth)
    # when the holder asks again at once
    with turns:
        came.append("again")
    for thread in threads:
        thread.join(HANG_S)
    # then it comes after them
    assert came == ["first", "second", "third", "again"]


def test_one_at_a_time() -> None:
    turns, inside, most = Turns(), 0, 0

    def often() -> None:
        nonlocal inside, most
        for _ in range(300):
            with turns:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert (most, len(turns._waiting)) == (1, 0)
    with turns:
        pass


def test_an_error_inside_lets_the_next_one_in() -> None:
    turns = Turns()
    with suppress(ValueError), turns:
        raise ValueError
    with turns:
        pass


class Impatient:
    """A lock whose second `acquire` is interrupted, as Ctrl-C does; `late`: it was handed over in that moment."""

    def __init__(self, turns: Turns, *, late: bool) -> None:
        self._turns, self._late, self._asked = turns, late, 0

    def acquire(self) -> None:
        self._asked += 1
        if self._asked == 2:
            if self._late:
                self._turns.__exit__(None, None, None)
            raise KeyboardInterrupt

    def release(self) -> None:
        """Handed over."""


@pytest.mark.parametrize("late", [False, True])
def test_who_is_interrupted_while_waiting_leaves_no_gap(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    turns = Turns()
    turns.__enter__()
    made: Any = lambda: Impatient(turns, late=late)  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr("sync_worker.store.core.engine.threading.Lock", made)
        with pytest.raises(KeyboardInterrupt):
            turns.__enter__()
    if not late:
        turns.__exit__(None, None, None)
    with turns:
        assert not turns._waiting
