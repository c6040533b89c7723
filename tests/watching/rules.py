"""What Prometheus makes of alerting rules: for how long an expression has held, and what a person then reads."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import promql_parser

from tests.watching.promql import Moment
from tests.watching.series import NAME, Archive, Labels, without

EVALUATED_S: Final = 31.0  # not a multiple of the scrapes: no sample lies on the edge of a window
_PLACEHOLDER: Final = re.compile(r"{{\s*(\$[\w.]+)\s*(?:\|\s*(\w+)\s*)?}}")
_SIZES: Final = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert of the file. **Units** `for_s`."""

    alert: str
    expression: str
    for_s: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Rule:
        length = written.get("for")
        for_s = promql_parser.parse_duration(length).total_seconds() if length else 0.0
        return cls(written["alert"], written["expr"], for_s, written["labels"], written["annotations"])


@dataclass(frozen=True, slots=True)
class Alert:
    """One that fires: its own labels, those of the rule, and its words."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass
class Watch:
    """One rule, evaluated again and again. **Units** `_since_s`: since when it holds, by labels."""

    rule: Rule
    _since_s: dict[Labels, float] = field(default_factory=dict)

    def look(self, archive: Archive, at_s: float) -> list[Alert]:
        """What fires now."""
        found = {without(labels, NAME): value for labels, value in Moment(archive, at_s).vector(self.rule.expression).items()}
        self._since_s = {labels: self._since_s.get(labels, at_s) for labels in found}
        held = {labels: value for labels, value in found.items() if at_s - self._since_s[labels] >= self.rule.for_s}
        fired = [_alert(self.rule, dict(labels), value) for labels, value in held.items()]
        return sorted(fired, key=lambda one: sorted(one.labels.items()))


def watched(rule: Rule, archive: Archive, *, from_s: float = 0.0) -> Iterator[tuple[float, list[Alert]]]:
    """Each evaluation until the last scrape: when it was, and what fired."""
    watch = Watch(rule)
    count = math.ceil(from_s / EVALUATED_S)
    while count * EVALUATED_S < archive.ended_s:
        yield count * EVALUATED_S, watch.look(archive, count * EVALUATED_S)
        count += 1


def _alert(rule: Rule, labels: Mapping[str, str], value: float) -> Alert:
    rendered = {name: rendering(words, labels, value) for name, words in rule.annotations.items()}
    return Alert({**labels, **rule.labels, "alertname": rule.alert}, rendered)


# ── templates ────────────────────────────────────────────────────────────────────────────────────────────────────────


def rendering(template: str, labels: Mapping[str, str], value: float) -> str:
    """The words, filled in. **Raises** ValueError for a placeholder that is not known here."""

    def filled(match: re.Match[str]) -> str:
        name, form = match[1], match[2]
        if name == "$value":
            return _FORMS[form](value)
        if name.startswith("$labels.") and not form:
            return labels.get(name.removeprefix("$labels."), "")
        raise ValueError(f"{match[0]} is not known to the tests")

    words = _PLACEHOLDER.sub(filled, template)
    if "{{" in words:
        raise ValueError(f"not read: {words}")
    return words


def humanized(value: float) -> str:
    """`1.234k`."""
    size = 0
    while abs(value) >= 1000 and size < len(_SIZES) - 1:
        value, size = value / 1000, size + 1
    if 0 < abs(value) < 1 and not size:
        raise ValueError("a value below 1 is not known to the tests")
    return f"{value:.4g}{_SIZES[size]}"


def duration(seconds: float) -> str:
    """`1h 2m 3s`."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.4g}ms"
    days, hours, minutes = int(seconds // 86_400), int(seconds // 3600) % 24, int(seconds // 60) % 60
    if seconds < 60:
        return f"{seconds:.4g}s"
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (int(seconds) % 60, "s")]
    while not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{count}{unit}" for count, unit in parts)


_FORMS: Final[Mapping[str | None, Callable[[float], str]]] = {
    None: lambda value: f"{value:.15g}",
    "humanize": humanized,
    "humanizeDuration": duration,
    "humanizePercentage": lambda value: f"{value * 100:.4g}%",
}
