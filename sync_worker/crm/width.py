"""How many calls of one portal may be in flight: more while answers come fast, half as many where the CRM says it is too much. Pure.

    fast       within five seconds, while nearly as many calls were in flight as may be: after as many of these answers, one call more
    slow       or no answer: it does not grow for now
    crowded    429, too many at once, a record that another call has locked: half as many

Calls that were sent before the last halving do not halve it again: they were refused for the same crowd. A backfill never takes the last
quarter, so that live work finds room while one runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from sync_worker.crm.budget import Share

FAST_S = 5.0  # an answer that takes longer lets no more calls out

Verdict: TypeAlias = Literal["fast", "slow", "crowded"]
FAST: Final[Verdict] = "fast"
SLOW: Final[Verdict] = "slow"
CROWDED: Final[Verdict] = "crowded"


@dataclass(frozen=True, slots=True)
class Limit:
    """**Units** calls in flight: `first`, to begin with; `most`, what they never exceed."""

    first: int
    most: int

    def at_most(self, most: int | None) -> Limit:
        """The same, within what the portal file allows."""
        return self if most is None else Limit(min(self.first, most), most)


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How one call ended.

    **Shapes** `number`: of the call, as all of them are counted; `newest`: of the last one; `in_flight`: calls, this one included.
    """

    verdict: Verdict
    number: int
    newest: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Width:
    """**Shapes** `calls`: in flight at most; `answers`: fast ones since it changed; `narrowed_at`: the newest call when it was halved."""

    calls: int
    answers: int = 0
    narrowed_at: int = 0

    @property
    def for_backfills(self) -> int:
        """How many of them backfills may have."""
        return self.calls - self.calls // 4

    def has_room(self, share: Share, *, in_flight: int, of_backfills: int) -> bool:
        """Whether one more call may go out."""
        return in_flight < self.calls and (share != "backfill" or of_backfills < self.for_backfills)

    def after(self, end: CallEnd, limit: Limit) -> Width:
        """What it is once this call has ended."""
        if end.verdict == CROWDED:
            return self if end.number <= self.narrowed_at else Width(max(1, self.calls // 2), 0, end.newest)
        if end.verdict == SLOW:
            return replace(self, answers=0)
        if self.calls >= limit.most or end.in_flight < self.for_backfills:
            return self
        if self.answers + 1 < self.calls:
            return replace(self, answers=self.answers + 1)
        return replace(self, calls=self.calls + 1, answers=0)
