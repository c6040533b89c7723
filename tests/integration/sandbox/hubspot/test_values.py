"""What a property takes, in which spelling it is kept, and what is said of the rest."""

import json
from typing import Any

import pytest
import requests

from tests.integration.sandbox.hubspot.conftest import DATED, Wire

NUMBERED, NEWEST = "/crm/v3/objects", f"/crm/objects/{DATED}"


def _saved(wire: Wire, kind: str, **properties: Any) -> dict[str, Any]:
    answer = wire.post(f"{NEWEST}/{kind}", {"properties": properties})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["properties"])


def _refused(answer: requests.Response) -> list[dict[str, Any]]:
    """The values that a refusal's message names."""
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR"), answer.text
    head, _, rest = answer.json()["message"].partition(": ")
    assert head == "Property values were not valid"
    found: list[dict[str, Any]] = json.loads(rest)
    return found


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("amount", 1200.5, "1200.5"),
        ("amount", "1200.50", "1200.50"),
        ("amount", "1E+3", "1000"),
        ("portal_licences", 25, "25"),
        ("portal_registered", True, "true"),
        ("portal_registered", "FALSE", "false"),
        ("closedate", "2026-12-31", "2026-12-31T00:00:00.000Z"),
        ("closedate", "2026-12-31T10:00:00+02:00", "2026-12-31T08:00:00.000Z"),
        ("closedate", 1798700400123, "2026-12-31T07:00:00.123Z"),
        ("portal_expires", "2027-01-31", "2027-01-31"),
        ("portal_expires", "1801353600000", "2027-01-31"),
        ("portal_billing", "up_front", "up_front"),
        ("dealstage", "closedwon", "closedwon"),
        ("hubspot_owner_id", "96879914", "96879914"),
        ("description", "two\nlines ☕", "two\nlines ☕"),
    ],
)
def test_kept_as_text(wire: Wire, name: str, value: Any, kept: str) -> None:
    assert _saved(wire, "deals", dealname="D", **{name: value})[name] == kept


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("amount", "much", "INVALID_INTEGER"),
        ("amount", "nan", "INVALID_INTEGER"),
        ("closedate", "soon", "INVALID_LONG"),
        ("portal_expires", "2027-01-31T10:00:00Z", "INVALID_DATE"),
        ("portal_expires", "1801353600001", "INVALID_DATE"),
        ("portal_registered", "maybe", "INVALID_OPTION"),
        ("portal_billing", "Annual", "INVALID_OPTION"),
        ("portal_billing", " annual", "INVALID_OPTION"),
        ("portal_billing", "annual\u200b", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OPTION"),
        ("hs_lastmodifieddate", "2026-01-01", "READ_ONLY_VALUE"),
        ("nonsense", "x", "PROPERTY_DOESNT_EXIST"),
    ],
)
def test_refused(wire: Wire, name: str, value: str, code: str) -> None:
    answer = wire.post(f"{NEWEST}/deals", {"properties": {"dealname": "D", name: value}})
    [bad] = _refused(answer)
    assert (bad["error"], bad["name"], bad["isValid"]) == (code, name, False)
    assert answer.json()["errors"] == [{"message": bad["message"], "code": code, "context": {"propertyName": [name]}}]


def test_every_bad_value_is_named_at_once(wire: Wire) -> None:
    answer = wire.post(f"{NEWEST}/deals", {"properties": {"amount": "x", "nope": "1", "portal_billing": "weekly", "dealname": "ok"}})
    assert [bad["name"] for bad in _refused(answer)] == ["amount", "nope", "portal_billing"]


def test_an_unknown_option_in_both_shapes(wire: Wire) -> None:
    bad = {"properties": {"name": "C", "portal_status": "asleep"}}
    numbered, newest = wire.post(f"{NUMBERED}/companies", bad), wire.post(f"{NEWEST}/companies", bad)
    assert _refused(numbered)[0]["message"] == "asleep was not one of the allowed options: [Active, Inactive, Pending]"
    assert "errors" not in numbered.json()
    assert 'label: "Active"\nvalue: "active"' in _refused(newest)[0]["message"]
    assert newest.json()["errors"][0]["code"] == "INVALID_OPTION"


def test_sets_replace_or_with_a_semicolon_first_append(wire: Wire) -> None:
    made = wire.post(f"{NUMBERED}/companies", {"properties": {"name": "S", "portal_product_lines": "edge;cloud;edge"}}).json()
    path = f"{NUMBERED}/companies/{made['id']}"

    def write(text: str) -> str | None:
        wire.ask("PATCH", path, json={"properties": {"portal_product_lines": text}})
        kept: str | None = wire.get(path, properties="portal_product_lines").json()["properties"]["portal_product_lines"]
        return kept

    assert made["properties"]["portal_product_lines"] == "edge;cloud"
    assert write(";storage;cloud") == "edge;cloud;storage"
    assert write("security") == "security"
    assert write("") is None
    assert write(";analytics") == "analytics"
    refused = wire.ask("PATCH", path, json={"properties": {"portal_product_lines": "edge; cloud"}})
    assert _refused(refused)[0]["error"] == "INVALID_OPTION"


@pytest.mark.parametrize("empty", ["", None])
def test_clearing(wire: Wire, empty: str | None) -> None:
    made = wire.post(f"{NUMBERED}/companies", {"properties": {"name": "E", "city": "Lima"}}).json()
    wire.ask("PATCH", f"{NUMBERED}/companies/{made['id']}", json={"properties": {"city": empty}})
    assert wire.get(f"{NUMBERED}/companies/{made['id']}", properties="city").json()["properties"]["city"] is None


def test_a_unique_value_belongs_to_one_record_until_that_is_archived(wire: Wire) -> None:
    first = wire.post(f"{NUMBERED}/companies", {"properties": {"name": "A", "portal_company_id": "k-1"}}).json()["id"]

    refused = wire.post(f"{NUMBERED}/companies", {"properties": {"name": "B", "portal_company_id": "K-1"}})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert refused.json()["message"].startswith("Cannot set PropertyValueCoordinates{portalId=47110815, objectTypeId=0-2, ")
    assert refused.json()["message"].endswith(f"{first} already has that value.")
    assert refused.json()["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"

    again = wire.ask("PATCH", f"{NUMBERED}/companies/{first}", json={"properties": {"portal_company_id": "k-1"}})
    assert again.status_code == 200
    wire.ask("DELETE", f"{NUMBERED}/companies/{first}")
    assert wire.post(f"{NUMBERED}/companies", {"properties": {"name": "B", "portal_company_id": "k-1"}}).status_code == 201


def test_contacts_have_a_conflict_of_their_own(wire: Wire) -> None:
    contact = {"properties": {"email": "ann@quill.example", "firstname": "Ann"}}
    made = wire.post(f"{NUMBERED}/contacts", contact)
    refused = wire.post(f"{NUMBERED}/contacts", contact)
    assert (refused.status_code, refused.json()["category"]) == (409, "CONFLICT")
    assert refused.json()["message"] == f"Contact already exists. Existing ID: {made.json()['id']}"


def test_a_deal_is_in_a_pipeline_and_closed_when_its_stage_is(wire: Wire) -> None:
    made = _saved(wire, "deals", dealname="D", dealstage="closedlost")
    assert (made["pipeline"], made["hs_is_closed"], made["hs_is_closed_won"]) == ("default", "true", "false")
