"""The limiters, by themselves: what they count, when they let go."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync_worker.sandbox.hubspot.limits import Limits

NOW = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)
APP, OTHER_APP = 1, 2


@pytest.fixture
def limits() -> Limits:
    made = Limits(ZoneInfo("America/New_York"))
    made.enforce()
    return made


def _after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _spend(limits: Limits, count: int, now: datetime, *, is_search: bool = False) -> None:
    assert [limits.admit(APP, now, is_search=is_search) for _ in range(count)] == [None] * count


def test_190_calls_in_any_ten_seconds(limits: Limits) -> None:
    _spend(limits, 100, NOW)
    _spend(limits, 90, _after(6))

    assert limits.admit(APP, _after(9.9), is_search=False) == "TEN_SECONDLY_ROLLING"
    assert limits.admit(OTHER_APP, _after(9.9), is_search=False) is None

    _spend(limits, 100, _after(10))
    assert limits.admit(APP, _after(15.9), is_search=False) == "TEN_SECONDLY_ROLLING"
    _spend(limits, 90, _after(16))


def test_five_searches_a_second_by_all_apps_together_and_not_of_the_ten_seconds(limits: Limits) -> None:
    _spend(limits, 190, NOW)
    _spend(limits, 5, NOW, is_search=True)

    assert limits.admit(OTHER_APP, _after(0.9), is_search=True) == "SECONDLY"
    assert limits.admit(OTHER_APP, _after(1), is_search=True) is None


def test_the_day_ends_at_midnight_where_the_account_is(limits: Limits) -> None:
    limits.use(624_999, NOW)
    _spend(limits, 1, NOW, is_search=True)

    midnight = datetime(2026, 5, 21, 4, 0, 0, tzinfo=UTC)  # in New York
    assert limits.admit(APP, midnight - timedelta(seconds=1), is_search=False) == "DAILY"
    assert limits.admit(APP, midnight, is_search=False) is None
    assert limits.used_today == 1


def test_headers_tell_what_is_left(limits: Limits) -> None:
    _spend(limits, 3, NOW)

    told = limits.headers(APP, _after(1), tells_day=True)
    assert told == {
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Remaining": "187",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Daily": "625000",
        "X-HubSpot-RateLimit-Daily-Remaining": "624997",
    }
    assert [name for name in limits.headers(APP, _after(1), tells_day=False) if "Daily" in name] == []


def test_a_clock_set_back_forgets_the_future(limits: Limits) -> None:
    _spend(limits, 190, NOW)
    assert limits.admit(APP, NOW - timedelta(days=1), is_search=False) is None
