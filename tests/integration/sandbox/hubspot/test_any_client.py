"""Requests of clients that nobody here wrote: record types, older addresses, and associations by name."""

import pytest
from hubspot import HubSpot

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.hubspot.schema.standard_types import PROPERTIES
from crm_sandbox.hubspot.wire.type_names import STANDARD, TYPE_NAMES, TypeName
from crm_sandbox.process import SANDBOX_TOKEN
from tests.integration.sandbox.hubspot.conftest import DATED, Wire

NAMED = (
    *("tickets", "line_items", "products", "quotes", "calls", "emails", "meetings", "notes", "tasks", "communications"),
    *("postal_mail", "leads", "goal_targets"),
)


# -- the vendor's other record types


@pytest.mark.parametrize("one", STANDARD, ids=lambda one: one.plural)
def test_a_standard_record_type_is_known_by_name_and_empty(wire: Wire, one: TypeName) -> None:
    for name in (one.plural, one.type_id):
        answer = wire.get(f"/crm/v3/objects/{name}", limit=100, archived="false")
        assert (answer.status_code, answer.json()) == (200, {"results": []})
    assert wire.post(f"/crm/v3/objects/{one.plural}/search", {"limit": 10}).json() == {"total": 0, "results": []}
    properties = {prop["name"]: prop for prop in wire.get(f"/crm/v3/properties/{one.plural}").json()["results"]}
    assert properties.keys() >= {"hs_object_id", "hs_lastmodifieddate", *(words.partition(":")[0] for words in PROPERTIES[one.plural])}
    assert all(prop["hubspotDefined"] for prop in properties.values())
    assert wire.get(f"/crm/v3/schemas/{one.plural}").json()["objectTypeId"] == one.type_id


def test_the_types_that_clients_ask_for_are_among_them() -> None:
    assert set(NAMED) <= {one.plural for one in STANDARD}
    aliases = [alias for one in TYPE_NAMES for alias in {one.plural, one.singular, one.type_id}]
    assert len(set(aliases)) == len(aliases)


def test_a_list_may_ask_for_associations_with_all_of_them(wire: Wire) -> None:
    for kind in ("companies", "deals", "contacts"):
        answer = wire.get(f"/crm/v3/objects/{kind}", associations=",".join(["companies", *NAMED]), limit=100)
        assert answer.status_code == 200, answer.text
        assert {name for row in answer.json()["results"] for name in row.get("associations", {})} <= {"companies"}
        for name in NAMED:
            record = answer.json()["results"][0]["id"]
            assert wire.get(f"/crm/v4/objects/{kind}/{record}/associations/{name}").json() == {"results": []}


@pytest.mark.parametrize(
    ("kind", "pipeline", "stage", "closed"),
    [("tickets", "0", "1", "4"), ("leads", "lead-pipeline-id", "new-stage-id", "qualified-stage-id")],
)
def test_tickets_and_leads_have_a_pipeline(wire: Wire, kind: str, pipeline: str, stage: str, closed: str) -> None:
    [way] = wire.get(f"/crm/v3/pipelines/{kind}").json()["results"]
    assert (way["id"], way["stages"][0]["id"], way["stages"][0]["metadata"]["isClosed"]) == (pipeline, stage, "false")
    assert wire.get(f"/crm/v3/pipelines/{kind}/{pipeline}/stages/{closed}").json()["metadata"]["isClosed"] == "true"
    options = wire.get(f"/crm/v3/properties/{kind}/hs_pipeline_stage").json()["options"]
    assert [option["value"] for option in options] == [one["id"] for one in way["stages"]]


def test_a_ticket_lives_as_a_deal_does(wire: Wire, remote: HubspotRemote) -> None:
    [company, *_] = remote.records("companies")
    wish = {"subject": "It rains in", "hs_pipeline": "0", "hs_pipeline_stage": "1"}
    ends = [{"to": {"id": company["id"]}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 339}]}]

    made = wire.post("/crm/v3/objects/tickets", {"properties": wish, "associations": ends})

    assert made.status_code == 201, made.text
    [row] = wire.get("/crm/v3/objects/0-5", properties="subject", associations="companies").json()["results"]
    assert row["properties"]["subject"] == "It rains in"
    assert row["associations"] == {"companies": {"results": [{"id": company["id"], "type": "ticket_to_company_unlabeled"}]}}
    bad = wire.ask("PATCH", f"/crm/v3/objects/tickets/{row['id']}", json={"properties": {"hs_pipeline_stage": "closedwon"}})
    assert (bad.status_code, bad.json()["category"]) == (400, "VALIDATION_ERROR")
    assert wire.ask("DELETE", f"/crm/v3/objects/tickets/{row['id']}").status_code == 204
    assert wire.get("/crm/v3/objects/tickets").json() == {"results": []}


# -- properties of versions 1 and 2


@pytest.mark.parametrize("path", ["/properties/v2/companies", "/properties/v2/deals", "/properties/v1/contacts", "/properties/v2/tickets"])
def test_properties_of_version_2_are_a_bare_list(wire: Wire, path: str) -> None:
    kind = path.rpartition("/")[2]
    newer = {prop["name"]: prop for prop in wire.get(f"/crm/v3/properties/{kind}").json()["results"]}

    found = wire.get(f"{path}/properties").json()

    assert [prop["name"] for prop in found] == list(newer)
    for prop in found:
        same = ("label", "type", "fieldType", "groupName", "hubspotDefined", "calculated")
        assert {name: prop[name] for name in same} == {name: newer[prop["name"]][name] for name in same}
        assert prop["readOnlyValue"] is newer[prop["name"]]["modificationMetadata"]["readOnlyValue"]
        assert [option["value"] for option in prop["options"]] == [option["value"] for option in newer[prop["name"]]["options"]]
    first = found[0]
    assert wire.get(f"{path}/properties/named/{first['name']}").json() == first
    assert wire.get(f"{path}/properties/named/nope").status_code == 404
    assert {group["name"] for group in wire.get(f"{path}/groups").json()} >= {first["groupName"]}


