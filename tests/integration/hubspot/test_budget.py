"""What HubSpot says of the account's day is heard: its calls, and where its day ends."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sync_worker.crm.budget import DAY_S, Budget, BudgetTerms, Memory, SharePurse
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.errors import RateLimited
from tests.integration.hubspot.conftest import NOW, Lab


def metered(lab: Lab, daily: int | None) -> tuple[HubspotCrm, Budget]:
    terms = BudgetTerms(daily, {"live": 0, "backfill": 0, "operator": 0})
    budget = Budget("acme", terms, Memory(), services=lab.services, past=lambda _since: {})
    return HubspotCrm(lab.access, services=lab.services, patience=lab.patience, purse=SharePurse(budget, "live")), budget


def test_calls_of_others_are_taken_off_until_the_accounts_midnight(lab: Lab) -> None:
    # Given an account whose day has thirty calls, twenty of them made by others
    lab.remote.set_limits(daily=30, used=20)
    crm, budget = metered(lab, None)
    assert len(crm.fetch("companies", lab.companies("Birch"), fields=("name",))) == 1

    # then what is left is known from the answer, and where the day ends
    count, day = budget.standing()
    assert count.told
    assert (count.told.limit, day.left) == (30, 30 - count.told.used)
    assert count.zone
    midnight = datetime.fromtimestamp(NOW.timestamp() + DAY_S, ZoneInfo(count.zone)).replace(hour=0, minute=0)

    # and a budget of our own is used up until then
    crm, budget = metered(lab, 1)
    crm.fetch("companies", lab.companies("Cedar"), fields=("name",))
    with pytest.raises(RateLimited, match="live work has used up"):
        crm.fetch("companies", ["1"], fields=("name",))
    assert budget.waits_until("live") == midnight.astimezone(UTC)
