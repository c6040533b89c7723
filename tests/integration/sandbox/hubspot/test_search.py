"""Search: what each operator means, windows, pages by offset and by id, bounds, and that it sees things late."""

import json
from datetime import datetime
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import DATED, NOW, Wire

SEARCH = f"/crm/objects/{DATED}/companies/search"
EVERY: dict[str, Any] = {"propertyName": "hs_object_id", "operator": "HAS_PROPERTY"}


def _filter(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


def _search(wire: Wire, *filters: dict[str, Any], path: str = SEARCH, **more: Any) -> requests.Response:
    body = {"filterGroups": [{"filters": list(filters)}] if filters else [], "properties": ["name"], "limit": 200, **more}
    return wire.post(path, body)


def _names(wire: Wire, *filters: dict[str, Any], **more: Any) -> list[str]:
    answer = _search(wire, *filters, **more)
    assert answer.status_code == 200, answer.text
    return [record["properties"]["name"] for record in answer.json()["results"]]


@pytest.fixture
def four(remote: HubspotRemote) -> HubspotRemote:
    """Four companies in a town of their own."""
    for place, (name, count, lines) in enumerate(
        [("Zeta Alpha", "5", "edge"), ("Zeta Beta", "50", "cloud;edge"), ("Zeta Gamma", "500", "cloud"), ("Zeta Delta", "", "")]
    ):
        fields = {"name": name, "city": "Zetaville", "numberofemployees": count, "portal_product_lines": lines}
        remote.create("companies", {**fields, "portal_company_id": f"z-{place}"})
        remote.advance_clock(60)
    return remote


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (_filter("numberofemployees", "EQ", "50"), "Beta"),
        (_filter("numberofemployees", "NEQ", 50), "Alpha Gamma Delta"),
        (_filter("numberofemployees", "LT", "50"), "Alpha"),
        (_filter("numberofemployees", "LTE", "50"), "Alpha Beta"),
        (_filter("numberofemployees", "GT", "50"), "Gamma"),
        (_filter("numberofemployees", "GTE", "50.0"), "Beta Gamma"),
        (_filter("numberofemployees", "BETWEEN", "5", highValue="50"), "Alpha Beta"),
        (_filter("numberofemployees", "IN", values=["5", "500"]), "Alpha Gamma"),
        (_filter("numberofemployees", "NOT_IN", values=["5", "500"]), "Beta Delta"),
        (_filter("numberofemployees", "HAS_PROPERTY"), "Alpha Beta Gamma"),
        (_filter("numberofemployees", "NOT_HAS_PROPERTY"), "Delta"),
        (_filter("name", "EQ", "zeta beta"), "Beta"),
        (_filter("name", "IN", values=["zeta beta", "zeta gamma"]), "Beta Gamma"),
        (_filter("name", "CONTAINS_TOKEN", "ZETA"), "Alpha Beta Gamma Delta"),
        (_filter("name", "CONTAINS_TOKEN", "*ta"), "Alpha Beta Gamma Delta"),
        (_filter("name", "CONTAINS_TOKEN", "gam*"), "Gamma"),
        (_filter("name", "NOT_CONTAINS_TOKEN", "beta"), "Alpha Gamma Delta"),
        (_filter("portal_product_lines", "EQ", "cloud"), "Beta Gamma"),
        (_filter("portal_product_lines", "IN", values=["cloud", "edge"]), "Alpha Beta Gamma"),
        (_filter("portal_product_lines", "NOT_IN", values=["edge"]), "Gamma Delta"),
        (_filter("portal_company_id", "EQ", "Z-3"), "Delta"),
        (_filter("createdate", "GT", "2026-05-20T12:01:00Z"), "Gamma Delta"),
        (_filter("createdate", "LTE", str(int(NOW.timestamp() * 1000) + 60_000)), "Alpha Beta"),
    ],
)
def test_operators(wire: Wire, four: HubspotRemote, wish: dict[str, Any], found: str) -> None:
    assert _names(wire, _filter("city", "EQ", "Zetaville"), wish) == [f"Zeta {name}" for name in found.split()]


def test_groups_are_alternatives_sorted_as_wished(wire: Wire, four: HubspotRemote) -> None:
    groups = [{"filters": [_filter("name", "EQ", name)]} for name in ("zeta gamma", "zeta alpha", "zeta delta")]
    by_count = [{"propertyName": "numberofemployees", "direction": "DESCENDING"}]
    assert _names(wire, filterGroups=groups) == ["Zeta Alpha", "Zeta Gamma", "Zeta Delta"]
    assert _names(wire, filterGroups=groups, sorts=by_count)[1:] == ["Zeta Gamma", "Zeta Alpha"]
    assert _names(wire, filterGroups=groups, sorts=["-hs_object_id"]) == ["Zeta Delta", "Zeta Gamma", "Zeta Alpha"]
    assert _names(wire, query="zet gam") == ["Zeta Gamma"]


