"""A portal as the vendor delivers it: nothing of an admin's, and the vendor's own client makes all that a partner portal needs."""

from collections.abc import Iterator
from typing import Any

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest as NewLabel
from hubspot.crm.properties import ApiException, OptionInput, PropertyCreate, PropertyGroupCreate, PropertyUpdate

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions, serve_thread
from tests.integration.sandbox.hubspot.conftest import NOW


@pytest.fixture(scope="module")
def clean_url() -> Iterator[str]:
    with serve_thread(HubspotOptions(companies=20, deals=8, inquiries=2, clean=True, now=NOW)) as address:
        yield address


@pytest.fixture
def clean(clean_url: str) -> Iterator[HubspotRemote]:
    with HubspotRemote(clean_url) as controls:
        controls.reset()
        yield controls


def _client(clean_url: str, token: str = SANDBOX_TOKEN) -> HubSpot:
    return HubSpot(access_token=token, host=clean_url, base_url=clean_url)


def _options(*values: str) -> list[OptionInput]:
    return [OptionInput(label=value.title(), value=value, display_order=order, hidden=False) for order, value in enumerate(values)]


def _property(name: str, kind: str = "string", field_type: str = "text", **more: Any) -> PropertyCreate:
    return PropertyCreate(name=name, label=name.title(), type=kind, field_type=field_type, group_name="portal", **more)


def test_nothing_is_an_admins(clean_url: str, clean: HubspotRemote) -> None:
    client = _client(clean_url)

    properties = client.crm.properties.core_api.get_all("companies").results
    groups = client.crm.properties.groups_api.get_all("companies").results
    labels = client.crm.associations.v4.schema.definitions_api.get_all("deals", "companies").results

    assert all(one.hubspot_defined for one in properties)
    assert [group.name for group in groups] == ["companyinformation"]
    assert {label.category for label in labels} == {"HUBSPOT_DEFINED"}
    assert clean.named("companies", "Arrow Electronics").keys().isdisjoint({"portal_status", "associated_second_partner"})
    assert {label for row in clean.associations("deals") for label in row["labels"] if label} == {"Primary"}


def test_the_vendors_client_makes_what_a_portal_needs(clean_url: str, clean: HubspotRemote) -> None:
    client = _client(clean_url)
    core, labels = client.crm.properties.core_api, client.crm.associations.v4.schema.definitions_api

    client.crm.properties.groups_api.create("companies", PropertyGroupCreate(name="portal", label="Portal", display_order=-1))
    key = core.create("companies", _property("portal_company_id", has_unique_value=True))
    core.create("companies", _property("contracts", "enumeration", "checkbox", options=_options("arrow")))
    kept = core.get_by_name("companies", "contracts").options
    both = [*(OptionInput(**{name: getattr(one, name) for name in OptionInput.openapi_types}) for one in kept), *_options("bolt")]
    core.update("companies", "contracts", PropertyUpdate(options=both))
    made = labels.create("deals", "companies", NewLabel(name="portal_partner", label="Portal partner"))

    assert key.has_unique_value
    assert [one.value for one in core.get_by_name("companies", "contracts").options] == ["arrow", "bolt"]
    assert {one.label for one in made.results} == {"Portal partner"}
    birch = clean.named("companies", "Birch Systems")
    clean.edit("companies", birch["id"], {"contracts": "arrow;bolt", "portal_company_id": "1"})
    assert clean.record("companies", birch["id"])["contracts"] == "arrow;bolt"


def test_version_3_lists_the_types_by_name(clean_url: str, clean: HubspotRemote) -> None:
    client = _client(clean_url)
    made = client.crm.associations.v4.schema.definitions_api.create("deals", "companies", NewLabel(name="reseller", label="Resells"))

    found = {one.name: one.id for one in client.crm.associations.schema.types_api.get_all("deals", "companies").results}

    assert (found["deal_to_company"], found["deal_to_company_unlabeled"]) == ("5", "341")
    assert found["reseller"] in {str(one.type_id) for one in made.results}


def test_options_that_a_change_leaves_out_are_gone(clean_url: str, clean: HubspotRemote) -> None:
    core = _client(clean_url).crm.properties.core_api
    _client(clean_url).crm.properties.groups_api.create("companies", PropertyGroupCreate(name="portal", label="Portal"))
    core.create("companies", _property("contracts", "enumeration", "checkbox", options=_options("arrow")))

    core.update("companies", "contracts", PropertyUpdate(options=_options("bolt")))

    assert [one.value for one in core.get_by_name("companies", "contracts").options] == ["bolt"]


def test_who_may_not_change_definitions_is_told_the_scope(clean_url: str, clean: HubspotRemote) -> None:
    token = clean.add_token(["crm.objects.companies.read", "crm.objects.companies.write", "crm.schemas.companies.read"])

    with pytest.raises(ApiException) as refused:
        _client(clean_url, token).crm.properties.core_api.create("companies", _property("portal_status"))

    assert refused.value.status == 403
    assert "crm.schemas.companies.write" in refused.value.body


def test_fifty_labels_between_two_types_at_most(clean_url: str, clean: HubspotRemote) -> None:
    labels = _client(clean_url).crm.associations.v4.schema.definitions_api
    for place in range(50):
        labels.create("deals", "companies", NewLabel(name=f"label_{place}", label=f"Label {place}"))

    with pytest.raises(Exception, match="limit of 50 association labels"):
        labels.create("deals", "companies", NewLabel(name="label_50", label="Label 50"))
