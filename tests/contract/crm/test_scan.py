"""A scan gives all of its window, in order, once; and goes on from any of its positions as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.crm.port import Crm, Left, NativeRecord, Page, Range, Scan
from tests.contract.crm.bench import Bench

A_SECOND, A_DAY = timedelta(seconds=1), timedelta(days=1)


def scan_of(bench: Bench, *, seconds: tuple[int, int] = (0, 3600), position: str = "", only_with: str | None = None) -> Scan:
    """A window relative to the bench's clock at the time of the call."""
    fields = (bench.name_field, bench.filter_field)
    from_at, until_at = (bench.now() + second * A_SECOND for second in seconds)
    return Scan(bench.native, fields, from_at, until_at, position, only_with)


def ids(pages: Iterable[Page]) -> list[str]:
    return [record.crm_id for page in pages for record in page.records]


def records(pages: Iterable[Page]) -> list[NativeRecord]:
    return [record for page in pages for record in page.records]


def test_an_empty_window_is_one_last_page(bench: Bench, crm: Crm) -> None:
    [page] = crm.changed_since(scan_of(bench, seconds=(100, 200)))
    assert (page.records, page.is_last) == ([], True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offsets=st.lists(st.integers(0, 4), min_size=1, max_size=12).map(sorted), page_count=st.integers(1, 13), cut=st.integers(0, 12))
def test_a_scan_gives_everything_once_in_order_and_resumes_anywhere(
    bench: Bench, crm: Crm, offsets: list[int], page_count: int, cut: int
) -> None:
    """Few seconds for many records: ties are the rule, as in bulk loads."""
    start_at = bench.now() + A_DAY
    bench.move_clock(start_at)
    scan = scan_of(bench)
    created: list[tuple[int, str]] = []
    for offset in offsets:
        bench.move_clock(start_at + offset * A_SECOND)
        created.append((offset, bench.create(f"Prospect {offset}")))
    bench.pages_of(page_count)

    pages = list(crm.changed_since(scan))

    assert ids(pages) == [crm_id for _, crm_id in sorted(created)]
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
    cut = min(cut, len(pages) - 1)
    resumed = ids(crm.changed_since(Scan(scan.native, scan.fields, scan.from_at, scan.until_at, pages[cut].position)))
    rest = ids(pages[cut + 1 :])
    last_at = max((record.modified_at for record in records(pages[: cut + 1])), default=start_at)
    ties = {record.crm_id for record in records(pages) if record.modified_at == last_at}
    assert set(rest) <= set(resumed) <= set(rest) | ties
    assert len(resumed) == len(set(resumed))


def test_an_echo_comes_once_and_in_its_place_with_the_values_of_the_others(bench: Bench, crm: Crm) -> None:
    """A CRM that reads each record by itself does not ask which are echoes."""
    created = [bench.create(f"Prospect {number}") for number in range(3)]
    scan = scan_of(bench)
    plain = records(crm.changed_since(scan))
    found = records(crm.changed_since(replace(scan, echoes=lambda shown: shown.keys() - {created[1]})))
    assert [replace(one, is_indexed=False) for one in found] == plain
    assert [one.crm_id for one in plain] == created
    assert not any(one.is_indexed for one in (*plain, found[1]))


def test_both_ends_of_the_window_belong_to_it(bench: Bench, crm: Crm) -> None:
    start_at = bench.now()
    created = []
    for second in range(5):
        bench.move_clock(start_at + second * A_SECOND)
        created.append(bench.create(f"Second {second}"))
    bench.move_clock(start_at)
    assert ids(crm.changed_since(scan_of(bench, seconds=(1, 3)))) == created[1:4]


def test_a_window_in_another_time_zone_is_the_same_window(bench: Bench, crm: Crm) -> None:
    created = bench.create("Here")
    scan = scan_of(bench)
    assert scan.from_at
    east = timezone(timedelta(hours=5, minutes=30))
    shifted = Scan(scan.native, scan.fields, scan.from_at.astimezone(east), scan.until_at.astimezone(east))
    assert ids(crm.changed_since(shifted)) == [created]


def test_without_a_beginning_it_reads_from_the_beginning(bench: Bench, crm: Crm) -> None:
    created = bench.create("Newest")
    found = ids(crm.changed_since(Scan(bench.native, (), None, bench.now())))
    assert len(found) > 1
    assert found[-1] == created


def test_only_with_leaves_out_what_has_no_value_there(bench: Bench, crm: Crm) -> None:
    marked = bench.create("Marked", marker="ours")
    bench.create("Blank")
    assert ids(crm.changed_since(scan_of(bench, only_with=bench.filter_field))) == [marked]


def test_deleted_and_merged_records_come_marked(bench: Bench, crm: Crm) -> None:
    living, deleted, winner, loser = (bench.create(name) for name in ("Living", "Deleted", "Winner", "Loser"))
    bench.delete(deleted)
    bench.merge(winner, loser)

    found = {record.crm_id: record for record in records(crm.changed_since(scan_of(bench)))}

    assert {crm_id: record.is_deleted for crm_id, record in found.items()} == {living: False, deleted: True, winner: False, loser: True}
    assert {crm_id: record.merged_into for crm_id, record in found.items()} == {living: None, deleted: None, winner: None, loser: winner}


