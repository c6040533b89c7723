"""A circuit breaker per cause: after a row of failures of one code, its work rests; a probe then tells whether the cause is gone.

    closed ── 20 failures in a row ──► open ── its rest is over ──► half open: one probe at a time
      ▲                                 ▲                              │
      │                                 └── unless its probe passes ───┤   each rest is twice the last, up to ten minutes
      └───── something of it passed ───────────────────────────────────┘

A cause's work is what has failed of it before. Other work is tried: it is not known yet whether it would fail too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sync_worker.domain.core.backoff import Backoff

TRIP_COUNT = 20  # failures in a row; fewer may be as many single mistakes

REST: Final = Backoff(first_s=60, factor=2, ceiling_s=600)
"""A minute, then twice as long each time, ten minutes at most: so long may a record wait that somebody has corrected."""


class Cause(NamedTuple):
    """What failures have in common."""

    object: str
    stage: str
    code: str


@dataclass(frozen=True, slots=True)
class Breaker:
    """One cause's standing.

    **Shapes** `failed_count`: in a row; `until_at` None = closed, in the past = half open. **Units** `rest_s`: how long it rested last.
    """

    failed_count: int = 0
    rest_s: float = 0.0
    until_at: datetime | None = None

    def admits(self, now: datetime) -> int | None:
        """How many of the cause's records may be tried now; None = all."""
        if self.until_at is None:
            return None
        return 1 if self.until_at <= now else 0

    def probing(self, now: datetime) -> Breaker:
        """With its probe under way no other is begun; where the probe fails, this rest is twice the last."""
        rest_s = REST.next_s(self.rest_s)
        return replace(self, rest_s=rest_s, until_at=now + timedelta(seconds=rest_s))


CLOSED = Breaker()


def after(breaker: Breaker, *, passed_count: int, failed_count: int, now: datetime) -> Breaker:
    """The breaker once so many of its cause's records have passed and failed. What fails while it is open makes no rest longer."""
    if passed_count:
        return CLOSED
    count = breaker.failed_count + failed_count
    if breaker.until_at is not None or not failed_count or count < TRIP_COUNT:
        return replace(breaker, failed_count=count)
    return Breaker(count, REST.first_s, now + timedelta(seconds=REST.first_s))
