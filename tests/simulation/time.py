"""Time as one seed owns it: our clock and the CRM's move together, a constant apart, and only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync_worker.sandbox.remote import Remote

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
        return self.now

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