@pytest.mark.parametrize("spell", [lambda at: str(int(at.timestamp() * 1000)), lambda at: at.isoformat()], ids=["ms", "iso"])
def test_a_window_of_changes_with_both_ends(wire: Wire, four: HubspotRemote, spell: Any) -> None:
    def window(low: datetime, high: datetime) -> list[str]:
        stamp = "hs_lastmodifieddate"
        return _names(wire, _filter(stamp, "GTE", spell(low)), _filter(stamp, "LTE", spell(high)))

    assert window(NOW, NOW.replace(minute=2)) == ["Zeta Alpha", "Zeta Beta", "Zeta Gamma"]
    assert window(NOW.replace(second=1), NOW.replace(minute=1)) == ["Zeta Beta"]
    assert window(NOW.replace(hour=13), NOW.replace(hour=14)) == []


def test_a_thousand_equal_stamps_by_id(wire: Wire, remote: HubspotRemote) -> None:
    remote.advance_clock(5)
    changed = remote.edit_many("companies", {"city": "Graz"}, count=30)
    stamp = str(int(remote.now().timestamp() * 1000))
    assert {record["hs_lastmodifieddate"] for record in remote.records("companies", changed)} == {"2026-05-20T12:00:05.000Z"}

    found: list[str] = []
    while True:
        page = _search(
            wire,
            _filter("hs_lastmodifieddate", "EQ", stamp),
            _filter("hs_object_id", "GT", found[-1] if found else "0"),
            sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            limit=7,
        ).json()
        found += [record["id"] for record in page["results"]]
        if "paging" not in page:
            break
    assert found == changed


def test_pages_by_offset(wire: Wire, remote: HubspotRemote) -> None:
    found, after = [], 0
    while True:
        page = _search(wire, EVERY, limit=15, after=str(after)).json()
        assert page["total"] == 40
        found += [record["id"] for record in page["results"]]
        if "paging" not in page:
            break
        assert page["paging"]["next"] == {"after": str(after + 15)}
        after += 15
    assert found == [record["id"] for record in remote.records("companies")]
    assert len(wire.post(SEARCH, {}).json()["results"]) == 10


def test_archived_records_are_never_found(wire: Wire, remote: HubspotRemote) -> None:
    gone = remote.named("companies", "Bolt Distribution")["id"]
    assert "Bolt Distribution" in _names(wire, EVERY)
    remote.delete("companies", gone)
    assert "Bolt Distribution" not in _names(wire, EVERY)
    remote.undelete([gone])
    assert "Bolt Distribution" in _names(wire, EVERY)


def test_search_sees_late_what_reads_see_at_once(wire: Wire, remote: HubspotRemote) -> None:
    remote.lag_search(5)
    known = remote.named("companies", "Cedar IT")["id"]
    gone = remote.named("companies", "Elm Consulting")["id"]
    made = remote.create("companies", {"name": "Late Arrival"})
    remote.edit("companies", known, {"city": "Utrecht"})
    remote.delete("companies", gone)

    assert wire.get(f"/crm/v3/objects/companies/{made}").status_code == 200
    assert "Late Arrival" not in _names(wire, EVERY)
    assert "Elm Consulting" in _names(wire, EVERY)
    assert _names(wire, _filter("city", "EQ", "Utrecht")) == []

    remote.advance_clock(4.9)
    assert "Late Arrival" not in _names(wire, EVERY)
    remote.advance_clock(0.1)
    assert "Late Arrival" in _names(wire, EVERY)
    assert "Elm Consulting" not in _names(wire, EVERY)
    assert _names(wire, _filter("city", "EQ", "Utrecht")) == ["Cedar IT"]


def test_by_who_a_record_is_associated_with(wire: Wire, remote: HubspotRemote) -> None:
    company = remote.create("companies", {"name": "Hub"})
    deals = [record["id"] for record in remote.records("deals")[:3]]
    for deal in deals:
        remote.associate("deals", deal, company, "Portal partner")
    path = f"/crm/objects/{DATED}/deals/search"
    answer = _search(wire, _filter("associations.company", "EQ", company), path=path)
    assert [record["id"] for record in answer.json()["results"]] == deals


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9999", "limit": 2},
        {"after": "x"},
        {"filterGroups": [{"filters": [EVERY]}] * 6},
        {"filterGroups": [{"filters": [EVERY] * 7}]},
        {"filterGroups": [{"filters": [EVERY] * 5}] * 4},
        {"properties": ["a" * 100] * 30},
        {"sorts": ["name", "city"]},
        {"sorts": ["nonsense"]},
        {"filterGroups": [{"filters": [_filter("nonsense", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [_filter("name", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [_filter("name", "EQ")]}]},
        {"filterGroups": [{"filters": [_filter("name", "IN")]}]},
        {"filterGroups": [{"filters": [_filter("createdate", "GT", "soon")]}]},
        {"filterGroups": [{"filters": [_filter("numberofemployees", "BETWEEN", "1")]}]},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_bounds(wire: Wire, body: dict[str, Any]) -> None:
    refused = wire.post(SEARCH, body)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")


def test_what_the_bounds_allow(wire: Wire) -> None:
    assert wire.post(SEARCH, {"filterGroups": [{"filters": [EVERY] * 6}] * 3, "limit": 200, "after": "9800"}).status_code == 200


def test_snake_case_is_not_understood(wire: Wire) -> None:
    assert wire.post(SEARCH, {"filter_groups": [{"filters": [_filter("name", "EQ", "nobody")]}]}).json()["total"] == 40
