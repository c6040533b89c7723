"""Which records are being written. HubSpot does not wait for a record that another call writes: it refuses (423).

Such a lock lasts two seconds from the first call that it refused; tries in between do not make it longer (our choice).
Source: https://developers.hubspot.com/docs/api-reference/error-handling ("Locks will last for 2 seconds").
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOCK_S = 2
RecordKey = tuple[str, str]  # record type, and the id or what else tells a record from others


@dataclass(slots=True)
class RecordLocks:
    """The locks of one account, by the sandbox's clock."""

    _writing: set[RecordKey] = field(default_factory=set)
    _until: dict[RecordKey, datetime] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        """Whether no record is locked, as far as is known."""
        return not self._writing and not self._until

    def take(self, keys: frozenset[RecordKey], now: datetime) -> bool:
        """Whether a call may write these records; if so, it holds them until `release`."""
        self._until = {key: until for key, until in self._until.items() if until > now}
        busy = keys & self._writing
        for key in busy:
            self._until.setdefault(key, now + timedelta(seconds=LOCK_S))
        if busy or not keys.isdisjoint(self._until):
            return False
        self._writing |= keys
        return True

    def release(self, keys: frozenset[RecordKey]) -> None:
        """The call is over."""
        self._writing -= keys

    def clear(self) -> None:
        """Nothing is locked."""
        self._writing.clear()
        self._until.clear()
