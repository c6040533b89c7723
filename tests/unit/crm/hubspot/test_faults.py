"""Every answer HubSpot is known to give, and what it means to us: for a read, a write, a row of a batch, and the log-in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from sync_worker.crm.blame import RowsRejected
from sync_worker.crm.faults import BadAnswer, RecordLocked
from sync_worker.crm.hubspot.connection import faults, wire
from sync_worker.crm.hubspot.connection.faults import Midnight
from sync_worker.errors import (
    AuthFailed,
    ConnectionDown,
    RateLimited,
    SchemaChanged,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
)

MIDNIGHT = Midnight(datetime(2026, 6, 2, tzinfo=ZoneInfo("America/New_York")), left_s=3 * 3600.0)
HTML = "<html><head><style>h1 {color: red}</style></head><body><h1>502 Bad Gateway</h1></body></html>"

#  HTTP status, category, for a read, for a write
ROWS: list[tuple[int, str, type[SyncError], type[SyncError]]] = [
    (401, "INVALID_AUTHENTICATION", AuthFailed, AuthFailed),
    (401, "EXPIRED_AUTHENTICATION", AuthFailed, AuthFailed),
    (401, "", AuthFailed, AuthFailed),
    (403, "MISSING_SCOPES", ConnectionDown, ConnectionDown),
    (403, "", ConnectionDown, ConnectionDown),
    (400, "VALIDATION_ERROR", SchemaChanged, RowsRejected),
    (404, "OBJECT_NOT_FOUND", SchemaChanged, SchemaChanged),
    (405, "VALIDATION_ERROR", ConnectionDown, ConnectionDown),
    (410, "", ConnectionDown, ConnectionDown),
    (413, "", TooLarge, RowsRejected),
    (415, "VALIDATION_ERROR", ConnectionDown, ConnectionDown),
    (409, "CONFLICT", ConnectionDown, RowsRejected),
    (414, "", TooLarge, TooLarge),
    (423, "LOCKED", RateLimited, RecordLocked),
    (429, "RATE_LIMITS", RateLimited, RateLimited),
    (477, "MIGRATION_IN_PROGRESS", RateLimited, RateLimited),
    *((status, "", TransientError, UncertainWrite) for status in (500, 502, 503, 504, 521, 523, 524)),
    (500, "INTERNAL_ERROR", TransientError, UncertainWrite),
]


class ApiException(Exception):
    """As each module of the client has one of its own: nothing but these three."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        self.status = status
        self.body = json.dumps(body) if isinstance(body, dict) else body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def answered(status: int, body: Any, *, is_write: bool = False, midnight: Midnight | None = None, **headers: str) -> SyncError:
    return faults.of_call(ApiException(status, body, **headers), doing="reading deals", is_write=is_write, midnight=midnight)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_what_each_answer_means(row: tuple[int, str, type[SyncError], type[SyncError]]) -> None:
    status, category, read, write = row
    body = {"status": "error", "message": "the vendor's words", **({"category": category} if category else {})}
    assert type(answered(status, body)) is read
    assert type(answered(status, body, is_write=True)) is write
    assert "the vendor's words" in str(answered(status, body))


def test_the_correlation_id_goes_along() -> None:
    body = {"status": "error", "message": "no", "category": "VALIDATION_ERROR", "correlationId": "8a3f6c3a"}
    assert "correlation id 8a3f6c3a" in str(answered(400, body))


def test_a_page_of_the_edge_is_no_news_and_no_crash() -> None:
    error = answered(502, HTML)
    assert type(error) is TransientError
    assert str(error).endswith("HTTP 502 while reading deals: 502 Bad Gateway")


# ── one value ────────────────────────────────────────────────────────────────────────────────────────────────────────

OPTION_IN_MESSAGE = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "message": "Property values were not valid: "
    + json.dumps(
        [{"isValid": False, "message": "Fog was not one of the allowed options: [A, B]", "error": "INVALID_OPTION", "name": "tier"}]
    ),
}
OPTION_AS_LINES = {
    **OPTION_IN_MESSAGE,
    "message": "Property values were not valid: "
    + json.dumps(
        [
            {
                "message": 'Fog was not one of the allowed options: [label: "Gold"\nvalue: "gold"\nhidden: false\n, '
                'label: "Silver"\nvalue: "silver"\nhidden: false\n]',
                "error": "INVALID_OPTION",
                "name": "tier",
            }
        ]
    ),
    "errors": [{"message": "Fog was not one of the allowed options", "code": "INVALID_OPTION", "context": {"propertyName": ["tier"]}}],
}


