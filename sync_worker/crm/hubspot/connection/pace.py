"""How fast one portal may ask, shared by its threads (by its processes too: shared_pace.py), so that the vendor need not say no.

    data calls     so many in ten seconds, rolling, as the answers' headers tell (100 until one has told)
    searches       five a second for the whole account; no header tells, and they do not count for the ten seconds

A call takes the next free place and waits for it alone; no call is refused. What other processes use of the same allowance shows in
`Remaining` and is left to them.
Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync_worker.boundary.headers import whole
from sync_worker.services import Services

FREE_COUNT, INTERVAL_S = 100, 10.0  # of the smallest plan, until an answer says more
SEARCH_COUNT, SEARCH_INTERVAL_S = 5, 1.0
SPARE = 0.05  # the vendor counts arrivals, we count departures: a twentieth is for what the way shifts


@dataclass(slots=True)
class Window:
    """The starts of one kind within the last interval, those to come among them."""

    most: int
    interval_s: float
    others: int = 0
    not_before_s: float = float("-inf")
    _starts: deque[float] = field(default_factory=deque)

    @property
    def room(self) -> int:
        """How many of ours one interval holds."""
        return max(1, self.most - self.others)

    def next_start_s(self, now_s: float) -> float:
        """When the next one may start; the place is taken by asking."""
        while self._starts and self._starts[0] <= now_s - self.interval_s:
            self._starts.popleft()
        start_s = max(now_s, self.not_before_s)
        if len(self._starts) >= self.room:
            start_s = max(start_s, self._starts[-self.room] + self.interval_s)
        self._starts.append(start_s)
        return start_s

    @property
    def count(self) -> int:
        """How many have started within the last interval, or have a place."""
        return len(self._starts)


class Pace:
    """The two windows of one portal."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._calls = Window(spared(FREE_COUNT), INTERVAL_S)
        self._searches = Window(SEARCH_COUNT, SEARCH_INTERVAL_S * (1 + SPARE))

    def wait(self, *, is_search: bool) -> None:
        """Returns when a call may start."""
        now_s = self._services.monotonic()
        with self._lock:
            start_s = self._window(is_search).next_start_s(now_s)
        if start_s > now_s:
            self._services.sleep(start_s - now_s)

    def hear(self, headers: Mapping[str, str]) -> None:
        """What an answer says of the allowance: how much it is, and how much others have used of it."""
        told = heard(headers)
        if told is None:
            return
        with self._lock:
            self._calls.most, self._calls.interval_s = told.most, told.interval_s
            self._calls.others = max(0, told.used - self._calls.count)

    def rest(self, seconds: float, *, is_search: bool) -> None:
        """The vendor refused all the same: no call starts for so long."""
        with self._lock:
            self._window(is_search).not_before_s = self._services.monotonic() + seconds

    def _window(self, is_search: bool) -> Window:
        return self._searches if is_search else self._calls


@dataclass(frozen=True, slots=True)
class RollingAllowance:
    """What an answer says of the rolling allowance: how many we may make of it, and how many were made by all."""

    most: int
    interval_s: float
    used: int


def heard(headers: Mapping[str, str]) -> RollingAllowance | None:
    """None where an answer says nothing: a search's does not."""
    most, left = _number(headers, "Max"), _number(headers, "Remaining")
    if not most:
        return None
    interval_s = (_number(headers, "Interval-Milliseconds") or INTERVAL_S * 1000) / 1000
    return RollingAllowance(spared(most), interval_s, most - (most if left is None else left))


def spared(most: int) -> int:
    """So many less that what the way shifts does no harm."""
    return max(1, int(most * (1 - SPARE)))


def day_of(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Calls of the account's day, used and allowed, where an answer tells; to an app with OAuth, and of a search, none does."""
    most, left = _number(headers, "Daily"), _number(headers, "Daily-Remaining")
    return (most - left, most) if most and left is not None else None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    return whole(headers.get(f"X-HubSpot-RateLimit-{name}"))
