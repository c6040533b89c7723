"""Pictures of numbers: where their shapes stand, and what they say in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.web.console.core.pictures.chart import HEIGHT, WIDTH, Series, StripPart, columns, lines, share, strip

SIZES = st.lists(st.floats(0, 1e12), min_size=1, max_size=40)


def test_series_stand_on_each_other_and_the_tallest_column_reaches_the_top() -> None:
    # Given two series of which the second hour has the most
    chart = columns("c", "Records", ["08:00", "09:00"], [Series("applied", "applied", [1, 3]), Series("failed", "failed", [0, 1])])
    # Then the failed ones stand on the applied ones, and nothing is drawn for none
    assert [(one.look, one.y, one.height) for one in chart.shapes] == [("applied", 22.5, 7.5), ("applied", 7.5, 22.5), ("failed", 0.0, 7.5)]
    assert chart.top == 4
    # And each says what it is, and a table says the same
    assert chart.shapes[2].words == "09:00, failed: 1"
    assert chart.rows == [("08:00", ["1", "0"]), ("09:00", ["3", "1"])]


def test_a_line_is_broken_where_nothing_is_known() -> None:
    chart = lines("c", "Lag", ["a", "b", "c", "d"], [Series("lead", "first", [2, None, 1, 2])])
    assert [one.points for one in chart.traces] == ["0.0,0.0 25.0,0.0", "50.0,15.0 75.0,15.0 75.0,0.0 100.0,0.0"]
    assert chart.rows[1] == ("b", ["—"])


def test_a_picture_of_nothing_is_empty() -> None:
    assert columns("c", "Records", [], []).is_empty
    assert columns("c", "Records", ["a"], [Series("x", "first", [0])]).is_empty
    assert lines("c", "Lag", ["a"], [Series("x", "first", [None])]).is_empty
    assert strip("c", "Calls", [StripPart("live", "first", 0, "0 calls")]).shapes == []
    assert share(0, 0) == 0


@given(SIZES)
def test_the_parts_of_a_strip_fill_it_and_do_not_overlap(sizes: list[float]) -> None:
    shapes = strip("c", "Calls", [StripPart(str(number), "first", size, "") for number, size in enumerate(sizes)]).shapes
    ends = [one.x + one.width for one in shapes]
    assert all(abs(end - later.x) < 0.02 for end, later in zip(ends, shapes[1:], strict=False))
    assert not shapes or abs(ends[-1] - WIDTH) < 0.02


@given(SIZES)
def test_no_column_leaves_the_picture(sizes: list[float]) -> None:
    chart = columns("c", "Records", [str(number) for number in range(len(sizes))], [Series("x", "first", sizes)])
    assert all(one.x >= 0 and one.x + one.width <= WIDTH and one.y >= -0.01 and one.y + one.height <= HEIGHT + 0.02 for one in chart.shapes)
