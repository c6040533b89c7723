"""How tests wait: for a condition that the work itself reports, never for a time.

A limit says only when a wait counts as a hang. It is so long that a machine with twenty other processes does not reach it.
tests/architecture/test_patience.py finds shorter ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

HANG_S: Final = 120.0

T = TypeVar("T")


def until(condition: Callable[[], T], hang_s: float = HANG_S, *, what: str = "", every_s: float = 0.05) -> T:
    """The condition's first true answer. **Raises** AssertionError where it does not come."""
    deadline_s = time.monotonic() + hang_s
    while not (found := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {hang_s} s: {what or condition}")
        time.sleep(every_s)
    return found


def quickest_s(action: Callable[[], object], goal_s: float, *, tries: int = 20) -> float:
    """How long the quickest of some runs took; the first that reaches the goal ends it. Other processes only ever make a run longer."""
    took_s: list[float] = []
    while len(took_s) < tries and min(took_s, default=goal_s) >= goal_s:
        began_s = time.perf_counter()
        action()
        took_s.append(time.perf_counter() - began_s)
    return min(took_s)
