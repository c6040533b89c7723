"""What a step would otherwise take from the world: time, identity, chance. Bootstrap hands them in, so a simulation can own all three."""

from __future__ import annotations

import _thread
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from sync_worker.telemetry.correlation import goes_on

LOOK_UP_S: Final = 0.5


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return str(uuid.uuid4())


def _one_thread() -> Executor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside", initializer=goes_on())


def _never() -> bool:
    return False


def set_from_signal(event: threading.Event) -> None:
    """Sets the event from a thread of its own: a signal handler runs in the main thread, which may hold the lock of this very event."""
    _thread.start_new_thread(event.set, ())


def wait_for_signal(event: threading.Event) -> None:
    """Until a signal has set the event.

    Python runs the handler in the main thread, between two of its steps. A signal that comes just before a wait without an end does not
    break that wait, and the process would never stop. So this wait looks up again and again.
    """
    while not event.wait(LOOK_UP_S):
        pass


@dataclass(frozen=True, slots=True)
class Services:
    """**Shapes** `beside`: a new helper that does one thing after the other beside a step. `is_stopping`: end after the next commit.

    `shared_clock`: what the processes of one database judge leases and claims by, in place of that database's own clock (`Store`).

    **Units** `clock` gives aware UTC times; `monotonic` and `sleep` speak seconds and are for deadlines and waits inside one call.
    """

    clock: Callable[[], datetime] = _utc_now
    new_id: Callable[[], str] = _new_id
    random: random.Random = field(default_factory=random.Random)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    beside: Callable[[], Executor] = _one_thread
    is_stopping: Callable[[], bool] = _never
    shared_clock: Callable[[], datetime] | None = None

    @classmethod
    def until(cls, stopped: threading.Event) -> Self:
        """Those of a process that ends its work soon after the event; no wait outlasts it."""

        def sleep(seconds: float) -> None:
            stopped.wait(seconds)

        return cls(sleep=sleep, is_stopping=stopped.is_set)
