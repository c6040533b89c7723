"""Where Salesforce says that too many calls come at once, half as many go out; and a write waits no longer than its claim."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import CallRefused
from tests.integration.salesforce.conftest import KEY, Lab, written

TOO_MANY = "ConcurrentPerOrgLongTxn Limit exceeded."


@pytest.fixture
def turnstile(lab: Lab) -> Turnstile:
    return Turnstile(Limit(4, 20), lab.services)


@pytest.fixture
def crm(lab: Lab, turnstile: Turnstile) -> SalesforceCrm:
    tokens = Tokens(lab.credentials, lab.services, lab.patience, turnstile)
    connection = SalesforceConnection(login=lab.credentials, tokens=tokens, services=lab.services, patience=lab.patience)
    return SalesforceCrm(connection, assigns_on_create=False)


@pytest.mark.parametrize(
    ("kind", "trouble", "meant"),
    [
        ("retrieve", {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": TOO_MANY}, 2),
        ("retrieve", {"error_code": "SERVER_UNAVAILABLE"}, 4),
        ("collections_write", {"error_code": "UNABLE_TO_LOCK_ROW"}, 2),
        ("collections_write", {"record": True, "error_code": "UNABLE_TO_LOCK_ROW"}, 2),
        ("collections_write", {"record": True, "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}, 4),
    ],
)
def test_what_halves_the_calls_in_flight(lab: Lab, crm: SalesforceCrm, kind: str, trouble: dict[str, Any], meant: int) -> None:
    [lead] = lab.leads(1)
    lab.remote.fault(kind, **trouble)
    if kind == "retrieve":
        assert len(crm.fetch("Lead", [lead], fields=())) == 1
    else:
        with suppress(CallRefused):
            written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert crm.parallel_calls == meant


def test_a_write_that_finds_no_room_within_its_claim_is_not_begun(lab: Lab, crm: SalesforceCrm, turnstile: Turnstile) -> None:
    # Given an org with as many calls in flight as may be
    [lead] = lab.leads(1)
    numbers = [turnstile._enter("live") for _ in range(4)]
    # When a write has a claim of ten seconds
    ends_s = lab.monotonic_s + 10
    change = RecordWrite("a", {"Company": "Changed"}, crm_id=lead)
    [[outcome]] = crm.write("Lead", KEY, [change], time_left_s=lambda: ends_s - lab.monotonic_s)
    # Then it has waited as long as it could be begun, and no longer
    assert outcome.wrote is Wrote.NOT_BEGUN
    assert 5 <= lab.monotonic_s - (ends_s - 10) < 6
    assert lab.counted("collections_write") == 0
    # and when a call has ended, then it is written
    turnstile._end(numbers[0], "fast")
    assert [one.wrote for one in written(crm, change)] == [Wrote.WRITTEN]
