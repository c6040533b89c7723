"""Batches: a hundred inputs, no id twice, nothing or everything unless each row has a trace id, answers in no order."""

from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import Wire

BATCH = "/crm/v3/objects/companies/batch"
Rows = list[dict[str, Any]]


def _ids(remote: HubspotRemote, count: int) -> list[str]:
    return [record["id"] for record in remote.records("companies")[:count]]


def _write(wire: Wire, verb: str, inputs: Rows) -> requests.Response:
    return wire.post(f"{BATCH}/{verb}", {"inputs": inputs})


def _traced(inputs: Rows) -> Rows:
    return [{**one, "objectWriteTraceId": f"row-{place}"} for place, one in enumerate(inputs)]


def _names(remote: HubspotRemote) -> list[str]:
    return [record["name"] for record in remote.records("companies")]


def test_read(wire: Wire, remote: HubspotRemote) -> None:
    ids = _ids(remote, 30)

    answer = wire.post(f"{BATCH}/read", {"inputs": [{"id": one} for one in [*ids, "999", *ids[:2], "998"]], "properties": ["name"]})

    assert answer.status_code == 207
    found = answer.json()
    assert (found["status"], found["numErrors"]) == ("COMPLETE", 1)
    assert sorted(record["id"] for record in found["results"]) == sorted(ids)
    assert [record["id"] for record in found["results"]] != ids
    [error] = found["errors"]
    assert (error["category"], error["context"]) == ("OBJECT_NOT_FOUND", {"ids": ["999", "998"]})
    assert error["message"] == "Could not get some COMPANY objects, they may be deleted or not exist. Check that ids are valid."
    assert wire.post(f"{BATCH}/read", {"inputs": [{"id": ids[0]}]}).status_code == 200


def test_read_by_a_unique_property_and_what_is_archived(wire: Wire, remote: HubspotRemote) -> None:
    record_id = remote.create("companies", {"name": "Keyed", "portal_company_id": "k"})
    [found] = wire.post(f"{BATCH}/read", {"inputs": [{"id": "k"}], "idProperty": "portal_company_id"}).json()["results"]
    assert found["id"] == record_id

    remote.delete("companies", record_id)
    assert wire.post(f"{BATCH}/read", {"inputs": [{"id": record_id}]}).status_code == 207
    [gone] = wire.post(f"{BATCH}/read?archived=True", {"inputs": [{"id": record_id}]}).json()["results"]
    assert gone["archived"] is True


def test_create(wire: Wire, remote: HubspotRemote) -> None:
    answer = _write(wire, "create", _traced([{"properties": {"name": f"New {place}"}} for place in range(100)]))

    assert answer.status_code == 201
    names = {record["objectWriteTraceId"]: record["properties"]["name"] for record in answer.json()["results"]}
    assert names == {f"row-{place}": f"New {place}" for place in range(100)}
    assert sorted(_names(remote)[-100:]) == sorted(names.values())


@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
def test_one_bad_row_refuses_all_without_trace_ids(wire: Wire, remote: HubspotRemote, verb: str) -> None:
    before, ids = remote.records("companies"), _ids(remote, 3)
    rows = [
        {"id": ids[0], "idProperty": "portal_company_id", "properties": {"name": "One"}},
        {"id": ids[1], "idProperty": "portal_company_id", "properties": {"portal_status": "asleep"}, "objectWriteTraceId": "b"},
        {"id": ids[2], "idProperty": "portal_company_id", "properties": {"nope": "x"}, "objectWriteTraceId": "b"},
    ]
    if verb == "update":
        rows = [{key: value for key, value in row.items() if key != "idProperty"} for row in rows]

    answer = _write(wire, verb, rows)

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert "asleep" in answer.json()["message"]
    assert "nope" not in answer.json()["message"]
    assert remote.records("companies") == before


@pytest.mark.parametrize(("verb", "kept"), [("create", {"city": "Oslo"}), ("update", {"city": "Oslo"}), ("upsert", {"city": "Oslo"})])
def test_with_trace_ids_the_others_are_written(wire: Wire, remote: HubspotRemote, verb: str, kept: dict[str, str]) -> None:
    ids = _ids(remote, 3)
    keys: list[dict[str, str]] = [{"id": one} for one in ids] if verb != "create" else [{} for _ in ids]
    if verb == "upsert":
        keys = [{"id": f"key-{place}", "idProperty": "portal_company_id"} for place in range(3)]
    values: Rows = [kept, {"portal_status": "asleep"}, {"nope": "x"}]

    answer = _write(wire, verb, _traced([{**key, "properties": value} for key, value in zip(keys, values, strict=True)]))

    assert answer.status_code == 207
    [written] = answer.json()["results"]
    assert (written["objectWriteTraceId"], written["properties"]["city"]) == ("row-0", "Oslo")
    errors = {error["context"]["objectWriteTraceId"][0]: error for error in answer.json()["errors"]}
    assert sorted(errors) == ["row-1", "row-2"]
    assert "INVALID_OPTION" in errors["row-1"]["message"]
    assert "PROPERTY_DOESNT_EXIST" in errors["row-2"]["message"]
    assert remote.record("companies", written["id"])["city"] == "Oslo"


