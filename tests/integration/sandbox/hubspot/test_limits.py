"""The limiters, by themselves and over the wire: what they count, what they tell, when they let go."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.hubspot.wire.limits import AccountLimits, App
from crm_sandbox.process import HubspotOptions, serve_thread
from crm_sandbox.remote import ControlError
from tests.integration.sandbox.hubspot.conftest import Wire

NOW = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)
APP, OTHER_APP, OAUTH_APP = App(1), App(2), App(1, is_oauth=True)
COMPANIES = "/crm/v3/objects/companies"


@pytest.fixture
def limits() -> AccountLimits:
    made = AccountLimits(ZoneInfo("America/New_York"))
    made.enforce()
    return made


def _after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _spend(limits: AccountLimits, count: int, now: datetime, *, is_search: bool = False) -> None:
    assert [limits.admit(APP, now, is_search=is_search) for _ in range(count)] == [None] * count


def test_190_calls_in_any_ten_seconds(limits: AccountLimits) -> None:
    _spend(limits, 100, NOW)
    _spend(limits, 90, _after(6))

    assert limits.admit(APP, _after(9.9), is_search=False) == "TEN_SECONDLY_ROLLING"
    assert limits.admit(OTHER_APP, _after(9.9), is_search=False) is None

    _spend(limits, 100, _after(10))
    assert limits.admit(APP, _after(15.9), is_search=False) == "TEN_SECONDLY_ROLLING"
    _spend(limits, 90, _after(16))


def test_five_searches_a_second_by_all_apps_together_and_not_of_the_ten_seconds(limits: AccountLimits) -> None:
    _spend(limits, 190, NOW)
    _spend(limits, 5, NOW, is_search=True)

    assert limits.admit(OTHER_APP, _after(0.9), is_search=True) == "SECONDLY"
    assert limits.admit(OTHER_APP, _after(1), is_search=True) is None


def test_the_day_ends_at_midnight_where_the_account_is(limits: AccountLimits) -> None:
    limits.use(624_999, NOW)
    _spend(limits, 1, NOW, is_search=True)

    midnight = datetime(2026, 5, 21, 4, 0, 0, tzinfo=UTC)  # in New York
    assert limits.admit(APP, midnight - timedelta(seconds=1), is_search=False) == "DAILY"
    assert limits.admit(APP, midnight, is_search=False) is None
    assert limits.used_today == 1


def test_headers_tell_what_is_left(limits: AccountLimits) -> None:
    _spend(limits, 3, NOW)

    told = limits.headers(APP, _after(1))
    assert told == {
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Remaining": "187",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Daily": "625000",
        "X-HubSpot-RateLimit-Daily-Remaining": "624997",
    }


def test_an_app_with_oauth_has_110_and_no_day(limits: AccountLimits) -> None:
    limits.use(625_000, NOW)
    assert [limits.admit(OAUTH_APP, NOW, is_search=False) for _ in range(111)] == [None] * 110 + ["TEN_SECONDLY_ROLLING"]

    assert limits.used_today == 625_000
    assert limits.headers(OAUTH_APP, NOW) == {
        "X-HubSpot-RateLimit-Max": "110",
        "X-HubSpot-RateLimit-Remaining": "0",
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
    }


def test_a_clock_set_back_forgets_the_future(limits: AccountLimits) -> None:
    _spend(limits, 190, NOW)
    assert limits.admit(APP, NOW - timedelta(days=1), is_search=False) is None


def test_over_the_wire_the_limit_is_told_and_kept(wire: Wire, remote: HubspotRemote) -> None:
    remote.set_limits(ten_secondly=3)

    answers = [wire.get(COMPANIES, limit=1) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-HubSpot-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    body = answers[-1].json()
    assert (body["message"], body["policyName"]) == ("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING")
    remote.advance_clock(10)
    assert wire.get(COMPANIES, limit=1).status_code == 200


def test_over_the_wire_a_search_tells_nothing(wire: Wire, remote: HubspotRemote) -> None:
    remote.enforce_limits()

    answers = [wire.post(f"{COMPANIES}/search", {}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert {name for answer in answers for name in answer.headers if "RateLimit" in name} == set()


def test_over_the_wire_the_day_is_for_static_tokens(wire: Wire, remote: HubspotRemote) -> None:
    remote.set_limits(daily=100, used=98)
    login = remote.login()
    form = {"grant_type": "refresh_token", **{name: login[name] for name in ("client_id", "client_secret", "refresh_token")}}
    oauth = wire.ask("POST", "/oauth/v1/token", data=form).json()["access_token"]

    static = [wire.get(COMPANIES) for _ in range(2)]
    refused = wire.get(COMPANIES)
    of_oauth = wire.ask("GET", COMPANIES, headers={"Authorization": f"Bearer {oauth}"})

    assert [one.headers["X-HubSpot-RateLimit-Daily-Remaining"] for one in static] == ["1", "0"]
    assert of_oauth.status_code == 200
    assert [name for name in of_oauth.headers if "Daily" in name] == []
    assert (refused.status_code, refused.json()["policyName"]) == (429, "DAILY")
    remote.advance_clock(16 * 3600)  # midnight in US/Eastern
    assert wire.get(COMPANIES).status_code == 200


def test_limits_that_mean_nothing(remote: HubspotRemote) -> None:
    with pytest.raises(ControlError):
        remote.set_limits(hourly=5)


def test_an_address_that_is_too_long(wire: Wire, remote: HubspotRemote) -> None:
    names = ",".join(f"property_number_{number}" for number in range(800))
    refused = wire.get(COMPANIES, properties=names)
    assert (refused.status_code, refused.headers["content-type"]) == (414, "text/html")
    assert wire.get(COMPANIES, properties=names[:10_000]).status_code == 200


def test_a_sandbox_that_keeps_the_vendors_limits_from_the_start() -> None:
    with serve_thread(HubspotOptions(companies=0, deals=0, enforces_limits=True)) as address:
        answer = Wire(address).get(COMPANIES)
        assert (answer.headers["X-HubSpot-RateLimit-Max"], answer.headers["X-HubSpot-RateLimit-Daily"]) == ("190", "625000")


def test_calls_are_told_by_kind_by_second_and_by_status(remote: HubspotRemote, wire: Wire) -> None:
    # Given a call that was refused and two that were answered
    remote.set_limits(ten_secondly=1)
    remote.reset_calls()
    for path in (COMPANIES, COMPANIES, "/crm/v3/nowhere"):
        wire.get(path)

    # When the counts are asked for
    told = remote.calls()

    # Then every call has its kind, its second and its status
    assert told["kinds"] == {"list": 2, "other": 1}
    assert {kind: sum(seconds) for kind, seconds in told["seconds"].items()} == told["kinds"]
    assert told["statuses"] == {"200": 1, "429": 2}
    remote.reset_calls()
    assert (remote.calls()["seconds"], remote.calls()["statuses"]) == ({}, {})


def test_a_request_that_is_refused_twice_in_a_row_is_counted(remote: HubspotRemote, wire: Wire) -> None:
    # Given an account that allows one call in ten seconds
    remote.set_limits(ten_secondly=1)
    remote.reset_calls()

    # When two pages are asked for, and one of them again and again until it is answered, then again
    for limit, passed_s in ((1, 0), (1, 0), (2, 0), (1, 0), (1, 10), (1, 0)):
        remote.advance_clock(passed_s)
        wire.get(COMPANIES, limit=limit)

    # Then only the page that was refused and refused again counts
    assert remote.calls()["refused_again"] == 1
