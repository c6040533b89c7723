"""Associations: one primary at most, labels on top of the plain type, pairs written whole, 207s that mean nothing is wrong."""

from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import HubspotOptions, serve_thread
from tests.integration.sandbox.hubspot.conftest import DATED, NOW, Wire

PRIMARY = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}
NUMBERED, NEWEST = "/crm/v4/associations/deals/companies", f"/crm/associations/{DATED}/0-3/0-2"


@pytest.fixture
def ends(remote: HubspotRemote) -> tuple[str, str, str]:
    """A deal that is associated with nobody, and two companies."""
    one, other = (record["id"] for record in remote.records("companies")[1:3])
    return remote.create("deals", {"dealname": "Alone"}), one, other


def _labels(wire: Wire, path: str = NUMBERED) -> dict[str | None, dict[str, Any]]:
    found = wire.get(f"{path}/labels").json()["results"]
    return {one["label"]: {"associationCategory": one["category"], "associationTypeId": one["typeId"]} for one in found}


def _held(wire: Wire, deal: str) -> dict[str, set[str | None]]:
    found = wire.get(f"/crm/v4/objects/deals/{deal}/associations/companies").json()["results"]
    assert all(isinstance(far["toObjectId"], int) for far in found)
    return {str(far["toObjectId"]): {kind["label"] for kind in far["associationTypes"]} for far in found}


