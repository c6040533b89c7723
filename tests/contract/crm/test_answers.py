"""Answers that a vendor, or a proxy before it, may give and ours must take: what they mean is the same at every CRM."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sync_worker.crm.port import Crm
from tests.contract.crm.bench import Bench

ALWAYS = 999
HOUR_BEFORE = "Mon, 01 Jun 2026 11:00:00 GMT"
HOUR_AFTER = "Mon, 01 Jun 2026 13:00:00 GMT"

# ── the time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "hours"),
    [
        ({"headers": {"Date": HOUR_AFTER}}, 0),
        ({"headers": {"Date": HOUR_BEFORE}}, -1),
        ({"headers": {"Date": "yesterday"}}, 0),
        ({"date": "Mon, 01 Jun 2026 13:00:00 -0000"}, 1),
        ({"date": "Mon Jun  1 13:00:00 2026"}, 1),
    ],
)
def test_the_time_is_read_from_any_date_and_the_earliest_of_several_counts(
    bench: Bench, crm: Crm, order: dict[str, Any], hours: int
) -> None:
    bench.order("time", **order)
    assert crm.now() == bench.now() + timedelta(hours=hours)


@pytest.mark.parametrize("date", ["", "²", "Mon, 99 Jun 2026 13:00:00 GMT"])
def test_where_no_date_can_be_read_our_own_clock_tells_the_time(bench: Bench, crm: Crm, date: str) -> None:
    bench.order("time", date=date)
    assert crm.now().utcoffset() == timedelta(0)
