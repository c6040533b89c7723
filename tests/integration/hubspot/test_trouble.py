"""What goes wrong on the way, and what each wrong thing is called once it has been tried often enough."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.errors import (
    AuthFailed,
    ConnectionDown,
    RateLimited,
    SchemaChanged,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
)
from tests.integration.hubspot.conftest import Lab, ids, written

PASSING: list[dict[str, Any]] = [
    {"status": 500, "error_code": "INTERNAL_ERROR"},
    {"status": 502},
    {"status": 502, "body": "html"},
    {"status": 503},
    {"status": 504},
    {"status": 521},
    {"status": 523},
    {"status": 524},
    {"error_code": "LOCKED"},
    {"error_code": "TEN_SECONDLY_ROLLING"},
    {"error_code": "SECONDLY"},
    {"status": 477},
    {"status": 200, "body": "html"},
    {"status": 200, "body": {"odd": True}},
    {"status": 200, "body": [1, 2]},
    {"drop_connection": True},
    {"cut_body": True},
]


def named(trouble: dict[str, Any]) -> str:
    return "-".join(str(value) for value in trouble.values())


@pytest.mark.parametrize("call", ["search", "batch_read", "associations_read", "list"])
@pytest.mark.parametrize("trouble", PASSING, ids=named)
def test_a_read_meets_passing_trouble_and_goes_on(lab: Lab, crm: HubspotCrm, trouble: dict[str, Any], call: str) -> None:
    created = lab.deals(3)
    lab.remote.fault(call, times=3, **trouble)
    assert ids(list(crm.changed_since(lab.scan("dealname", "association:portal_partner")))) == created
    assert crm.calls == lab.counted() == 7


@pytest.mark.parametrize("trouble", PASSING, ids=named)
def test_trouble_that_stays_is_transient_after_bounded_tries(lab: Lab, crm: HubspotCrm, trouble: dict[str, Any]) -> None:
    lab.remote.fault("search", times=99, **trouble)
    with pytest.raises(TransientError):
        list(crm.changed_since(lab.scan()))
    assert lab.counted("search") == lab.patience.attempts


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        ({"error_code": "INVALID_AUTHENTICATION"}, AuthFailed, "crm.auth"),
        ({"error_code": "EXPIRED_AUTHENTICATION"}, AuthFailed, "crm.auth"),
        (
            {"error_code": "MISSING_SCOPES", "message": "crm.objects.deals.read"},
            ConnectionDown,
            "one of these scopes: crm.objects.deals.read",
        ),
        ({"error_code": "VALIDATION_ERROR"}, SchemaChanged, "VALIDATION_ERROR"),
        ({"error_code": "OBJECT_NOT_FOUND"}, SchemaChanged, "OBJECT_NOT_FOUND"),
        ({"status": 414, "body": "html"}, TooLarge, "414"),
        ({"status": 477, "headers": {"Retry-After": "7200"}}, RateLimited, "moving the account"),
        ({"error_code": "DAILY"}, RateLimited, "until 2026-06-02 00:00 EDT"),
    ],
    ids=lambda value: named(value) if isinstance(value, dict) else "",
)
def test_what_waiting_a_little_does_not_mend_is_told_at_once(
    lab: Lab, crm: HubspotCrm, trouble: dict[str, Any], kind: type[Exception], words: str
) -> None:
    lab.remote.fault("search", times=99, **trouble)
    with pytest.raises(kind, match=words):
        list(crm.changed_since(lab.scan()))
    assert lab.counted("search") == 1
    assert lab.slept == []


def test_a_daily_limit_waits_for_the_accounts_midnight(lab: Lab, crm: HubspotCrm) -> None:
    crm.fetch("deals", lab.deals(1), fields=())
    lab.remote.set_limits(daily=100, used=100)
    with pytest.raises(RateLimited) as caught:
        crm.fetch("deals", ["1"], fields=())
    assert caught.value.scope == "daily"
    lab.remote.advance_clock(caught.value.retry_after_s - 1)
    with pytest.raises(RateLimited):
        crm.fetch("deals", ["1"], fields=())
    lab.remote.advance_clock(2)
    assert crm.fetch("deals", ["1"], fields=()) == []


def test_a_long_wait_is_the_queues_and_holds_up_no_call(lab: Lab, crm: HubspotCrm) -> None:
    lab.remote.fault("batch_read", status=477, headers={"Retry-After": "7200"})
    with pytest.raises(RateLimited):
        crm.fetch("deals", ["1"], fields=())
    assert crm.fetch("deals", ["1"], fields=()) == []
    assert lab.slept == []


def test_a_limit_of_ten_seconds_is_waited_out_by_a_read(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(1)
    lab.remote.fault("batch_read", error_code="TEN_SECONDLY_ROLLING")
    assert len(crm.fetch("deals", created, fields=())) == 1
    assert sum(lab.slept) == 10.0


GAPS: list[dict[str, Any]] = [
    {"results": [], "status": "CANCELED"},
    {"results": [], "errors": [{"category": "INTERNAL_ERROR", "message": "shard down"}]},
    {"results": [], "errors": [{"category": "VALIDATION_ERROR", "subCategory": "crm.associations.INVALID_IDENTIFIER", "message": "odd"}]},
]


@pytest.mark.parametrize("call", ["batch_read", "associations_read"])
@pytest.mark.parametrize("gap", GAPS, ids=str)
def test_what_an_answer_leaves_out_for_no_good_reason_is_not_gone(lab: Lab, crm: HubspotCrm, gap: dict[str, Any], call: str) -> None:
    created = lab.deals(1)
    lab.remote.fault(call, status=207, body=gap)
    [record] = crm.fetch("deals", created, fields=("association:portal_partner",))
    assert not record.is_deleted
    lab.remote.fault(call, times=99, status=207, body=gap)
    with pytest.raises(TransientError):
        crm.fetch("deals", created, fields=("association:portal_partner",))


# ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "trouble",
    [
        *({"status": status} for status in (500, 502, 503, 504, 524)),
        {"drop_connection": True, "when": "after_commit"},
        {"cut_body": True},
        {"status": 200, "body": {"odd": True}},
    ],
    ids=named,
)
def test_a_write_without_a_clear_answer_is_uncertain_and_not_repeated(lab: Lab, crm: HubspotCrm, trouble: dict[str, Any]) -> None:
    [crm_id] = lab.deals(1)
    lab.remote.fault("batch_update", times=9, **trouble)
    [outcome] = written(crm, RecordWrite("a", {"dealname": "New"}, crm_id=crm_id))
    assert outcome.wrote is Wrote.UNCERTAIN
    assert isinstance(outcome.error, UncertainWrite)
    assert lab.counted("batch_update") == 1


@pytest.mark.parametrize("code", ["DAILY", "TEN_SECONDLY_ROLLING", "INVALID_AUTHENTICATION", "MISSING_SCOPES"])
def test_what_concerns_the_account_ends_the_write_before_anything(lab: Lab, crm: HubspotCrm, code: str) -> None:
    lab.remote.fault("batch_upsert", error_code=code)
    with pytest.raises((RateLimited, ConnectionDown)):
        written(crm, RecordWrite("a", {"dealname": "New"}, key="key-1"))
    assert lab.connect(lab.new_access()).find_by_key("deals", "portal_deal_key", ["key-1"], fields=()) == []


def test_a_refusal_names_field_value_and_options(lab: Lab, crm: HubspotCrm) -> None:
    [crm_id] = lab.deals(1)
    [outcome] = written(crm, RecordWrite("a", {"portal_vendor_approval": "maybe"}, crm_id=crm_id))
    assert isinstance(outcome.error, WriteRejected)
    assert outcome.error.field == "portal_vendor_approval"
    assert "portal_vendor_approval: maybe was not one of the allowed options: [pending (Pending), approved (Approved)" in str(outcome.error)


def test_what_an_admin_requires_is_one_records_refusal(lab: Lab, crm: HubspotCrm) -> None:
    lab.remote.add_validation_rule("deals", "dealname", "in", ["Forbidden"], message="Choose another name")
    outcomes = written(crm, RecordWrite("a", {"dealname": "Forbidden"}, key="a"), RecordWrite("b", {"dealname": "Fine"}, key="b"))
    assert [outcome.wrote for outcome in outcomes] == [Wrote.REJECTED, Wrote.CREATED]
    assert "Choose another name" in str(outcomes[0].error)


def test_a_batch_refused_as_a_whole_is_halved_until_the_bad_row_stands_alone(lab: Lab, crm: HubspotCrm) -> None:
    """Where the vendor does not heed trace ids: with what it answered first, six rows of eight would have been refused for two."""
    created = lab.deals(8)
    lab.remote.fault("batch_update", error_code="VALIDATION_ERROR")
    outcomes = written(crm, *(RecordWrite(crm_id, {"dealname": "New"}, crm_id=crm_id) for crm_id in created))
    assert {outcome.wrote for outcome in outcomes} == {Wrote.WRITTEN}
    assert lab.counted("batch_update") == 3


def test_rows_that_a_refusal_of_the_whole_batch_names_are_refused_at_once(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(8)
    bad = created[2:4]
    context = {"ids": bad[:1]}
    body = {"message": "no", "category": "VALIDATION_ERROR", "context": context, "errors": [{"context": {"objectWriteTraceId": bad[1:]}}]}
    lab.remote.fault("batch_update", status=400, body=body)

    outcomes = written(crm, *(RecordWrite(crm_id, {"dealname": "New"}, crm_id=crm_id) for crm_id in created))

    assert [outcome.ref for outcome in outcomes if outcome.wrote is Wrote.REJECTED] == bad
    assert [outcome.ref for outcome in outcomes if outcome.wrote is Wrote.WRITTEN] == [one for one in created if one not in bad]
    assert lab.counted("batch_update") == 2


def test_a_refusal_that_names_every_row_blames_none(lab: Lab, crm: HubspotCrm) -> None:
    created = lab.deals(4)
    lab.remote.fault("batch_update", status=400, body={"message": "no", "category": "VALIDATION_ERROR", "context": {"ids": created}})

    outcomes = written(crm, *(RecordWrite(crm_id, {"dealname": "New"}, crm_id=crm_id) for crm_id in created))

    assert {outcome.wrote for outcome in outcomes} == {Wrote.WRITTEN}


def test_a_key_that_another_create_took_is_no_refusal(lab: Lab, crm: HubspotCrm) -> None:
    lab.remote.fault(
        "batch_upsert", record=True, error_code="CONFLICTING_UNIQUE_VALUE", message="portal_deal_key: 7 already has that value."
    )
    [outcome] = written(crm, RecordWrite("a", {"dealname": "New"}, key="key-1"))
    assert outcome.wrote is Wrote.LATER
