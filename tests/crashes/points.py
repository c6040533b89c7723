"""The points at which a worker can die: before and after each commit, before and after each call. A gate that notes them by number.

before the commit   all that the transaction did is undone
after the commit    it stands, and whatever was to follow it did not
before the call     the CRM, the receiver or the mail server was told nothing
after the call      it has done what it was told, and its answer never arrived
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from tests.simulation.gate import Gate

PRODUCT = Path(__file__).parents[2] / "sync_worker"
BELOW = ("store/core/engine.py",)  # where every commit is made: the line that asked for it says more


@dataclass(frozen=True, slots=True)
class Point:
    """One of them. **Shapes** `at`: its number, from 1 on; `where`: the file and line of the step that is there; `changes`: how many times
    anything outside the process had changed by then. Two points with the same number leave the same world to the next process.
    """

    at: int
    what: str
    where: str
    changes: int

    def __str__(self) -> str:
        return f"{self.what} in {self.where}"


@dataclass
class PointGate(Gate):
    """A gate that notes each point that passes. **Shapes** `outside`: how it looks outside the process; what is compared is whether it
    looks otherwise.
    """

    outside: Callable[[], object] = lambda: None
    points: list[Point] = field(default_factory=list)
    is_in_call: bool = False
    _changes: int = 0
    _looked: object = None

    def pass_(self, *, is_open: bool = True, is_commit: bool = False) -> None:
        if not self.is_dead:
            self.points.append(self._point(is_open=is_open, is_commit=is_commit))
        super().pass_(is_open=is_open, is_commit=is_commit)

    def _point(self, *, is_open: bool, is_commit: bool) -> Point:
        looks = self.outside()
        self._changes += looks != self._looked
        self._looked = looks
        return Point(len(self.points) + 1, self._what(is_open=is_open, is_commit=is_commit), _where(), self._changes)

    def _what(self, *, is_open: bool, is_commit: bool) -> str:
        if is_commit:
            self.is_in_call = False
            return "after the commit" if is_open else "before the commit"
        self.is_in_call = not self.is_in_call
        return "before the call" if self.is_in_call else "after the call"


def _where() -> str:
    """The innermost line of the product that is no part of the engine."""
    frame: FrameType | None = sys._getframe(3)
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PRODUCT) and (name := path.relative_to(PRODUCT).as_posix()) not in BELOW:
            return f"{name}:{frame.f_lineno} ({frame.f_code.co_name})"
        frame = frame.f_back
    return "the story"
