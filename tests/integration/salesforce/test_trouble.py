"""What goes wrong on the way, and what each wrong thing is called once it has been tried often enough."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite, Wrote
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.reading import reader, soql
from sync_worker.errors import CallRefused, ConnectionDown, RateLimited, SchemaChanged, TooLarge, TransientError, UncertainWrite
from tests.integration.salesforce.conftest import Lab, ids, written

PASSING: list[dict[str, Any]] = [
    {"status": 503, "body": "html"},
    {"status": 503, "error_code": "SERVER_UNAVAILABLE"},
    {"status": 500, "error_code": "UNKNOWN_EXCEPTION"},
    {"status": 502, "body": "html"},
    {"status": 406},
    {"status": 420},
    {"status": 429, "body": "html"},
    {"status": 200, "body": "html"},
    {"status": 200, "body": {"odd": True}},
    {"status": 200, "body": [1, 2]},
    {"status": 200, "body": "just words"},
    {"drop_connection": True},
    {"drop_connection": True, "when": "after_commit"},
    {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded."},
    {"error_code": "UNABLE_TO_LOCK_ROW"},
]


def named(trouble: dict[str, Any]) -> str:
    return "-".join(str(value) for value in trouble.values())


@pytest.mark.parametrize("trouble", PASSING, ids=named)
def test_a_read_meets_passing_trouble_and_goes_on(lab: Lab, crm: SalesforceCrm, trouble: dict[str, Any]) -> None:
    created = lab.leads(6)
    lab.remote.fault("query_all", times=3, **trouble)
    assert ids(list(crm.changed_since(lab.scan()))) == created
    assert len(lab.slept) == 3
    assert crm.calls == lab.counted("query_all", "query_more") == 5


@pytest.mark.parametrize("trouble", PASSING, ids=named)
def test_trouble_that_stays_is_transient_after_bounded_tries(lab: Lab, crm: SalesforceCrm, trouble: dict[str, Any]) -> None:
    lab.remote.fault("query_all", times=99, **trouble)
    with pytest.raises(TransientError):
        list(crm.changed_since(lab.scan()))
    assert lab.counted("query_all") == lab.patience.attempts
    assert sum(lab.slept) < lab.patience.total_s


@pytest.mark.parametrize("call", ["query_more", "retrieve", "describe", "versions"])
def test_every_kind_of_read_is_tried_again(lab: Lab, crm: SalesforceCrm, call: str) -> None:
    created = lab.leads(6)
    lab.remote.fault(call, times=2, status=503, body="html")
    assert ids(list(crm.changed_since(lab.scan()))) == created
    assert len(crm.fetch("Lead", created, fields=())) == 6
    assert crm.describe("Lead").native == "Lead"
    assert crm.now() == lab.remote.now()
    assert len(lab.slept) == 2


def test_waits_grow_and_are_jittered(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("query_all", times=3, status=503)
    list(crm.changed_since(lab.scan()))
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(lab.slept, (0.5, 1.0, 2.0), strict=True))


def test_the_days_calls_used_up_is_told_at_once(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.set_daily_limit(100, used=100)
    with pytest.raises(RateLimited) as limited:
        list(crm.changed_since(lab.scan()))
    assert (limited.value.scope, limited.value.retry_after_s) == ("daily", 900)
    assert lab.slept == []


def test_too_many_calls_at_once_is_waited_for(lab: Lab, crm: SalesforceCrm) -> None:
    words = "ConcurrentPerOrgLongTxn Limit exceeded."
    lab.remote.fault("query_all", times=99, error_code="REQUEST_LIMIT_EXCEEDED", message=words)
    with pytest.raises(RateLimited) as limited:
        list(crm.changed_since(lab.scan()))
    assert limited.value.scope == "burst"
    assert lab.slept == [5.0, 5.0, 5.0]


def test_a_limit_stops_a_write_before_anything_of_the_batch(lab: Lab, crm: SalesforceCrm) -> None:
    created = lab.leads(201)
    changes = [RecordWrite(lead, {"Company": "Changed"}, crm_id=lead) for lead in created]
    lab.remote.fault("collections_write", after=1, error_code="REQUEST_LIMIT_EXCEEDED")
    batches = crm.write("Lead", "Portal_Deal_Key__c", changes, time_left_s=lambda: 60.0)
    assert {outcome.wrote for outcome in next(batches)} == {Wrote.WRITTEN}
    with pytest.raises(RateLimited):
        next(batches)
    assert lab.remote.record("Lead", created[200])["Company"] == "Prospect 200"


def test_a_field_that_went_away_is_named(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.hide_field("Lead", "Portal_Amount__c")
    for ask in (
        lambda: list(crm.changed_since(lab.scan("Company", "Portal_Amount__c"))),
        lambda: crm.fetch("Lead", ["00QSb0000000001"], fields=("Portal_Amount__c",)),
        lambda: crm.find_by_key("Lead", "Portal_Deal_Key__c", ["k"], fields=("Portal_Amount__c",)),
    ):
        with pytest.raises(SchemaChanged, match="access to Portal_Amount__c"):
            ask()
    assert lab.slept == []


def test_a_record_type_that_went_away(lab: Lab, crm: SalesforceCrm) -> None:
    with pytest.raises(SchemaChanged):
        list(crm.changed_since(lab.scan(native="Nonsense__c")))
    with pytest.raises(SchemaChanged):
        crm.fetch("Nonsense__c", ["00QSb0000000001"], fields=())


@pytest.mark.parametrize("code", ["API_DISABLED_FOR_ORG", "TXN_SECURITY_METERING_ERROR"])
def test_an_org_that_lets_nobody_in_is_down(lab: Lab, crm: SalesforceCrm, code: str) -> None:
    lab.remote.fault("query_all", times=99, error_code=code)
    with pytest.raises(ConnectionDown, match=code):
        list(crm.changed_since(lab.scan()))
    assert lab.slept == []


@pytest.mark.parametrize("after", [0, 1])
def test_a_lost_locator_starts_again_from_the_position(lab: Lab, crm: SalesforceCrm, after: int) -> None:
    created = lab.leads(15)
    lab.remote.fault("query_more", after=after, error_code="INVALID_QUERY_LOCATOR")
    assert ids(list(crm.changed_since(lab.scan()))) == created
    assert lab.counted("query_all") == 2
    assert lab.slept == [], "a lost locator is never found by waiting"


def test_locators_that_are_always_lost_still_bring_a_page_each(lab: Lab, crm: SalesforceCrm) -> None:
    created = lab.leads(27)
    lab.remote.fault("query_more", times=99, error_code="INVALID_QUERY_LOCATOR")
    assert ids(list(crm.changed_since(lab.scan()))) == created
    assert lab.counted("query_all") == 7


def test_a_first_page_without_a_locator_to_lose_ends(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("query_all", times=99, error_code="INVALID_QUERY_LOCATOR")
    with pytest.raises(TransientError, match="did not help"):
        list(crm.changed_since(lab.scan()))
    assert lab.counted("query_all") == 4


def test_a_locator_lost_among_keys_or_the_deleted_begins_anew(lab: Lab, crm: SalesforceCrm) -> None:
    keys = [f"key-{number}" for number in range(9)]
    created = [lab.remote.create("Lead", {"Company": "P", "LastName": "D", "Portal_Deal_Key__c": key}) for key in keys]
    lab.remote.fault("query_more", after=1, error_code="INVALID_QUERY_LOCATOR")
    assert [record.crm_id for record in crm.find_by_key("Lead", "Portal_Deal_Key__c", keys, fields=())] == created
    for lead in created:
        lab.remote.delete("Lead", lead)
    lab.remote.fault("query_more", error_code="INVALID_QUERY_LOCATOR")
    assert [record.is_deleted for record in crm.fetch("Lead", created, fields=())] == [True] * 9
    lab.remote.fault("query_more", times=99, error_code="INVALID_QUERY_LOCATOR")
    with pytest.raises(TransientError, match="beginning again"):
        crm.fetch("Lead", created, fields=())


@pytest.mark.parametrize(("failing", "limits"), [(1, [1000]), (3, [1000, 500, 250]), (4, [1000, 500, 250, 125])])
def test_a_query_that_takes_too_long_asks_for_less(
    lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch, failing: int, limits: list[int]
) -> None:
    created = lab.leads(11)
    asked = watched_limits(monkeypatch)
    lab.remote.fault("query_all", times=failing, error_code="QUERY_TIMEOUT")
    pages = list(crm.changed_since(lab.scan()))
    assert ids(pages) == created
    assert [page.is_last for page in pages] == [False, False, True]
    assert asked == [None, *limits]
    assert {page.total for page in pages} == {None}, "what a limited query counts is not the window"
    assert lab.slept == []


def test_a_limited_scan_goes_on_until_there_is_nothing_left(lab: Lab, crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "FIRST_LIMIT", 5)
    monkeypatch.setattr(reader, "LEAST_LIMIT", 1)
    asked = watched_limits(monkeypatch)
    created = lab.leads(15)
    lab.remote.fault("query_more", error_code="OPERATION_TOO_LARGE")
    pages = list(crm.changed_since(lab.scan()))
    assert ids(pages) == created
    assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert asked == [None, 5, 5, 5]
    assert [page.total for page in pages] == [15] + [None] * (len(pages) - 1)


def test_a_query_that_always_takes_too_long_is_given_up(lab: Lab, crm: SalesforceCrm) -> None:
    lab.remote.fault("query_all", times=99, error_code="QUERY_TIMEOUT")
    with pytest.raises(TooLarge):
        list(crm.changed_since(lab.scan()))
    assert lab.counted("query_all") == 5


def watched_limits(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The LIMIT of each query of a scan, as they are sent."""
    asked: list[int | None] = []
    spell = soql.scan_after

    def watched(scan: Any, position: str, *, limit: int | None) -> str:
        asked.append(limit)
        return spell(scan, position, limit=limit)

    monkeypatch.setattr(soql, "scan_after", watched)
    return asked


