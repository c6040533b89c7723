"""Where a portal's calls wait until fewer are in flight than may be (`width.py`). One process's; `shared_turnstile.py` has all processes'.

A call that waits gives up when the worker stops, when its claim has too little time left, and at the
latest after a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sync_worker.crm.budget import Share
from sync_worker.crm.faults import RecordLocked, TriedEnough
from sync_worker.crm.width import CROWDED, FAST, FAST_S, SLOW, CallEnd, Limit, Verdict, Width
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import RateLimited, Stopped
from sync_worker.services import Services
from sync_worker.telemetry import logs, metrics

LONGEST_WAIT_S = 60.0  # for another call to end: none lasts much longer
BETWEEN_LOOKS: Final = Backoff(first_s=0.005, factor=2, ceiling_s=0.1)
"""A waiting call looks for room after 5 ms, then after twice as long each time, at last ten times a second."""

MayWait = Callable[[], object]
"""Asked before each look. What it raises ends the wait."""


def as_long_as_it_takes() -> None:
    """For a call without a claim."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a call is made for. **Shapes** `doing`: for people; `is_counted`: it is a data call."""

    doing: str
    is_write: bool = False
    is_counted: bool = True
    may_wait: MayWait = as_long_as_it_takes


def is_crowd(error: BaseException | None) -> bool:
    """Whether the CRM says that there are too many calls at once."""
    return isinstance(error, RecordLocked) or (isinstance(error, RateLimited) and error.scope == "burst")


class Turnstile:
    """**Shapes** `limit`: what the vendor bears and the portal file allows; `portal`: its name, for the log and the metrics."""

    def __init__(self, limit: Limit, services: Services, portal: str = "") -> None:
        self.limit = limit
        self._portal = portal
        self._services = services
        self._lock = threading.Lock()
        self._width = Width(limit.first)
        self._newest = 0
        self._in_flight: dict[int, Share] = {}

    def parallel_calls(self, share: Share) -> int:
        """How many calls this kind of work may have in flight, as far as is known here; others may have some of them."""
        return self._width.for_backfills if share == "backfill" else self._width.calls

    @contextmanager
    def passing(self, share: Share, may_wait: MayWait = as_long_as_it_takes) -> Iterator[int]:
        """Inside, one call is in flight; its number. **Raises** TriedEnough after too long a wait, Stopped, and what `may_wait` does."""
        number = self._admitted(share, may_wait)
        began_s, verdict = self._services.monotonic(), SLOW
        try:
            yield number
            verdict = FAST if self._services.monotonic() - began_s <= FAST_S else SLOW
        finally:
            self._end(number, verdict)

    def crowded(self, number: int) -> None:
        """The CRM said of this call that there are too many at once. It may have ended before."""
        before = self._width.calls
        self._end(number, CROWDED)
        if self._width.calls < before:
            log = logs.get().bind(portal=self._portal)
            log.info("too many calls at once, says the CRM: fewer are made for now", parallel_calls=self._width.calls, before=before)

    def _admitted(self, share: Share, may_wait: MayWait) -> int:
        began_s, looks = self._services.monotonic(), 0
        while not (number := self._enter(share)):
            looks += 1
            may_wait()
            if self._services.is_stopping():
                raise Stopped("stopped on request while a call waited for its portal's other calls to end; it was not made")
            if self._services.monotonic() - began_s >= LONGEST_WAIT_S:
                raise TriedEnough(
                    f"a call has waited {LONGEST_WAIT_S:.0f} seconds for its portal's other calls to end "
                    f"({self._width.calls} at once for now); "
                    "it was not made, and comes again by itself"
                )
            self._services.sleep(BETWEEN_LOOKS.wait_s(looks))
        return number

    def _enter(self, share: Share) -> int:
        """The call's number; 0 where there is no room."""
        with self._lock:
            of_backfills = sum(one == "backfill" for one in self._in_flight.values())
            if not self._width.has_room(share, in_flight=len(self._in_flight), of_backfills=of_backfills):
                return 0
            self._newest += 1
            self._in_flight[self._newest] = share
            return self._newest

    def _end(self, number: int, verdict: Verdict) -> None:
        with self._lock:
            end = CallEnd(verdict, number, self._newest, len(self._in_flight))
            self._in_flight.pop(number, None)
            self._become(self._width.after(end, self.limit))

    def _become(self, width: Width) -> None:
        self._width = width
        if self._portal:
            metrics.PARALLEL_CALLS.labels(self._portal).set(width.calls)


class OpenTurnstile(Turnstile):
    """Lets every call through and makes none side by side: for a connection that belongs to no portal."""

    def __init__(self, services: Services) -> None:
        super().__init__(Limit(1, 1), services)

    def _enter(self, share: Share) -> int:
        return 1

    def _end(self, number: int, verdict: Verdict) -> None:
        return
