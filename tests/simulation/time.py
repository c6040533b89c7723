"""Time as one seed owns it: our clock and the CRM's move together, a constant apart, and only when told to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

from crm_sandbox.remote import Remote

P = ParamSpec("P")
T = TypeVar("T")

START_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOST_SKEW_S = 300  # the clocks of two honest machines may be that far apart


class Time:
    """Both clocks. The sandbox hears of a step before the next call that could tell the difference (`sync`)."""

    def __init__(self, skew_s: float) -> None:
        self.now = START_AT
        self.skew = timedelta(seconds=skew_s)
        self._remote: Remote | None = None
        self._told_at = START_AT

    @property
    def crm_now(self) -> datetime:
        return self.now + self.skew

    def attach(self, remote: Remote) -> None:
        """From now on this sandbox's clock stands still but for us."""
        self._remote = remote
        remote.freeze()
        remote.set_clock(self.crm_now)
        self._told_at = self.now

    def clock(self) -> datetime:
        """As the workers share it."""
        return self.now

    def clock_ahead(self, seconds: float) -> Callable[[], datetime]:
        """That of a machine which is so far ahead, or behind."""
        return lambda: self.now + timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return (self.now - START_AT).total_seconds()

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        """A wait inside one call: the time passes."""
        self.forward(seconds)
        self.sync()

    def sync(self) -> None:
        """The sandbox's clock shows the same moment."""
        if self._remote and self._told_at != self.now:
            self._remote.set_clock(self.crm_now)
            self._told_at = self.now


class AtOnce(Executor):
    """What would be done beside a step is done before it goes on: the earliest moment there is, and the same one for each seed."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # a crash too, as in a thread
            done.set_exception(error)
        return done
