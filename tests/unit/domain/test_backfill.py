"""What is read beside a field, and by which way."""

from __future__ import annotations

import pytest

from sync_worker.domain.sync.ingest.backfill import JOB_CALLS, Part, Rates, Way, calls_by_id, calls_to_scan, cheaper_way, may_scan, part_of

SALESFORCE = Rates(by_id=2000, by_page=2000, by_job=20_000, job_above=100_000)
HUBSPOT = Rates(by_id=100, by_page=100)
MAPPED = ("amount", "currency", "owner_company", "second_partner", "deal_type", "vendor_approval", "region")


@pytest.mark.parametrize(
    ("field", "beside"),
    [
        ("region", set()),
        ("amount", {"currency"}),
        ("currency", {"amount"}),
        ("second_partner", {"owner_company"}),
        ("owner_company", {"second_partner"}),
        ("vendor_approval", {"owner_company", "deal_type"}),
    ],
)
def test_a_field_of_a_deal_is_read_with_what_it_is_judged_by_as_far_as_that_is_mapped(field: str, beside: set[str]) -> None:
    part = part_of(field, MAPPED, is_company=False)
    assert part == Part(field, frozenset(beside))
    assert part.fields == beside | {field}


def test_a_field_of_a_company_is_read_alone() -> None:
    assert part_of("currency", MAPPED, is_company=True).fields == {"currency"}


@pytest.mark.parametrize(
    ("count", "rates", "by_id", "scan"),
    [
        (0, SALESFORCE, 0, 1),
        (2001, SALESFORCE, 2, 2),
        (102_000, SALESFORCE, 51, 51),  # the rest after the first page is not above what a job is made for
        (102_001, SALESFORCE, 52, 1 + JOB_CALLS + 6),
        (250, HUBSPOT, 3, 3),
    ],
)
def test_calls_are_counted_for_each_way(count: int, rates: Rates, by_id: int, scan: int) -> None:
    assert (calls_by_id(count, rates), calls_to_scan(count, rates)) == (by_id, scan)


@pytest.mark.parametrize(
    ("ours", "in_all", "rates", "way"),
    [
        (50_000, 50_000, SALESFORCE, Way.BY_ID),
        (200_000, 250_000, SALESFORCE, Way.SCAN),
        (200_000, 3_000_000, SALESFORCE, Way.BY_ID),  # most records of the org are none of ours
        (200_000, 200_000, HUBSPOT, Way.BY_ID),
    ],
)
def test_the_way_of_fewer_calls_is_taken(ours: int, in_all: int, rates: Rates, way: Way) -> None:
    assert cheaper_way(ours, in_all, rates) is way


def test_the_records_are_counted_only_where_a_scan_could_be_cheaper() -> None:
    assert may_scan(200_000, SALESFORCE)
    assert not may_scan(50_000, SALESFORCE)
    assert not may_scan(1_000_000, HUBSPOT)
    assert not may_scan(1_000_000, Rates(by_id=2000, by_page=2000, by_job=20_000, job_above=None))
