"""Definitions: properties, their options and groups, as an app that may change them sees them."""

from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import DATED, Wire

PATH = "/crm/v3/properties/companies"
TEXT = {"name": "ext_key", "label": "Ext key", "type": "string", "fieldType": "text", "groupName": "portal"}


def _options(*values: str) -> list[dict[str, Any]]:
    return [{"label": value.upper(), "value": value, "displayOrder": order, "hidden": False} for order, value in enumerate(values)]


@pytest.mark.parametrize("path", [PATH, "/crm/properties/2026-03/0-2", f"/crm/properties/{DATED}/company"])
def test_a_property_as_the_vendor_shows_it(wire: Wire, path: str) -> None:
    every = {prop["name"]: prop for prop in wire.get(path).json()["results"]}
    one = wire.get(f"{path}/portal_product_lines")
    assert (one.status_code, one.json()) == (200, every["portal_product_lines"])
    assert (one.json()["type"], one.json()["fieldType"], one.json()["options"][0]) == (
        "enumeration",
        "checkbox",
        {"label": "Cloud", "value": "cloud", "displayOrder": 0, "hidden": False},
    )
    assert every["hs_lastmodifieddate"]["modificationMetadata"]["readOnlyValue"] is True
    assert every["portal_company_id"]["hasUniqueValue"] is True
    assert (every["hubspot_owner_id"]["externalOptions"], every["hubspot_owner_id"]["options"]) == (True, [])
    assert wire.get(f"{path}/nothing").status_code == 404


def test_a_life(wire: Wire) -> None:
    made = wire.post(PATH, {**TEXT, "hasUniqueValue": True})
    assert (made.status_code, made.json()["hasUniqueValue"], made.json()["hubspotDefined"]) == (201, True, False)
    again = wire.post(PATH, TEXT)
    assert (again.status_code, again.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert again.json()["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"

    changed = wire.ask("PATCH", f"{PATH}/ext_key", json={"label": "Key", "hidden": True, "hasUniqueValue": False})
    assert (changed.status_code, changed.json()["label"], changed.json()["hidden"]) == (200, "Key", True)
    assert changed.json()["hasUniqueValue"] is True

    company = wire.post("/crm/v3/objects/companies", {"properties": {"name": "C", "ext_key": "x"}}).json()["id"]
    assert wire.get("/crm/v3/objects/companies/x", idProperty="ext_key").json()["id"] == company
    assert wire.ask("DELETE", f"{PATH}/ext_key").status_code == 204
    assert "ext_key" not in [prop["name"] for prop in wire.get(PATH).json()["results"]]
    assert "ext_key" in [prop["name"] for prop in wire.get(PATH, archived="true").json()["results"]]
    assert "ext_key" not in wire.get(f"/crm/v3/objects/companies/{company}", properties="ext_key").json()["properties"]
    assert wire.ask("DELETE", f"{PATH}/name").status_code == 400


def test_options_are_replaced_whole(wire: Wire, remote: HubspotRemote) -> None:
    gold = next(record for record in remote.records("companies") if record["portal_tier"] == "gold")
    changed = wire.ask("PATCH", f"{PATH}/portal_tier", json={"options": _options("silver", "diamond")})
    assert [option["value"] for option in changed.json()["options"]] == ["silver", "diamond"]
    assert remote.record("companies", gold["id"])["portal_tier"] == "gold"
    path = f"/crm/v3/objects/companies/{gold['id']}"
    assert wire.ask("PATCH", path, json={"properties": {"portal_tier": "gold"}}).status_code == 400
    assert wire.ask("PATCH", path, json={"properties": {"portal_tier": "diamond"}}).status_code == 200
    assert wire.ask("PATCH", f"{PATH}/hs_merged_object_ids", json={"options": _options("a")}).status_code == 400


def test_what_a_property_is_cannot_be_changed_nor_what_the_vendor_made(wire: Wire) -> None:
    assert wire.ask("PATCH", f"{PATH}/portal_tier", json={"type": "string"}).status_code == 400
    assert wire.ask("PATCH", f"{PATH}/portal_tier", json={"type": "enumeration", "options": []}).status_code == 400
    assert wire.ask("PATCH", f"{PATH}/industry", json={"label": "Trade"}).status_code == 400
    assert wire.ask("PATCH", f"{PATH}/industry", json={"label": "Industry", "options": _options("RETAIL")}).status_code == 200


def test_an_enumeration_has_five_thousand_options_of_three_thousand_characters_at_most(wire: Wire) -> None:
    many, long = _options(*map(str, range(5_001))), [{"label": "a", "value": "b" * 3_000}]
    for options in (many, long):
        refused = wire.post(PATH, {**TEXT, "type": "enumeration", "fieldType": "select", "options": options})
        assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert wire.post(PATH, {**TEXT, "type": "enumeration", "fieldType": "checkbox", "options": many[1:]}).status_code == 201


def test_ten_unique_properties_at_most(wire: Wire) -> None:
    codes = [wire.post(PATH, {**TEXT, "name": f"key_{place}", "hasUniqueValue": True}).status_code for place in range(10)]
    assert codes == [201] * 9 + [400]
    assert wire.post(PATH, {**TEXT, "name": "plain"}).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Has Spaces"},
        {"name": "1st"},
        {"label": ""},
        {"type": "text"},
        {"fieldType": "checkbox"},
        {"groupName": "nowhere"},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "enumeration", "fieldType": "select", "options": _options("a", "a")},
        {"type": "enumeration", "fieldType": "select", "options": _options(" a")},
        {"type": "enumeration", "fieldType": "select", "options": [{"value": "a"}]},
    ],
    ids=str,
)
def test_what_is_no_property(wire: Wire, wrong: dict[str, Any]) -> None:
    refused = wire.post(PATH, {**TEXT, **wrong})
    assert refused.status_code in (400, 404), refused.text
    assert wire.get(f"{PATH}/ext_key").status_code == 404


