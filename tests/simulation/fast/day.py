"""A day's calls: as the vendor counts them, and what a portal's own budget, in the product's own words, allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync_worker.crm.budget import Budget, BudgetTerms, Ledger
from sync_worker.services import Services
from tests.simulation.time import MOST_SKEW_S

DAY = timedelta(days=1)
APART = timedelta(seconds=2 * MOST_SKEW_S)  # one worker's clock and another's: their days begin at moments so far apart


def budget(daily: int | None, zone: str, ledger: Ledger, services: Services) -> Budget:
    """As one worker counts its calls; all workers have one ledger."""
    found = Budget("acme", terms(daily), ledger, services=services, past=lambda _: {})
    found.place(zone)
    return found


def terms(daily: int | None) -> BudgetTerms:
    """As portal files say them where they say nothing of reserves."""
    return BudgetTerms(daily, {"live": 40, "backfill": 20, "operator": 10})


def most_in_a_day(moments: Sequence[datetime], zone: str) -> int:
    """How many calls were made within one day, by each worker's clock the same one.

    **Shapes** `moments` in their order; `zone`: of the account's own day, "" = any 24 hours.
    """
    if not zone:
        return max((sum(begin <= at < begin + DAY - APART for at in moments) for begin in moments), default=0)
    local = [at.astimezone(ZoneInfo(zone)) for at in moments]
    days = [(at - APART).date() for at in local if (at - APART).date() == (at + APART).date()]
    return max(map(days.count, days), default=0)
