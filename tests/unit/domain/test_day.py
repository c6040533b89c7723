"""How far a portal was behind, hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync_worker.domain.operate.day import hour_edges, worst_lags_s

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute)


def test_a_day_is_24_hours_and_the_last_is_the_one_that_is_not_over() -> None:
    edges = hour_edges(NOW)
    assert len(edges) == 25
    assert edges[-1] == at(13)
    assert edges[0] == at(13) - timedelta(days=1)


def test_the_lag_of_an_hour_is_the_most_of_it_and_not_known_before_the_first_reading_ended() -> None:
    # Given readings that began at nine and at eleven, and took five minutes and ten
    readings = [(at(11), at(11, 10)), (at(9), at(9, 5))]
    # Then nothing is known before five past nine; the lag grows until ten past eleven; and it grows again until now
    edges = [at(8), at(9), at(10), at(11), at(12), at(13)]
    assert worst_lags_s(readings, edges, NOW) == [None, 3600.0, 7200.0, 7800.0, 5400.0]


def test_a_reading_that_began_earlier_and_ended_later_does_not_take_the_portal_back() -> None:
    readings = [(at(10), at(10, 5)), (at(9), at(10, 30))]
    assert worst_lags_s(readings, [at(10), at(11)], NOW) == [3600.0]
