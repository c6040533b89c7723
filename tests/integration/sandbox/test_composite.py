"""Several requests in one: references, falling together, halting, and what may not be in one."""

from typing import Any

import requests
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire

ROOT = "/services/data/v60.0"


def _composite(wire: Wire, *parts: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = wire.ask("POST", "composite", json={"compositeRequest": list(parts), **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["compositeResponse"])


def _part(name: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    return {"method": method, "url": f"{ROOT}/{path}", "referenceId": name, "body": body, "httpHeaders": headers}


def test_one_part_uses_the_answer_of_another(salesforce: Salesforce, wire: Wire, remote: Remote) -> None:
    parts = [
        _part("firm", "POST", "sobjects/Account", {"Name": "Composed"}),
        _part("deal", "POST", "sobjects/Opportunity", _deal("@{firm.id}")),
        _part("found", "GET", "query/?q=SELECT+Id,+AccountId,+Account.Name+FROM+Opportunity+WHERE+Id='@{deal.id}'"),
        _part("again", "GET", "sobjects/Account/@{found.records[0].AccountId}?fields=Name"),
    ]
    body: Any = salesforce.restful("composite", method="POST", json={"compositeRequest": parts})
    firm, deal, found, again = body["compositeResponse"]
    assert list(firm) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]
    assert firm["httpHeaders"]["Location"].endswith(f"/sobjects/Account/{firm['body']['id']}")
    assert again["body"]["Name"] == "Composed"
    assert (firm["httpStatusCode"], deal["httpStatusCode"], found["httpStatusCode"]) == (201, 201, 200)
    assert found["body"]["records"][0]["Account"]["Name"] == "Composed"
    assert remote.record("Opportunity", deal["body"]["id"])["AccountId"] == firm["body"]["id"]
    assert remote.calls()["api_usage"]["used"] == 1


def _deal(account_id: str) -> dict[str, Any]:
    return {"Name": "Composed deal", "StageName": "Prospecting", "CloseDate": "2026-07-01", "AccountId": account_id}


def test_without_all_or_none_the_others_stand(wire: Wire, remote: Remote) -> None:
    good, bad, hanging, other = _composite(
        wire,
        _part("a", "POST", "sobjects/Account", {"Name": "Stands"}),
        _part("b", "POST", "sobjects/Account", {}),
        _part("c", "GET", "sobjects/Account/@{b.id}"),
        _part("d", "GET", "sobjects/Account/@{a.id}"),
    )
    assert (good["httpStatusCode"], other["body"]["Name"]) == (201, "Stands")
    assert {"ETag", "Last-Modified"} <= set(other["httpHeaders"])
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert hanging["httpStatusCode"] == 400
    assert hanging["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert remote.named("Account", "Stands")


def test_all_or_none_undoes_everything(wire: Wire, remote: Remote) -> None:
    before = remote.records("Account")
    answers = _composite(
        wire,
        _part("a", "POST", "sobjects/Account", {"Name": "Falls"}),
        _part("b", "POST", "sobjects/Account", {}),
        _part("c", "POST", "sobjects/Account", {"Name": "Never"}),
        allOrNone=True,
    )
    assert [answer["body"][0]["errorCode"] for answer in answers] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert remote.records("Account") == before


def test_conditions_and_collections_inside_of_parts(wire: Wire, remote: Remote) -> None:
    record = remote.named("Account", "Cedar IT")
    stale = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    leads = {"records": [{"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme"}]}
    missed, many = _composite(
        wire,
        _part("a", "PATCH", f"sobjects/Account/{record['Id']}", {"Phone": "1"}, **stale),
        _part("b", "POST", "composite/sobjects", leads),
    )
    assert missed["httpStatusCode"] == 412
    assert many["body"][0]["success"] is True
    assert remote.record("Account", record["Id"])["Phone"] is None


def test_what_may_not_be_in_a_composite(wire: Wire) -> None:
    query = _part("q", "GET", "query?q=SELECT+Id+FROM+Account")
    for parts in (
        [_part(f"r{number}", "GET", "limits") for number in range(26)],
        [{**query, "referenceId": f"q{number}"} for number in range(6)],
        [query, query],
        [],
    ):
        assert wire.ask("POST", "composite", json={"compositeRequest": parts}).status_code == 400
    [nested] = _composite(wire, _part("n", "POST", "composite", {}))
    assert nested["body"][0]["errorCode"] == "PROCESSING_HALTED"


def _batch(wire: Wire, *parts: dict[str, Any], **more: Any) -> requests.Response:
    return wire.ask("POST", "composite/batch", json={"batchRequests": list(parts), **more})


def test_a_batch_goes_on_or_halts(wire: Wire, remote: Remote) -> None:
    bad = {"method": "GET", "url": "v60.0/sobjects/Account/001Sb0000000000AAA"}
    describe = {"method": "GET", "url": "/services/data/v60.0/sobjects/Lead/describe"}
    create = {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "Batched"}}
    on = _batch(wire, describe, bad, create).json()
    assert on["hasErrors"] is True
    assert [result["statusCode"] for result in on["results"]] == [200, 404, 201]
    assert on["results"][0]["result"]["name"] == "Lead"
    assert remote.named("Account", "Batched")
    halted = _batch(wire, bad, create, haltOnError=True).json()
    assert halted["results"][1] == {
        "statusCode": 412,
        "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}],
    }
    assert remote.calls()["kinds"] == {"composite_batch": 2}
    assert remote.calls()["api_usage"]["used"] == 6
