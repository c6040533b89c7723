"""The sandbox's own clock: it can be moved, frozen and set, and nothing in the sandbox asks the machine for the time.

It never goes back by itself; `set` may put it anywhere, since a test may want yesterday.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


def machine_now() -> datetime:
    """The machine's time, the only place that asks for it."""
    return datetime.now(UTC)


class Clock:
    """Now, as the imitated vendor sees it: aware UTC."""

    def __init__(self, now: datetime | None = None, *, source: Callable[[], datetime] = machine_now) -> None:
        self._source = source
        self._offset = timedelta(0) if now is None else now.astimezone(UTC) - source()
        self._frozen_at: datetime | None = None
        self._past: datetime | None = None
        self.listeners: list[Callable[[], None]] = []  # called when the clock was set, stopped or started

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> datetime:
        """The current time, aware UTC."""
        if self._past is not None:
            return self._past
        return self._frozen_at if self._frozen_at is not None else self._source() + self._offset

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Inside, it is that moment: for what has happened since anybody looked."""
        self._past = moment
        try:
            yield
        finally:
            self._past = None

    def advance(self, seconds: float) -> datetime:
        """Move forward (or back, below zero), frozen or not."""
        return self.set(self.now() + timedelta(seconds=seconds))

    def set(self, now: datetime) -> datetime:
        """Make it `now`; a frozen clock stays frozen, at the new time."""
        now = now.astimezone(UTC)
        if self._frozen_at is not None:
            self._frozen_at = now
        else:
            self._offset = now - self._source()
        self._tell()
        return self.now()

    def freeze(self, *, frozen: bool) -> datetime:
        """Stop the clock where it stands, or let it run on from there."""
        now = self.now()
        self._frozen_at = None
        self._offset = now - self._source()
        if frozen:
            self._frozen_at = now
        self._tell()
        return now

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()