def test_version_2_wants_the_same_scopes_and_knows_no_other_types(wire: Wire, remote: HubspotRemote) -> None:
    assert wire.get("/properties/v2/wombats/properties").json()["message"] == "Unable to infer object type from: wombats"
    remote.change_scopes(remove=["crm.schemas.deals.read", "crm.objects.deals.read"])
    assert wire.get("/properties/v2/deals/properties").json()["category"] == "MISSING_SCOPES"


# -- associations by name


@pytest.fixture
def pair(remote: HubspotRemote) -> tuple[str, str]:
    """A deal and a company that have nothing to do with each other."""
    deal = remote.create("deals", {"dealname": "Lone", "dealstage": "contractsent"})
    return deal, remote.create("companies", {"name": "Lone"})


def _types(wire: Wire, deal: str) -> dict[str, set[int]]:
    rows = wire.get(f"/crm/v4/objects/deals/{deal}/associations/companies").json()["results"]
    return {str(row["toObjectId"]): {one["typeId"] for one in row["associationTypes"]} for row in rows}


@pytest.mark.parametrize(
    ("name", "held"),
    [("deal_to_company", {5, 341}), ("DEAL_TO_COMPANY_UNLABELED", {341}), ("341", {341}), ("portal_partner", {101, 341})],
)
def test_version_3_makes_a_pair_by_the_name_of_its_type(wire: Wire, pair: tuple[str, str], name: str, held: set[int]) -> None:
    deal, company = pair
    wish = {"from": {"id": deal}, "to": {"id": company}, "type": name}

    answer = wire.post("/crm/v3/associations/deals/companies/batch/create", {"inputs": [wish]})

    assert (answer.status_code, answer.json()["status"], answer.json()["results"]) == (201, "COMPLETE", [wish])
    assert "errors" not in answer.json()
    assert _types(wire, deal) == {company: held}
    read = wire.post("/crm/v3/associations/deals/companies/batch/read", {"inputs": [{"id": deal}]}).json()["results"]
    assert [end["id"] for end in read[0]["to"]] == [company] * len(held)

    gone = wire.post("/crm/v3/associations/deals/companies/batch/archive", {"inputs": [wish]})
    assert gone.status_code == 204
    assert _types(wire, deal) == ({} if held == {341} else {company: {341}})


@pytest.mark.parametrize("name", ["deal_to_contact", "nobody", None])
def test_version_3_refuses_a_type_that_there_is_not_and_does_nothing(wire: Wire, pair: tuple[str, str], name: str | None) -> None:
    deal, company = pair
    good = {"from": {"id": deal}, "to": {"id": company}, "type": "deal_to_company"}
    answer = wire.post("/crm/v3/associations/deals/companies/batch/create", {"inputs": [good, {**good, "type": name}]})
    assert (answer.status_code, answer.json()["subCategory"]) == (400, "crm.associations.INVALID_ASSOCIATION_TYPE")
    assert _types(wire, deal) == {}


def test_version_3_tells_of_a_pair_that_is_not_there(wire: Wire, pair: tuple[str, str]) -> None:
    deal, company = pair
    wishes = [{"from": {"id": deal}, "to": {"id": one}, "type": "deal_to_company"} for one in (company, "9")]
    answer = wire.post("/crm/v3/associations/deals/companies/batch/create", {"inputs": wishes})
    assert (answer.status_code, len(answer.json()["results"]), answer.json()["numErrors"]) == (207, 1, 1)
    assert _types(wire, deal) == {company: {5, 341}}


@pytest.mark.parametrize("root", ["/crm/v3/objects", f"/crm/objects/{DATED}"])
def test_a_type_is_added_to_a_pair_and_taken_from_it_by_name(wire: Wire, pair: tuple[str, str], root: str) -> None:
    deal, company = pair
    one = f"{root}/deals/{deal}/associations/companies/{company}"

    made = wire.ask("PUT", f"{one}/deal_to_company")

    assert (made.status_code, made.json()["id"]) == (200, deal)
    assert [end["id"] for end in made.json()["associations"]["companies"]["results"]] == [company, company]
    assert _types(wire, deal) == {company: {5, 341}}
    assert wire.ask("DELETE", f"{one}/DEAL_TO_COMPANY").status_code == 204
    assert _types(wire, deal) == {company: {341}}
    assert wire.ask("PUT", f"{one}/nobody").status_code == 400


def test_hubspot_api_client_associates_by_version_3(base_url: str, wire: Wire, pair: tuple[str, str]) -> None:
    deal, company = pair
    client = HubSpot(access_token=SANDBOX_TOKEN, host=base_url, base_url=base_url)
    inputs = {"inputs": [{"from": {"id": deal}, "to": {"id": company}, "type": "deal_to_company"}]}

    done = client.crm.associations.batch_api.create("deals", "companies", inputs)

    assert (done.status, done.results[0].type) == ("COMPLETE", "deal_to_company")
    assert _types(wire, deal) == {company: {5, 341}}
