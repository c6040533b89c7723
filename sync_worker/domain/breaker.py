"""A circuit breaker per cause: after a row of failures of one code, its work rests; a probe then tells whether the cause is gone.

    closed ── 20 failures in a row ──► open ── its rest is over ──► half open: one probe at a time
      ▲                                 ▲                              │
      └───── something of it passed ────┴──── the probe failed ────────┘   each rest is twice the last, up to ten minutes

A cause's work is what has failed of it before. What has not is tried: nobody knows yet whether it would fail too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

TRIP_COUNT = 20  # failures in a row; fewer may be as many single mistakes
FIRST_REST_S, LONGEST_REST_S = 60.0, 600.0  # a record that somebody has corrected is tried after the rest at the latest


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
        """While its probe is under way no other is begun."""
        return replace(self, until_at=now + timedelta(seconds=self.rest_s))


CLOSED = Breaker()


def after(breaker: Breaker, *, passed_count: int, failed_count: int, now: datetime) -> Breaker:
    """The breaker once so many of its cause's records have passed and failed."""
    if passed_count:
        return CLOSED
    count = breaker.failed_count + failed_count
    if not failed_count or count < TRIP_COUNT:
        return replace(breaker, failed_count=count)
    rest_s = min(breaker.rest_s * 2, LONGEST_REST_S) or FIRST_REST_S
    return Breaker(count, rest_s, now + timedelta(seconds=rest_s))
