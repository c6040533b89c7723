"""What is decided without a call: addresses, searches, associations, and how fast to ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest

from sync_worker.crm.hubspot.connection.pace import Pace
from sync_worker.crm.hubspot.connection.wire import dated
from sync_worker.crm.hubspot.reading import search
from sync_worker.crm.hubspot.reading.records import losers_of, native_of
from sync_worker.crm.port import Scan
from sync_worker.services import Services

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("numbered", "moved"),
    [
        ("/crm/v3/objects/deals/batch/read", "/crm/objects/2026-09/deals/batch/read"),
        ("/crm/v3/objects/0-3/search", "/crm/objects/2026-09/0-3/search"),
        ("/crm/v3/properties/companies", "/crm/properties/2026-09/companies"),
        ("/crm/v4/associations/deals/companies/labels", "/crm/associations/2026-09/deals/companies/labels"),
        ("/crm/v4/objects/deals/7/associations/companies", "/crm/objects/2026-09/deals/7/associations/companies"),
        ("/crm/v3/pipelines/deals", "/crm/pipelines/2026-09/deals"),
        ("/crm/v3/owners/", "/crm/owners/2026-09/"),
        ("/oauth/2026-03/token", "/oauth/2026-03/token"),
    ],
)
def test_numbered_addresses_are_moved_to_the_dated_version(numbered: str, moved: str) -> None:
    assert dated(f"https://api.hubapi.com{numbered}") == f"https://api.hubapi.com{moved}"


def test_a_search_stays_within_what_the_vendor_takes() -> None:
    scan = Scan("deals", tuple(f"portal_property_{number}" for number in range(200)), NOON, NOON, only_with="portal_deal_key")
    body = search.changed(scan, "22700000001")
    [group] = body["filterGroups"]
    assert len(json.dumps(body)) <= 3_000
    assert len(group["filters"]) <= 6
    assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert body["properties"] == ["hs_object_id"]


def test_merged_ids_lead_to_their_survivor() -> None:
    row = {"id": "9", "properties": {"hs_merged_object_ids": "7;8;9"}, "updatedAt": "2026-06-01T12:00:00Z", "archived": False}
    survivor = native_of("companies", row)
    assert [(loser.crm_id, loser.merged_into, loser.is_deleted) for loser in losers_of(survivor)] == [("7", "9", True), ("8", "9", True)]
    assert survivor.modified_at == NOON


# ── pace ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Minute:
    """A clock that moves when somebody sleeps, or by itself a little with every call."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def services(self) -> Services:
        return Services(random=Random(7), monotonic=lambda: self.now_s, sleep=self.sleep)


def starts(minute: Minute, pace: Pace, count: int, *, is_search: bool, between: Callable[[], None] = lambda: None) -> list[float]:
    found = []
    for _ in range(count):
        pace.wait(is_search=is_search)
        found.append(minute.now_s)
        between()
    return found


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


def test_calls_keep_within_the_allowance_that_the_answers_tell_and_use_nine_tenths_of_it() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    pace.hear(
        {"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Remaining": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}
    )
    moments = starts(minute, pace, 1080, is_search=False)
    assert most_within(moments, 10.0) <= 190
    assert 1080 / (moments[-1] + 10.0) >= 0.9 * 19


def test_searches_keep_to_five_a_second_and_do_not_count_as_calls() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    moments = starts(minute, pace, 50, is_search=True)
    assert most_within(moments, 1.0) <= 5
    assert 50 / (moments[-1] + 1.0) >= 0.9 * 5
    before_s = minute.now_s
    starts(minute, pace, 90, is_search=False)
    assert minute.now_s == before_s


def test_what_others_use_is_left_to_them() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    pace.wait(is_search=False)
    pace.hear({"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Remaining": "9"})  # ninety were others'
    moments = starts(minute, pace, 20, is_search=False)
    assert most_within(moments, 10.0) <= 6


def test_after_a_no_nobody_starts_for_a_while() -> None:
    minute = Minute()
    pace = Pace(minute.services())
    pace.rest(10.0, is_search=False)
    assert starts(minute, pace, 1, is_search=True) == [0.0]
    assert starts(minute, pace, 1, is_search=False) == [10.0]
