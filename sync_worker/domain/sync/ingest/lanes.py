"""A scan that is cut into lanes, which are read side by side: where each of them stands. Pure.

A scan begins as one lane. Once it is cut, each lane has its beginning, its end and its position, and the scan is over when its last lane
has ended. Where a cut turns out wrong, one lane goes on from the place of the cut, and that scan is not cut again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Lane:
    """A part of a scan. **Shapes** texts of the CRM's adapter: it goes on at `position`, and ends at `up_to`, "" = where the scan ends.

    `begin`: the position at which the lane began.
    """

    begin: str = ""
    up_to: str = ""
    position: str = ""
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Lanes:
    """A scan's lanes. **Shapes** `cut_at`: the position at which the one lane was cut; None where it was not cut."""

    lanes: tuple[Lane, ...] = (Lane(),)
    cut_at: str | None = None

    @property
    def is_cut(self) -> bool:
        """Whether several lanes are read; one that was cut in vain is one again."""
        return len(self.lanes) > 1

    @property
    def is_over(self) -> bool:
        """Whether everything was read."""
        return all(lane.is_done for lane in self.lanes)

    @property
    def left(self) -> list[int]:
        """The numbers of the lanes of which something is left."""
        return [no for no, lane in enumerate(self.lanes) if not lane.is_done]

    def cut(self, bounds: Sequence[tuple[str, str]]) -> Lanes:
        """What is left of the one lane as several, each from its beginning up to its end."""
        assert self.cut_at is None  # noqa: S101  # a scan is cut once
        return Lanes(tuple(Lane(begin, up_to, begin) for begin, up_to in bounds), self.lanes[0].position)

    def joined(self) -> Lanes:
        """One lane from the place of the cut: what the lanes have read comes again, which does no harm."""
        return Lanes((Lane(position=self.cut_at or ""),), self.cut_at)

    def moved(self, no: int, position: str, *, is_done: bool) -> Lanes:
        """The same after a page of that lane."""
        lane = replace(self.lanes[no], position=position, is_done=is_done)
        return replace(self, lanes=(*self.lanes[:no], lane, *self.lanes[no + 1 :]))
