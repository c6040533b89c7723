"""Tells the workers what a commit made due, from a thread of its own, so that no answer waits for a queue that hangs.

One that is lost costs little: the schedule finds what is due in the database.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.web.webhooks.debounce import Send


class FollowUps:
    """The same work for one portal waits once, even if many requests make it due."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._waiting: set[tuple[str, FollowUp]] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="follow-ups")

    def __call__(self, portal: str, follow_ups: Iterable[FollowUp]) -> None:
        """These are committed."""
        for follow_up in sorted(follow_ups, key=lambda one: (one.work, one.record)):
            with self._lock:
                is_new = (portal, follow_up) not in self._waiting
                self._waiting.add((portal, follow_up))
            if is_new:
                self._thread.submit(partial(copy_context().run, self._tell, portal, follow_up))

    def _tell(self, portal: str, follow_up: FollowUp) -> None:
        with self._lock:
            self._waiting.discard((portal, follow_up))  # first: what comes from here on may come too late for this one
        self._send(portal, follow_up.work, follow_up.record, follow_up.share)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