def test_one_pair_at_a_time(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, other = ends
    partner = _labels(wire)["Portal partner"]
    pair = f"/crm/v4/objects/deals/{deal}/associations"

    made = wire.ask("PUT", f"{pair}/companies/{one}", json=[PRIMARY, partner])
    assert made.status_code == 201
    assert made.json() == {
        "fromObjectTypeId": "0-3",
        "fromObjectId": int(deal),
        "toObjectTypeId": "0-2",
        "toObjectId": int(one),
        "labels": ["Primary", "Portal partner"],
    }
    plain = wire.ask("PUT", f"{pair}/default/companies/{other}")
    assert plain.status_code == 200
    assert [kind["associationSpec"]["associationTypeId"] for kind in plain.json()["results"]] == [341, 342]
    assert _held(wire, deal) == {one: {None, "Primary", "Portal partner"}, other: {None}}

    wire.ask("PUT", f"{pair}/companies/{one}", json=[partner])
    assert _held(wire, deal)[one] == {None, "Portal partner"}
    wire.ask("PUT", f"{pair}/default/companies/{one}")
    assert _held(wire, deal)[one] == {None, "Portal partner"}

    for _ in range(2):
        assert wire.ask("DELETE", f"{pair}/companies/{one}").status_code == 204
    assert _held(wire, deal) == {other: {None}}


def test_there_is_one_primary(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, other = ends
    for company in (one, other):
        wire.ask("PUT", f"/crm/objects/{DATED}/deals/{deal}/associations/companies/{company}", json=[PRIMARY])
    assert _held(wire, deal) == {one: {None}, other: {None, "Primary"}}

    back = _labels(wire, "/crm/v4/associations/companies/deals")["Primary"]
    wire.ask("PUT", f"/crm/v4/objects/companies/{one}/associations/deals/{deal}", json=[back])
    assert _held(wire, deal) == {one: {None, "Primary"}, other: {None}}


def test_from_the_other_side_the_types_have_other_numbers(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, _ = ends
    back = _labels(wire, "/crm/v4/associations/companies/deals")
    assert {back[None]["associationTypeId"], back["Primary"]["associationTypeId"]} == {342, 6}
    assert back["Portal partner"]["associationTypeId"] != _labels(wire)["Portal partner"]["associationTypeId"]

    wire.ask("PUT", f"/crm/v4/objects/companies/{one}/associations/deals/{deal}", json=[back["Portal partner"]])

    assert _held(wire, deal) == {one: {None, "Portal partner"}}


@pytest.mark.parametrize("path", [NUMBERED, NEWEST, "/crm/associations/v4/deals/companies"])
def test_many_at_once(wire: Wire, remote: HubspotRemote, ends: tuple[str, str, str], path: str) -> None:
    deal, one, other = ends
    alone = remote.create("deals", {"dealname": "Alone too"})
    label = _labels(wire, path)["Portal second partner"]
    pairs = [{"from": {"id": deal}, "to": {"id": company}, "types": [label]} for company in (one, other)]

    assert wire.post(f"{path}/batch/create", {"inputs": pairs}).status_code == 201
    partly = wire.post(f"{path}/batch/create", {"inputs": [*pairs, {"from": {"id": "999"}, "to": {"id": one}, "types": [label]}]})
    assert (partly.status_code, partly.json()["numErrors"], len(partly.json()["results"])) == (207, 1, 2)

    read = wire.post(f"{path}/batch/read", {"inputs": [{"id": deal}, {"id": alone}, {"id": "x"}]})
    assert read.status_code == 207
    [row] = read.json()["results"]
    assert (row["from"], {far["toObjectId"] for far in row["to"]}) == ({"id": deal}, {int(one), int(other)})
    none, bad = read.json()["errors"]
    assert none == {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No company is associated with deal {alone}.",
        "context": {"fromObjectId": [alone], "fromObjectType": ["deal"], "toObjectType": ["company"]},
    }
    assert bad["subCategory"] == "crm.associations.INVALID_IDENTIFIER"
    assert wire.post(f"{path}/batch/read", {"inputs": [{"id": deal}]}).status_code == 200

    assert wire.post(f"{path}/batch/labels/archive", {"inputs": pairs[:1]}).status_code == 204
    assert _held(wire, deal) == {one: {None}, other: {None, "Portal second partner"}}
    assert wire.post(f"{path}/batch/archive", {"inputs": [{"from": {"id": deal}, "to": [{"id": one}, {"id": other}]}]}).status_code == 204
    assert _held(wire, deal) == {}
    plain = wire.post(f"{path}/batch/associate/default", {"inputs": [{"from": {"id": deal}, "to": {"id": one}}]})
    assert (plain.status_code, _held(wire, deal)) == (200, {one: {None}})


def test_sizes(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, _ = ends
    pair = {"from": {"id": deal}, "to": {"id": one}, "types": [PRIMARY]}
    for verb, row, most in (("create", pair, 2_000), ("read", {"id": deal}, 1_000), ("archive", {**pair, "to": [pair["to"]]}, 100)):
        assert wire.post(f"{NUMBERED}/batch/{verb}", {"inputs": [row] * (most + 1)}).status_code == 400
        assert wire.post(f"{NUMBERED}/batch/{verb}", {"inputs": [row] * most}).status_code in (200, 201, 204)


def test_a_record_with_many(wire: Wire, remote: HubspotRemote) -> None:
    company = remote.create("companies", {"name": "Hub"})
    rows = [{"properties": {"dealname": f"Spoke {place}"}, "associations": [_to(company)]} for place in range(520)]
    for start in range(0, 520, 100):
        assert wire.post("/crm/v3/objects/deals/batch/create", {"inputs": rows[start : start + 100]}).status_code == 201
    every = {int(record["id"]) for record in remote.records("deals") if record["dealname"].startswith("Spoke")}

    page = wire.get(f"/crm/v4/objects/companies/{company}/associations/deals").json()
    rest = wire.ask("GET", page["paging"]["next"]["link"].removeprefix(wire.base_url)).json()
    assert ({far["toObjectId"] for far in (*page["results"], *rest["results"])}, len(page["results"])) == (every, 500)
    assert "paging" not in rest

    read = wire.post("/crm/v4/associations/companies/deals/batch/read", {"inputs": [{"id": company}]}).json()["results"][0]
    after = read["paging"]["next"]["after"]
    more = wire.post("/crm/v4/associations/companies/deals/batch/read", {"inputs": [{"id": company, "after": after}]}).json()["results"][0]
    assert {far["toObjectId"] for far in (*read["to"], *more["to"])} == every

    listed = wire.get(f"/crm/v3/objects/companies/{company}", associations="deals").json()["associations"]["deals"]
    assert len(listed["results"]) == 100
    assert listed["paging"]["next"]["after"]


def _to(company: str) -> dict[str, Any]:
    return {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]}


def test_by_name_in_the_old_shape_and_beside_a_record(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, other = ends
    wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{one}", json=[PRIMARY])
    wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{other}", json=[_labels(wire)["Portal partner"]])
    told = [
        {"id": one, "type": "deal_to_company"},
        {"id": one, "type": "deal_to_company_unlabeled"},
        {"id": other, "type": "portal_partner"},
        {"id": other, "type": "deal_to_company_unlabeled"},
    ]
    assert wire.get(f"/crm/v3/objects/deals/{deal}/associations/companies").json()["results"] == told
    read = wire.get(f"/crm/v3/objects/deals/{deal}", associations="companies,contacts").json()
    assert read["associations"] == {"companies": {"results": told}}
    assert "associations" not in wire.get(f"/crm/v3/objects/deals/{deal}", associations="contacts").json()
    listed = wire.get("/crm/v3/objects/deals", associations="companies", limit=100).json()["results"]
    assert next(record for record in listed if record["id"] == deal)["associations"] == read["associations"]


def test_an_archived_company_is_out_of_sight_until_it_is_restored(wire: Wire, remote: HubspotRemote, ends: tuple[str, str, str]) -> None:
    deal, one, _ = ends
    remote.associate("deals", deal, one, "Portal partner")
    remote.delete("companies", one)
    assert _held(wire, deal) == {}
    remote.undelete([one])
    assert _held(wire, deal) == {one: {None, "Portal partner"}}
    remote.part("deals", deal, one)
    assert _held(wire, deal) == {}


def test_labels(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, _ = ends
    path = f"{NUMBERED}/labels"
    made = wire.post(path, {"name": "reseller", "label": "Resells for", "inverseLabel": "Resold by"})
    assert made.status_code == 200
    far, near = made.json()["results"]
    assert [(kind["category"], kind["label"]) for kind in (far, near)] == [("USER_DEFINED", "Resold by"), ("USER_DEFINED", "Resells for")]
    assert "Resold by" in _labels(wire, "/crm/v4/associations/companies/deals")

    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": near["typeId"]}
    wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{one}", json=[spec])
    assert wire.ask("PUT", path, json={"associationTypeId": near["typeId"], "label": "Sells for"}).status_code == 204
    assert _held(wire, deal) == {one: {None, "Sells for"}}

    assert wire.ask("DELETE", f"{path}/{near['typeId']}").status_code == 204
    assert _held(wire, deal) == {one: {None}}
    assert wire.ask("DELETE", f"{path}/5").status_code == 404


@pytest.mark.parametrize("name", ["2nd", "second-partner", ""])
def test_label_names(wire: Wire, name: str) -> None:
    assert wire.post(f"{NUMBERED}/labels", {"name": name, "label": "L"}).status_code == 400
    assert wire.post(f"{NUMBERED}/labels", {"name": "portal_partner", "label": "L"}).status_code == 409


def test_what_is_no_type(wire: Wire, ends: tuple[str, str, str]) -> None:
    deal, one, _ = ends
    for kind in ({**PRIMARY, "associationTypeId": 6}, {**PRIMARY, "associationCategory": "USER_DEFINED"}, {}):
        refused = wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{one}", json=[kind])
        assert (refused.status_code, refused.json()["subCategory"]) == (400, "crm.associations.INVALID_ASSOCIATION_TYPE")
    assert wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/999", json=[PRIMARY]).status_code == 404


def test_without_a_paid_tier_there_are_no_labels_but_properties() -> None:
    with serve_thread(HubspotOptions(companies=20, deals=8, tier="free", now=NOW)) as base_url, HubspotRemote(base_url) as remote:
        wire = Wire(base_url)
        refused = wire.post(f"{NUMBERED}/labels", {"name": "partner", "label": "Partner"})
        deal = remote.named("deals", "Harbor Freight Lines - Cloud")

        assert (refused.status_code, set(_labels(wire))) == (403, {None, "Primary"})
        assert deal["portal_partner"] == remote.named("companies", "Birch Systems")["id"]
        assert deal["portal_second_partner"] == remote.named("companies", "Arrow Electronics")["id"]
        wire.http.close()


# ── an admin's limits ────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_association_above_an_admins_limit_is_refused_and_named(wire: Wire, remote: HubspotRemote, ends: tuple[str, str, str]) -> None:
    # Given one company allowed under a label, and one that stands there
    deal, one, other = ends
    partner = _labels(wire)["Portal partner"]
    remote.limit_label("deals", "Portal partner", 1)
    remote.associate("deals", deal, one, "Portal partner")
    limits = wire.get(f"/crm/associations/{DATED}/definitions/configurations/deals/companies").json()["results"]
    assert [(row["label"], row["userEnforcedMaxToObjectIds"]) for row in limits] == [("Portal partner", 1)]
    # When another is to have it, then it is refused, and the row is named; the same one again is no second
    pairs = [{"from": {"id": deal}, "to": {"id": company}, "types": [partner]} for company in (one, other)]
    answer = wire.post(f"{NUMBERED}/batch/create", {"inputs": pairs})
    assert answer.status_code == 207
    assert [str(row["toObjectId"]) for row in answer.json()["results"]] == [one]
    assert answer.json()["errors"][0]["context"] == {"fromObjectId": [deal], "toObjectId": [other]}
    assert _held(wire, deal) == {one: {None, "Portal partner"}}
    # and once the first one is gone, or the limit is, it may
    remote.limit_label("deals", "Portal partner", None)
    assert wire.post(f"{NUMBERED}/batch/create", {"inputs": pairs}).status_code == 201


def test_a_limit_of_all_associations_counts_companies_under_whatever_label(
    wire: Wire, remote: HubspotRemote, ends: tuple[str, str, str]
) -> None:
    deal, one, other = ends
    remote.limit_label("deals", None, 1)
    assert wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/companies/{one}").status_code == 200
    assert wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{one}", json=[PRIMARY]).status_code == 201
    assert wire.ask("PUT", f"/crm/v4/objects/deals/{deal}/associations/companies/{other}", json=[PRIMARY]).status_code == 400