@pytest.mark.parametrize(
    ("trouble", "wrote"),
    [
        ({"status": 503, "body": "html"}, Wrote.UNCERTAIN),
        ({"status": 500, "error_code": "UNKNOWN_EXCEPTION"}, Wrote.UNCERTAIN),
        ({"status": 200, "body": "html", "when": "after_commit"}, Wrote.UNCERTAIN),
        ({"status": 200, "body": [], "when": "after_commit"}, Wrote.UNCERTAIN),
        ({"status": 200, "body": [{"success": True}] * 2, "when": "after_commit"}, Wrote.UNCERTAIN),
        ({"status": 200, "body": ["odd"], "when": "after_commit"}, Wrote.UNCERTAIN),
        ({"drop_connection": True}, Wrote.UNCERTAIN),
        ({"error_code": "JSON_PARSER_ERROR"}, Wrote.REJECTED),
    ],
)
def test_a_write_is_sent_once_and_says_how_sure_it_is(lab: Lab, crm: SalesforceCrm, trouble: dict[str, Any], wrote: Wrote) -> None:
    [lead] = lab.leads(1)
    lab.remote.fault("collections_write", **trouble)
    [outcome] = written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert outcome.wrote is wrote
    assert isinstance(outcome.error, UncertainWrite) is (wrote is Wrote.UNCERTAIN)
    assert lab.counted("collections_write") == 1
    assert lab.slept == []


@pytest.mark.parametrize("code", ["SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "ENTITY_IS_LOCKED"])
def test_a_call_that_is_not_taken_for_the_moment_is_no_try_of_its_records(lab: Lab, crm: SalesforceCrm, code: str) -> None:
    [lead] = lab.leads(1)
    lab.remote.fault("collections_write", error_code=code)
    with pytest.raises(CallRefused, match=code):
        written(crm, RecordWrite("a", {"Company": "Changed"}, crm_id=lead))
    assert (lab.counted("collections_write"), lab.slept) == (1, [])