@pytest.mark.parametrize(("body", "options"), [(OPTION_IN_MESSAGE, "[A, B]"), (OPTION_AS_LINES, "[gold (Gold), silver (Silver)]")])
def test_an_option_that_is_none_names_field_value_and_options(body: dict[str, Any], options: str) -> None:
    error = faults.of_record(body, ref="512")
    assert isinstance(error, WriteRejected)
    assert (error.code, error.field) == ("INVALID_OPTION", "tier")
    assert str(error) == f"HubSpot refused record 512: INVALID_OPTION: tier: Fog was not one of the allowed options: {options}"


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ({"category": "VALIDATION_ERROR", "message": 'Property "lost" does not exist'}, "VALIDATION_ERROR", "lost"),
        ({"message": "bad", "errors": [{"code": "INVALID_INTEGER", "context": {"propertyName": ["amount"]}}]}, "INVALID_INTEGER", "amount"),
        (
            {"message": "Cannot set PropertyValueCoordinates{propertyName=portal_deal_key, value=x}. 7 already has that value."},
            "CONFLICTING_UNIQUE_VALUE",
            "portal_deal_key",
        ),
        ({"category": "OBJECT_NOT_FOUND", "message": "gone"}, "OBJECT_NOT_FOUND", ""),
        ({}, "UNKNOWN", ""),
    ],
)
def test_a_row_says_its_code_and_field_wherever_they_stand(row: dict[str, Any], code: str, field: str) -> None:
    error = faults.of_record(row, ref="512")
    assert isinstance(error, WriteRejected)
    assert (error.code, error.field) == (code, field)


@pytest.mark.parametrize("category", ["RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT"])
def test_a_row_that_may_pass_later_is_no_refusal(category: str) -> None:
    assert type(faults.of_record({"category": category, "message": "busy"}, ref="512")) is TransientError


def test_a_row_that_is_locked_says_so() -> None:
    assert type(faults.of_record({"category": "LOCKED", "message": "busy"}, ref="512")) is RecordLocked


def test_missing_scopes_are_named() -> None:
    needed = {"message": "One or more…", "context": {"requiredGranularScopes": ["crm.objects.deals.read", "crm.schemas.deals.read"]}}
    error = answered(403, {"message": "not granted", "category": "MISSING_SCOPES", "errors": [needed]})
    assert "add to the token one of these scopes: crm.objects.deals.read, crm.schemas.deals.read" in str(error)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def limited(policy: str, message: str = "", *, status: int = 429, midnight: Midnight | None = None, **headers: str) -> RateLimited:
    error = answered(
        status, {"errorType": "RATE_LIMIT", "policyName": policy, "message": message}, midnight=midnight, is_write=False, **headers
    )
    assert isinstance(error, RateLimited)
    return error


def test_each_policy_has_its_wait() -> None:
    waits = {policy: (limited(policy).retry_after_s, limited(policy).scope) for policy in ("TEN_SECONDLY_ROLLING", "SECONDLY")}
    assert waits == {"TEN_SECONDLY_ROLLING": (10.0, "burst"), "SECONDLY": (1.0, "burst")}
    assert limited("", "You have reached your secondly limit.").retry_after_s == 1.0
    assert limited("", "You have reached your ten_secondly_rolling limit.").retry_after_s == 10.0
    assert limited("TEN_SECONDLY_ROLLING", Retry_After="3").retry_after_s == 3.0


def test_a_daily_limit_waits_for_the_accounts_midnight_and_says_when() -> None:
    error = limited("DAILY", midnight=MIDNIGHT)
    assert (error.retry_after_s, error.scope) == (3 * 3600.0, "daily")
    assert "until 2026-06-02 00:00 EDT" in str(error)
    assert limited("DAILY").retry_after_s == 3600.0, "where nobody knows the zone, an hour"


