"""Where HubSpot says that too many calls come at once, half as many go out; and a write waits no longer than its claim."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from crm_sandbox.process import SANDBOX_TOKEN
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import CallRefused
from tests.integration.hubspot.conftest import Lab, written


@pytest.fixture
def turnstile(lab: Lab) -> Turnstile:
    return Turnstile(Limit(8, 24), lab.services)


@pytest.fixture
def crm(lab: Lab, turnstile: Turnstile) -> HubspotCrm:
    access = Access(StaticToken(SANDBOX_TOKEN, lab.base_url), lab.services, Patience(), turnstile=turnstile)
    return HubspotCrm(access, services=lab.services, patience=Patience())


@pytest.mark.parametrize(
    ("kind", "trouble", "meant"),
    [
        ("batch_read", {"error_code": "TEN_SECONDLY_ROLLING"}, 4),
        ("batch_read", {"error_code": "LOCKED"}, 4),
        ("batch_read", {"status": 502}, 8),
        ("batch_update", {"error_code": "LOCKED"}, 4),
        ("batch_update", {"record": True, "error_code": "LOCKED"}, 4),
        ("batch_update", {"record": True, "error_code": "INVALID_OPTION"}, 8),
    ],
)
def test_what_halves_the_calls_in_flight(lab: Lab, crm: HubspotCrm, kind: str, trouble: dict[str, Any], meant: int) -> None:
    [deal] = lab.deals(1)
    lab.remote.fault(kind, **trouble)
    if kind == "batch_read":
        assert len(crm.fetch("deals", [deal], fields=())) == 1
    else:
        with suppress(CallRefused):
            written(crm, RecordWrite("a", {"dealname": "Changed"}, crm_id=deal))
    assert crm.parallel_calls == meant


def test_a_write_that_finds_no_room_within_its_claim_is_not_begun(lab: Lab, crm: HubspotCrm, turnstile: Turnstile) -> None:
    # Given an account with as many calls in flight as may be
    [deal] = lab.deals(1)
    numbers = [turnstile._enter("live") for _ in range(8)]
    # When a write has a claim of ten seconds
    ends_s = lab.monotonic_s + 10
    change = RecordWrite("a", {"dealname": "Changed"}, crm_id=deal)
    [[outcome]] = crm.write("deals", "portal_deal_key", [change], time_left_s=lambda: ends_s - lab.monotonic_s)
    # Then it has waited as long as it could be begun, and no longer
    assert outcome.wrote is Wrote.NOT_BEGUN
    assert 5 <= lab.monotonic_s - (ends_s - 10) < 6
    assert lab.counted("batch_update") == 0
    # and when a call has ended, then it is written
    turnstile._end(numbers[0], "fast")
    assert [one.wrote for one in written(crm, change)] == [Wrote.WRITTEN]
