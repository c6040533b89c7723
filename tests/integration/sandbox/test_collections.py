"""Many records in one call: order, partial failure, all-or-none, repeats, limits."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simple_salesforce.api import Salesforce

from crm_sandbox.remote import Remote
from tests.integration.sandbox.conftest import Wire


def _lead(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme", **fields}


def _write(wire: Wire, method: str, path: str, records: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    answer = wire.ask(method, f"composite/sobjects{path}", json={"records": records, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_one_bad_record_does_not_stop_the_others(wire: Wire, remote: Remote) -> None:
    results = _write(wire, "POST", "", [_lead(), _lead(Company=None), _lead(Portal_Vendor_Approval__c="Maybe"), _lead(LastName="Roe")])
    assert [result["success"] for result in results] == [True, False, False, True]
    assert results[1] == {
        "success": False,
        "errors": [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Company]", "fields": ["Company"]}],
    }
    assert results[2]["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert [remote.record("Lead", results[place]["id"])["LastName"] for place in (0, 3)] == ["Doe", "Roe"]


def test_all_or_none_undoes_the_innocent(wire: Wire, remote: Remote) -> None:
    before = remote.records("Lead")
    results = _write(wire, "POST", "", [_lead(), _lead(Company=None), _lead()], allOrNone=True)
    codes = [result["errors"][0]["statusCode"] for result in results]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert remote.records("Lead") == before


def test_upsert_by_key_creates_then_updates(wire: Wire, remote: Remote) -> None:
    path = "/Lead/Portal_Deal_Key__c"
    first = _write(wire, "PATCH", path, [_lead(Portal_Deal_Key__c="k1"), _lead(Portal_Deal_Key__c="k2"), _lead()])
    again = _write(wire, "PATCH", path, [_lead(Portal_Deal_Key__c="k2", Company="New"), _lead(Portal_Deal_Key__c="k1")])
    assert [result.get("created") for result in first] == [True, True, False]
    assert first[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert [(result["id"], result["created"]) for result in again] == [(first[1]["id"], False), (first[0]["id"], False)]
    assert remote.record("Lead", first[1]["id"])["Company"] == "New"


def test_repeats_in_one_call_are_refused(wire: Wire, remote: Remote) -> None:
    upserted = _write(wire, "PATCH", "/Lead/Portal_Deal_Key__c", [_lead(Portal_Deal_Key__c=key) for key in ("k", "K ", "l")])
    assert [result["success"] for result in upserted] == [True, False, True]
    assert upserted[1]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    record_id = upserted[0]["id"]
    updated = _write(wire, "PATCH", "", [_lead(Id=record_id, Title="first"), _lead(id=record_id[:15], Title="second")])
    assert [result["success"] for result in updated] == [True, False]
    assert remote.record("Lead", record_id)["Title"] == "first"


def test_updates_of_the_lost_fail_alone(wire: Wire, remote: Remote) -> None:
    cedar, dogwood = (remote.named("Account", name)["Id"] for name in ("Cedar IT", "Dogwood Networks"))
    remote.delete("Account", cedar)
    items = [
        {"attributes": {"type": "Account"}, "Id": record_id, "Portal_Tier__c": "Gold"}
        for record_id in (cedar, "001Sb0000000000AAA", dogwood)
    ]
    results = _write(wire, "PATCH", "", items)
    assert [result["errors"][0]["statusCode"] for result in results[:2]] == ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"]
    assert "id" not in results[0]
    assert remote.record("Account", dogwood)["Portal_Tier__c"] == "Gold"


def test_delete_many(wire: Wire, remote: Remote) -> None:
    ids = [remote.named("Account", name)["Id"] for name in ("Cedar IT", "Dogwood Networks")]
    answer = wire.ask("DELETE", "composite/sobjects", params={"ids": ",".join([*ids, "nonsense"])})
    assert [result["success"] for result in answer.json()] == [True, True, False]
    assert all(record["IsDeleted"] for record in remote.records("Account", ids))


def test_retrieve_keeps_order_and_says_null(salesforce: Salesforce, wire: Wire, remote: Remote) -> None:
    ids = [record["Id"] for record in remote.records("Account")[:3]]
    remote.delete("Account", ids[1])
    body = {"ids": [ids[2][:15], ids[1], "001Sb0000000000AAA", ids[0]], "fields": ["id", "name", "Portal_May_Register__c"]}
    found: Any = salesforce.restful("composite/sobjects/Account", method="POST", json=body)
    assert [None if row is None else row["Id"] for row in found] == [ids[2], None, None, ids[0]]
    assert list(found[0]) == ["attributes", "Id", "Name", "Portal_May_Register__c"]
    bad = wire.ask("POST", "composite/sobjects/Account", json={"ids": ids, "fields": ["Id", "Nope"]})
    assert (bad.status_code, bad.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_too_many(wire: Wire) -> None:
    for method, path, body in (
        ("POST", "composite/sobjects", {"records": [_lead()] * 201}),
        ("POST", "composite/sobjects/Account", {"ids": ["001Sb0000000000"] * 2001, "fields": ["Id"]}),
        ("POST", "composite/sobjects", {"records": [_lead(), {"attributes": {"type": "Account"}, "Name": "A"}] * 6}),
    ):
        answer = wire.ask(method, path, json=body)
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] in ("EXCEEDED_ID_LIMIT", "LIMIT_EXCEEDED")


def test_a_record_of_no_type(wire: Wire) -> None:
    [nothing, unknown] = _write(wire, "POST", "", [{"Name": "x"}, {"attributes": {"type": "Foo"}}])
    assert nothing["errors"][0]["statusCode"] == unknown["errors"][0]["statusCode"] == "INVALID_TYPE"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.lists(st.booleans(), min_size=1, max_size=12), all_or_none=st.booleans())
def test_results_stand_in_the_order_of_the_records(wire: Wire, remote: Remote, bad: list[bool], all_or_none: bool) -> None:
    before = len(remote.records("Lead"))
    results = _write(wire, "POST", "", [_lead(Company=None if is_bad else "Acme") for is_bad in bad], allOrNone=all_or_none)
    undone = all_or_none and any(bad)
    assert [result["success"] for result in results] == [not is_bad and not undone for is_bad in bad]
    assert len(remote.records("Lead")) - before == (0 if undone else bad.count(False))
