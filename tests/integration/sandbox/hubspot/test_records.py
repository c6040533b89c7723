"""Single records and pages of them: success codes, addresses of every generation, parameters in every spelling, paging, archives."""

from typing import Any
from urllib.parse import quote

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import NOW, Wire

COMPANIES = "/crm/v3/objects/companies"


def _create(wire: Wire, **properties: Any) -> str:
    answer = wire.post(COMPANIES, {"properties": properties})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_life_in_exact_codes(wire: Wire) -> None:
    record_id = _create(wire, name="Quill Systems")

    read = wire.get(f"{COMPANIES}/{record_id}", properties="name,city")
    assert read.status_code == 200
    stamp = "2026-05-20T12:00:00.000Z"
    assert read.json() == {
        "id": record_id,
        "properties": {"createdate": stamp, "hs_lastmodifieddate": stamp, "hs_object_id": record_id, "name": "Quill Systems", "city": None},
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
        "url": f"https://app.hubspot.com/contacts/47110815/record/0-2/{record_id}",
    }

    changed = wire.ask("PATCH", f"{COMPANIES}/{record_id}", json={"properties": {"city": "Porto", "name": ""}})
    assert (changed.status_code, changed.json()["properties"]["city"]) == (200, "Porto")
    assert wire.get(f"{COMPANIES}/{record_id}", properties="name").json()["properties"]["name"] is None

    for _ in range(2):
        archived = wire.ask("DELETE", f"{COMPANIES}/{record_id}")
        assert (archived.status_code, archived.content) == (204, b"")
    gone = wire.get(f"{COMPANIES}/{record_id}")
    assert (gone.status_code, gone.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    assert wire.ask("PATCH", f"{COMPANIES}/{record_id}", json={"properties": {"city": "Lima"}}).status_code == 404
    assert wire.get(f"{COMPANIES}/{record_id}", archived="True").json()["archivedAt"] == stamp


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v3/objects/companies",
        "/crm/v3/objects/companies/",
        "/crm/v3/objects/company",
        "/crm/v3/objects/0-2",
        "/crm/v4/objects/companies",
        "/crm/objects/v3/0-2",
        "/crm/objects/2026-03/companies",
        "/crm/objects/2026-09/0-2",
    ],
)
def test_every_generation_of_addresses(wire: Wire, path: str) -> None:
    answer = wire.get(path, limit=2)
    assert answer.status_code == 200
    assert [record["properties"]["name"] for record in answer.json()["results"]] == ["Northwind Software", "Arrow Electronics"]
    link = answer.json()["paging"]["next"]["link"]
    assert link.startswith(f"{wire.base_url}{path}?limit=2&after=")
    assert [record["properties"]["name"] for record in wire.ask("GET", link.removeprefix(wire.base_url)).json()["results"]] == [
        "Bolt Distribution",
        "Cascade Supply",
    ]


def test_pages_by_id_until_there_is_none(wire: Wire, remote: HubspotRemote) -> None:
    found, after = [], None
    while True:
        page = wire.get(COMPANIES, limit=7, **({} if after is None else {"after": after})).json()
        found += [record["id"] for record in page["results"]]
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert found == [record["id"] for record in remote.records("companies")]


def test_lists_come_repeated_or_joined(wire: Wire) -> None:
    for query in ("properties=name&properties=city", "properties=name,city", "properties=name%2C%20city&properties=name"):
        [record] = wire.ask("GET", f"{COMPANIES}?limit=1&{query}").json()["results"]
        assert set(record["properties"]) == {"createdate", "hs_lastmodifieddate", "hs_object_id", "name", "city"}


def test_unknown_properties_are_left_out_in_silence(wire: Wire) -> None:
    [record] = wire.get(COMPANIES, limit=1, properties="name,no_such_thing").json()["results"]
    assert "no_such_thing" not in record["properties"]


