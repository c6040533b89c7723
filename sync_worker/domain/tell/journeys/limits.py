"""How many people a journey may reach, and how many mails it may send within an hour, before a person has looked at the number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JourneyReach:
    """How many of the portal's active users a journey could tell, if a deal of the right kind came. **Units** `percent`: the limit."""

    count: int
    of: int
    percent: int

    def is_confirmed(self, confirmed: int) -> bool:
        """Whether it is small enough, or a person has confirmed a number that is not smaller."""
        return self.count * 100 <= self.of * self.percent or self.count <= confirmed

    def __str__(self) -> str:
        return f"could reach {self.count:,} of {self.of:,} users; without a confirmation it may reach {self.percent} %"


def is_held(written: int, new: int, most: int) -> bool:
    """Whether these mails wait for a person. **Shapes** `written`: mails of the journey within the hour, held ones included."""
    return written + new > most


def counted_since(now: datetime, looked_at: datetime | None) -> datetime:
    """Since when mails count: for an hour, and again from the moment at which a person has looked."""
    return max(now - WINDOW, looked_at) if looked_at else now - WINDOW
