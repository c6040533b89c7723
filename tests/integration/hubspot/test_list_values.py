"""A property's options as an admin changes them, and properties that answers leave out, on a portal at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.errors import SchemaChanged
from sync_worker.steps.associations.associate import options
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.backfill import go_on
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from sync_worker.steps.sync.push.record_rest import resting, wake_fit
from sync_worker.store.core import companies, failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import links
from sync_worker.store.sync import outbox
from tests.integration.hubspot.test_portal import TERMS, checked, portal_on, settled

LINES = "portal_product_lines"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[Tenant, HubspotRemote]]:
    """A portal that has read and written everything."""
    with portal_on(tmp_path, "professional", {}, deal_count=4) as (tenant, remote):
        settled(tenant)
        remote.advance_clock(3600)
        pull(tenant, "company")
        yield tenant, remote


def birch(tenant: Tenant) -> Company:
    with tenant.store.reading(tenant.name) as tx:
        found = companies.find(tx, "Birch Systems")
    assert found is not None
    assert found.crm_id is not None
    return found


def codes(tenant: Tenant, crm_id: str | None) -> set[str]:
    with tenant.store.reading(tenant.name) as tx:
        return {row.failure.code for row in failures.listed(tx) if row.failure.record == crm_id}


def pulled(account: tuple[Tenant, HubspotRemote], crm_id: str | None, **properties: str) -> Company:
    """After a person's edit."""
    tenant, remote = account
    remote.edit("companies", str(crm_id), properties)
    remote.advance_clock(60)
    pull(tenant, "company")
    return birch(tenant)


def test_an_added_option_is_known_by_one_describe_and_a_deleted_one_is_read_as_it_stands(account: tuple[Tenant, HubspotRemote]) -> None:
    tenant, remote = account
    crm_id, before = birch(tenant).crm_id, remote.calls()["kinds"]["properties"]
    remote.change_options("companies", LINES, add=["fog", "mist"])
    assert pulled(account, crm_id, **{LINES: "cloud;fog;mist"}).attributes["product_lines"] == ["cloud", "fog", "mist"]
    assert remote.calls()["kinds"]["properties"] == before + 1
    assert "value_not_listed" not in codes(tenant, crm_id)
    # an option that is hidden is read, and nothing is said
    remote.change_options("companies", LINES, hide=["fog"])
    tenant.described.again("company")
    assert pulled(account, crm_id, city="Bern").attributes["product_lines"] == ["cloud", "fog", "mist"]
    assert "value_not_listed" not in codes(tenant, crm_id)
    # one that is deleted is read, and told
    remote.change_options("companies", LINES, delete=["mist"])
    tenant.described.again("company")
    assert pulled(account, crm_id, city="Rome").attributes["product_lines"] == ["cloud", "fog", "mist"]
    assert "value_not_listed" in codes(tenant, crm_id)
    assert "rule_field_blank" not in codes(tenant, crm_id)


def test_a_property_that_was_emptied_and_is_left_out_is_empty_here_too(account: tuple[Tenant, HubspotRemote]) -> None:
    tenant, remote = account
    company = birch(tenant)
    assert company.attributes["product_lines"]
    remote.leave_out(empty=True, ids=[company.crm_id])
    assert "product_lines" not in pulled(account, company.crm_id, **{LINES: ""}).attributes


def test_a_property_that_an_admin_archived_clears_nothing_and_somebody_is_told(account: tuple[Tenant, HubspotRemote]) -> None:
    tenant, remote = account
    company = birch(tenant)
    remote.archive_property("companies", "portal_status")
    with pytest.raises(SchemaChanged, match="portal_status"):
        pulled(account, company.crm_id, city="Oslo")
    assert birch(tenant) == company


