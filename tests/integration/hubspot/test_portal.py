"""A portal on HubSpot as bootstrap builds it: pulled, registered, pushed, compared; with labels, and with properties in their place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions, serve_thread
from sync_worker.bootstrap import build
from sync_worker.config.settings import Settings
from sync_worker.crm.port import WholeCrm
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.errors import SchemaChanged
from sync_worker.services import Services
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.register import register
from sync_worker.steps.operate.setup.check import Finding, check
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies
from sync_worker.store.deals import deals, links
from tests.servers import sqlite_store

MAPPINGS = Path(__file__).parents[3] / "mappings"
AS_PROPERTIES = {
    f"deal.{name}": {"native": native, "transform": "company_ref", "direction": "both", "conflict": "crm"}
    for name, native in (("owner_company", "portal_partner"), ("second_partner", "portal_second_partner"))
}
TERMS = {
    "owner_company": "Birch Systems",
    "second_partner": "Arrow Electronics",
    "name": "Acme expansion",
    "prospect_name": "Acme Inc",
    "amount": "1200.50",
    "deal_type": "new",
    "licence_count": "25",
    "billing_cycle": "annual",
    "term_years": "1",
    "expected_close_on": "2026-06-30",
}
NOTHING: Mapping[str, Any] = {}
CASES: list[Any] = [
    pytest.param("professional", {}, id="labels"),
    pytest.param("free", AS_PROPERTIES, id="properties"),
]


@contextmanager
def portal_on(
    directory: Path,
    tier: str,
    overrides: dict[str, Any],
    *,
    deal_count: int = 30,
    database_url: str = "",
    services: Services | None = None,
    deals: Mapping[str, Any] = NOTHING,
) -> Iterator[tuple[Tenant, HubspotRemote]]:
    with serve_thread(HubspotOptions(companies=60, deals=deal_count, tier=tier)) as url, HubspotRemote(url) as remote:
        portal = {
            "portal": "acme",
            "crm": {"kind": "hubspot", "mapping": "hubspot.yaml", "base_url": url, "auth": {"flow": "static_token", "token": "${TOKEN}"}},
            "two_tier": True,
            "vendor": {"account_type_value": "vendor"},
            "partner": {"account_type_value": "partner"},
            "second_partner": {"account_type_value": "second_partner", "display_label": "Distributor"},
            "associations": {"mode": "contracts"},
            "deals": {"from_crm": True, **deals},
            "overrides": overrides,
        }
        (directory / "portals").mkdir()
        (directory / "portals" / "acme.yaml").write_text(json.dumps(portal))
        if not database_url:
            sqlite_store(directory).close()
        database_url = database_url or f"sqlite:///{directory / 'sync-worker.db'}"
        settings = Settings(database_url=database_url, config_dir=directory, mappings_dir=MAPPINGS)
        installation = build(settings, environ={"TOKEN": SANDBOX_TOKEN}, services=services)
        yield installation.tenant("acme"), remote
        installation.close()


def checked(tenant: Tenant) -> tuple[Finding, ...]:
    return check(tenant, cast("WholeCrm", tenant.crm).schema).findings


def settled(tenant: Tenant) -> None:
    """Everything read, written, and the echo of it read."""
    for _ in range(2):
        pull(tenant, "company")
        pull(tenant, "deal")
        push(tenant)
        refresh(tenant, "deal")


@pytest.mark.parametrize(("tier", "overrides"), CASES)
def test_both_sides_tell_the_same_story(tmp_path: Path, tier: str, overrides: dict[str, Any]) -> None:
    with portal_on(tmp_path, tier, overrides) as (tenant, remote):
        # Given an account whose set-up is complete
        wrong = [finding.subject for finding in checked(tenant) if not finding.is_ok]
        assert [subject for subject in wrong if not subject.endswith((": data", ": options"))] == []
        # When all of it has been read and written
        settled(tenant)
        remote.advance_clock(3600)
        # Then both sides hold the same, but for companies that are none of ours, and another round has nothing to do
        differing = {difference.field for difference in compare(tenant).differences}
        assert differing <= {"second_partner"}
        again = [pull(tenant, record).counts for record in ("company", "deal")]
        assert [(counts.applied, counts.failed) for counts in again] == [(0, 0), (0, 0)]
        assert push(tenant).counts.claimed == 0
        # And deals know both their companies
        with tenant.store.reading(tenant.name) as tx:
            found = [stored.deal for stored in deals.page(tx, after="", limit=100)]
        assert found
        assert all(deal.owner_company for deal in found)
        assert any(deal.second_partner for deal in found)


def test_a_partner_that_moves_in_the_crm_moves_in_the_portal(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}) as (tenant, remote):
        # Given a deal of the portal, and another partner in the CRM
        settled(tenant)
        with tenant.store.reading(tenant.name) as tx:
            deal = next(stored.deal for stored in deals.page(tx, after="", limit=100) if not stored.deal.second_partner)
            link = links.current(tx, [deal.id])[deal.id]
            other = next(
                stored.company
                for stored in companies.listed(tx, after=("", ""), limit=100)
                if stored.company.account_type == "partner" and stored.company.id != deal.owner_company and stored.company.crm_id
            )
        # When a person moves the label, and touches the deal
        [before] = [row["to_id"] for row in remote.associations("deals") if row["id"] == link.crm_id and "Portal partner" in row["labels"]]
        remote.part("deals", link.crm_id, before)
        remote.associate("deals", link.crm_id, other.crm_id or "", "Portal partner")
        remote.edit("deals", link.crm_id, {"amount": "77"})
        remote.advance_clock(3600)
        pull(tenant, "deal")
        # Then the portal's deal has it
        with tenant.store.reading(tenant.name) as tx:
            after = deals.by_ids(tx, [deal.id])[deal.id].deal
        assert after.owner_company == other.id


def test_labels_that_are_not_paid_for_are_named_with_what_to_do(tmp_path: Path) -> None:
    with portal_on(tmp_path, "free", {}) as (tenant, _):
        found = {finding.subject: finding.remedy for finding in checked(tenant) if not finding.is_ok and "association:" in finding.subject}
        assert found.keys() == {"deals.association:portal_partner", "deals.association:portal_second_partner"}
        assert all("keep the company in a field" in remedy for remedy in found.values())
        with pytest.raises(SchemaChanged, match=r"no deals\.association:portal_partner \(owner_company\).*an association needs a label"):
            pull(tenant, "deal")


@pytest.mark.parametrize(
    ("kind", "field_type", "values"),
    [
        ("bool", "booleancheckbox", {"true": "second_partner", "false": "partner"}),
        ("enumeration", "radio", {"disti": "second_partner", "reseller": "partner"}),
        ("enumeration", "select", {"disti": "second_partner", "reseller": "partner"}),
    ],
)
def test_an_account_type_may_be_a_checkbox_radio_or_dropdown(tmp_path: Path, kind: str, field_type: str, values: dict[str, str]) -> None:
    override = {"company.account_type": {"native": "kind_of_partner", "values": values}}
    with portal_on(tmp_path, "professional", override) as (tenant, remote):
        # Given two companies, one of each type
        options = [{"label": native, "value": native, "displayOrder": place, "hidden": False} for place, native in enumerate(values)]
        remote.add_field("companies", "kind_of_partner", kind, fieldType=field_type, options=options)
        named = {
            remote.create("companies", {"name": f"Of {native}", "portal_status": "active", "kind_of_partner": native}): canonical
            for native, canonical in values.items()
        }
        remote.advance_clock(60)
        # When the portal reads them
        pull(tenant, "company")
        # Then each is what its value says
        with tenant.store.reading(tenant.name) as tx:
            found = {stored.company.crm_id: stored.company.account_type for stored in companies.by_crm_ids(tx, list(named)).values()}
        assert found == named


@pytest.mark.parametrize(("tier", "overrides"), CASES)
def test_a_registration_is_one_deal_with_its_companies_and_its_answer_the_read_back(
    tmp_path: Path, tier: str, overrides: dict[str, Any]
) -> None:
    with portal_on(tmp_path, tier, overrides) as (tenant, remote):
        # Given two companies that may work together
        settled(tenant)
        # When a deal of theirs is registered and pushed
        made = register(tenant, TERMS, actor=Actor("Ann", None, "portal"))
        assert not isinstance(made, Refusal), made
        remote.reset_calls()
        done = push(tenant)
        # Then the CRM has one deal with both, and nothing had to be read
        [record] = [row for row in remote.records("deals") if row["portal_deal_key"] == made[0].id]
        assert (record["amount"], record["closedate"][:10], record["portal_registered"]) == ("1200.50", "2026-06-30", "true")
        assert (done.counts.written, done.follow_ups) == (1, frozenset())
        kinds = set(remote.calls()["kinds"]) - {"labels"}
        assert kinds == {"batch_upsert"} | ({"associations_write"} if tier == "professional" else set())
        # And another round changes nothing on either side; the stage that HubSpot gives a new deal is only read, by a later poll
        settled(tenant)
        assert {difference.field for difference in compare(tenant).differences} <= {"second_partner", "stage"}
        assert push(tenant).counts.claimed == 0
