"""Waiting by the sandbox's own clock: a call that waits goes on when the clock gets there, whether by itself or because it was moved.

While the clock is stopped, nothing that waits goes on until somebody moves the clock.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from crm_sandbox.clock import Clock

Due = Callable[[], datetime | None]
"""Until when to wait, asked again whenever something has changed; None: no longer."""


class ClockWaits:
    """The calls that wait in one sandbox. All of them are on the server's event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sleepers: set[asyncio.Event] = set()
        clock.listeners.append(self.look_again)

    def look_again(self) -> None:
        """Something has changed: every call that waits asks again until when."""
        for sleeper in self._sleepers:
            sleeper.set()

    async def until(self, due: Due) -> None:
        """Returns when the clock has reached `due`, or when there is nothing to wait for any more."""
        sleeper = asyncio.Event()
        self._sleepers.add(sleeper)
        try:
            while (moment := due()) is not None and (left_s := (moment - self._clock.now()).total_seconds()) > 0:
                sleeper.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(None if self._clock.is_frozen else left_s):
                        await sleeper.wait()
        finally:
            self._sleepers.discard(sleeper)
