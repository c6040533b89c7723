"""Where a scan of HubSpot is cut: at ids, by few searches; and a list whose order is not that of ids is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.reading import cuts, reader, search
from sync_worker.crm.port import OutOfOrder, Range, Scan
from tests.integration.hubspot.conftest import NOW, Lab, ids
from tests.integration.hubspot.test_strange_answers import connect, hubspot, row
from tests.stranger import Stranger

MOST = 4
ALL = Scan("deals", ("dealname",), None, NOW)
__all__ = ["hubspot"]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PAGE_COUNT", 10)
    monkeypatch.setattr(search, "PAGE_COUNT", 5)
    monkeypatch.setattr(reader, "READ_COUNT", 5)


def cut(crm: HubspotCrm, scan: Scan, most: int = MOST) -> tuple[list[str], Sequence[Range]]:
    """What the first page holds, and the ranges of the rest."""
    first = next(iter(crm.changed_since(scan)))
    return ids([first]), crm.cuts(replace(scan, position=first.position), most, left=first.left)


def parts(crm: HubspotCrm, scan: Scan, ranges: Sequence[Range]) -> list[list[str]]:
    return [ids(list(crm.changed_since(replace(scan, position=one.begin, up_to=one.up_to)))) for one in ranges]


@pytest.mark.parametrize("scan_of", [lambda lab: ALL, lambda lab: lab.scan()], ids=["list", "search"])
def test_a_scan_is_cut_by_few_searches_and_its_parts_hold_all_of_it(lab: Lab, crm: HubspotCrm, scan_of: Any) -> None:
    created = lab.deals(110)
    before = lab.counted("search")
    position = f"{'list' if scan_of(lab) is ALL else 'search'}:{created[9]}"
    ranges = crm.cuts(replace(scan_of(lab), position=position), MOST, left=None)
    assert lab.counted("search") - before <= 1 + 3 * 2
    found = parts(crm, scan_of(lab), ranges)
    assert len(found) == MOST
    assert {crm_id for part in found for crm_id in part} >= set(created[10:])
    assert max(map(len, found)) <= 40


def test_a_first_load_by_the_list_counts_once(lab: Lab, crm: HubspotCrm) -> None:
    """The count by which the list was chosen says how much is left, and where the list ends."""
    created = lab.deals(60, portal_prospect="Acme")
    first_load = replace(ALL, only_with="portal_prospect")
    first = next(iter(crm.changed_since(first_load)))
    before = lab.counted("search")
    ranges = crm.cuts(replace(first_load, position=first.position), 2, left=first.left)
    assert (len(ranges), lab.counted("search") - before) == (2, 1), "one count finds the middle"
    assert {one for part in parts(crm, first_load, ranges) for one in part} | set(ids([first])) >= set(created)


def test_a_list_whose_values_are_read_by_batch_is_cut_too(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(60)
    fields = ("dealname", *(f"portal_of_a_rather_long_name_{number:04}" for number in range(400)))
    for name in fields[1:]:
        lab.remote.add_field("deals", name, "string")
    scan = replace(ALL, fields=fields)
    first, ranges = cut(crm, scan)
    assert len(ranges) > 1
    assert {*first, *(one for part in parts(crm, scan, ranges) for one in part)} >= set(created)


def test_what_is_archived_comes_once_with_the_last_range(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(60)
    lab.remote.delete("deals", created[0])
    _, ranges = cut(crm, ALL)
    found = parts(crm, ALL, ranges)
    assert [created[0] in part for part in found] == [*[False] * (len(found) - 1), True]


def test_searches_have_no_more_lanes_than_searches_a_second(lab: Lab, crm: HubspotCrm) -> None:
    lab.deals(300)
    assert len(cut(crm, lab.scan(), 12)[1]) == cuts.SEARCH_LANES


@pytest.mark.parametrize(
    ("begin", "listed", "words"),
    [
        ("list:100", [105, 103, 110], "does not come in the order of ids"),
        ("list:100", [7, 8, 9], "begins at id 7 where it was to go on at 100"),
        ("list:100", [101, 101], "does not come in the order of ids"),
    ],
)
def test_a_list_that_does_not_go_by_id_is_told(hubspot: Stranger, begin: str, listed: list[int], words: str) -> None:
    hubspot.on("GET", "/objects/2026-09/deals", {"results": [row(str(number)) for number in listed]})
    for up_to in ("200", cuts.END):
        with pytest.raises(OutOfOrder, match=words):
            list(connect(hubspot).changed_since(replace(ALL, position=begin, up_to=up_to)))
    assert ids(list(connect(hubspot).changed_since(replace(ALL, position=begin))))[-1] == str(listed[-1]), "in one piece it does not matter"


def test_a_range_of_the_list_ends_when_it_has_seen_its_end(hubspot: Stranger) -> None:
    more = {"paging": {"next": {"after": "151"}}}
    hubspot.on("GET", "/objects/2026-09/deals", {"results": [row("101"), row("149"), row("151")], **more})
    [page] = connect(hubspot).changed_since(replace(ALL, position="list:100", up_to="150"))
    assert (ids([page]), page.is_last) == (["101", "149"], True)


def test_a_list_that_goes_on_at_no_id_stays_whole(lab: Lab, crm: HubspotCrm) -> None:
    lab.deals(60)
    before = crm.calls
    assert crm.cuts(replace(ALL, position="list:NTI1Cg"), MOST, left=None) == [Range("list:NTI1Cg")]
    assert crm.calls == before
