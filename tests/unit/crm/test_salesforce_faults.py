"""Every answer the vendor is known to give, and what it means to us: for a read, a write, a single record, and the log-in."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.exceptions import SalesforceGeneralError
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
)

from sync_worker.crm.blame import RowsRejected
from sync_worker.crm.faults import BadAnswer, RecordLocked
from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.faults import LocatorLost
from sync_worker.crm.salesforce.connection.wire import API_VERSION, Heard
from sync_worker.errors import (
    AuthFailed,
    ConnectionDown,
    FieldRefused,
    RateLimited,
    RecordError,
    SchemaChanged,
    StaleRead,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
    WritesRest,
)

HTML = "<html><head><style>h1 {color: red}</style></head><body><h1>Service Not Available</h1></body></html>"

#  code, HTTP status, for a read, for a write as a whole, for one record
ROWS: list[tuple[str, int, type[SyncError], type[SyncError], type[SyncError]]] = [
    ("INVALID_SESSION_ID", 401, AuthFailed, AuthFailed, WriteRejected),
    ("InvalidSessionId", 400, AuthFailed, AuthFailed, WriteRejected),
    ("INVALID_AUTH_HEADER", 401, AuthFailed, AuthFailed, WriteRejected),
    ("API_DISABLED_FOR_ORG", 403, ConnectionDown, ConnectionDown, WriteRejected),
    ("API_CURRENTLY_DISABLED", 403, ConnectionDown, ConnectionDown, WriteRejected),
    ("TXN_SECURITY_METERING_ERROR", 400, ConnectionDown, ConnectionDown, WriteRejected),
    ("TXN_SECURITY_METERING_ERROR", 403, ConnectionDown, ConnectionDown, WriteRejected),
    ("REQUEST_LIMIT_EXCEEDED", 403, RateLimited, RateLimited, TransientError),
    ("SERVER_UNAVAILABLE", 503, TransientError, TransientError, TransientError),
    ("UNKNOWN_EXCEPTION", 500, TransientError, UncertainWrite, TransientError),
    ("UNABLE_TO_LOCK_ROW", 400, RecordLocked, RecordLocked, RecordLocked),
    ("ENTITY_IS_LOCKED", 400, TransientError, TransientError, TransientError),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", 400, TransientError, UncertainWrite, TransientError),
    ("QUERY_TIMEOUT", 400, TooLarge, TooLarge, TransientError),
    ("OPERATION_TOO_LARGE", 400, TooLarge, TooLarge, TransientError),
    ("INVALID_QUERY_LOCATOR", 400, LocatorLost, LocatorLost, TransientError),
    ("INVALID_FIELD", 400, SchemaChanged, SchemaChanged, FieldRefused),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", 400, SchemaChanged, RowsRejected, FieldRefused),
    ("INVALID_TYPE", 400, SchemaChanged, SchemaChanged, WriteRejected),
    ("MALFORMED_QUERY", 400, SchemaChanged, SchemaChanged, WriteRejected),
    ("QUERY_TOO_COMPLICATED", 400, SchemaChanged, SchemaChanged, WriteRejected),
    ("NOT_FOUND", 404, SchemaChanged, SchemaChanged, WriteRejected),
    ("METHOD_NOT_ALLOWED", 405, ConnectionDown, ConnectionDown, WriteRejected),
    ("UNSUPPORTED_API_VERSION", 410, ConnectionDown, ConnectionDown, WriteRejected),
    ("InvalidVersion", 400, ConnectionDown, ConnectionDown, WriteRejected),
    ("FORBIDDEN", 403, ConnectionDown, ConnectionDown, WriteRejected),
    ("INSUFFICIENT_ACCESS_OR_READONLY", 403, ConnectionDown, ConnectionDown, WriteRejected),
    ("STORAGE_LIMIT_EXCEEDED", 400, SchemaChanged, WritesRest, WritesRest),
    ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", 400, SchemaChanged, WritesRest, WritesRest),
    *(
        (code, 400, SchemaChanged, RowsRejected, WriteRejected)
        for code in (
            "JSON_PARSER_ERROR",
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "REQUIRED_FIELD_MISSING",
            "STRING_TOO_LONG",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "INVALID_EMAIL_ADDRESS",
            "FIELD_FILTER_VALIDATION_EXCEPTION",
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "DUPLICATE_VALUE",
            "DUPLICATES_DETECTED",
            "ENTITY_IS_DELETED",
            "INVALID_CROSS_REFERENCE_KEY",
            "MALFORMED_ID",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        )
    ),
]

#  HTTP status, for a read, for a write
STATUSES: list[tuple[int, type[SyncError], type[SyncError]]] = [
    (300, ConnectionDown, ConnectionDown),
    (400, SchemaChanged, RowsRejected),
    (401, AuthFailed, AuthFailed),
    (403, ConnectionDown, ConnectionDown),
    (404, SchemaChanged, SchemaChanged),
    (405, ConnectionDown, ConnectionDown),
    (406, TransientError, UncertainWrite),
    (410, ConnectionDown, ConnectionDown),
    (412, StaleRead, StaleRead),
    (413, TooLarge, RowsRejected),
    (414, TooLarge, TooLarge),
    (415, ConnectionDown, ConnectionDown),
    (420, TransientError, UncertainWrite),
    (429, RateLimited, RateLimited),
    (431, TooLarge, TooLarge),
    (500, TransientError, UncertainWrite),
    (502, TransientError, UncertainWrite),
    (503, TransientError, UncertainWrite),
    (504, TransientError, UncertainWrite),
]


def answered(status: int, content: Any, *, is_write: bool = False, retry_after_s: float | None = None) -> SyncError:
    error = SalesforceGeneralError("https://acme/x", status, "query", content)
    return faults.of_call(error, doing="reading Lead", is_write=is_write, heard=Heard(retry_after_s))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_what_each_code_means(row: tuple[str, int, type[SyncError], type[SyncError], type[SyncError]]) -> None:
    code, status, read, write, record = row
    body = [{"message": "the vendor's words", "errorCode": code}]
    assert type(answered(status, body)) is read
    assert type(answered(status, body, is_write=True)) is write
    refused = faults.of_record([{"statusCode": code, "message": "the vendor's words", "fields": ["Amount"]}], ref="r1")
    assert type(refused) is record
    for error in (answered(status, body), refused):
        assert code in str(error)
        assert "the vendor's words" in str(error)
    if isinstance(refused, WriteRejected):
        assert (refused.code, refused.field) == (code, "Amount")


def test_the_table_of_codes_is_complete() -> None:
    tested = {row[0] for row in ROWS}
    oauth = {code for code in faults.CODES if code.islower()}
    assert set(faults.CODES) - oauth <= tested


@pytest.mark.parametrize(("status", "read", "write"), STATUSES)
@pytest.mark.parametrize("content", ["", HTML, [], {}, [None], ["words"], [{"message": None}]], ids=repr)
def test_what_a_status_means_where_no_code_does(status: int, read: type[SyncError], write: type[SyncError], content: Any) -> None:
    assert type(answered(status, content)) is read
    assert type(answered(status, content, is_write=True)) is write


@given(
    status=st.integers(300, 599),
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["errorCode", "message", "error", "exceptionCode", "fields", "x"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    is_write=st.booleans(),
)
def test_any_answer_at_all_means_something(status: int, content: Any, is_write: bool) -> None:
    error = answered(status, content, is_write=is_write)
    assert isinstance(error, SyncError)
    assert isinstance(faults.of_token_answer(status, content), (AuthFailed, TransientError))
    if not is_write:
        assert not isinstance(error, (UncertainWrite, RecordError)), "a read leaves nothing uncertain and blames no record"


@pytest.mark.parametrize(
    ("message", "scope"),
    [
        ("TotalRequests Limit exceeded.", "daily"),
        ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "burst"),
        ("ConcurrentPerOrgLongTxn Limit exceeded.", "burst"),
        ("words of next year", "daily"),
    ],
)
def test_which_limit_was_met(message: str, scope: str) -> None:
    error = answered(403, [{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    assert isinstance(error, RateLimited)
    assert (error.scope, error.retry_after_s) == (scope, 900.0 if scope == "daily" else 5.0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_kept(status: int) -> None:
    error = answered(status, HTML, retry_after_s=42.0)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 42.0
    assert isinstance(answered(status, HTML, retry_after_s=None), TransientError)


def test_a_retry_after_makes_no_uncertain_write_certain() -> None:
    assert type(answered(503, HTML, is_write=True, retry_after_s=42.0)) is UncertainWrite
    busy = [{"errorCode": "SERVER_UNAVAILABLE", "message": "Server too busy"}]
    assert type(answered(503, busy, is_write=True, retry_after_s=42.0)) is RateLimited


@pytest.mark.parametrize(
    ("message", "column"),
    [
        ("\nSELECT Id, Gone__c FROM Lead\n ^\nERROR at Row:1:Column:12\nNo such column 'Gone__c' on entity 'Lead'. If you", "Gone__c"),
        ("No such column 'Gone__c' on sobject of type Lead", "Gone__c"),
        ("\nFROM X WHERE\nfield 'SystemModstamp' can not be filtered in a query call", "SystemModstamp"),
    ],
)
def test_a_field_that_is_gone_is_named(message: str, column: str) -> None:
    error = answered(400, [{"message": message, "errorCode": "INVALID_FIELD"}])
    assert f"access to {column}" in str(error)
    assert "\n" not in str(error)
    refused = faults.of_record([{"statusCode": "INVALID_FIELD", "message": message, "fields": []}], ref="r1")
    assert isinstance(refused, WriteRejected)
    assert refused.field == column


def test_a_taken_key_names_its_field() -> None:
    words = "duplicate value found: Portal_Deal_Key__c duplicates value on record with id: 00QSb0000000001"
    refused = faults.of_record([{"statusCode": "DUPLICATE_VALUE", "message": words, "fields": []}], ref="r1")
    assert isinstance(refused, WriteRejected)
    assert refused.field == "Portal_Deal_Key__c"


@pytest.mark.parametrize(
    "words", ["UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record", "Unable to obtain exclusive access"]
)
def test_a_lock_inside_a_triggers_error_is_a_lock(words: str) -> None:
    wrapped = f"OnAccountUpdate: execution of BeforeUpdate caused by: System.DmlException: {words}"
    refused = faults.of_record([{"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": wrapped, "fields": []}], ref="r1")
    assert type(refused) is RecordLocked


@pytest.mark.parametrize("key", ["duplicateResult", "duplicateResut"])
def test_the_likes_of_a_duplicate_are_named_in_both_spellings(key: str) -> None:
    result = {"matchResults": [{"matchRecords": [{"record": {"Id": "00QSb0000000001AAA"}}, {"record": {"Id": "00QSb0000000002AAA"}}]}]}
    refused = faults.of_record([{"statusCode": "DUPLICATES_DETECTED", "message": "Use one?", key: result}], ref="r1")
    assert "00QSb0000000001AAA, 00QSb0000000002AAA" in str(refused)


@pytest.mark.parametrize("errors", [[], [{}], [{"statusCode": None, "message": None, "fields": None}]])
def test_a_refusal_without_a_reason_is_still_one(errors: list[dict[str, Any]]) -> None:
    refused = faults.of_record(errors, ref="r1")
    assert isinstance(refused, WriteRejected)
    assert refused.code == "UNKNOWN"


def test_a_page_of_the_edge_is_told_in_its_words() -> None:
    assert str(answered(503, HTML)) == "Salesforce answered HTTP 503 while reading Lead: Service Not Available"


@pytest.mark.parametrize("is_write", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(
    "content", [HTML, "", [{"errorCode": "SERVER_UNAVAILABLE", "message": "later"}], [{"errorCode": "UNKNOWN_EXCEPTION"}]]
)
def test_every_failure_of_the_server_names_host_and_status(content: Any, status: int, is_write: bool) -> None:
    error = SalesforceGeneralError("https://acme/x", status, "query", content)
    told = str(
        faults.of_call(
            error, doing="reading Lead", is_write=is_write, heard=Heard(at="https://user:secret@acme.my.salesforce.com/x?q=secret")
        )
    )
    assert f"HTTP {status}" in told
    assert "while reading Lead (acme.my.salesforce.com)" in told
    assert "secret" not in told


def test_an_answer_that_is_not_of_the_api_names_its_host() -> None:
    for error in (json.JSONDecodeError("x", "", 0), BadAnswer("a bare value")):
        assert "(acme.my.salesforce.com)" in str(
            faults.of_call(error, doing="reading Lead", heard=Heard(at="https://acme.my.salesforce.com/x"))
        )


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────

POOL = HTTPConnectionPool("acme.my.salesforce.com")
NEVER_SENT: list[requests.RequestException] = [
    requests.ConnectTimeout(MaxRetryError(POOL, "/x", ConnectTimeoutError("slow"))),
    requests.ConnectionError(MaxRetryError(POOL, "/x", NewConnectionError(POOL, "refused"))),  # type: ignore[arg-type]  # any source
    requests.ConnectionError(MaxRetryError(POOL, "/x", NameResolutionError("acme", POOL, OSError("no such host")))),  # type: ignore[arg-type]
    requests.exceptions.ProxyError(MaxRetryError(POOL, "/x", ProxyError("down", NewConnectionError(POOL, "refused")))),  # type: ignore[arg-type]
    requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
]
PERHAPS_SENT: list[Exception] = [
    requests.ReadTimeout(ReadTimeoutError(POOL, "/x", "slow")),
    requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.ContentDecodingError("not gzip"),
    requests.exceptions.SSLError("[SSL] record layer failure"),
    requests.ConnectionError(),
    ValueError("unexpected character"),
    BadAnswer("no page of records"),
]


@pytest.mark.parametrize("error", NEVER_SENT, ids=lambda error: type(error).__name__)
def test_a_connection_that_was_never_made_wrote_nothing(error: requests.RequestException) -> None:
    assert type(faults.of_call(error, doing="writing", is_write=True)) is TransientError
    assert type(faults.of_call(error, doing="reading")) is TransientError


@pytest.mark.parametrize("error", PERHAPS_SENT, ids=lambda error: type(error).__name__)
def test_anything_later_may_have_written(error: Exception) -> None:
    assert type(faults.of_call(error, doing="writing", is_write=True)) is UncertainWrite
    assert type(faults.of_call(error, doing="reading")) is TransientError


@pytest.mark.parametrize("error", [requests.exceptions.InvalidURL("x"), requests.exceptions.MissingSchema("x")])
def test_an_address_that_is_none_is_a_persons_to_mend(error: requests.RequestException) -> None:
    assert type(faults.of_call(error, doing="reading")) is ConnectionDown


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(KeyError):
        faults.of_call(KeyError("x"), doing="reading")


# ── the log-in ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "code", ["invalid_grant", "invalid_client", "invalid_client_id", "inactive_user", "unsupported_grant_type", "new_one"]
)
def test_refused_credentials_are_told_with_what_to_mend(code: str) -> None:
    error = faults.of_token_answer(400, {"error": code, "error_description": "the vendor's words"})
    assert type(error) is AuthFailed
    assert f"{code}: the vendor's words" in str(error)
    assert "crm.auth" in str(error)


@pytest.mark.parametrize("status", [200, 406, 420, 500, 502, 503, 504])
def test_a_log_in_out_of_order_is_no_refusal(status: int) -> None:
    assert type(faults.of_token_answer(status, HTML)) is TransientError


@pytest.mark.parametrize(
    ("status", "content", "wait_s"),
    [
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentPerOrgLongTxn Limit exceeded."}], faults.BURST_WAIT_S),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], faults.DAILY_WAIT_S),
        (400, {"error": "invalid_grant", "error_description": "login rate exceeded"}, faults.DAILY_WAIT_S),
        (400, {"error": "LOGIN_RATE_EXCEEDED", "error_description": "Login Rate Exceeded"}, faults.DAILY_WAIT_S),
    ],
)
def test_a_limit_at_the_log_in_says_nothing_against_the_credentials(status: int, content: Any, wait_s: float) -> None:
    error = faults.of_token_answer(status, content)
    assert isinstance(error, RateLimited)
    assert (error.retry_after_s, "crm.auth" in str(error)) == (wait_s, False)


def test_a_log_in_asked_too_often_waits() -> None:
    error = faults.of_token_answer(429, "", heard=Heard(retry_after_s=33.0))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 33.0


@pytest.mark.parametrize("content", [{"access_token": "00DSb0000000001!SECRET.token"}, {"access_token": "x-secret", "odd": 1}])
def test_a_token_without_an_instance_is_never_quoted(content: dict[str, Any]) -> None:
    text = str(faults.of_token_answer(200, content))
    assert "SECRET" not in text
    assert "x-secret" not in text


@given(status=st.integers(300, 599), shape=st.sampled_from(["text", "list", "dict", "record"]))
def test_a_token_that_an_answer_repeats_is_masked(status: int, shape: str) -> None:
    token = "00DSb0000000001!AQEAQJ.very_Secret.tail"
    words = f"Session {token} is not valid"
    content = {"text": words, "list": [{"errorCode": "X", "message": words}], "dict": {"error": "x", "error_description": words}}.get(shape)
    found = [answered(status, content), answered(status, content, is_write=True), faults.of_token_answer(status, content)]
    found.append(faults.of_record([{"statusCode": "X", "message": words}], ref="r1"))
    for error in found:
        assert "Secret" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("content", ["", HTML, [{"errorCode": "UNSUPPORTED_API_VERSION", "message": "gone"}]])
def test_a_version_that_is_gone_is_named(content: Any) -> None:
    assert f"version {API_VERSION} of the API, which the org no longer offers" in str(answered(410, content))
