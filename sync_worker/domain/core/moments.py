"""Times as people say them: how long, how long ago, in how long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

_UNITS: Final = ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h"))
"""(below so many seconds, seconds of one unit, its name); beyond the last one in days."""


def span(seconds: float) -> str:
    """A length of time in its natural unit: 45 s, 4 min, 3 h, 12 days."""
    length = abs(seconds)
    for limit, unit, name in _UNITS:
        if length < limit:
            return f"{round(length / unit)} {name}"
    return f"{round(length / 86_400)} days"


def ago(moment: datetime, now: datetime) -> str:
    """`4 min ago`."""
    return f"{span((now - moment).total_seconds())} ago"


def whence(moment: datetime, now: datetime) -> str:
    """`in 4 min (2026-03-01 12:00 UTC)`, or `4 min ago (…)`."""
    return f"{due(moment, now) if moment > now else ago(moment, now)} ({moment:%Y-%m-%d %H:%M} UTC)"


def whence_short(moment: datetime, now: datetime) -> str:
    """The same for a list: `in 4 min (12:00 UTC)` today, `5 days ago (2026-03-01)` on another day."""
    is_today = moment.astimezone(UTC).date() == now.astimezone(UTC).date()
    where = f"{moment.astimezone(UTC):%H:%M} UTC" if is_today else f"{moment.astimezone(UTC):%Y-%m-%d}"
    return f"{due(moment, now) if moment > now else ago(moment, now)} ({where})"


def utc(moment: datetime) -> str:
    """`2026-03-01 12:00:00 UTC`, for what is kept and read later."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def written(moment: datetime) -> str:
    """`2026-03-01T12:00:00Z`, for programs: as the API and the feed write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def due(moment: datetime, now: datetime) -> str:
    """`in 4 min`; `now` where the moment is over."""
    return f"in {span((moment - now).total_seconds())}" if moment > now else "now"


def past_moment(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    """The moment that a person means by `2026-11-01`, the end of that day in this zone, or by `2026-11-01T12:00`.

    **Shapes** None: today, which is now. **Raises** ValueError in words.
    """
    try:
        is_day = len(text) == len("2026-11-01")
        found = datetime.combine(date.fromisoformat(text), time.max) if is_day else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text}: is not a date — write 2026-11-01, or 2026-11-01T12:00 for a moment") from None
    try:
        moment = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text}: this moment is outside of the years 1 to 9999 — write another one") from None
    if moment <= now:
        return moment
    if moment - now <= timedelta(days=1) and found.date() == now.astimezone(zone).date():
        return None
    raise ValueError(f"{text}: this day is in the future; today is {now:%Y-%m-%d}")