def test_upsert_says_which_are_new(wire: Wire, remote: HubspotRemote) -> None:
    known = remote.create("companies", {"name": "Known", "portal_company_id": "k-0", "city": "Bari"})

    rows = [{"id": f"k-{place}", "idProperty": "portal_company_id", "properties": {"name": f"Name {place}"}} for place in range(3)]
    answer = _write(wire, "upsert", rows)

    assert answer.status_code == 200
    found = {record["properties"]["portal_company_id"]: record for record in answer.json()["results"]}
    assert {key: record["new"] for key, record in found.items()} == {"k-0": False, "k-1": True, "k-2": True}
    assert found["k-0"]["id"] == known
    assert (remote.record("companies", known)["name"], remote.record("companies", known)["city"]) == ("Name 0", "Bari")


@pytest.mark.parametrize("name", ["hs_object_id", "domain", "name"])
def test_upsert_wants_a_unique_property(wire: Wire, name: str) -> None:
    answer = _write(wire, "upsert", _traced([{"id": "x", "idProperty": name, "properties": {}}]))
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Unable to perform update/upsert by non-unique 0-2 property {name} in portal ID 47110815"
    assert _write(wire, "upsert", _traced([{"id": "x", "properties": {}}])).status_code == 400


def test_update_by_id_and_by_a_unique_property(wire: Wire, remote: HubspotRemote) -> None:
    first, second = _ids(remote, 2)
    remote.edit("companies", second, {"portal_company_id": "k"})
    rows: Rows = [
        {"id": first, "properties": {"city": "Kobe"}},
        {"id": "k", "idProperty": "portal_company_id", "properties": {"city": "Pune"}},
        {"id": "999", "properties": {"city": "Lima"}},
    ]

    refused = _write(wire, "update", rows)
    written = _write(wire, "update", _traced(rows))

    assert (refused.status_code, refused.json()["category"], refused.json()["context"]) == (404, "OBJECT_NOT_FOUND", {"ids": ["999"]})
    assert (written.status_code, len(written.json()["results"])) == (207, 2)
    assert written.json()["errors"][0]["context"] == {"ids": ["999"], "objectWriteTraceId": ["row-2"]}
    assert [remote.record("companies", one)["city"] for one in (first, second)] == ["Kobe", "Pune"]


@pytest.mark.parametrize("verb", ["update", "upsert"])
def test_no_id_twice(wire: Wire, remote: HubspotRemote, verb: str) -> None:
    row = {"id": _ids(remote, 1)[0], "idProperty": "portal_company_id", "properties": {"city": "Kobe"}}
    answer = _write(wire, verb, _traced([row, row]))
    assert (answer.status_code, answer.json()["context"]) == (400, {"ids": [row["id"]]})
    assert answer.json()["message"] == f"Duplicate IDs found in batch input: [{row['id']}]. IDs must be unique"


@pytest.mark.parametrize("verb", ["create", "read", "update", "upsert", "archive"])
def test_a_hundred_inputs(wire: Wire, verb: str) -> None:
    rows: Rows = [{"id": str(place), "idProperty": "portal_company_id", "properties": {"name": "N"}} for place in range(101)]
    before = wire.get("/crm/v3/objects/companies", limit=100).json()
    assert _write(wire, verb, rows).status_code == 400
    assert _write(wire, verb, []).status_code == 400
    assert wire.get("/crm/v3/objects/companies", limit=100).json() == before


def test_a_unique_value_twice_in_one_batch(wire: Wire, remote: HubspotRemote) -> None:
    rows: Rows = [{"properties": {"name": name, "portal_company_id": "same"}} for name in ("First", "Second")]
    before = _names(remote)

    assert _write(wire, "create", rows).status_code == 400
    assert _names(remote) == before

    answer = _write(wire, "create", _traced(rows))
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)
    assert _names(remote) == [*before, "First"]


def test_create_with_associations(wire: Wire, remote: HubspotRemote) -> None:
    company = _ids(remote, 1)[0]
    link = {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]}
    bad = {"to": {"id": "999"}, "types": link["types"]}

    one = wire.post("/crm/v3/objects/deals", {"properties": {"dealname": "Single"}, "associations": [link]})
    rows = _traced(
        [{"properties": {"dealname": "Good"}, "associations": [link]}, {"properties": {"dealname": "Bad"}, "associations": [bad]}]
    )
    many = wire.post("/crm/v3/objects/deals/batch/create", {"inputs": rows})

    assert (one.status_code, many.status_code) == (201, 207)
    for record_id in (one.json()["id"], many.json()["results"][0]["id"]):
        [far] = wire.get(f"/crm/v4/objects/deals/{record_id}/associations/companies").json()["results"]
        assert (far["toObjectId"], {kind["typeId"] for kind in far["associationTypes"]}) == (int(company), {341, 5})
    assert "Bad" not in [deal["dealname"] for deal in remote.records("deals")]


def test_archive(wire: Wire, remote: HubspotRemote) -> None:
    ids = _ids(remote, 3)
    for _ in range(2):
        answer = _write(wire, "archive", [{"id": one} for one in [*ids, "999"]])
        assert (answer.status_code, answer.content) == (204, b"")
    assert [record["id"] for record in remote.records("companies") if record["archived"]] == ids
