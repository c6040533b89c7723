"""BACK-OFF: a wait that grows from one try to the next, up to a ceiling. Each caller names its numbers beside its own function."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The first wait, how many times longer each next one is, and the longest.

    **Shapes** `jitter`: the share of a wait that chance may take away, so that not everything comes back at once; 0 = none.
    **Units** seconds.
    """

    first_s: float
    factor: float = 2.0
    ceiling_s: float
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.first_s <= self.ceiling_s and self.factor >= 1 and 0 <= self.jitter < 1):
            raise ValueError(f"{self} is not a back-off: 0 < first_s <= ceiling_s, factor >= 1, 0 <= jitter < 1")

    def wait_s(self, tries: int, chance: float = 1.0) -> float:
        """How long to wait after so many tries. **Shapes** `chance`: a draw from [0, 1); without one the wait is as long as it may be."""
        return self._longest_s(tries) * (1 - self.jitter + self.jitter * chance)

    def next_s(self, last_s: float) -> float:
        """How long to wait after a wait of `last_s`, where only that was kept. Chance takes nothing away."""
        return min(max(last_s * self.factor, self.first_s), self.ceiling_s)

    def _longest_s(self, tries: int) -> float:
        try:
            return min(self.first_s * self.factor ** (max(tries, 1) - 1), self.ceiling_s)
        except OverflowError:
            return self.ceiling_s