def test_a_merge_is_told_though_the_winner_was_deleted_afterwards(bench: Bench, crm: Crm) -> None:
    winner, loser = bench.create("Winner"), bench.create("Loser")
    bench.merge(winner, loser)
    bench.delete(winner)

    found = {record.crm_id: record for record in records(crm.changed_since(scan_of(bench)))}

    assert {crm_id: record.is_deleted for crm_id, record in found.items()} == {winner: True, loser: True}
    assert {crm_id: record.merged_into for crm_id, record in found.items()} == {winner: None, loser: winner}


def test_a_purged_record_is_not_shown(bench: Bench, crm: Crm) -> None:
    gone = bench.create("Gone")
    bench.purge(gone)
    assert ids(crm.changed_since(scan_of(bench))) == []


def test_what_changes_while_it_is_read_is_in_this_scan_or_the_next(bench: Bench, crm: Crm) -> None:
    start_at = bench.now()
    created = [bench.create(f"Prospect {number}") for number in range(6)]
    bench.pages_of(2)
    scan = scan_of(bench, seconds=(0, 5))
    pages = crm.changed_since(scan)
    seen = ids([next(pages)])
    bench.move_clock(start_at + 10 * A_SECOND)
    bench.edit(created[-1], "Changed meanwhile")
    seen += ids(pages)
    bench.move_clock(start_at)
    seen_next = records(crm.changed_since(scan_of(bench, seconds=(6, 60))))
    assert set(seen) | {record.crm_id for record in seen_next} == set(created)
    assert [record.fields[bench.name_field] for record in seen_next] == ["Changed meanwhile"]


def test_a_record_carries_its_values_and_its_stamp(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Meridian", marker="ours")
    [record] = records(crm.changed_since(scan_of(bench)))
    assert (record.native, record.crm_id, record.modified_at) == (bench.native, crm_id, bench.now())
    assert (record.fields[bench.name_field], record.fields[bench.filter_field]) == ("Meridian", "ours")


@pytest.mark.parametrize("page_count", [1, 2, 5])
def test_a_scan_says_how_much_there_is_at_most_once(bench: Bench, crm: Crm, page_count: int) -> None:
    for number in range(4):
        bench.create(f"Prospect {number}")
    bench.pages_of(page_count)
    totals = [page.total for page in crm.changed_since(scan_of(bench))]
    assert totals[0] in (None, 4)
    assert all(total is None for total in totals[1:])


# ── ranges, to be read side by side ──────────────────────────────────────────────────────────────────────────────────


def rest_of(bench: Bench, crm: Crm, scan: Scan, *, most: int) -> tuple[Page, list[Range]]:
    """The scan's first page, and the ranges in which the rest can be read."""
    first = next(iter(crm.changed_since(scan)))
    return first, list(crm.cuts(replace(scan, position=first.position), most, left=first.left))


def read_range(crm: Crm, scan: Scan, one: Range) -> list[str]:
    return ids(crm.changed_since(replace(scan, position=one.begin, up_to=one.up_to)))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offsets=st.lists(st.integers(0, 4), min_size=6, max_size=16).map(sorted), most=st.integers(2, 4), is_whole=st.booleans())
def test_the_ranges_of_a_scan_hold_all_of_it(bench: Bench, crm: Crm, offsets: list[int], most: int, is_whole: bool) -> None:
    """A window, which HubSpot searches, and everything, which it lists. Few seconds for many records: ties are the rule."""
    start_at = bench.now() + A_DAY
    bench.move_clock(start_at)
    scan = scan_of(bench) if not is_whole else replace(scan_of(bench), from_at=None)
    for offset in offsets:
        bench.move_clock(start_at + offset * A_SECOND)
        bench.create(f"Prospect {offset}")
    bench.pages_of(1000)
    expected = ids(crm.changed_since(scan))
    bench.pages_of(2)

    first, ranges = rest_of(bench, crm, scan, most=most)

    parts = [read_range(crm, scan, one) for one in ranges]
    assert (len(ranges) <= most, ranges[0].begin) == (True, first.position)
    assert sorted({*ids([first]), *(one for part in parts for one in part)}) == sorted(expected)
    assert sum(map(len, parts)) <= len(expected) + most, "a range begins one record early at the most"


def test_a_scan_of_few_pages_is_not_cut_and_costs_no_call(bench: Bench, crm: Crm) -> None:
    for number in range(8):
        bench.create(f"Prospect {number}")
    bench.pages_of(3)
    first, ranges = rest_of(bench, crm, scan_of(bench), most=4)
    before = crm.calls
    assert list(crm.cuts(replace(scan_of(bench), position=first.position), 4, left=Left(5))) == ranges == [Range(first.position)]
    assert crm.calls == before
