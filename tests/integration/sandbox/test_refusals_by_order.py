"""Every refusal that a client must know, provoked by an order: its status, its shape and its words; and the org is as it was."""

import pytest
import requests

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire
from tests.patience import HANG_S

OF_CALLS = [  # code, status
    ("INVALID_SESSION_ID", 401),
    ("INVALID_AUTH_HEADER", 401),
    ("API_DISABLED_FOR_ORG", 403),
    ("API_CURRENTLY_DISABLED", 403),
    ("REQUEST_LIMIT_EXCEEDED", 403),
    ("TXN_SECURITY_METERING_ERROR", 403),
    ("INSUFFICIENT_ACCESS_OR_READONLY", 403),
    ("NOT_FOUND", 404),
    ("ENTITY_IS_DELETED", 404),
    ("UNKNOWN_EXCEPTION", 500),
    ("SERVER_UNAVAILABLE", 503),
    *((code, 400) for code in ("UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "OPERATION_TOO_LARGE", "INVALID_QUERY_LOCATOR")),
    *((code, 400) for code in ("INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY", "QUERY_TOO_COMPLICATED", "JSON_PARSER_ERROR")),
]
OF_RECORDS = [
    *("FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    *("NUMBER_OUTSIDE_VALID_RANGE", "INVALID_EMAIL_ADDRESS", "FIELD_FILTER_VALIDATION_EXCEPTION", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    *("DUPLICATE_VALUE", "DUPLICATES_DETECTED", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"),
    *("INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "INVALID_FIELD_FOR_INSERT_UPDATE"),
    *("ENTITY_IS_LOCKED", "UNABLE_TO_LOCK_ROW", "TXN_SECURITY_METERING_ERROR", "CANNOT_UPDATE_CONVERTED_LEAD"),
]
LEAD = {"LastName": "Doe", "Company": "Acme"}


@pytest.mark.parametrize(("code", "status"), OF_CALLS)
@pytest.mark.parametrize("kind", ["query", "row_create"])
def test_a_call_is_refused(wire: Wire, remote: Remote, code: str, status: int, kind: str) -> None:
    before = remote.records("Lead")
    remote.fault(kind, error_code=code)
    answers = [_call(wire, kind) for _ in range(2)]
    [refusal] = answers[0].json()
    assert (answers[0].status_code, refusal["errorCode"]) == (status, code)
    assert refusal["message"]
    assert answers[1].status_code in (200, 201)
    assert len(remote.records("Lead")) == len(before) + (kind == "row_create")


def _call(wire: Wire, kind: str) -> requests.Response:
    return wire.soql("SELECT Id FROM Account") if kind == "query" else wire.ask("POST", "sobjects/Lead", json=LEAD)


@pytest.mark.parametrize("code", OF_RECORDS)
def test_a_record_is_refused_and_the_next_is_not(wire: Wire, remote: Remote, code: str) -> None:
    before = len(remote.records("Lead"))
    remote.fault("collections_write", object_name="Lead", record=True, times=1, error_code=code, message="no")
    records = [{"attributes": {"type": "Lead"}, **LEAD}, {"attributes": {"type": "Lead"}, **LEAD}]
    refused, done = wire.ask("POST", "composite/sobjects", json={"records": records}).json()
    assert refused == {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": []}]}
    assert done["success"] is True
    assert len(remote.records("Lead")) == before + 1
    # And the same of a single record
    remote.fault("row_create", record=True, error_code=code)
    assert wire.ask("POST", "sobjects/Lead", json=LEAD).json()[0]["errorCode"] == code


@pytest.mark.parametrize("status", [406, 412, 420])
def test_statuses_without_a_body(wire: Wire, remote: Remote, status: int) -> None:
    remote.fault("limits", status=status)
    answer = wire.ask("GET", "limits")
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_pages_of_the_edge(wire: Wire, remote: Remote, status: int) -> None:
    remote.fault("limits", status=status, body="html")
    answer = wire.ask("GET", "limits")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, "text/html")


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "inactive_user"])
@pytest.mark.parametrize("status", [400, 401])
def test_log_ins_are_refused_in_oauths_shape(wire: Wire, remote: Remote, code: str, status: int) -> None:
    remote.fault("token", error_code=code, status=status)
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    answer = requests.post(f"{wire.base_url}/services/oauth2/token", data=form, timeout=HANG_S)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
