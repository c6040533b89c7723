"""Where a scan of Salesforce is cut: at stamps, among thousands of one stamp at ids, and nowhere where the org cannot count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_sandbox.salesforce.soql import queries
from sync_worker.crm.port import Left, Range, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.errors import RateLimited
from tests.integration.salesforce.conftest import NOW, Lab, ids

PAGE_COUNT = 5
MOST = 4


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", PAGE_COUNT)
    monkeypatch.setattr(bulk, "PAGE_COUNT", PAGE_COUNT)


def cut(crm: SalesforceCrm, scan: Scan) -> tuple[list[str], Sequence[Range]]:
    """What the first page holds, and the ranges of the rest."""
    first = next(iter(crm.changed_since(scan)))
    assert first.left is not None
    return ids([first]), crm.cuts(replace(scan, position=first.position), MOST, left=first.left)


def parts(crm: SalesforceCrm, scan: Scan, ranges: Sequence[Range]) -> list[list[str]]:
    return [ids(list(crm.changed_since(replace(scan, position=one.begin, up_to=one.up_to)))) for one in ranges]


def test_records_of_many_moments_are_cut_at_stamps_by_a_count_each(lab: Lab, crm: SalesforceCrm) -> None:
    # Given a hundred leads, one a minute
    created = []
    for _ in range(100):
        created += lab.leads(1)
        lab.remote.advance_clock(60)
    scan = replace(lab.scan(), until_at=lab.remote.now())
    before = crm.calls
    first, ranges = cut(crm, scan)
    # Then three counts tell where to cut, and no record is in two parts
    assert crm.calls - before == 1 + 3
    assert all(one.up_to.endswith("|") for one in ranges[:-1])
    found = parts(crm, scan, ranges)
    assert [*first, *(crm_id for part in found for crm_id in part)] == created
    assert max(map(len, found)) <= 30


@pytest.mark.parametrize("is_after_them", [False, True])
def test_thousands_of_one_stamp_are_cut_by_id(lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch, is_after_them: bool) -> None:
    # Given a bulk load of one second, the first page in the middle of it or before it, and a day until the end of the window
    if is_after_them:
        before = lab.leads(PAGE_COUNT)
        lab.remote.advance_clock(7200)
        loaded = lab.leads(60)
    else:
        before, loaded = [], lab.leads(60)
    lab.remote.advance_clock(86_400)
    scan = replace(lab.scan(), until_at=lab.remote.now())
    first, ranges = cut(crm, scan)
    # Then the load itself is cut
    assert len(ranges) == MOST
    assert all(one.up_to.partition("|")[2] for one in ranges[:-1])
    found = parts(crm, scan, ranges)
    assert [*first, *(crm_id for part in found for crm_id in part)] == [*before, *loaded]
    assert max(map(len, found)) <= 25


def test_what_the_org_cannot_count_stays_whole(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(60)
    scan = replace(lab.scan(), until_at=NOW + timedelta(hours=1))
    position = next(iter(crm.changed_since(scan))).position
    lab.remote.fault("query_all", times=99, error_code="QUERY_TIMEOUT")
    assert crm.cuts(replace(scan, position=position), MOST, left=Left(55)) == [Range(position)]


def test_the_days_calls_used_up_are_no_reason_to_read_it_whole(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(60)
    position = next(iter(crm.changed_since(lab.scan()))).position
    lab.remote.set_daily_limit(100, used=100)
    with pytest.raises(RateLimited):
        crm.cuts(replace(lab.scan(), position=position), MOST, left=Left(55))


def test_what_a_job_reads_is_not_cut(lab: Lab, crm: SalesforceCrm) -> None:
    lab.leads(60)
    jobs = SalesforceCrm(crm._connection, assigns_on_create=False, bulk_above=50)
    position = next(iter(crm.changed_since(lab.scan()))).position
    assert jobs.cuts(replace(lab.scan(), position=position), MOST, left=Left(55)) == [Range(position)]
