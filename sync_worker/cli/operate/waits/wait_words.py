"""How waits are told: lengths of time, and how a wait grows. What the waits are stands in `waits_of_crm.py` and `waits_of_ours.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sync_worker import actors
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import SyncError

_UNITS: Final = ((86_400, "day"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Wait:
    """One line. **Shapes** `names`: the constants behind it, as `module.NAME` below `sync_worker`."""

    what: str
    again: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator asks, and the waits that answer it."""

    words: str
    waits: Sequence[Wait]


def exactly(seconds: float) -> str:
    """A setting, not rounded as `moments.span` is: the largest unit that it is a whole number of, as 90 s, 5 min, 6 h, 1 day."""
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds >= unit and seconds % unit == 0), (1, "s"))
    count = seconds / unit
    return f"{count:g} {name}{'s' if name == 'day' and count != 1 else ''}"


def spans(seconds: Sequence[float]) -> str:
    """`5 s, 30 s, 2 min`."""
    return ", ".join(map(exactly, seconds))


def growing(backoff: Backoff) -> str:
    """A wait that grows to its ceiling."""
    times = "twice" if backoff.factor == 2 else f"{backoff.factor:g} times"
    return f"after {exactly(backoff.first_s)}, then {times} as long each time, {exactly(backoff.ceiling_s)} at most"


def pause(error: SyncError) -> str:
    """How a portal, or a record type, rests after the same error again and again."""
    found = actors.pause_of(error)
    return growing(found) if isinstance(found, Backoff) else f"after {exactly(found)}"


def length(waits_s: Sequence[float]) -> str:
    """About how long all of them last, in the unit that people would use."""
    total = timedelta(seconds=sum(waits_s))
    if total >= timedelta(days=1):
        return f"{total / timedelta(days=1):.1f} days"
    return f"{total / timedelta(minutes=1):.0f} min"
