"""Renews what would expire while a piece of work is under way: a claim on writes, a reader's lease. From a thread of its own.

A claim's deadline is kept on the monotonic clock, so that a stopped process or a jumping wall clock cannot make it longer than it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from sync_worker.errors import StaleRead, StoreDown
from sync_worker.services import Services

CLAIM_S = 30.0  # how long the work of a killed worker waits
RENEW_S = 10.0  # a third of what is renewed, so that one renewal may fail to come


class Keeper:
    """Calls `renew` every ten seconds while the block lasts, until it says that there is nothing to renew any more."""

    def __init__(self, renew: Callable[[], bool]) -> None:
        self._renew = renew
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(RENEW_S):
            try:
                if not self._renew():
                    return
            except (StoreDown, StaleRead):
                return


class Hold:
    """A claim of 30 seconds, renewed while the block lasts. It is made before the claim is, so that its deadline is never the later one."""

    def __init__(self, services: Services, renew: Callable[[], bool]) -> None:
        self._services = services
        self._renew = renew
        self._deadline_s = services.monotonic() + CLAIM_S
        self._keeper = Keeper(self._prolong)

    def __enter__(self) -> Hold:
        self._keeper.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._keeper.__exit__(kind, error, trace)

    def time_left_s(self) -> float:
        """Seconds in which a write may still be begun and answered."""
        return self._deadline_s - self._services.monotonic()

    def _prolong(self) -> bool:
        begun_s = self._services.monotonic()
        if begun_s >= self._deadline_s:
            return False
        is_held = self._renew()
        if is_held:
            self._deadline_s = begun_s + CLAIM_S
        return is_held
