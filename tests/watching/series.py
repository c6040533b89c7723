"""Series as Prometheus keeps them: samples of one scrape after the other, and a mark where a series is not shown any more."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

NAME: Final = "__name__"
LOOK_BACK_S: Final = 300.0  # how old a sample may be that still counts
SCRAPE_S: Final = 30.0

Labels: TypeAlias = frozenset[tuple[str, str]]
Shown: TypeAlias = Mapping[Labels, float]
"""What one scrape of one process showed."""


def shown(text: str, **target: str) -> dict[Labels, float]:
    """The samples of `/metrics`, with the labels that a scrape adds (job, instance)."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {frozenset({NAME: one.name, **one.labels, **target}.items()): one.value for one in samples}


def without(labels: Labels, *names: str) -> Labels:
    return frozenset((name, value) for name, value in labels if name not in names)


@dataclass
class Series:
    """One series. **Shapes** `values`: None = the scrape before showed it, and this one did not. **Units** `times_s`."""

    times_s: list[float] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)

    def add(self, at_s: float, value: float | None) -> None:
        self.times_s.append(at_s)
        self.values.append(value)

    def at(self, at_s: float) -> float | None:
        """The newest sample, unless it is too old or the series has ended."""
        place = bisect_right(self.times_s, at_s) - 1
        return self.values[place] if place >= 0 and self.times_s[place] > at_s - LOOK_BACK_S else None

    def within(self, from_s: float, until_s: float) -> list[tuple[float, float]]:
        """The samples after `from_s`, until `until_s`."""
        first, last = bisect_right(self.times_s, from_s), bisect_right(self.times_s, until_s)
        found = zip(self.times_s[first:last], self.values[first:last], strict=True)
        return [(at_s, value) for at_s, value in found if value is not None]


class Archive:
    """Everything that was scraped."""

    def __init__(self) -> None:
        self.by_name: dict[str, dict[Labels, Series]] = defaultdict(dict)
        self.ended_s = 0.0
        self._before: set[Labels] = set()
        self._found: dict[tuple[str, tuple[Condition, ...]], list[tuple[Labels, Series]]] = {}

    def scrape(self, *targets: Shown, for_s: float) -> None:
        """These processes show the same for so long, beginning where the last scrapes ended."""
        self._found.clear()
        now = {labels: value for one in targets for labels, value in one.items()}
        until_s = self.ended_s + for_s
        while self.ended_s < until_s:
            for labels in self._before - now.keys():
                self._of(labels).add(self.ended_s, None)
            for labels, value in now.items():
                self._of(labels).add(self.ended_s, value)
            self._before = set(now)
            self.ended_s += SCRAPE_S

    def _of(self, labels: Labels) -> Series:
        return self.by_name[dict(labels)[NAME]].setdefault(labels, Series())

    def matching(self, name: str, conditions: Iterable[Condition]) -> list[tuple[Labels, Series]]:
        asked = (name, tuple(conditions))
        if asked not in self._found:
            self._found[asked] = [
                (labels, series)
                for labels, series in self.by_name.get(name, {}).items()
                if all(condition.holds(dict(labels).get(condition.label, "")) for condition in asked[1])
            ]
        return self._found[asked]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a label must be. **Shapes** `pattern`: a regular expression of the whole value."""

    label: str
    pattern: str
    is_wanted: bool

    def holds(self, value: str) -> bool:
        return bool(re.fullmatch(self.pattern, value)) == self.is_wanted
