"""One refresh for all that was noticed within half a second, so that a burst of requests is one read.

A ring that is lost costs little: the schedule finds notices in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from sync_worker.crm.budget import Share
from sync_worker.steps.core.follow_up import Work

WINDOW_S = 0.5  # of the second a notice may take; at fifty events a second some twenty-five share a refresh

Send = Callable[[str, Work, str, Share], object]
"""(portal, work, record, whose calls it takes) to the worker that does it; `Actors.send`. It logs its own errors and may take long."""


class Bell:
    """Belongs to one event loop; sends from a thread of its own, one at a time, so that a queue that hangs holds up nothing else.

    A refresh has the trail of the first request that made it due.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._ringing: set[tuple[str, str]] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bell")

    def ring(self, portal: str, records: Iterable[str]) -> None:
        """Notices of these record types are committed."""
        for record in records:
            if (portal, record) not in self._ringing:
                self._ringing.add((portal, record))
                ask = partial(copy_context().run, self._ask, portal, record)
                asyncio.get_running_loop().call_later(WINDOW_S, self._thread.submit, ask)

    def _ask(self, portal: str, record: str) -> None:
        self._ringing.discard((portal, record))  # first: what comes from here on may come too late for this refresh
        self._send(portal, Work.REFRESH, record, "live")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
