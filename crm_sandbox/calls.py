"""What was asked of the sandbox, counted by kind, so that a test can say how many calls a job took, and how many were in flight."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import orjson


@dataclass(frozen=True, slots=True)
class Call:
    """One request, named: `kind` is ours (`query`, `collections_write`), `object` the vendor's record type if known."""

    kind: str
    method: str
    path: str
    object: str | None = None
    body: bytes = field(default=b"", repr=False)

    def count(self) -> int:
        """How many records its body names; 0 where it is not a batch."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return 0
        lists = [found[name] for name in ("records", "inputs", "ids") if name in found] if isinstance(found, dict) else []
        return max((len(rows) for rows in lists if isinstance(rows, list)), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class CallInFlight:
    """A call that has no answer yet, and when it came by the sandbox's clock."""

    call: Call
    began_at: datetime


class Calls:
    """Counts since the start or the last reset; the vendor's own daily count is another matter."""

    def __init__(self) -> None:
        self._count_by_kind: Counter[str] = Counter()
        self._count_by_second: Counter[tuple[str, int]] = Counter()
        self._count_by_status: Counter[int] = Counter()
        self._began_s = 0.0
        self.refused_again = 0
        self._refused: set[int] = set()
        self.in_flight: set[CallInFlight] = set()
        self.most_in_flight = 0
        self._most_by_kind: Counter[str] = Counter()

    @contextmanager
    def flying(self, call: Call, now: datetime) -> Iterator[None]:
        """Inside, the call is in flight."""
        flight = CallInFlight(call, now)
        self.in_flight.add(flight)
        self._note_most()
        try:
            yield
        finally:
            self.in_flight.discard(flight)

    def _note_most(self) -> None:
        self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
        self._most_by_kind |= Counter(flight.call.kind for flight in self.in_flight)  # the larger count of each kind

    def count(self, call: Call) -> None:
        """Remember one call."""
        now_s = time.monotonic()
        self._began_s = self._began_s if self._count_by_kind else now_s
        self._count_by_kind[call.kind] += 1
        self._count_by_second[call.kind, int(now_s - self._began_s)] += 1

    def answered(self, call: Call, query: bytes, status: int) -> None:
        """Remember how one call ended, and whether a limit has refused the very same request twice in a row."""
        self._count_by_status[status] += 1
        request = hash((call.method, call.path, query, call.body))
        if status == 429:
            self.refused_again += request in self._refused
            self._refused.add(request)
        else:
            self._refused.discard(request)

    def reset(self) -> None:
        """Begin at nought; what is in flight stays in flight."""
        for counts in (self._count_by_kind, self._count_by_second, self._count_by_status, self._most_by_kind):
            counts.clear()
        self.most_in_flight = self.refused_again = 0
        self._refused.clear()
        self._note_most()

    def by_kind(self) -> dict[str, int]:
        """Counts by kind, in the order of names; kinds never asked are absent."""
        return dict(sorted(self._count_by_kind.items()))

    def by_second(self) -> dict[str, list[int]]:
        """Counts by kind for each second since the first call, by the machine's clock: that of the sandbox may be moved."""
        last = max((second for _, second in self._count_by_second), default=0)
        return {kind: [self._count_by_second[kind, second] for second in range(last + 1)] for kind in self.by_kind()}

    def by_status(self) -> dict[str, int]:
        """Counts by the answer's status; a connection that was cut has none."""
        return {str(status): count for status, count in sorted(self._count_by_status.items())}

    def most_by_kind(self) -> dict[str, int]:
        """How many calls of a kind were in flight at once, at most."""
        return dict(sorted(self._most_by_kind.items()))

    def total(self) -> int:
        """All calls together, controls excepted."""
        return self._count_by_kind.total()
