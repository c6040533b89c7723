"""What was asked of the sandbox, counted by kind, so that a test can say how many calls a job took."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One request, named: `kind` is ours (`query`, `collections_write`), `object` the vendor's record type if known."""

    kind: str
    method: str
    path: str
    object: str | None = None


class Calls:
    """Counts since the start or the last reset; the vendor's own daily count is another matter."""

    def __init__(self) -> None:
        self._count_by_kind: Counter[str] = Counter()

    def count(self, call: Call) -> None:
        """Remember one call."""
        self._count_by_kind[call.kind] += 1

    def reset(self) -> None:
        """Begin at nought."""
        self._count_by_kind.clear()

    def by_kind(self) -> dict[str, int]:
        """Counts by kind, in the order of names; kinds never asked are absent."""
        return dict(sorted(self._count_by_kind.items()))

    def total(self) -> int:
        """All calls together, controls excepted."""
        return self._count_by_kind.total()
