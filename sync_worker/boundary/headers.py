"""What the headers of an answer say of time and of numbers. Nothing here raises: a header that cannot be read says nothing.

Proxies add headers of their own, and HTTP joins the values of one name with a comma, so every header may hold several values.
Source: RFC 9110, sections 5.6.7 (dates) and 10.2.3 (Retry-After)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT_S: Final = 86_400.0  # whatever an answer asks for: after a day we ask again
MOST_DIGITS: Final = 18
MOST_CHARS: Final = 1000  # of a header; more is an attack or a mistake
_BETWEEN: Final = re.compile(r"(?<=[A-Z0-9)])\s*,")  # the comma after a weekday (`Sun, 29 Nov`) stands inside a date
_SECONDS: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,18})?")


def whole(text: str | None) -> int | None:
    """A whole number in the digits 0 to 9; None for anything else (`²` and `٣` are digits to Python's own tests)."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def said_at(headers: Mapping[str, str]) -> datetime | None:
    """When the answer was given, by its `Date`. Of several dates the earliest: what is read must not end after the vendor's now."""
    return min(filter(None, map(_moment, _values(headers, "Date"))), default=None)


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """How long `Retry-After` asks to wait, in seconds; None where it asks for nothing that lies ahead, a day at most.

    **Shapes** a moment is compared with the answer's own `Date`, or with `now` where it has none; without either it
    says nothing. Of several values the longest counts.
    """
    now = said_at(headers) or now
    asked = [found for value in _values(headers, "Retry-After") if (found := _seconds(value, now)) is not None]
    longest = min(max(asked, default=0.0), LONGEST_WAIT_S)
    return longest if longest > 0 else None


def _values(headers: Mapping[str, str], name: str) -> Iterator[str]:
    for value in _BETWEEN.split(str(headers.get(name) or "")[:MOST_CHARS]):
        yield value.strip()


def _seconds(value: str, now: datetime | None) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = _moment(value)
    return (moment - now).total_seconds() if moment and now else None


def _moment(value: str) -> datetime | None:
    """An HTTP date as an aware moment. A date of the zone `-0000` is in UTC and says nothing of where it was written."""
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None