def test_a_migration_takes_as_long_as_it_says() -> None:
    assert limited("", status=477, Retry_After="7200").retry_after_s == 7200.0
    assert limited("", status=477).retry_after_s == faults.MIGRATING_WAIT_S


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 521])
@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", {"category": "INTERNAL_ERROR", "message": "later"}, {"message": "x"}])
def test_every_failure_of_the_server_names_host_and_status(body: Any, status: int, is_write: bool) -> None:
    told = str(faults.of_call(ApiException(status, body), doing="reading deals", is_write=is_write, at="https://api.hubapi.com"))
    assert f"HTTP {status}" in told
    assert "while reading deals (api.hubapi.com)" in told


def test_an_answer_that_is_not_of_the_api_names_its_host() -> None:
    for error in (ApiException(0, ""), BadAnswer("no list of results"), json.JSONDecodeError("x", "", 0)):
        assert "(api.hubapi.com)" in str(faults.of_call(error, doing="reading deals", at="https://api.hubapi.com"))


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────

POOL = HTTPConnectionPool("hubspot", 443)
UNSENT = [NewConnectionError(HTTPConnection("hubspot"), "refused"), ConnectTimeoutError("slow")]
SENT = [ReadTimeoutError(POOL, "/", "slow"), ProtocolError("gone"), UnicodeDecodeError("utf-8", b"\x92", 0, 1, "invalid start byte")]


@pytest.mark.parametrize("error", [*UNSENT, *(MaxRetryError(POOL, "/", error) for error in UNSENT)], ids=repr)
def test_a_connection_that_was_never_made_surely_did_nothing(error: Exception) -> None:
    assert type(faults.of_call(error, doing="writing", is_write=True)) is TransientError


@pytest.mark.parametrize("error", [*SENT, BadAnswer("no list of results"), ValueError("Expecting value")], ids=repr)
def test_anything_later_may_have_happened(error: Exception) -> None:
    assert type(faults.of_call(error, doing="writing", is_write=True)) is UncertainWrite
    assert type(faults.of_call(error, doing="reading")) is TransientError


def test_tls_that_fails_is_status_nought_and_sends_nothing() -> None:
    assert type(answered(0, None, is_write=True)) is TransientError


def test_an_address_that_is_none_is_a_persons_work() -> None:
    assert type(faults.of_call(LocationParseError("http://"), doing="reading")) is ConnectionDown


def test_what_is_no_failure_of_the_call_goes_on_as_it_is() -> None:
    with pytest.raises(KeyError):
        faults.of_call(KeyError("bug"), doing="reading")


# ── log-in ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}, AuthFailed, "install the app"),
        (400, {"error": "invalid_grant", "error_description": "no"}, AuthFailed, "install the app"),
        (400, {"status": "BAD_CLIENT_ID", "message": "missing or unknown client id"}, AuthFailed, "correct crm.auth"),
        (429, {"errorType": "RATE_LIMIT", "policyName": "SECONDLY", "message": "slow"}, RateLimited, "HTTP 429"),
        (502, HTML, TransientError, "HTTP 502"),
        (200, {"odd": True}, TransientError, "HTTP 200"),
    ],
)
def test_a_log_in_that_gave_no_token(status: int, body: Any, kind: type[SyncError], words: str) -> None:
    error = faults.of_token_answer(status, json.dumps(body) if isinstance(body, dict) else body, {})
    assert type(error) is kind
    assert words in str(error)


def test_no_token_is_repeated() -> None:
    body = {"message": "Bearer pat-na1-5a4db0c5-0000-4000-8000 is wrong", "category": "INVALID_AUTHENTICATION"}
    assert "pat-na1" not in str(answered(401, body))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["message", "errors", "context", "category", "x"]), inner),
    max_leaves=12,
)


@given(status=st.sampled_from([400, 401, 403, 404, 409, 423, 429, 477, 500, 502]), body=json_values, is_write=st.booleans())
def test_every_key_is_optional_and_any_shape_is_taken(status: int, body: Any, is_write: bool) -> None:
    assert isinstance(answered(status, json.dumps(body), is_write=is_write), SyncError)
    if isinstance(body, dict):
        assert isinstance(faults.of_record(body, ref="512"), SyncError)


def test_a_version_that_is_gone_is_named_whatever_was_asked() -> None:
    assert f"version {wire.API_VERSION} of the API, which HubSpot no longer offers" in str(answered(410, ""))
    logging_in = faults.of_token_answer(410, "", {})
    assert type(logging_in) is ConnectionDown
    assert f"version {wire.PLATFORM_VERSION} of the API, which HubSpot no longer offers" in str(logging_in)
