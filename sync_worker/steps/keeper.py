"""Renews what would expire while a piece of work is under way: a claim on writes, a reader's lease. From a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from sync_worker.errors import StaleRead, StoreDown

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
