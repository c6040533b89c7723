"""How the vendor writes time: `2026-05-01T07:25:37.123Z`, milliseconds, always UTC. Inside, a moment is its milliseconds since 1970."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
DAY_MS = 86_400_000


def ms_of(moment: datetime) -> int:
    """A moment as milliseconds since 1970, fractions dropped."""
    return (moment - _EPOCH) // _MS


def write(at_ms: int) -> str:
    """A moment in the vendor's spelling."""
    return f"{(_EPOCH + at_ms * _MS).isoformat()[:19]}.{at_ms % 1000:03d}Z"


def read(text: str) -> int | None:
    """Milliseconds since 1970, or an ISO 8601 day or moment (UTC unless it says otherwise), or None."""
    if text.removeprefix("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ms_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def day(at_ms: int) -> str:
    """The day of a moment, in UTC."""
    return write(at_ms)[:10]
