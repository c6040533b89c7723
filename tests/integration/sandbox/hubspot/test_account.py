"""What there is besides records: owners, pipelines, record types, the account and what it has used of its day."""

from datetime import datetime

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from tests.integration.sandbox.hubspot.conftest import DATED, Wire


@pytest.mark.parametrize("path", ["/crm/v3/owners/", "/crm/v3/owners", f"/crm/owners/{DATED}"])
def test_owners(wire: Wire, remote: HubspotRemote, path: str) -> None:
    every = wire.get(path, limit=2).json()
    assert len(every["results"]) == 2
    rest = wire.ask("GET", every["paging"]["next"]["link"].removeprefix(wire.base_url)).json()
    owners = [*every["results"], *rest["results"]]

    assert {record["hubspot_owner_id"] for record in remote.records("deals")} <= {owner["id"] for owner in owners}
    ada = next(owner for owner in owners if owner["email"] == "ada.marsh@northwind.example")
    assert isinstance(ada["userId"], int)
    assert wire.get(path, email=ada["email"]).json()["results"] == [ada]
    root = path.rstrip("/")
    assert wire.get(f"{root}/{ada['id']}").json() == ada
    assert wire.get(f"{root}/{ada['userId']}", idProperty="userId").json() == ada
    assert wire.get(f"{root}/1").status_code == 404


@pytest.mark.parametrize("path", ["/crm/v3/pipelines/deals", f"/crm/pipelines/{DATED}/0-3"])
def test_pipelines_and_stages_are_the_options_of_a_deal(wire: Wire, path: str) -> None:
    [pipeline] = wire.get(path).json()["results"]
    assert wire.get(f"{path}/default").json() == pipeline
    assert wire.get(f"{path}/default/stages").json()["results"] == pipeline["stages"]
    assert wire.get(f"{path}/default/stages/closedwon").json()["metadata"] == {"isClosed": "true", "probability": "1.0"}
    options = wire.get("/crm/v3/properties/deals/dealstage").json()["options"]
    assert [option["value"] for option in options] == [stage["id"] for stage in pipeline["stages"]]
    assert wire.get(f"{path}/none").status_code == 404
    assert wire.get("/crm/v3/pipelines/companies").json()["results"] == []


@pytest.mark.parametrize("path", ["/crm/v3/schemas", "/crm-object-schemas/v3/schemas", f"/crm-object-schemas/{DATED}/schemas"])
def test_schemas(wire: Wire, path: str) -> None:
    assert wire.get(path).json() == {"results": []}
    deals = wire.get(f"{path}/0-3").json()
    assert (deals["objectTypeId"], deals["primaryDisplayProperty"]) == ("0-3", "dealname")
    assert {"amount", "portal_deal_key"} <= {prop["name"] for prop in deals["properties"]}
    assert {"341", "5"} <= {association["id"] for association in deals["associations"]}


@pytest.mark.parametrize("version", ["v3", DATED])
def test_the_account_and_its_day(wire: Wire, remote: HubspotRemote, version: str) -> None:
    details = wire.get(f"/account-info/{version}/details").json()
    assert (details["portalId"], details["timeZone"], details["utcOffset"]) == (47110815, "US/Eastern", "-04:00")
    assert details["utcOffsetMilliseconds"] == -4 * 3_600_000

    [used] = wire.get(f"/account-info/{version}/api-usage/daily/private-apps").json()["results"]
    assert used["resetsAt"] == "2026-05-21T04:00:00.000Z"
    wire.get("/crm/v3/owners")
    [later] = wire.get(f"/account-info/{version}/api-usage/daily/private-apps").json()["results"]
    assert later["currentUsage"] == used["currentUsage"] + 2


@pytest.mark.parametrize(
    ("day", "resets"), [("2026-03-07", "2026-03-08T05:00"), ("2026-03-08", "2026-03-09T04:00"), ("2026-11-01", "2026-11-02T05:00")]
)
def test_the_day_ends_at_the_portals_midnight_whatever_its_clocks_do(wire: Wire, remote: HubspotRemote, day: str, resets: str) -> None:
    remote.set_clock(datetime.fromisoformat(f"{day}T18:00:00+00:00"))
    [used] = wire.get("/account-info/v3/api-usage/daily/private-apps").json()["results"]
    assert used["resetsAt"] == f"{resets}:00.000Z"
