"""How fast one portal may ask, shared by its threads (by its processes too: shared_pace.py), so that the vendor need not say no.

    data calls     so many in ten seconds, rolling, as the answers' headers tell (100 until one has told)
    searches       five a second for the whole account; no header tells, and they do not count for the ten seconds

A call takes the next free place and waits for it alone; no call is refused. The vendor counts a call when it arrives, which is some moment
between its start and its end here. So a data call holds its place until ten seconds after its end, and no ten seconds of arrivals hold
more than the limit. What others use of the same allowance shows in `Remaining` and is left to them.
Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sync_worker.boundary.headers import whole
from sync_worker.services import Services

FREE_COUNT, INTERVAL_S = 100, 10.0  # of the smallest plan, until an answer says more
SEARCH_COUNT, SEARCH_INTERVAL_S = 5, 1.0
SPARE = 0.01  # the vendor's clock and its counters are not ours
SEARCH_SPARE = 0.05  # searches are counted by their starts: a twentieth is for what the way shifts
OTHERS_SPARE = 0.05  # where others make calls too: what they have made since the last answer is not known
FIRST_REST_S: Final = 1.0  # after a refused data call: the window rolls, so a tenth of it is free again by then

Ended: TypeAlias = Callable[[], None]
"""Called when a call has ended."""


@dataclass(slots=True)
class Window:
    """The calls of one kind within the last interval, those to come among them: each by its start, or by its end once that was told."""

    most: int
    interval_s: float
    others: int = 0
    not_before_s: float = float("-inf")
    _moments: list[float] = field(default_factory=list)

    @property
    def room(self) -> int:
        """How many of ours one interval holds."""
        return max(1, self.most - self.others)

    def next_start_s(self, now_s: float) -> float:
        """When the next one may start; the place is taken by asking."""
        self._forget(now_s)
        start_s = max(now_s, self.not_before_s)
        if len(self._moments) >= self.room:
            start_s = max(start_s, self._moments[-self.room] + self.interval_s)
        insort(self._moments, start_s)
        return start_s

    def end(self, start_s: float, now_s: float) -> None:
        """The call that started then has ended; perhaps it came to the vendor as late as now."""
        place = bisect_left(self._moments, start_s)
        if place < len(self._moments) and self._moments[place] == start_s:
            del self._moments[place]
        insort(self._moments, now_s)

    def count(self, now_s: float) -> int:
        """How many have a place in the interval that ends now."""
        self._forget(now_s)
        return bisect_right(self._moments, now_s)

    def _forget(self, now_s: float) -> None:
        del self._moments[: bisect_right(self._moments, now_s - self.interval_s)]


class Pace:
    """The two windows of one portal."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._calls = Window(spared(FREE_COUNT), INTERVAL_S)
        self._searches = Window(SEARCH_COUNT, SEARCH_INTERVAL_S * (1 + SEARCH_SPARE))
        self._refused_at_s = float("-inf")

    @contextmanager
    def call(self, *, is_search: bool) -> Iterator[None]:
        """Waits until a call may start; inside, it is under way."""
        ended = self._started(is_search=is_search)
        try:
            yield
        finally:
            if not is_search:
                ended()

    def _started(self, *, is_search: bool) -> Ended:
        """Returns when the call may start."""
        now_s = self._services.monotonic()
        with self._lock:
            start_s = self._window(is_search).next_start_s(now_s)
        if start_s > now_s:
            self._services.sleep(start_s - now_s)
        return lambda: self._ended(start_s)

    def _ended(self, start_s: float) -> None:
        with self._lock:
            self._calls.end(start_s, self._services.monotonic())

    def hear(self, headers: Mapping[str, str]) -> None:
        """What an answer says of the allowance: how much it is, and how much others have used of it."""
        told = heard(headers)
        if told is None:
            return
        with self._lock:
            self._calls.most, self._calls.interval_s = told.most, told.interval_s
            self._calls.others = told.left_to_others(self._calls.count(self._services.monotonic()))

    def rest(self, seconds: float, *, is_search: bool) -> None:
        """No call starts for so long."""
        with self._lock:
            self._window(is_search).not_before_s = self._services.monotonic() + seconds

    def refused(self, headers: Mapping[str, str], longest_s: float) -> float:
        """The vendor refused a data call because of its window, and named no time: for how long none starts.

        A short while, where the answer tells that the window is used up: what starts afterwards goes by that. The longest time, where it
        does not, and where a call is refused that comes after the short one.
        """
        self.hear(headers)
        now_s = self._services.monotonic()
        with self._lock:
            is_same = now_s < self._calls.not_before_s  # it was in flight when another was refused
            is_again = not is_same and now_s - self._refused_at_s <= self._calls.interval_s
            self._refused_at_s = self._refused_at_s if is_same else now_s
            left_s = self._calls.not_before_s - now_s
        if is_same:
            return left_s
        told = heard(headers)
        is_used_up = told is not None and told.used >= told.most
        rest_s = min(longest_s, FIRST_REST_S) if is_used_up and not is_again else longest_s
        self.rest(rest_s, is_search=False)
        return rest_s

    def _window(self, is_search: bool) -> Window:
        return self._searches if is_search else self._calls


@dataclass(frozen=True, slots=True)
class RollingAllowance:
    """What an answer says of the rolling allowance: how many we may make of it, and how many were made by all."""

    most: int
    interval_s: float
    used: int

    @property
    def spare(self) -> int:
        """So many are left as well where others make calls too."""
        return int(self.most * OTHERS_SPARE)

    def left_to_others(self, ours: int) -> int:
        """How many calls others need, where so many were ours."""
        return self.used - ours + self.spare if self.used > ours else 0


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
