"""Tokens that stand, tokens that end, and whom the account belongs to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SANDBOX_REFRESH_TOKEN
from crm_sandbox.process import SANDBOX_TOKEN
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import HubspotRefreshToken, StaticToken
from sync_worker.crm.hubspot.connection.session import RENEWED_BEFORE_S, Access
from sync_worker.crm.login.renewal import MOST_LOGINS, REFUSED_FOR_S
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.errors import AuthFailed, RateLimited, SchemaChanged, TransientError
from tests.integration.hubspot.conftest import PARTNER, Lab, written
from tests.patience import HANG_S


def oauth(lab: Lab, *, secret: str = SANDBOX_CLIENT_SECRET, token: str = SANDBOX_REFRESH_TOKEN) -> Access:
    return lab.new_access(HubspotRefreshToken(SANDBOX_CLIENT_ID, secret, token, lab.base_url))


def test_a_refresh_token_opens_the_account_and_is_asked_once(lab: Lab) -> None:
    access = oauth(lab)
    for crm in (lab.connect(access), lab.connect(access)):
        crm.fetch("deals", lab.deals(1), fields=())
    assert lab.counted("token") == 1


def test_a_token_is_renewed_before_its_end(lab: Lab) -> None:
    crm = lab.connect(oauth(lab))
    crm.fetch("deals", ["1"], fields=())
    lab.monotonic_s += 1800 - RENEWED_BEFORE_S + 1
    crm.fetch("deals", ["1"], fields=())
    assert lab.counted("token") == 2


@pytest.mark.parametrize(
    "trouble", [{"error_code": "EXPIRED_AUTHENTICATION"}, {"error_code": "INVALID_AUTHENTICATION"}, {"status": 401, "body": ""}]
)
def test_a_token_that_ended_early_is_renewed_once_whatever_the_401_says(lab: Lab, trouble: dict[str, Any]) -> None:
    created = lab.deals(1)
    crm = lab.connect(oauth(lab))
    crm.fetch("deals", created, fields=())
    lab.remote.fault("batch_read", **trouble)
    assert len(crm.fetch("deals", created, fields=())) == 1
    assert lab.counted("token") == 2


@pytest.mark.parametrize("code", ["EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION"])
def test_a_token_that_is_refused_as_new_as_it_is_is_no_loop(lab: Lab, code: str) -> None:
    crm = lab.connect(oauth(lab))
    lab.remote.fault("batch_read", times=99, error_code=code)
    for _ in range(2):
        with pytest.raises(AuthFailed, match=code):
            crm.fetch("deals", ["1"], fields=())
    assert (lab.counted("batch_read"), lab.counted("token")) == (1 + MOST_LOGINS, 1 + MOST_LOGINS)
    assert lab.slept == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("stands", [True, False], ids=["a token that stands", "a token that is renewed"])
def test_three_401s_in_quick_succession_pass_within_seconds(lab: Lab, stands: bool) -> None:
    created = lab.deals(1)
    crm = lab.connect(lab.access if stands else oauth(lab))
    crm.fetch("deals", created, fields=())
    lab.remote.fault("batch_read", times=3, error_code="INVALID_AUTHENTICATION")
    assert [record.crm_id for record in crm.fetch("deals", created, fields=())] == created
    assert lab.slept == [1.0, 2.0]
    assert lab.counted("token") == (0 if stands else 4)


def test_a_write_that_meets_three_401s_is_written_once(lab: Lab, crm: HubspotCrm) -> None:
    [deal] = lab.deals(1)
    crm.fetch("deals", [deal], fields=())
    lab.remote.fault("batch_update", times=3, error_code="INVALID_AUTHENTICATION")
    [outcome] = written(crm, RecordWrite("a", {"dealname": "Changed"}, crm_id=deal))
    assert outcome.wrote is Wrote.WRITTEN
    assert lab.remote.record("deals", deal)["dealname"] == "Changed"
    assert lab.slept == [1.0, 2.0]


@pytest.mark.parametrize("odd", [{"token": "na1-gone"}, {"secret": "wrong"}])
def test_a_refused_log_in_is_final_and_not_repeated(lab: Lab, odd: dict[str, str]) -> None:
    crm = lab.connect(oauth(lab, **odd))
    for _ in range(3):
        with pytest.raises(AuthFailed, match=r"crm\.auth") as caught:
            crm.fetch("deals", ["1"], fields=())
    assert lab.counted("token") == 1
    assert not any(secret in str(caught.value) for secret in ("na1-gone", "wrong", SANDBOX_CLIENT_SECRET, SANDBOX_REFRESH_TOKEN))


def test_a_refusal_is_forgotten_after_a_while(lab: Lab) -> None:
    crm = lab.connect(oauth(lab))
    lab.remote.fault("token", status=401)
    for _ in range(2):
        with pytest.raises(AuthFailed):
            crm.fetch("deals", ["1"], fields=())
    assert lab.counted("token") == 1
    lab.monotonic_s += REFUSED_FOR_S + 1
    assert crm.fetch("deals", ["1"], fields=()) == []
    assert lab.counted("token") == 2


def test_a_log_in_meets_passing_trouble_and_goes_on(lab: Lab) -> None:
    lab.remote.fault("token", times=2, status=502)
    assert lab.connect(oauth(lab)).fetch("deals", ["1"], fields=()) == []
    assert lab.counted("token") == 3


@pytest.mark.parametrize(("trouble", "kind"), [({"status": 502}, TransientError), ({"status": 429, "error_code": "DAILY"}, RateLimited)])
def test_a_log_in_that_stays_away_is_no_refusal(lab: Lab, trouble: dict[str, Any], kind: type[Exception]) -> None:
    lab.remote.fault("token", times=99, **trouble)
    with pytest.raises(kind):
        lab.connect(oauth(lab)).fetch("deals", ["1"], fields=())
    assert lab.counted("token") <= lab.patience.attempts


def test_a_token_that_stands_is_what_every_call_carries(lab: Lab) -> None:
    crm = lab.connect(lab.new_access(StaticToken("pat-na1-revoked", lab.base_url)))
    with pytest.raises(AuthFailed, match=r"crm\.auth") as caught:
        crm.fetch("deals", ["1"], fields=())
    assert "pat-na1-revoked" not in str(caught.value)
    assert lab.counted("token") == 0


def test_scopes_that_are_missing_are_named_by_describe(lab: Lab) -> None:
    token = lab.remote.add_token(["crm.objects.companies.read"])
    crm = lab.connect(lab.new_access(StaticToken(token, lab.base_url)))
    with pytest.raises(SchemaChanged, match=r"record type 'deals' to this token.*one of these scopes: .*deals"):
        crm.describe("deals")


def test_the_threads_of_a_portal_renew_once(lab: Lab) -> None:
    created = lab.deals(1)
    access = oauth(lab)
    crms = [lab.connect(access) for _ in range(6)]
    found: list[int] = []
    threads = [threading.Thread(target=lambda crm=crm: found.append(len(crm.fetch("deals", created, fields=())))) for crm in crms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 6
    assert lab.counted("token") == 1


def test_connections_of_one_thread_lent_to_others_renew_an_ended_token_once(lab: Lab) -> None:
    # Given two more connections of a portal whose token is at its end
    created, crm = lab.deals(1), lab.connect(oauth(lab))
    start = threading.Barrier(2, timeout=HANG_S)
    crm.fetch("deals", created, fields=())
    lab.monotonic_s += 1800

    def fetch(_number: int) -> int:
        with crm.another_connection() as other:
            start.wait()
            return len(other.fetch("deals", created, fields=()))

    # When both read at once, then both have read, after one log-in
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fetch, range(2))) == [1, 1]
    assert lab.counted("token") == 2
    assert crm.calls == lab.counted("batch_read") == 3


def test_connections_lent_to_other_threads_ask_for_the_labels_once(lab: Lab, crm: HubspotCrm) -> None:
    # Given a deal with a labelled company, and two more connections of the portal
    [deal], start = lab.deals(1), threading.Barrier(2, timeout=HANG_S)

    def fetch(_number: int) -> int:
        with crm.another_connection() as other:
            start.wait()
            return len(other.fetch("deals", [deal], fields=(PARTNER,)))

    # When both read it with its companies, then the labels were asked for once
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fetch, range(2))) == [1, 1]
    assert lab.counted("labels") == 1


def test_an_account_that_hides_its_time_zone_is_no_reason_to_stop(lab: Lab) -> None:
    lab.remote.fault("account", times=99, status=403, body={"category": "MISSING_SCOPES"})
    crm = lab.connect()
    assert crm.fetch("deals", ["1"], fields=()) == []
    lab.remote.fault("batch_read", error_code="DAILY")
    with pytest.raises(RateLimited, match="an hour, as its time zone is not known"):
        crm.fetch("deals", ["1"], fields=())


def test_asking_for_the_time_carries_no_token(lab: Lab) -> None:
    crm = lab.connect(lab.new_access(StaticToken(SANDBOX_TOKEN, lab.base_url)))
    assert crm.now() == lab.remote.now()
    lab.remote.revoke_token()
    assert crm.now() == lab.remote.now()
