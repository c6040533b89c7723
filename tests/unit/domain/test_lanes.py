"""Lanes: in whatever order their pages come, and wherever a reader dies, everything is read; and the cuts between them leave no gap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.ingest.cutting import LEAST_PAGES, ROUNDS, STEEP, Cut, KeySpan, Span, cut, part_count
from sync_worker.domain.sync.ingest.lanes import Lane, Lanes
from sync_worker.steps.sync.ingest.lanes import lanes_of, position_of

PAGE_COUNT = 3


@dataclass
class Records:
    """A CRM with these keys. **Shapes** `asked`: how many counts it was asked for, and how often for a narrower stretch."""

    keys: list[int]
    asked: int = 0
    narrowed_count: int = 0
    read: list[int] = field(default_factory=list)

    def counts_up_to(self, keys: Sequence[int]) -> Sequence[int]:
        self.asked += len(keys)
        return [bisect_right(self.keys, key) for key in keys]

    def narrowed(self, spans: Sequence[Span]) -> Sequence[Span]:
        self.narrowed_count += len(spans)
        inside = [[key for key in self.keys if above < key <= up_to] for above, up_to in spans]
        return [(keys[0] - 1, keys[-1]) if keys else span for keys, span in zip(inside, spans, strict=True)]

    def page(self, lane: Lane) -> tuple[list[int], str, bool]:
        """The next page of a lane, its position, and whether it is the last."""
        after, up_to = int(lane.position or -1), int(lane.up_to or self.keys[-1])
        left = sorted({key for key in self.keys if after < key <= up_to})
        found = left[:PAGE_COUNT]
        return found, str(found[-1]) if found else lane.position, len(left) <= PAGE_COUNT


def bounds_of(found: Cut, begin: str) -> list[tuple[str, str]]:
    ends = [str(point.key) for point in found.points]
    return list(zip([begin, *ends], [*ends, ""], strict=True))


sorted_keys = st.lists(st.integers(0, 10_000), min_size=12, max_size=60).map(sorted)


@given(keys=sorted_keys, parts=st.integers(2, 6), data=st.data())
def test_whatever_comes_first_and_whenever_a_reader_dies_everything_is_read(keys: list[int], parts: int, data: st.DataObject) -> None:
    # Given a scan that was cut after its first page
    crm = Records(keys)
    first, position, _ = crm.page(Lane())
    stored, lanes = set(first), Lanes().moved(0, position, is_done=False)
    left = [key for key in keys if key > int(position)]
    whole = KeySpan(int(position), keys[-1], 0, len(left)) if left else None
    lanes = lanes.cut(bounds_of(cut(whole, parts, Records(left)) if whole else Cut(), position))
    # When pages of its lanes are stored in any order, and some of those under way are lost in a crash
    text, commits = position_of(lanes), 0
    while not (lanes := lanes_of(text)).is_over:
        under_way = {no: crm.page(lanes.lanes[no]) for no in lanes.left}
        for no in data.draw(st.permutations(lanes.left))[: data.draw(st.integers(1, len(under_way)))]:
            found, position, is_done = under_way[no]
            stored |= set(found)
            lanes = lanes.moved(no, position, is_done=is_done)
            text, commits = position_of(lanes), commits + 1
    # Then it ends, and everything was read
    assert stored == set(keys)
    assert commits <= len(keys) + parts


@given(st.sampled_from(["", "list:1234", "search:5", "2026-06-01T12:00:00.000Z|001Sb0000000001AAA", '{"job": "750", "after": "a|b"}']))
def test_a_position_from_before_there_were_lanes_is_one_lane_and_stays_as_it_was(position: str) -> None:
    lanes = lanes_of(position)
    assert (lanes.is_cut, lanes.is_over, lanes.lanes, position_of(lanes)) == (False, False, (Lane(position=position),), position)
    assert position_of(lanes.moved(0, "list:9", is_done=False)) == "list:9"


def test_a_scan_that_was_cut_in_vain_goes_on_from_the_cut_and_is_known_as_such() -> None:
    lanes = lanes_of("list:10").cut([("list:10", "20"), ("list:19", "")]).moved(1, "list:30", is_done=True)
    one = lanes_of(position_of(lanes_of(position_of(lanes)).joined()))
    assert (one.is_cut, one.cut_at, one.lanes[0].position) == (False, "list:10", "list:10")
    moved = lanes_of(position_of(one.moved(0, "list:40", is_done=False)))
    assert (moved.cut_at, moved.lanes[0].position, moved.joined().lanes[0].position) == ("list:10", "list:40", "list:10")


def test_a_scan_is_over_when_its_last_lane_has_ended() -> None:
    lanes = Lanes().cut([("", "5"), ("5", "")])
    assert (lanes.is_over, lanes.left) == (False, [0, 1])
    lanes = lanes.moved(1, "9", is_done=True)
    assert (lanes.is_over, lanes.left) == (False, [0])
    assert lanes.moved(0, "5", is_done=True).is_over


# ── where to cut ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(keys=sorted_keys, parts=st.integers(2, 8))
def test_points_ascend_inside_the_scan_and_take_few_counts(keys: list[int], parts: int) -> None:
    crm = Records(keys)
    found = cut(KeySpan(-1, keys[-1] + 5, 0, len(keys)), parts, crm)
    points = [point.key for point in found.points]
    assert points == sorted(set(points))
    assert all(0 < bisect_right(keys, point.key) == point.before < len(keys) for point in found.points)
    assert crm.asked + crm.narrowed_count <= ROUNDS * (parts - 1)


@pytest.mark.parametrize(
    "keys", [range(1000), [*range(500), *range(10**11, 10**11 + 500)], [*range(0, 10**9, 10**6)]], ids=["dense", "two ages", "sparse"]
)
def test_parts_are_about_as_large_as_each_other(keys: list[int] | range) -> None:
    crm = Records(list(keys))
    found = cut(KeySpan(-1, 10**12, 0, 1000), 4, crm)
    ends = [0, *(bisect_right(crm.keys, point.key) for point in found.points), 1000]
    sizes = [end - begin for begin, end in pairwise(ends)]
    assert len(sizes) == 4
    assert max(sizes) <= 400


def test_evenly_spread_keys_take_one_count_a_point() -> None:
    crm = Records(list(range(0, 100_000, 10)))
    assert len(cut(KeySpan(-1, 99_990, 0, 10_000), 8, crm).points) == 7
    assert (crm.asked, crm.narrowed_count) == (7, 0)


def test_a_key_that_holds_more_than_a_part_is_named() -> None:
    keys = [*range(100), *[5000] * 800, *range(9000, 9100)]
    found = cut(KeySpan(-1, 10**7, 0, 1000), 4, Records(keys))
    [steep] = found.steep
    assert (steep.above, steep.up_to, steep.before, steep.count) == (4999, 5000, 100, 800)
    assert steep.count >= STEEP * 250


@pytest.mark.parametrize(("left", "parts"), [(0, 1), (3 * LEAST_PAGES, 1), (6 * LEAST_PAGES, 2), (10_000, 8)])
def test_a_scan_of_few_pages_is_not_cut(left: int, parts: int) -> None:
    assert part_count(left, PAGE_COUNT, 8) == parts
