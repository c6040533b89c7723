"""A HubSpot written by others: everything that the vendor's promises leave open, answered otherwise than by our own sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import HubspotLogin, HubspotRefreshToken, StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.port import RecordWrite, Scan, WriteOutcome, Wrote
from sync_worker.errors import AuthFailed, ConnectionDown, TransientError, UncertainWrite, WriteRejected
from sync_worker.services import Services
from tests.integration.hubspot.conftest import KEY, NOW, ids
from tests.stranger import Asked, Reply, Stranger, stranger

STAMP = "2026-06-01T12:00:00Z"
BEFORE = NOW - timedelta(minutes=5)
SCAN = Scan("deals", ("dealname",), BEFORE, NOW)
PARTNER = "association:portal_partner"
LABELS = {"results": [{"category": "USER_DEFINED", "typeId": 11, "label": "portal_partner"}]}


@pytest.fixture
def hubspot() -> Iterator[Stranger]:
    with stranger() as told:
        told.on("GET", "/details", {"timeZone": "US/Eastern"})
        told.on("GET", "/objects/2026-09/deals", {"results": []})
        told.on("GET", "/labels", LABELS)
        yield told


def connect(told: Stranger, login: HubspotLogin | None = None) -> HubspotCrm:
    services = Services(random=Random(7), sleep=lambda _: None, monotonic=lambda: 0.0, clock=lambda: NOW)
    access = Access(login or StaticToken("pat-test", told.base_url), services, Patience())
    return HubspotCrm(access, services=services, patience=Patience())


def row(crm_id: Any, **more: Any) -> dict[str, Any]:
    return {"id": crm_id, "properties": {"dealname": f"Deal {crm_id}", "hs_lastmodifieddate": STAMP}, "archived": False, **more}


def read_back(asked: Asked) -> dict[str, Any]:
    """A batch read in which every id is found, in another order than asked for."""
    return {"status": "COMPLETE", "results": [row(one["id"]) for one in reversed(asked.body["inputs"])]}


def written(crm: HubspotCrm, *changes: RecordWrite) -> list[WriteOutcome]:
    return [outcome for batch in crm.write("deals", KEY, changes, time_left_s=lambda: 60.0) for outcome in batch]


# ── searches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "paging", [{}, {"paging": None}, {"paging": {}}, {"paging": {"next": None}}, {"paging": {"next": {"after": None}}}]
)
def test_a_search_ends_however_its_last_page_says_so(hubspot: Stranger, paging: dict[str, Any]) -> None:
    hubspot.on("POST", "/search", {"total": 2, "results": [{"id": "7"}, {"id": "8"}], **paging})
    hubspot.on("POST", "/batch/read", read_back)
    assert ids(list(connect(hubspot).changed_since(SCAN))) == ["7", "8"]
    assert len(hubspot.asked("/search")) == 1


def test_a_search_that_promises_more_and_gives_nothing_has_ended(hubspot: Stranger) -> None:
    more = {"paging": {"next": {"after": "2"}}}
    hubspot.on("POST", "/search", {"total": 2, "results": [{"id": 7}, {"id": 8}], **more}, {"total": 0, "results": [], **more})
    hubspot.on("POST", "/batch/read", read_back)
    assert ids(list(connect(hubspot).changed_since(SCAN))) == ["7", "8"]


def test_a_search_goes_on_after_the_greatest_id_of_a_shuffled_page(hubspot: Stranger) -> None:
    def search(asked: Asked) -> dict[str, Any]:
        after = max([int(one["value"]) for one in asked.body["filterGroups"][0]["filters"] if one["operator"] == "GT"], default=0)
        left = [number for number in range(1, 7) if number > after]
        shown = left[:3]
        return {
            "total": len(left),
            "results": [{"id": str(number)} for number in (shown[1:] + shown[:1])],
            "paging": {"next": {"after": "3"}} if len(left) > 3 else None,
        }

    hubspot.on("POST", "/search", search)
    hubspot.on("POST", "/batch/read", read_back)
    assert ids(list(connect(hubspot).changed_since(SCAN))) == ["1", "2", "3", "4", "5", "6"]
    assert len(hubspot.asked("/search")) == 2


def test_a_search_that_gives_the_same_page_for_ever_is_given_up(hubspot: Stranger) -> None:
    hubspot.on("POST", "/search", {"total": 9, "results": [{"id": "7"}, {"id": "8"}], "paging": {"next": {"after": "2"}}})
    hubspot.on("POST", "/batch/read", read_back)
    with pytest.raises(TransientError, match="same page"):
        list(connect(hubspot).changed_since(SCAN))


@pytest.mark.parametrize("paging", [None, {"next": None}, {"next": {"after": "1"}}])
def test_what_nobody_touched_is_told_however_the_last_page_says_so(hubspot: Stranger, paging: Any) -> None:
    hubspot.on("POST", "/search", {"total": 0, "results": [], "paging": paging})
    wanted = [str(number) for number in range(400)]
    assert connect(hubspot).untouched("deals", wanted, since=BEFORE) == set(wanted)


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "stamp",
    [
        {"properties": {"dealname": "X", "hs_lastmodifieddate": "2026-06-01T12:00:00.000Z"}},
        {"properties": {"dealname": "X", "hs_lastmodifieddate": None}, "updatedAt": "2026-06-01T12:00:00Z"},
        {"properties": {"dealname": "X"}, "updatedAt": "2026-06-01T12:00:00"},
        {"properties": {"dealname": "X"}, "updatedAt": "2026-06-01T12:00:00.000+0000"},
        {"properties": {"dealname": "X", "hs_lastmodifieddate": "1780315200000"}},
        {"properties": {"dealname": "X"}, "updatedAt": 1780315200000},
    ],
    ids=str,
)
def test_a_stamp_is_read_wherever_and_however_it_stands(hubspot: Stranger, stamp: dict[str, Any]) -> None:
    hubspot.on("POST", "/batch/read", {"results": [{"id": 7, **stamp}]})
    [record] = connect(hubspot).fetch("deals", ["7"], fields=("dealname",))
    assert (record.crm_id, record.modified_at) == ("7", datetime(2026, 6, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    "odd", [{"id": "7"}, {"id": "7", "properties": {}}, {"id": "7", "properties": {}, "updatedAt": "soon"}, {}, "7"], ids=str
)
def test_a_row_that_does_not_say_when_it_changed_is_no_answer(hubspot: Stranger, odd: Any) -> None:
    hubspot.on("POST", "/batch/read", {"results": [odd]})
    with pytest.raises(TransientError, match="HubSpot"):
        connect(hubspot).fetch("deals", ["7"], fields=("dealname",))


def test_nothing_where_records_were_asked_for_is_no_answer(hubspot: Stranger) -> None:
    hubspot.on("POST", "/batch/read", Reply(status=204))
    with pytest.raises(TransientError, match="no list of results"):
        connect(hubspot).fetch("deals", ["7"], fields=("dealname",))


@pytest.mark.parametrize(
    "error",
    [
        {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["8"]}},
        {"status": "error", "code": "OBJECT_NOT_FOUND", "context": {"ids": "8"}},
        {"errors": [{"code": "OBJECT_NOT_FOUND"}], "message": "gone"},
    ],
    ids=str,
)
def test_an_id_that_is_not_found_is_absent_in_whichever_shape_that_is_said(hubspot: Stranger, error: dict[str, Any]) -> None:
    hubspot.on("POST", "/batch/read", Reply({"results": [row("7")], "numErrors": 1, "errors": [error]}, 207), {"results": []})
    assert [record.crm_id for record in connect(hubspot).fetch("deals", ["7", "8"], fields=("dealname",))] == ["7"]


@pytest.mark.parametrize("errors", [["it went wrong"], "it went wrong", {"category": "INTERNAL_ERROR"}], ids=str)
def test_an_error_in_a_shape_of_its_own_leaves_nothing_for_deleted(hubspot: Stranger, errors: Any) -> None:
    hubspot.on("POST", "/batch/read", Reply({"results": [row("7")], "errors": errors}, 207))
    with pytest.raises(TransientError, match="left something out"):
        connect(hubspot).fetch("deals", ["7", "8"], fields=("dealname",))


def test_a_live_record_in_the_archived_list_is_not_taken_for_deleted(hubspot: Stranger) -> None:
    hubspot.on("POST", "/search", {"total": 0, "results": []})
    hubspot.on("GET", "/objects/2026-09/deals", {"results": [row("7"), row("8", archived=True, archivedAt=STAMP)]})
    [page] = connect(hubspot).changed_since(SCAN)
    assert [(record.crm_id, record.is_deleted) for record in page.records] == [("8", True)]


def test_an_archived_record_without_the_moment_of_it_is_never_left_out(hubspot: Stranger) -> None:
    old = row("8", archived=True)
    old["properties"]["hs_lastmodifieddate"] = "2025-01-01T00:00:00Z"
    hubspot.on("POST", "/search", {"total": 0, "results": []})
    hubspot.on("GET", "/objects/2026-09/deals", {"results": [old]})
    [page] = connect(hubspot).changed_since(SCAN)
    assert [(record.crm_id, record.is_deleted) for record in page.records] == [("8", True)]


def test_a_list_that_gives_the_same_page_for_ever_is_given_up(hubspot: Stranger) -> None:
    hubspot.on("GET", "/objects/2026-09/deals", {"results": [], "paging": {"next": {"after": "7"}}})
    with pytest.raises(TransientError, match="same page"):
        list(connect(hubspot).changed_since(Scan("deals", ("dealname",), None, NOW)))


def test_a_merge_that_only_the_other_id_tells_of_is_a_merge(hubspot: Stranger) -> None:
    def read(asked: Asked) -> dict[str, Any]:
        if "archived=true" in asked.query:
            return {"results": []}
        return {"results": [row({"8": "99"}.get(one["id"], one["id"])) for one in asked.body["inputs"]]}

    hubspot.on("POST", "/batch/read", read)
    found = {record.crm_id: record for record in connect(hubspot).fetch("deals", ["7", "8"], fields=("dealname",))}
    assert found.keys() == {"7", "8"}
    assert (found["8"].is_deleted, found["8"].merged_into) == (True, "99")


# ── associations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to_id", [51, "51"])
def test_labels_of_one_pair_add_up_however_they_are_listed(hubspot: Stranger, to_id: Any) -> None:
    plain, label = {"category": "HUBSPOT_DEFINED", "typeId": 341}, {"category": "USER_DEFINED", "typeId": "11", "label": "portal_partner"}
    hubspot.on("POST", "/objects/2026-09/deals/batch/read", read_back)
    hubspot.on(
        "POST",
        "/companies/batch/read",
        {
            "results": [
                {"from": {"id": 7}, "to": [{"toObjectId": to_id, "associationTypes": [label]}], "paging": None},
                {
                    "from": {"id": "7"},
                    "to": [{"toObjectId": to_id, "associationTypes": [plain]}, {"toObjectId": 52, "associationTypes": None}],
                },
                {"from": {"id": "8"}, "to": []},
            ]
        },
    )
    found = connect(hubspot).fetch("deals", ["7", "8"], fields=("dealname", PARTNER))
    assert {record.crm_id: record.fields[PARTNER] for record in found} == {"7": "51", "8": None}


def test_an_association_that_is_written_may_be_answered_with_nothing(hubspot: Stranger) -> None:
    hubspot.on("POST", "/objects/2026-09/deals/batch/read", read_back)
    hubspot.on("POST", "/companies/batch/read", {"results": []})
    hubspot.on("POST", "/companies/batch/create", Reply(status=201))
    [outcome] = written(connect(hubspot), RecordWrite("a", {PARTNER: "51"}, crm_id="7"))
    assert (outcome.wrote, outcome.crm_id) == (Wrote.WRITTEN, "7")


# ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_upsert_is_matched_by_our_key_where_no_trace_comes_back(hubspot: Stranger) -> None:
    def upsert(asked: Asked) -> Reply:
        rows = [{"id": int(one["id"][1:]), "properties": {KEY: one["id"]}, "updatedAt": STAMP, "new": True} for one in asked.body["inputs"]]
        return Reply({"results": rows[::-1]}, 201)

    hubspot.on("POST", "/batch/upsert", upsert)
    outcomes = written(connect(hubspot), *(RecordWrite(f"r{number}", {"dealname": "X"}, key=f"k{number}") for number in (1, 2, 3)))
    assert [(outcome.ref, outcome.crm_id) for outcome in outcomes] == [("r1", "1"), ("r2", "2"), ("r3", "3")]


def test_the_one_row_of_an_answer_is_that_of_the_one_change(hubspot: Stranger) -> None:
    hubspot.on("POST", "/batch/upsert", {"results": [{"id": "41"}]})
    [outcome] = written(connect(hubspot), RecordWrite("r1", {"dealname": "X"}, key="k1"))
    assert (outcome.wrote, outcome.crm_id, outcome.record) == (Wrote.WRITTEN, "41", None)


@pytest.mark.parametrize("odd", [{}, {"id": None}, "41", {"properties": None, "objectWriteTraceId": "r1"}], ids=str)
def test_a_row_without_id_leaves_its_write_uncertain(hubspot: Stranger, odd: Any) -> None:
    hubspot.on("POST", "/batch/upsert", {"results": [odd]})
    [outcome] = written(connect(hubspot), RecordWrite("r1", {"dealname": "X"}, key="k1"))
    assert outcome.wrote is Wrote.UNCERTAIN
    assert isinstance(outcome.error, UncertainWrite)


@pytest.mark.parametrize(
    "error",
    [
        {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["r2"]}},
        {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": "r2"}},
        {"category": "VALIDATION_ERROR", "message": "no", "objectWriteTraceId": "r2"},
        {"category": "VALIDATION_ERROR", "message": "no", "context": {"ids": ["k2"]}},
        {"category": "VALIDATION_ERROR", "message": "no", "context": {"id": "k2"}},
        {"category": "VALIDATION_ERROR", "message": "no", "id": "k2"},
        {"category": "VALIDATION_ERROR", "message": "no"},
        {"category": "VALIDATION_ERROR", "message": "no", "context": None},
    ],
    ids=str,
)
def test_a_refused_row_is_found_in_whichever_shape_it_is_named(hubspot: Stranger, error: dict[str, Any]) -> None:
    good = {"id": "1", "properties": {KEY: "k1"}, "objectWriteTraceId": "r1"}
    hubspot.on("POST", "/batch/upsert", Reply({"status": "COMPLETE", "results": [good], "errors": [error]}, 207))
    first, second = written(connect(hubspot), *(RecordWrite(f"r{number}", {"dealname": "X"}, key=f"k{number}") for number in (1, 2)))
    assert (first.wrote, second.wrote) == (Wrote.WRITTEN, Wrote.REJECTED)
    assert isinstance(second.error, WriteRejected)
    assert second.error.code == "VALIDATION_ERROR"


@pytest.mark.parametrize("errors", [["it went wrong"], {"category": "X"}, None, "no"], ids=str)
def test_errors_that_name_nobody_in_a_shape_of_their_own_never_crash(hubspot: Stranger, errors: Any) -> None:
    good = {"id": "1", "objectWriteTraceId": "r1"}
    hubspot.on("POST", "/batch/upsert", Reply({"results": [good], "errors": errors}, 207))
    first, second = written(connect(hubspot), *(RecordWrite(f"r{number}", {"dealname": "X"}, key=f"k{number}") for number in (1, 2)))
    assert first.wrote is Wrote.WRITTEN
    assert second.wrote in (Wrote.UNCERTAIN, Wrote.REJECTED)


@pytest.mark.parametrize("status", [400, 409])
def test_a_key_that_another_create_took_is_met_by_the_next_upsert(hubspot: Stranger, status: int) -> None:
    taken = {"category": "VALIDATION_ERROR", "message": f"CONFLICTING_UNIQUE_VALUE: propertyName={KEY}"}
    hubspot.on("POST", "/batch/upsert", Reply(taken, status))
    [outcome] = written(connect(hubspot), RecordWrite("r1", {"dealname": "X"}, key="k1"))
    assert outcome.wrote is Wrote.LATER


@pytest.mark.parametrize(
    "body", ["", "<html>Conflict</html>", [], ["no"], [{"message": "no"}], {"message": None}, {"errors": {"a": 1}}, "null"]
)
def test_a_refusal_is_one_whatever_its_body(hubspot: Stranger, body: Any) -> None:
    hubspot.on("POST", "/batch/update", Reply(body, 400))
    [outcome] = written(connect(hubspot), RecordWrite("r1", {"dealname": "X"}, crm_id="7"))
    assert outcome.wrote is Wrote.REJECTED
    assert isinstance(outcome.error, WriteRejected)


# ── limits, log-in, time, description ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "limited",
    [
        Reply({"message": "slow down"}, 429),
        Reply("", 429),
        Reply("<html>429</html>", 429, {"Retry-After": "2"}),
        Reply([{"message": "slow down"}], 429, {"retry-after": "1"}),
        Reply(
            {"status": "error", "errorType": "RATE_LIMIT", "policyName": None}, 429, {"X-HubSpot-RateLimit-Max": "", "Retry-After": "soon"}
        ),
    ],
    ids=str,
)
def test_a_429_is_waited_out_whatever_it_says(hubspot: Stranger, limited: Reply) -> None:
    hubspot.on("POST", "/batch/read", limited, read_back)
    assert [record.crm_id for record in connect(hubspot).fetch("deals", ["7"], fields=())] == ["7"]


@pytest.mark.parametrize(
    "answer", [Reply("", 401, is_dated=False), Reply([], 404, is_dated=False), Reply({}, headers={"Date": "yesterday"})], ids=str
)
def test_without_a_date_our_own_clock_tells_the_time(hubspot: Stranger, answer: Reply) -> None:
    hubspot.on("GET", "/details", answer)
    assert connect(hubspot).now() == NOW


def test_an_account_that_is_away_does_not_tell_the_time(hubspot: Stranger) -> None:
    hubspot.on("GET", "/details", Reply({"category": "INTERNAL_ERROR", "message": "later"}, 502))
    host = re.escape(urlsplit(hubspot.base_url).netloc)
    with pytest.raises(TransientError, match=rf"HTTP 502 \(INTERNAL_ERROR\) while asking for the time \({host}\): later \(4 tries\)$"):
        connect(hubspot).now()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_time_of_whoever_redirects_is_not_hubspots(hubspot: Stranger, status: int) -> None:
    hubspot.on("GET", "/details", Reply("", status, {"Location": "https://elsewhere.example/details?token=secret"}))
    with pytest.raises(ConnectionDown, match=r"asking for the time \(.*\): it redirects to https://elsewhere.example/details, and"):
        connect(hubspot).now()


@pytest.mark.parametrize(
    "answer",
    [
        Reply({"access_token": "t", "expires_in": "1800"}),
        Reply({"accessToken": None, "access_token": "t", "token_type": "bearer"}, 201),
        Reply({"access_token": "t", "expires_in": "soon"}),
    ],
    ids=str,
)
def test_a_token_is_taken_in_whichever_shape_it_comes(hubspot: Stranger, answer: Reply) -> None:
    hubspot.on("POST", "/token", answer)
    hubspot.on("POST", "/batch/read", read_back)
    crm = connect(hubspot, HubspotRefreshToken("id", "secret", "refresh", hubspot.base_url))
    assert [record.crm_id for record in crm.fetch("deals", ["7"], fields=())] == ["7"]


@pytest.mark.parametrize("body", [[], "", "<html/>", {"error": "invalid_grant"}, [{"status": "BAD_REFRESH_TOKEN"}]], ids=str)
def test_a_refused_log_in_is_told_to_people_whatever_its_body(hubspot: Stranger, body: Any) -> None:
    hubspot.on("POST", "/token", Reply(body, 400))
    with pytest.raises(AuthFailed, match=rf"HubSpot's log-in \({urlsplit(hubspot.base_url).netloc}\) answered HTTP 400"):
        connect(hubspot, HubspotRefreshToken("id", "secret", "refresh", hubspot.base_url)).fetch("deals", ["7"], fields=())


def test_a_property_that_is_described_in_few_words_is_one(hubspot: Stranger) -> None:
    options = [{"label": "A", "value": "a"}, {"label": "B"}, {"value": 3}]
    hubspot.on("GET", "/deals", {"results": [{"name": "dealname"}, {"name": "tags", "type": "enumeration", "options": options}, {}]})
    catalog = connect(hubspot).describe("deals")
    assert catalog.fields.keys() >= {"dealname", "tags", PARTNER}
    assert catalog.fields["tags"].values == ("a", "3")


# ── redirects ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirected_call_gives_its_body_and_its_token_to_nobody(hubspot: Stranger, status: int) -> None:
    # Given something before HubSpot that redirects to another origin
    with stranger() as elsewhere:
        hubspot.on("POST", "/search", Reply("", status, {"Location": f"{elsewhere.base_url}/search"}))
        hubspot.on("POST", "/create", Reply("", status, {"Location": f"{elsewhere.base_url}/create"}))
        hubspot.on("POST", "/upsert", Reply("", status, {"Location": f"{elsewhere.base_url}/upsert"}))
        hubspot.on("POST", "/token", Reply("", status, {"Location": f"{elsewhere.base_url}/token"}))
        crm = connect(hubspot)
        # When something is read, something is written, and somebody logs in
        with pytest.raises(ConnectionDown, match=f"HTTP {status} while .*: it redirects to {elsewhere.base_url}/search"):
            list(crm.changed_since(SCAN))
        with pytest.raises(ConnectionDown, match=f"HTTP {status} while .*: it redirects to {elsewhere.base_url}"):
            written(crm, RecordWrite("d1", {"dealname": "Ann's secret deal"}, None))
        with pytest.raises(AuthFailed, match=f"redirects to {elsewhere.base_url}/token"):
            list(connect(hubspot, HubspotRefreshToken("id", "secret", "refresh", hubspot.base_url)).changed_since(SCAN))
        # Then nothing went there
        assert elsewhere.seen == []