@pytest.mark.parametrize(
    ("kind", "field_type", "good", "bad"),
    [
        ("enumeration", "radio", "a", "c"),
        ("enumeration", "booleancheckbox", "true", "yes"),
        ("enumeration", "checkbox", "b;a", "a;c"),
        ("bool", "booleancheckbox", "false", "no"),
        ("number", "number", "-1.5", "one"),
        ("date", "date", "2026-01-01", "2026-13-01"),
    ],
)
def test_every_kind_of_property(wire: Wire, kind: str, field_type: str, good: str, bad: str) -> None:
    values = ("true", "false") if field_type == "booleancheckbox" else ("a", "b")
    options = {"options": _options(*values)} if kind == "enumeration" else {}
    assert wire.post(PATH, {**TEXT, "type": kind, "fieldType": field_type, **options}).status_code == 201

    kept = wire.post("/crm/v3/objects/companies", {"properties": {"name": "C", "ext_key": good}})
    refused = wire.post("/crm/v3/objects/companies", {"properties": {"name": "C", "ext_key": bad}})

    assert (kept.json()["properties"]["ext_key"], refused.status_code) == (good, 400)


def test_batches(wire: Wire) -> None:
    made = wire.post(f"{PATH}/batch/create", {"inputs": [{**TEXT, "name": "one"}, {**TEXT, "name": "two"}]})
    assert (made.status_code, len(made.json()["results"])) == (201, 2)
    partly = wire.post(f"{PATH}/batch/create", {"inputs": [{**TEXT, "name": "one"}, {**TEXT, "name": "three"}]})
    assert (partly.status_code, partly.json()["numErrors"]) == (207, 1)
    read = wire.post(f"{PATH}/batch/read", {"archived": False, "inputs": [{"name": "three"}, {"name": "nine"}]})
    assert (read.status_code, [prop["name"] for prop in read.json()["results"]]) == (207, ["three"])
    assert wire.post(f"{PATH}/batch/archive", {"inputs": [{"name": "one"}, {"name": "two"}]}).status_code == 204
    assert wire.get(f"{PATH}/one").status_code == 404


def test_groups(wire: Wire) -> None:
    made = wire.post(f"{PATH}/groups", {"name": "extra", "label": "Extra", "displayOrder": 3})
    assert (made.status_code, made.json()) == (201, {"name": "extra", "label": "Extra", "displayOrder": 3, "archived": False})
    assert wire.post(f"{PATH}/groups", {"name": "extra", "label": "Extra"}).status_code == 409
    assert wire.ask("PATCH", f"{PATH}/groups/extra", json={"label": "More"}).json()["label"] == "More"
    assert [group["name"] for group in wire.get(f"{PATH}/groups").json()["results"]] == ["companyinformation", "portal", "extra"]
    assert wire.ask("DELETE", f"{PATH}/groups/extra").status_code == 204
    assert wire.ask("DELETE", f"{PATH}/groups/portal").status_code == 400
    assert wire.get(f"{PATH}/groups/extra").status_code == 404


def test_an_admin_adds_a_property(wire: Wire, remote: HubspotRemote) -> None:
    remote.add_field("companies", "is_distributor", "bool")
    assert wire.get(f"{PATH}/is_distributor").json()["options"][0]["value"] == "true"
