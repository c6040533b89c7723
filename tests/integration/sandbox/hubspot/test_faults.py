"""Ordered trouble, in the vendor's shapes."""

from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import DATED, Wire

COMPANIES = f"/crm/objects/{DATED}/companies"


@pytest.mark.parametrize(
    ("order", "status", "category"),
    [
        ({"error_code": "EXPIRED_AUTHENTICATION"}, 401, "EXPIRED_AUTHENTICATION"),
        ({"status": 401}, 401, "EXPIRED_AUTHENTICATION"),
        ({"error_code": "INVALID_AUTHENTICATION"}, 401, "INVALID_AUTHENTICATION"),
        ({"error_code": "MISSING_SCOPES"}, 403, "MISSING_SCOPES"),
        ({"status": 404}, 404, "OBJECT_NOT_FOUND"),
        ({"status": 409}, 409, "CONFLICT"),
        ({"status": 423}, 423, "LOCKED"),
        ({"status": 477}, 477, "MIGRATION_IN_PROGRESS"),
        ({"status": 500}, 500, "INTERNAL_ERROR"),
        ({"status": 503}, 503, "SERVICE_UNAVAILABLE"),
        ({"error_code": "VALIDATION_ERROR", "message": "no"}, 400, "VALIDATION_ERROR"),
    ],
)
def test_a_refusal_by_code_or_by_status(wire: Wire, remote: HubspotRemote, order: dict[str, Any], status: int, category: str) -> None:
    remote.fault("list", **order)

    refused, fine = wire.get(COMPANIES), wire.get(COMPANIES)

    assert (refused.status_code, refused.json()["category"]) == (status, category)
    assert refused.json()["status"] == "error"
    assert refused.json()["correlationId"]
    assert refused.headers["content-type"] == "application/json;charset=utf-8"
    assert fine.status_code == 200


@pytest.mark.parametrize("policy", ["DAILY", "TEN_SECONDLY_ROLLING", "SECONDLY"])
def test_a_limiters_refusal_names_its_policy_and_no_time(wire: Wire, remote: HubspotRemote, policy: str) -> None:
    remote.fault("list", error_code=policy)

    refused = wire.get(COMPANIES)

    assert refused.status_code == 429
    assert refused.json()["message"] == f"You have reached your {policy.lower()} limit."
    assert (refused.json()["errorType"], refused.json()["policyName"]) == ("RATE_LIMIT", policy)
    assert "Retry-After" not in refused.headers


def test_477_says_when_to_come_again(wire: Wire, remote: HubspotRemote) -> None:
    remote.fault("list", status=477)
    remote.fault("list", status=477, headers={"Retry-After": "86400"})
    assert [wire.get(COMPANIES).headers["Retry-After"] for _ in range(2)] == ["5", "86400"]


@pytest.mark.parametrize("order", [{"status": 502}, {"status": 504}, {"status": 524}, {"status": 503, "body": "html"}])
def test_a_page_of_the_edge_is_html_and_not_utf8(wire: Wire, remote: HubspotRemote, order: dict[str, Any]) -> None:
    remote.fault("list", **order)

    page = wire.get(COMPANIES)

    assert (page.status_code, page.headers["content-type"]) == (order["status"], "text/html")
    assert page.content.startswith(b"<html>")
    with pytest.raises(UnicodeDecodeError):
        page.content.decode()


def test_a_body_of_the_wrong_shape_an_empty_one_and_half_of_one(wire: Wire, remote: HubspotRemote) -> None:
    remote.fault("list", body=["nothing", "known"], status=200)
    remote.fault("list", body="", status=200)
    remote.fault("list", cut_body=True)

    strange, empty = wire.get(COMPANIES), wire.get(COMPANIES)

    assert (strange.status_code, strange.json()) == (200, ["nothing", "known"])
    assert (empty.status_code, empty.content) == (200, b"")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        wire.get(COMPANIES)


def test_a_cut_connection_before_and_after_the_commit(wire: Wire, remote: HubspotRemote) -> None:
    before = len(remote.records("companies"))

    for when, count in (("before", 0), ("after_commit", 1)):
        remote.fault("create", drop_connection=True, when=when)  # type: ignore[arg-type] # one of the two
        with pytest.raises(requests.ConnectionError):
            wire.post(COMPANIES, {"properties": {"name": "Lost answer"}})
        assert len(remote.records("companies")) - before == count


def test_the_second_page_is_refused(wire: Wire, remote: HubspotRemote) -> None:
    remote.fault("list", after=1, error_code="EXPIRED_AUTHENTICATION")

    first = wire.get(COMPANIES, limit=10).json()
    second = wire.get(COMPANIES, limit=10, after=first["paging"]["next"]["after"])

    assert (len(first["results"]), second.status_code) == (10, 401)


def test_one_row_of_a_batch_fails_by_order(wire: Wire, remote: HubspotRemote) -> None:
    remote.fault("batch_update", record=True, error_code="INVALID_OPTION", message="dealname: no such choice")
    ids = [record["id"] for record in remote.records("deals")[:2]]
    inputs = [{"id": one, "objectWriteTraceId": f"row-{one}", "properties": {"dealname": "Renamed"}} for one in ids]

    answer = wire.post(f"/crm/objects/{DATED}/deals/batch/update", {"inputs": inputs})

    assert answer.status_code == 207
    [error] = answer.json()["errors"]
    assert error["category"] == "VALIDATION_ERROR"
    assert error["context"]["objectWriteTraceId"] == [f"row-{ids[0]}"]
    assert "INVALID_OPTION" in error["message"]
    assert [row["id"] for row in answer.json()["results"]] == [ids[1]]


def test_the_token_endpoint_refuses_in_its_own_shape(wire: Wire, remote: HubspotRemote) -> None:
    remote.fault("token", times=2, error_code="BAD_REFRESH_TOKEN")

    old, dated = (wire.ask("POST", path, data={}) for path in ("/oauth/v1/token", "/oauth/2026-03/token"))

    assert (old.status_code, old.json()) == (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"})
    assert dated.json()["error"] == "invalid_grant"
