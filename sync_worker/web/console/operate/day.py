"""The pictures of a portal's last day: how far its reading was behind, what became of what was read, and the calls."""

from __future__ import annotations

from typing import Any, Final

from sync_worker.crm.budget import SHARES
from sync_worker.domain.core.moments import span
from sync_worker.steps.operate.day import PortalDay, last_day
from sync_worker.web.console.core.door import ConsoleVisit
from sync_worker.web.console.core.pictures.chart import Chart, Series, Strip, StripPart, columns, lines, strip

LOOKS: Final = ("first", "second", "third")
OUTCOMES: Final = ("applied", "unchanged", "skipped", "failed")


def pictures_of(visit: ConsoleVisit) -> dict[str, Any]:
    """What the templates of the day show."""
    day = last_day(visit.tenant)
    return {"lag": _lag(day), "outcomes": _outcomes(day), "calls": _calls(day), "budget": _budget(visit)}


def _hours(day: PortalDay) -> list[str]:
    return [f"{edge:%H:%M} UTC" for edge in day.edges[:-1]]


def _lag(day: PortalDay) -> Chart:
    series = [Series(record, LOOKS[number % len(LOOKS)], lags_s) for number, (record, lags_s) in enumerate(day.lags_s.items())]
    return lines("lag", "How far reading was behind, the most in each hour", _hours(day), series, said=span)


def _outcomes(day: PortalDay) -> Chart:
    series = [Series(name, name, [getattr(counts, name) for counts in day.counts]) for name in OUTCOMES]
    return columns("outcomes", "What became of the records that were read", _hours(day), series)


def _calls(day: PortalDay) -> Chart:
    return columns("calls", "Calls to the CRM", _hours(day), [Series("calls", "first", [counts.calls for counts in day.counts])])


def _budget(visit: ConsoleVisit) -> Strip:
    """The calls of the day by the work that they were for, and what is left."""
    _, day = visit.console.installation.budget(visit.portal).standing()
    used = [StripPart(name, look, day.used[name], f"{day.used[name]:,} calls") for name, look in zip(SHARES, LOOKS, strict=True)]
    left = [] if day.left is None else [StripPart("left", "rest", day.left, f"{day.left:,} calls")]
    return strip("budget", "The calls of the day, by what they were for", [*used, *left])
