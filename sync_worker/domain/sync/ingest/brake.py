"""The mass-change brake: how much may go within a day before a person has looked. What went, what is left, one verdict.

A mistake in the CRM (a status cleared in bulk, a picklist emptied, a permission lost) looks like an intended change. Only its size tells
the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(hours=24)
FEW_COUNT: Final = 10  # so many of a kind may always go within a day, however small the portal: one company of three is not a mass

COMPANIES: Final = "active companies"
ASSOCIATIONS: Final = "associations"


@dataclass(frozen=True, slots=True)
class Removal:
    """What one run took away. **Shapes** `kind`: COMPANIES or ASSOCIATIONS. **Units** `at`: aware UTC, of its last commit."""

    kind: str
    count: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Excess:
    """Why a commit is held. **Shapes** `of`: those that went within the day and those that are left; `since`: of the first that went."""

    kind: str
    losing: int
    before: int
    of: int
    percent: int
    since: datetime | None = None

    def __str__(self) -> str:
        earlier = f", after {self.before:,} since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        gone = self.before + self.losing
        return f"{self.losing:,} {self.kind} would go at once{earlier}: {gone:,} of {self.of:,} within a day; the brake is {self.percent} %"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may go within a day, and what went. **Shapes** `removals`: of any kind and age, in any order."""

    percent: int
    now: datetime
    removals: Collection[Removal] = ()


def excess(kind: str, losing: int, allowance: Allowance, left: Callable[[int | None], int]) -> Excess | None:
    """Why a commit that takes `losing` away should be held; None where it may pass.

    **Shapes** `left`: how many there are after that commit, counted up to the number that it is given. It is asked only where it matters.
    """
    recent = [removal for removal in allowance.removals if removal.kind == kind and removal.at > allowance.now - WINDOW]
    before = sum(removal.count for removal in recent)
    gone = before + losing
    if not losing or gone <= FEW_COUNT:
        return None
    enough = -(-gone * 100 // allowance.percent) - gone if allowance.percent else None  # None: at 0 %, no number is enough
    left_count = left(enough)
    if enough is not None and left_count >= enough:
        return None
    return Excess(kind, losing, before, gone + left_count, allowance.percent, min((removal.at for removal in recent), default=None))
