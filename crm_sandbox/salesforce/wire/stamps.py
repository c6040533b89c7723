"""How the vendor writes time: `2026-05-01T07:25:37.000+0000`, whole seconds, always UTC, so that text sorts as time does."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d))?(?:\.(\d+))?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.IGNORECASE)


def write(moment: datetime) -> str:
    """A moment in the vendor's spelling; fractions of a second are dropped."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def write_epoch(seconds: int) -> str:
    """The same from seconds since 1970, for many of them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + ".000+0000"


def read(text: str) -> datetime | None:
    """An ISO 8601 moment, aware, or None; without an offset it is UTC."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    day, clock, seconds, fraction, _, sign, hours, minutes = match.groups()
    zone: timezone = UTC
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(offset if sign == "+" else -offset)
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{micros}").replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def comparable(moment: datetime) -> str:
    """The moment in a spelling that sorts among the stored ones, with its milliseconds."""
    utc = moment.astimezone(UTC)
    return f"{utc.strftime('%Y-%m-%dT%H:%M:%S')}.{utc.microsecond // 1000:03d}+0000"


def is_date(text: str) -> bool:
    """Whether it is a day, `2026-05-01`, that exists."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
