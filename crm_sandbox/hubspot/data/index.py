"""What search sees: the records as they were some seconds ago, sorted by when they changed.

Saves wait in a queue until the lag has passed; records are values, so what is seen late costs nothing to keep.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from crm_sandbox.hubspot.data.records import Record

T = TypeVar("T", int, tuple[int, int])
_MANY = 500  # changes, above which sorting again is faster than putting each in its place


@dataclass(slots=True)
class Index:
    """The searchable state of one type's records. `age` counts its changes, for those who keep results."""

    now_ms: Callable[[], int]
    lag_ms: Callable[[], int]
    age: int = 0
    _seen: dict[int, Record] = field(default_factory=dict)
    _waiting: deque[tuple[int, int, Record | None]] = field(default_factory=deque)
    _by_modified: list[tuple[int, int]] | None = None
    _ids: list[int] | None = None

    def save(self, record_id: int, record: Record | None) -> None:
        """A record's new state, to be seen once the lag has passed; None takes it away."""
        state = None if record is None or record.archived_ms is not None else record
        self._waiting.append((self.now_ms() + self.lag_ms(), record_id, state))

    def load(self, records: dict[int, Record]) -> None:
        """Many records at once, seen from now on."""
        self._seen = dict(records)
        self._by_modified = self._ids = None
        self.age += 1

    def seen(self) -> dict[int, Record]:
        """Every record that search sees now, by id."""
        now, lag = self.now_ms(), self.lag_ms()
        due = 0
        while self._waiting and (self._waiting[0][0] <= now or not lag):
            _, record_id, record = self._waiting.popleft()
            due += 1
            if due > _MANY:
                self._by_modified = self._ids = None
            self._see(record_id, record)
        return self._seen

    def _see(self, record_id: int, record: Record | None) -> None:
        before = self._seen.pop(record_id, None)
        self.age += 1
        if record is not None:
            self._seen[record_id] = record
        _swap(
            self._by_modified,
            None if before is None else (before.modified_ms, record_id),
            None if record is None else (record.modified_ms, record_id),
        )
        if (before is None) != (record is None):
            _swap(self._ids, None if before is None else record_id, None if record is None else record_id)

    def ids(self) -> list[int]:
        """Every id, in order."""
        seen = self.seen()
        if self._ids is None:
            self._ids = sorted(seen)
        return self._ids

    def modified_between(self, low_ms: int | None, high_ms: int | None) -> list[int]:
        """The ids of records changed within bounds, both included, in order."""
        seen = self.seen()
        if self._by_modified is None:
            self._by_modified = sorted((record.modified_ms, record.id) for record in seen.values())
        rows = self._by_modified
        start = 0 if low_ms is None else bisect_left(rows, (low_ms,))
        stop = len(rows) if high_ms is None else bisect_right(rows, (high_ms, 1 << 62))
        return self.ids() if stop - start == len(rows) else sorted(record_id for _, record_id in rows[start:stop])


def _swap(rows: list[T] | None, gone: T | None, new: T | None) -> None:
    """One row out of a sorted list, another one in; a list that is not made yet stays so."""
    if rows is None:
        return
    if gone is not None:
        del rows[bisect_left(rows, gone)]
    if new is not None:
        insort(rows, new)
