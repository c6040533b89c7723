"""The last day of a portal, hour by hour: how far its reading was behind.

A reading that came to its end has read everything up to its beginning. So between the ends of two readings the portal falls behind, by a
second each second; what counts for an hour is the most that it was behind in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Final

HOUR: Final = timedelta(hours=1)
HOURS_COUNT: Final = 24


def hour_edges(now: datetime) -> list[datetime]:
    """Where the hours of the last day begin, and where the last of them ends: the hour that is not over counts as one."""
    last = now.replace(minute=0, second=0, microsecond=0) + HOUR
    return [last - HOUR * back for back in range(HOURS_COUNT, -1, -1)]


def worst_lags_s(readings: Iterable[tuple[datetime, datetime]], edges: Sequence[datetime], now: datetime) -> list[float | None]:
    """The most that the portal was behind in each hour; None while no reading had ended yet.

    **Shapes** `readings`: when each began, and when it came to its end.
    """
    ended = sorted(readings, key=lambda one: one[1])
    ends_at, read_up_to = [end for _, end in ended], list(accumulate((began for began, _ in ended), max))
    peaks = [(end, (end - before).total_seconds()) for end, before in zip(ends_at[1:], read_up_to, strict=False)]

    def worst_s(begins: datetime, ends: datetime) -> float | None:
        ended_count = sum(end <= ends for end in ends_at)
        if not ended_count:
            return None
        at_the_end = (ends - read_up_to[ended_count - 1]).total_seconds()
        return max([at_the_end, *(lag for at, lag in peaks if begins < at <= ends)])

    return [worst_s(begins, min(ends, now)) for begins, ends in pairwise(edges)]
