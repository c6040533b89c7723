"""One token for all threads: got once, renewed once, and never asked for again where it was refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest

from sync_worker.crm.login.renewal import MOST_LOGINS, REFUSED_FOR_S
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.errors import AuthFailed, SyncError, TransientError
from tests.integration.salesforce.conftest import Lab, ids, written
from tests.patience import HANG_S

T = TypeVar("T")
THREADS = 8


def together(lab: Lab, work: Callable[[SalesforceCrm], T]) -> list[T | SyncError]:
    """The same work in eight threads at once, each with its own adapter."""
    start = Barrier(THREADS, timeout=HANG_S)

    def one(crm: SalesforceCrm) -> T | SyncError:
        start.wait()
        try:
            return work(crm)
        except SyncError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, [lab.connect() for _ in range(THREADS)]))


def test_threads_share_one_log_in(lab: Lab) -> None:
    created = lab.leads(10)
    found = together(lab, lambda crm: ids(list(crm.changed_since(lab.scan()))))
    assert found == [created] * THREADS
    assert lab.counted("token") == 1


def test_wrong_credentials_are_tried_once_however_many_ask(lab: Lab) -> None:
    lab.client_secret = "wrong"
    lab.tokens = lab.new_tokens()
    for _ in range(3):
        errors = together(lab, lambda crm: crm.fetch("Lead", ["00QSb0000000001"], fields=()))
        assert {type(error) for error in errors} == {AuthFailed}
        assert len({id(error) for error in errors}) == THREADS, "an exception of one thread is not raised in another"
    assert lab.counted("token") == 1
    assert lab.slept == []
    assert lab.remote.calls()["total"] == 1


def test_a_refusal_is_forgotten_after_a_while(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("token", status=401, body={"error": "inactive_user", "error_description": "user is inactive"})
    with pytest.raises(AuthFailed, match="inactive_user"):
        crm.fetch("Lead", ["00QSb0000000001"], fields=())
    lab.monotonic_s += REFUSED_FOR_S - 1
    with pytest.raises(AuthFailed, match="inactive_user"):
        crm.fetch("Lead", ["00QSb0000000001"], fields=())
    assert lab.counted("token") == 1
    lab.monotonic_s += 2
    assert crm.fetch("Lead", lab.leads(1), fields=())
    assert lab.counted("token") == 2


@pytest.mark.parametrize(
    "trouble", [{"status": 503, "body": "html"}, {"status": 500}, {"drop_connection": True}, {"body": "html", "status": 200}]
)
def test_a_log_in_out_of_order_is_tried_again(lab: Lab, crm: SalesforceCrm, trouble: dict[str, object]) -> None:
    lab.remote.fault("token", times=2, **trouble)  # type: ignore[arg-type]  # one of fault's own options
    created = lab.leads(1)
    assert [record.crm_id for record in crm.fetch("Lead", created, fields=())] == created
    assert lab.counted("token") == 3
    assert len(lab.slept) == 2


def test_a_log_in_that_stays_out_of_order_is_no_refusal(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("token", times=99, status=503, body="html")
    with pytest.raises(TransientError, match="503"):
        crm.fetch("Lead", ["00QSb0000000001"], fields=())
    assert lab.counted("token") == lab.patience.attempts
    lab.remote.clear_faults()
    assert crm.fetch("Lead", lab.leads(1), fields=())


def test_a_session_that_ends_in_mid_scan_is_renewed_once_and_nothing_is_lost(lab: Lab) -> None:
    created = lab.leads(11)
    middle = Barrier(THREADS, timeout=HANG_S)

    def work(crm: SalesforceCrm) -> list[str]:
        pages = crm.changed_since(lab.scan())
        seen = [next(pages)]
        if middle.wait() == 0:
            lab.remote.expire_tokens()
        middle.wait()
        return ids([*seen, *pages])

    assert together(lab, work) == [created] * THREADS
    assert lab.counted("token") == 2
    assert lab.slept == []


def test_connections_of_one_thread_lent_to_others_renew_an_ended_session_once(lab: Lab, crm: SalesforceCrm) -> None:
    # Given two more connections of a portal whose session has ended
    created = lab.leads(2)
    start = Barrier(2, timeout=HANG_S)
    crm.fetch("Lead", created, fields=())
    lab.remote.expire_tokens()

    def fetch(_number: int) -> int:
        with crm.another_connection() as other:
            start.wait()
            return len(other.fetch("Lead", created, fields=()))

    # When both read at once, then both have read, after one log-in
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fetch, range(2))) == [2, 2]
    assert lab.counted("token") == 2
    assert crm.calls == lab.counted("retrieve")


def test_a_renewal_in_mid_write_writes_once(lab: Lab, crm: SalesforceCrm) -> None:
    [lead] = lab.leads(1)
    crm.fetch("Lead", [lead], fields=())
    lab.remote.expire_tokens()
    [outcome] = written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert outcome.wrote is Wrote.WRITTEN
    assert (lab.counted("token"), lab.counted("collections_write")) == (2, 2)
    assert lab.remote.record("Lead", lead)["OwnerId"] == lab.remote.record("Lead", lead)["CreatedById"], "the retry kept its headers"


@pytest.mark.parametrize("body", [None, "html", {}, [], ["nonsense"]])
def test_a_401_that_stays_is_a_refusal_after_log_ins_with_growing_waits(lab: Lab, body: object) -> None:
    lab.remote.fault("retrieve", times=99, status=401, body=body)
    errors = together(lab, lambda crm: crm.fetch("Lead", ["00QSb0000000001"], fields=()))
    errors += together(lab, lambda crm: crm.fetch("Lead", ["00QSb0000000001"], fields=()))
    assert {type(error) for error in errors} == {AuthFailed}
    assert lab.counted("token") == 1 + MOST_LOGINS
    assert lab.slept == [1.0, 2.0, 4.0, 8.0]


def test_three_401s_in_quick_succession_pass_within_seconds(lab: Lab, crm: SalesforceCrm) -> None:
    created = lab.leads(1)
    lab.remote.fault("retrieve", times=3, error_code="INVALID_SESSION_ID")
    assert [record.crm_id for record in crm.fetch("Lead", created, fields=())] == created
    assert (lab.counted("token"), lab.slept) == (4, [1.0, 2.0])
    # And the next trouble begins anew: a token that has worked is replaced at once
    lab.remote.expire_tokens()
    assert [record.crm_id for record in crm.fetch("Lead", created, fields=())] == created
    assert (lab.counted("token"), lab.slept) == (5, [1.0, 2.0])


def test_a_write_that_meets_three_401s_is_written_once(lab: Lab, crm: SalesforceCrm) -> None:
    [lead] = lab.leads(1)
    lab.remote.fault("collections_write", times=3, error_code="INVALID_SESSION_ID")
    [outcome] = written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert outcome.wrote is Wrote.WRITTEN
    assert lab.remote.record("Lead", lead)["Company"] == "Changed"
    assert lab.slept == [1.0, 2.0]


def test_a_process_that_stops_waits_for_no_log_in(lab: Lab) -> None:
    lab.services = replace(lab.services, is_stopping=lambda: bool(lab.slept))
    lab.tokens = lab.new_tokens()
    lab.remote.fault("retrieve", times=99, error_code="INVALID_SESSION_ID")
    with pytest.raises(TransientError, match="stops before it asks for another"):
        lab.connect().fetch("Lead", ["00QSb0000000001"], fields=())
    assert lab.slept == [1.0]


@pytest.mark.parametrize("body", [None, "html", {}, []])
def test_a_401_of_any_shape_is_met_with_another_token(lab: Lab, crm: SalesforceCrm, body: object) -> None:
    created = lab.leads(1)
    lab.remote.fault("retrieve", status=401, body=body)
    assert [record.crm_id for record in crm.fetch("Lead", created, fields=())] == created
    assert lab.counted("token") == 2


def test_sessions_end_day_after_day(lab: Lab, crm: SalesforceCrm) -> None:
    created = lab.leads(1)
    for day in range(1, 5):
        assert [record.crm_id for record in crm.fetch("Lead", created, fields=())] == created
        assert lab.counted("token") == day
        lab.remote.expire_tokens()
