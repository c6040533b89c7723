"""The seeded org: the same for the same seed, its cast with every mess, any size; and the sandbox as a process."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from crm_sandbox.clock import Clock
from crm_sandbox.process import SalesforceOptions, serve_process
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.seed import SalesforceSizes, seeded
from tests.integration.sandbox.conftest import NOW


def _records(org: Org, name: str) -> list[dict[str, Any]]:
    sobject = org.sobject(name)
    return org.store.select(sobject, [field.name for field in sobject.fields], tail='ORDER BY "Id"')


def _org(**sizes: Any) -> Org:
    return seeded(SalesforceSizes(**sizes), Clock(NOW, source=lambda: NOW))


def test_the_same_seed_gives_the_same_org() -> None:
    first, second, other = _org(seed=1), _org(seed=1), _org(seed=2)
    for name in ("Account", "Lead", "Opportunity", "User"):
        assert _records(first, name) == _records(second, name)
    assert _records(first, "Account") != _records(other, "Account")


@pytest.mark.parametrize("companies", [0, 5, 19, 20, 700])
def test_sizes_are_exact_and_the_cast_keeps_its_ids(companies: int) -> None:
    org = _org(companies=companies, leads=3, opportunities=11, seed=companies)
    accounts = _records(org, "Account")
    assert (len(accounts), len(_records(org, "Lead")), len(_records(org, "Opportunity"))) == (companies, 3, 11)
    if accounts:
        assert (accounts[0]["Name"], accounts[0]["Id"]) == ("Northwind Software", "001Sb0000004C93IAE")


def test_the_mess() -> None:
    org = _org()
    accounts, deals, leads = (_records(org, name) for name in ("Account", "Opportunity", "Lead"))
    names = Counter(account["Name"] for account in accounts)
    assert [name for name, count in names.items() if count > 1] == ["Summit Partners"]
    named = {value for account in accounts for value in (account["Associated_Second_Partner__c"] or "").split(";") if value}
    assert named - set(names) == {"Granite Distribution", "Zenith Supply"}
    kinds = {account["Portal_Account_Type__c"] for account in accounts}
    assert kinds == {"Vendor", "Distributor", "Partner", "Reseller Plus", None}
    assert {account["Portal_Status__c"] for account in accounts} == {"Active", "Inactive", "Pending", None}
    assert {deal["Portal_Partner__c"] is None for deal in deals} == {True, False}
    assert [deal["Portal_Billing__c"] for deal in deals].count("Quarterly") == 1
    assert {lead["LeadSource"] for lead in leads} == {"Web"}
    assert all(lead["Portal_Deal_Key__c"] is None for lead in leads)
    stamps = sorted(account["SystemModstamp"] for account in accounts)
    assert any(one == other for one, other in pairwise(stamps))
    assert stamps[-1] < "2026-05-20T11:00:01"


def test_the_tidy_org_of_the_benchmark() -> None:
    org = _org(companies=500, opportunities=200, every_company_active=True, every_opportunity_has_partner=True)
    assert all(account["Portal_Status__c"] for account in _records(org, "Account"))
    bulk = _records(org, "Opportunity")[8:]
    assert all(deal["Portal_Partner__c"] for deal in bulk)


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    with serve_process(SalesforceOptions(companies=3, leads=0, opportunities=0, now=NOW), log_path=log) as base_url:
        with Remote(base_url) as remote:
            health = remote.health()
            counts = {name: count for name, count in health["records"].items() if "Permission" not in name}
            assert counts == {"Account": 3, "Contact": 1, "Lead": 0, "Opportunity": 0, "Organization": 1, "User": 5}
            assert health["now"].startswith("2026-05-20T12:00:")
    assert log.read_text() == ""
    with pytest.raises(requests.ConnectionError):
        Remote(base_url).health()


def test_keys_are_looked_up_not_searched_for() -> None:
    org = _org()
    sql = 'SELECT "Id" FROM "Account" WHERE "Portal_Company_Id__c" = ? AND "IsDeleted" = 0'
    plan = [row[3] for row in org.store.db.execute(f"EXPLAIN QUERY PLAN {sql}", ["k"])]
    assert plan == ["SEARCH Account USING INDEX Account_Portal_Company_Id__c (Portal_Company_Id__c=?)"]
