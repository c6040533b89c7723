"""The seeded portal: the same for the same seed, the same companies and deals as in the other sandboxes, any size, and as a process."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.clock import Clock
from crm_sandbox.hubspot.data.portal import HubspotAccount
from crm_sandbox.hubspot.data.records import value_of
from crm_sandbox.hubspot.data.seed import HubspotSizes, seeded
from crm_sandbox.process import HubspotOptions, serve_process
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.data.seed import SalesforceSizes
from crm_sandbox.salesforce.data.seed import seeded as seeded_org
from tests.integration.sandbox.hubspot.conftest import NOW

BULK_S = 30  # seeding what the benchmark needs takes about three; the rest is for a busy machine


def _portal(**sizes: Any) -> HubspotAccount:
    return seeded(HubspotSizes(**sizes), Clock(NOW, source=lambda: NOW))


def _rows(portal: HubspotAccount, name: str) -> list[dict[str, str | None]]:
    shelf = portal.shelf(name)
    return [{prop: value_of(shelf.type, record, prop) for prop in shelf.type.properties} for record in shelf.records.values()]


def test_the_same_seed_gives_the_same_portal() -> None:
    first, second, other = _portal(seed=1), _portal(seed=1), _portal(seed=2)
    for name in ("companies", "deals", "contacts"):
        assert _rows(first, name) == _rows(second, name)
    assert list(first.associations.pairs("deals", "companies")) == list(second.associations.pairs("deals", "companies"))
    assert _rows(first, "companies") != _rows(other, "companies")


@pytest.mark.parametrize("companies", [0, 5, 19, 20, 700])
def test_sizes_are_exact_and_the_cast_keeps_its_ids(companies: int) -> None:
    portal = _portal(companies=companies, deals=11, inquiries=3, seed=companies)
    assert (portal.shelf("companies").count(), portal.shelf("deals").count()) == (companies, 14)
    deals = _rows(portal, "deals")
    assert (deals[0]["dealname"], deals[0]["hs_object_id"]) == ("Harbor Freight Lines - Cloud", "22700000001")
    assert [deal["portal_contact_email"] is not None for deal in deals] == [False] * 11 + [True] * 3
    if companies:
        assert (_rows(portal, "companies")[0]["name"], _rows(portal, "companies")[0]["hs_object_id"]) == (
            "Northwind Software",
            "18500000001",
        )


def test_every_sandbox_tells_of_the_same_companies_and_deals() -> None:
    portal, org = _portal(), seeded_org(SalesforceSizes(), Clock(NOW, source=lambda: NOW))

    def theirs(name: str, *fields: str) -> Counter[tuple[Any, ...]]:
        rows = org.store.select(org.sobject(name), fields)
        return Counter(tuple(row[field] for field in fields) for row in rows)

    def ours(name: str, *fields: str) -> Counter[tuple[Any, ...]]:
        return Counter(tuple(row[field] for field in fields) for row in _rows(portal, name))

    companies = ours("companies", "name", "associated_second_partner")
    assert companies == theirs("Account", "Name", "Associated_Second_Partner__c")
    statuses, their_statuses = ours("companies", "portal_status"), theirs("Account", "Portal_Status__c")
    assert statuses == {((status or "").lower() or None,): count for (status,), count in their_statuses.items()}
    for (kind,), count in theirs("Account", "Portal_Account_Type__c").items():
        spelled = {"Distributor": "second_partner", "Reseller Plus": "reseller_plus"}.get(kind, kind and kind.lower())
        assert ours("companies", "portal_account_type")[spelled,] == count
    with_partner = {row["Name"]: (row["Portal_Partner__c"] is not None, row["Amount"]) for row in _opportunities(org)}
    partner = next(kind.type_id for kind in portal.associations.types("deals", "companies").values() if kind.name == "portal_partner")
    held = {deal for deal, _, types in portal.associations.pairs("deals", "companies") if partner in types}
    deals = {row["dealname"]: (int(str(row["hs_object_id"])) in held, float(row["amount"] or 0)) for row in _rows(portal, "deals")[:60]}
    assert deals == with_partner
    assert ours("deals", "portal_billing")["quarterly",] == theirs("Opportunity", "Portal_Billing__c")["Quarterly",] == 1


def _opportunities(org: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = org.store.select(org.sobject("Opportunity"), ["Name", "Portal_Partner__c", "Amount"])
    return found


def test_every_value_is_one_that_the_vendor_would_take() -> None:
    portal = _portal(companies=300, deals=200)
    for shelf in portal.shelves.values():
        for record in shelf.records.values():
            for name, value in record.values.items():
                prop = shelf.type.properties[name]
                allowed = {option.value for option in portal.options(prop)}
                if prop.kind == "enumeration" or prop.is_external:
                    assert set(value.split(";")) <= allowed, (name, value)


def test_the_tidy_portal_of_the_benchmark() -> None:
    portal = _portal(companies=500, deals=200, inquiries=0, every_company_active=True, every_deal_has_partner=True)
    assert all(company["portal_status"] for company in _rows(portal, "companies"))
    partner = next(kind.type_id for kind in portal.associations.types("deals", "companies").values() if kind.name == "portal_partner")
    held = {deal for deal, _, types in portal.associations.pairs("deals", "companies") if partner in types}
    assert set(list(portal.shelf("deals").records)[8:]) <= held


def test_a_hundred_thousand_in_seconds() -> None:
    began = time.process_time()
    portal = _portal(companies=100_000, deals=20_000)
    assert time.process_time() - began < BULK_S
    assert portal.shelf("companies").count() == 100_000


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    options = HubspotOptions(companies=3, deals=2, inquiries=1, tier="free", time_zone="Europe/Berlin", now=NOW)
    with serve_process(options, log_path=log) as base_url, Remote(base_url) as remote:
        health = remote.health()
        assert (health["crm"], health["records"]) == ("hubspot", {"companies": 3, "deals": 3, "contacts": 1})
        assert health["now"].startswith("2026-05-20T12:00:")
        assert remote.named("companies", "Arrow Electronics")["portal_account_type"] == "second_partner"
    assert log.read_text() == ""