@pytest.mark.parametrize("flag", ["true", "True"])
def test_the_archived_list_holds_what_was_deleted_and_nothing_else(wire: Wire, remote: HubspotRemote, flag: str) -> None:
    gone = [record["id"] for record in remote.records("companies")[3:5]]
    for record_id in gone:
        remote.delete("companies", record_id)

    archived = wire.get(COMPANIES, archived=flag, limit=100).json()["results"]
    alive = wire.get(COMPANIES, archived=flag.replace("rue", "alse").replace("T", "F").replace("t", "f"), limit=100).json()["results"]

    assert [(record["id"], record["archived"], record["archivedAt"]) for record in archived] == [
        (record_id, True, "2026-05-20T12:00:00.000Z") for record_id in gone
    ]
    assert len(alive) == 38
    assert all("archivedAt" not in record for record in alive)


@pytest.mark.parametrize(("params", "most"), [({}, 100), ({"propertiesWithHistory": "name"}, 50)])
def test_pages_have_a_most(wire: Wire, params: dict[str, str], most: int) -> None:
    assert wire.get(COMPANIES, limit=most, **params).status_code == 200
    refused = wire.get(COMPANIES, limit=most + 1, **params)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("key", ["EXT 1/2", "ünïcode ☕", "plain", "a%2Fb", "with?query&more=1"])
def test_a_record_by_a_unique_property(wire: Wire, key: str) -> None:
    record_id = _create(wire, name="Keyed", portal_company_id=key)

    found = wire.ask("GET", f"{COMPANIES}/{quote(key, safe='')}?idProperty=portal_company_id")
    changed = wire.ask("PATCH", f"{COMPANIES}/{quote(key, safe='')}?idProperty=portal_company_id", json={"properties": {"city": "Ghent"}})

    assert (found.json()["id"], changed.json()["id"]) == (record_id, record_id)


@pytest.mark.parametrize("name", ["name", "domain", "hs_object_id", "nonsense"])
def test_only_by_a_unique_one(wire: Wire, name: str) -> None:
    refused = wire.get(f"{COMPANIES}/x", idProperty=name)
    assert refused.status_code == 400
    assert f"Unable to perform update/upsert by non-unique 0-2 property {name}" in refused.json()["message"]


def test_histories_tell_who_and_when_latest_first(wire: Wire, remote: HubspotRemote) -> None:
    [record_id] = [record["id"] for record in wire.get(COMPANIES, limit=1).json()["results"]]
    remote.advance_clock(60)
    remote.edit("companies", record_id, {"city": "Oslo"})
    remote.advance_clock(60)
    wire.ask("PATCH", f"{COMPANIES}/{record_id}", json={"properties": {"city": "Riga"}})

    record = wire.get(f"{COMPANIES}/{record_id}", propertiesWithHistory="city,name").json()

    assert [(one["value"], one["timestamp"], one["sourceType"]) for one in record["propertiesWithHistory"]["city"]] == [
        ("Riga", "2026-05-20T12:02:00.000Z", "INTEGRATION"),
        ("Oslo", "2026-05-20T12:01:00.000Z", "CRM_UI"),
    ]
    assert [one["value"] for one in record["propertiesWithHistory"]["name"]] == ["Northwind Software"]


def test_what_is_nowhere(wire: Wire) -> None:
    for path in ("/crm/v3/objects/companies/999999", "/crm/v3/objects/companies/abc", "/crm/v9x/objects/companies", "/nothing"):
        answer = wire.get(path)
        assert (answer.status_code, answer.json()["status"]) == (404, "error"), path
    unknown = wire.get("/crm/v3/objects/wombats")
    assert (unknown.status_code, unknown.json()["message"]) == (400, "Unable to infer object type from: wombats")
    assert wire.ask("PUT", COMPANIES).status_code == 405
    assert wire.ask("POST", COMPANIES, data=b"{no json").status_code == 400
    assert wire.post(COMPANIES, {"properties": ["name"]}).status_code == 400


def test_a_merge_of_the_api(wire: Wire, remote: HubspotRemote) -> None:
    one, other = (record["id"] for record in remote.records("companies")[:2])
    survivor = wire.post(f"{COMPANIES}/merge", {"primaryObjectId": one, "objectIdToMerge": other})
    assert survivor.status_code == 200
    assert survivor.json()["id"] not in (one, other)
    assert survivor.json()["updatedAt"] == f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z"
    assert wire.post(f"{COMPANIES}/merge", {"primaryObjectId": one, "objectIdToMerge": "x"}).status_code == 400