def test_an_archived_attribute_rests_alone_and_is_read_for_all_once_it_is_restored(account: tuple[Tenant, HubspotRemote]) -> None:
    # Given a company with an attribute that no rule uses, an edit that nobody has read yet, and an admin who archives the property
    tenant, remote = account
    company = birch(tenant)
    remote.edit("companies", str(company.crm_id), {LINES: "edge"})
    remote.archive_property("companies", LINES)
    # when the company is read, then the pull passes, the attribute stays, and one problem says so
    after = pulled(account, company.crm_id, city="Oslo")
    assert after.attributes == company.attributes
    assert open_problems(tenant) == [("company", "product_lines")]
    assert compare(tenant).differences == []
    # when the property is restored, and a describe has seen it
    remote.archive_property("companies", LINES, archived=False)
    checked(tenant)
    pull(tenant, "company")
    # then the problem is closed, and the backfill brings in what was edited before
    assert open_problems(tenant) == []
    go_on(tenant, "company")
    assert birch(tenant).attributes["product_lines"] == ["edge"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_create_that_meets_an_archived_property_is_not_parked(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    url = "" if database == "sqlite" else str(request.getfixturevalue("postgresql_url"))
    note = {"deal.attributes.note": {"native": "description", "direction": "both"}}
    with portal_on(tmp_path, "professional", note, deal_count=4, database_url=url) as (tenant, remote):
        settled(tenant)
        # Given a new deal, and the property of an attribute that an admin archives before it is written
        remote.archive_property("deals", "description")
        first = made(tenant, {**TERMS, "note": "call back"})
        # when it is pushed, then it is made without the attribute, which rests
        push(tenant)
        assert open_problems(tenant) == [("deal", "note")]
        assert record_of(tenant, remote, first.id)["portal_licences"] == "25"
        # Given another one, and a property that its record type cannot do without
        remote.archive_property("deals", "portal_licences")
        second = made(tenant, {**TERMS, "name": "other"})
        # when it is pushed, then nothing is parked: it waits with deals, and companies go on
        push(tenant)
        with tenant.store.reading(tenant.name) as tx:
            assert [(row.record_id, row.state) for row in outbox.listed(tx)] == [(second.id, "ready")]
            assert {name: "portal_licences" in pause.because for name, pause in resting(tx).items()} == {"deal": True}
            assert failures.listed(tx, FailureFilter(record=second.id)) == []
        pull(tenant, "company")
        # when both are restored, and a person looks, then everything is written
        for name in ("description", "portal_licences"):
            remote.archive_property("deals", name, archived=False)
        wake_fit(tenant)
        pull(tenant, "deal")
        push(tenant)
        go_on(tenant, "deal")
        push(tenant)
        assert record_of(tenant, remote, second.id)["portal_licences"] == "25"
        assert record_of(tenant, remote, first.id)["description"] == "call back"


def made(tenant: Tenant, terms: Mapping[str, str]) -> Deal:
    done = register(tenant, terms, actor=Actor("Ann", None, "portal"))
    assert not isinstance(done, Refusal), done
    return done[0]


def record_of(tenant: Tenant, remote: HubspotRemote, deal_id: str) -> dict[str, Any]:
    with tenant.store.reading(tenant.name) as tx:
        link = links.current(tx, [deal_id])[deal_id]
    return remote.record("deals", link.crm_id)


def open_problems(tenant: Tenant) -> list[tuple[str, str]]:
    """(record type, attribute) of what rests."""
    with tenant.store.reading(tenant.name) as tx:
        return [(row.failure.object, row.failure.field) for row in failures.listed(tx, FailureFilter(code="attribute_rests"))]


def test_an_option_that_looks_like_a_distributor_s_name_means_it(account: tuple[Tenant, HubspotRemote]) -> None:
    tenant, remote = account
    value = "Arrow\u00a0Electronics"
    remote.change_options("companies", "associated_second_partner", add=[value])
    company = pulled(account, birch(tenant).crm_id, associated_second_partner=value)
    with tenant.store.reading(tenant.name) as tx:
        assert [one.name for one in options(tx, company)] == ["Arrow Electronics"]
