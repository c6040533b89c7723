"""What is decided without a call: addresses, searches, associations, and how fast to ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sync_worker.crm.hubspot.connection.wire import dated
from sync_worker.crm.hubspot.reading import search
from sync_worker.crm.hubspot.reading.records import losers_of, native_of
from sync_worker.crm.port import Scan

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
