"""The small graph of a company: every neighbour in a place of its own, inside the picture, and no more than can be read."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sync_worker.web.console.associations.graph import MOST_LETTERS, MOST_SPOKES, ROW, Neighbour, graph_of


def neighbours(count: int) -> list[Neighbour]:
    return [Neighbour(f"id-{number}", f"Company {number}", "contract") for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 23, MOST_SPOKES, MOST_SPOKES + 120])
def test_no_two_neighbours_stand_in_each_others_way(count: int) -> None:
    found = graph_of("Birch Systems", neighbours(count))
    assert len(found.spokes) + found.more == count
    assert len(found.spokes) <= MOST_SPOKES
    for side in ("start", "end"):
        heights = [spoke.y for spoke in found.spokes if spoke.anchor == side]
        assert all(lower - upper >= ROW - 0.2 for upper, lower in pairwise(heights))
        assert all(0 < y < found.height for y in heights)
    assert all(0 < spoke.x < found.width for spoke in found.spokes)


def test_a_long_name_is_cut_in_the_picture() -> None:
    (spoke,) = graph_of("Birch Systems", [Neighbour("id", "x" * 200, "rule")]).spokes
    assert len(spoke.label) == MOST_LETTERS
    assert spoke.neighbour.name == "x" * 200
