"""Standard clients extract everything: hubspot-api-client used as its README shows, and plain HTTP that follows the links it is given.

What they find is compared, property by property, with the controls' dump of the same portal.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest, PublicFetchAssociationsBatchRequest
from hubspot.crm.deals import ApiException as DealsException
from hubspot.crm.deals import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.deals import SimplePublicObjectInput as DealInput
from hubspot.oauth import ApiException as OauthException
from hubspot.utils.signature import Signature

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN
from tests.integration.sandbox.hubspot.conftest import Wire
from tests.integration.sandbox.receiver import listening
from tests.patience import HANG_S

Rows = dict[str, dict[str, Any]]
ALIVE_AND_ARCHIVED = pytest.mark.parametrize("archived", [False, True], ids=["alive", "archived"])


@pytest.fixture
def portal(wire: Wire, remote: HubspotRemote) -> HubspotRemote:
    """A portal with archived, merged and oddly named records in it."""
    companies = [record["id"] for record in remote.records("companies")]
    remote.create("companies", {"name": 'Komma, "quote"; ümlaut ☕', "description": "two\nlines\r\nand more", "city": "Porto"})
    remote.edit("companies", companies[-1], {"name": "Komma, again", "portal_product_lines": "edge;cloud"})
    for record in (companies[0], companies[1]):
        remote.delete("companies", record)
    remote.delete("deals", remote.records("deals")[0]["id"])
    merged = wire.post("/crm/v3/objects/companies/merge", {"primaryObjectId": companies[2], "objectIdToMerge": companies[3]})
    assert merged.status_code == 200, merged.text
    return remote


@pytest.fixture
def client(base_url: str, portal: HubspotRemote) -> HubSpot:
    return HubSpot(access_token=SANDBOX_TOKEN, host=base_url, base_url=base_url)


def _dump(remote: HubspotRemote, name: str, *, archived: bool = False) -> Rows:
    """What there is: values by property, of the records that are archived, or of those that are not."""
    found = (record for record in remote.records(name) if record["archived"] is archived)
    return {record["id"]: {key: value for key, value in record.items() if key not in ("id", "archived")} for record in found}


def _rows(records: Any) -> Rows:
    return {record.id: dict(record.properties) for record in records}


def _names(client: HubSpot, kind: str) -> list[str]:
    return [one.name for one in client.crm.properties.core_api.get_all(kind).results]


@ALIVE_AND_ARCHIVED
def test_get_all(client: HubSpot, portal: HubspotRemote, archived: bool) -> None:
    companies = client.crm.companies.get_all(properties=_names(client, "companies"), archived=archived)
    deals = client.crm.deals.get_all(properties=_names(client, "deals"), archived=archived)

    assert _rows(companies) == _dump(portal, "companies", archived=archived)
    assert _rows(deals) == _dump(portal, "deals", archived=archived)
    assert {record.archived for record in (*companies, *deals)} == {archived}
    assert all((record.archived_at is not None) is archived for record in (*companies, *deals))


def test_the_same_by_the_generic_objects_and_by_id(client: HubSpot, portal: HubspotRemote) -> None:
    names = _names(client, "0-2")
    for name in ("companies", "0-2"):
        assert _rows(client.crm.objects.get_all(name, properties=names)) == _dump(portal, "companies")
    one = next(iter(_dump(portal, "companies")))
    assert client.crm.companies.basic_api.get_by_id(one, properties=names).properties == _dump(portal, "companies")[one]


def test_search_by_keyset_then_batch_read(client: HubSpot, portal: HubspotRemote) -> None:
    names, ids = _names(client, "deals"), _searched(client, limit=7)
    assert ids == sorted(_dump(portal, "deals"), key=int)

    wish = BatchReadInputSimplePublicObjectId(
        inputs=[SimplePublicObjectId(id=one) for one in ids], properties=names, properties_with_history=[]
    )
    assert _rows(client.crm.deals.batch_api.read(wish).results) == _dump(portal, "deals")


def _searched(client: HubSpot, *, limit: int) -> list[str]:
    found: list[str] = []
    api = client.crm.deals.search_api
    while True:
        after = {"propertyName": "hs_object_id", "operator": "GT", "value": found[-1] if found else "0"}
        order = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        wish = PublicObjectSearchRequest(filter_groups=[{"filters": [after]}], sorts=order, properties=["hs_object_id"], limit=limit)
        page = api.do_search(wish)
        found += [record.id for record in page.results]
        if len(page.results) < limit:
            return found


def test_associations_from_both_sides_and_by_batch(client: HubSpot, portal: HubspotRemote) -> None:
    api = client.crm.associations.v4
    ids = list(_dump(portal, "deals"))
    api.schema.definitions_api.create("deals", "companies", {"name": "second", "label": "Second partner"})
    labels = api.schema.definitions_api.get_all("deals", "companies").results
    [label] = [one for one in labels if one.label == "Second partner"]
    company = next(iter(_dump(portal, "companies")))
    api.basic_api.create(
        "deals", ids[0], "companies", company, [{"associationCategory": label.category, "associationTypeId": label.type_id}]
    )
    api.basic_api.create_default("deals", ids[1], "companies", company)

    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[PublicFetchAssociationsBatchRequest(id=one) for one in ids])
    by_batch = {
        row._from.id: {str(end.to_object_id) for end in row.to}  # the library's own name for `from`
        for row in api.batch_api.get_page("deals", "companies", asked).results
    }
    by_id = {one: {str(end.to_object_id) for end in api.basic_api.get_page("deals", one, "companies").results} for one in ids}
    listed = {
        deal.id: {end.id for end in deal.associations["companies"].results}
        for deal in client.crm.deals.get_all(associations=["companies"])
        if deal.associations
    }

    assert by_batch == listed == {one: far for one, far in by_id.items() if far}
    assert {company} <= by_batch[ids[0]] & by_batch[ids[1]]
    back = {str(end.to_object_id) for end in api.basic_api.get_page("companies", company, "deals").results}
    assert back == {deal for deal, far in by_batch.items() if company in far}
    assert {(one.type_id, one.label) for one in labels} >= {(341, None), (5, "Primary"), (label.type_id, "Second partner")}


def test_definitions_owners_and_pipelines(client: HubSpot) -> None:
    properties = client.crm.properties.core_api.get_all("companies").results
    by_name = {one.name: one for one in properties}
    assert [option.value for option in by_name["portal_status"].options] == ["active", "inactive", "pending"]
    assert by_name["portal_company_id"].has_unique_value
    one = client.crm.properties.core_api.get_by_name("companies", "portal_status")
    assert one.to_dict() == by_name["portal_status"].to_dict()

    owners = client.crm.owners.owners_api.get_page().results
    assert owners
    assert [owner.id for owner in client.crm.owners.get_all()] == [owner.id for owner in owners]
    assert [client.crm.owners.owners_api.get_by_id(owner.id).email for owner in owners] == [owner.email for owner in owners]

    [pipeline] = client.crm.pipelines.pipelines_api.get_all("deals").results
    stages = client.crm.pipelines.pipeline_stages_api.get_all("deals", pipeline.id).results
    assert [stage.id for stage in pipeline.stages] == [stage.id for stage in stages]
    assert {"closedwon", "closedlost"} <= {stage.id for stage in stages}
    assert client.crm.schemas.core_api.get_all().results == []


def test_writes(client: HubSpot, portal: HubspotRemote) -> None:
    deals = client.crm.deals
    deal = {"dealname": "By a stranger", "pipeline": "default", "dealstage": "contractsent"}
    made = deals.basic_api.create(SimplePublicObjectInputForCreate(properties=deal, associations=[]))
    deals.basic_api.update(made.id, DealInput(properties={"amount": "5"}))
    rows = [{"portal_deal_key": "K-1", **deal}, {"portal_deal_key": "K-2", **deal, "portal_billing": "never"}]
    inputs = [
        SimplePublicObjectBatchInputUpsert(
            id=row["portal_deal_key"], id_property="portal_deal_key", object_write_trace_id=f"{n}", properties=row
        )
        for n, row in enumerate(rows)
    ]
    done = deals.batch_api.upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs))

    assert portal.record("deals", made.id)["amount"] == "5"
    assert done.num_errors == 1
    assert done.errors[0].context["objectWriteTraceId"] == ["1"]
    assert [(row.new, row.properties["portal_deal_key"]) for row in done.results] == [(True, "K-1")]

    survivor = deals.basic_api.merge(PublicMergeInput(primary_object_id=made.id, object_id_to_merge=done.results[0].id))
    assert deals.basic_api.get_by_id(made.id).id == survivor.id
    deals.basic_api.archive(survivor.id)
    with pytest.raises(DealsException) as gone:
        deals.basic_api.get_by_id(survivor.id)
    assert gone.value.status == 404


def test_oauth(base_url: str, portal: HubspotRemote) -> None:
    login = portal.login()
    named = {name: login[name] for name in ("client_id", "client_secret", "redirect_uri")}
    tokens = HubSpot(host=base_url).oauth.tokens_api
    first = tokens.create(grant_type="authorization_code", code=portal.consent(), **named)
    second = tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **named)

    client = HubSpot(access_token=second.access_token, host=base_url)

    assert _rows(client.crm.deals.get_all(properties=_names(client, "deals"))) == _dump(portal, "deals")
    assert client.oauth.access_tokens_api.get(second.access_token).expires_in == 1800
    with pytest.raises(OauthException) as refused:
        tokens.create(grant_type="refresh_token", refresh_token="nobody's", **named)
    assert refused.value.status == 400


def test_webhooks(base_url: str, portal: HubspotRemote) -> None:
    login = portal.login()
    webhooks = HubSpot(api_key=login["developer_key"], host=base_url).webhooks
    with listening() as receiver:
        portal.set_webhooks(receiver.url, [])
        webhooks.subscriptions_api.create(login["app_id"], {"eventType": "company.creation", "active": True})
        company = portal.create("companies", {"name": "Heard of"})
        portal.deliver_webhooks()

        [told] = receiver.told
        assert [event["objectId"] for event in told.events] == [int(company)]
        assert Signature.is_valid(
            signature=told.headers["X-HubSpot-Signature"],
            client_secret=login["client_secret"],
            request_body=told.body.decode(),
            signature_version="v1",
        )
        assert webhooks.settings_api.get_all(login["app_id"]).target_url == receiver.url
        assert len(webhooks.subscriptions_api.get_all(login["app_id"]).results) == 1


@pytest.mark.parametrize("root", ["/crm/v3/objects", "/crm/objects/2026-09", "/crm/objects/v3"])
@ALIVE_AND_ARCHIVED
def test_plain_http_by_the_links_it_is_given(wire: Wire, portal: HubspotRemote, root: str, archived: bool) -> None:
    for kind in ("companies", "deals"):
        names = [one["name"] for one in wire.get(f"/crm/v3/properties/{kind}").json()["results"]]
        url = f"{wire.base_url}{root}/{kind}?limit=9&archived={str(archived).lower()}&properties={','.join(names)}"

        found = {row["id"]: row["properties"] for row in _walked(wire.http, url)}

        assert found == _dump(portal, kind, archived=archived)


def _walked(http: requests.Session, url: str | None) -> Iterator[dict[str, Any]]:
    while url is not None:
        page = http.get(url, headers={"Authorization": f"Bearer {SANDBOX_TOKEN}"}, timeout=HANG_S).json()
        yield from page["results"]
        url = page.get("paging", {}).get("next", {}).get("link")
