"""Money knows its currency, on both CRMs: exact there and back, and what the CRM does not list is refused before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.deals import deals, links
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled
from tests.integration.steps.world import ANN, World

CURRENCIES = ("EUR", "JPY", "KWD")


@dataclass
class Till:
    """One portal, and what is paid in it. **Shapes** `work`: later, everything is written and read, and the echo of it."""

    tenant: Tenant
    remote: Remote
    native: str
    fields: tuple[str, str]
    work: Callable[[], object]

    def wished(self, **written: Any) -> Any:
        return register(self.tenant, {**TERMS, "contact_last_name": "Doe", **written}, actor=ANN)

    def amount(self, deal_id: str) -> str:
        with self.tenant.store.reading("acme") as tx:
            return str(deals.by_ids(tx, [deal_id])[deal_id].deal.values["amount"])

    def in_the_crm(self, deal_id: str) -> tuple[Decimal, str]:
        record = self.remote.record(self.native, self.crm_id(deal_id))
        amount, currency = (record[name] for name in self.fields)
        return Decimal(str(amount)), currency

    def crm_id(self, deal_id: str) -> str:
        with self.tenant.store.reading("acme") as tx:
            return links.current(tx, [deal_id])[deal_id].crm_id

    def count(self) -> int:
        with self.tenant.store.reading("acme") as tx:
            return len(deals.listed(tx))


@pytest.fixture
def salesforce_till(world: World) -> Till:
    world.remote.set_currencies(*CURRENCIES)
    world.tenant.described.again("lead")
    return Till(world.tenant, world.remote, "Lead", ("Portal_Amount__c", "CurrencyIsoCode"), lambda: (world.push(), world.pull()))


@pytest.fixture
def hubspot_till(tmp_path: Path) -> Iterator[Till]:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        remote.set_currencies(*CURRENCIES)
        settled(tenant)

        def work() -> None:
            remote.advance_clock(60)
            settled(tenant)

        yield Till(tenant, remote, "deals", ("amount", "deal_currency_code"), work)


@pytest.fixture(params=["salesforce", "hubspot"])
def till(request: pytest.FixtureRequest) -> Till:
    found = request.getfixturevalue(f"{request.param}_till")
    assert isinstance(found, Till)
    return found


def test_three_decimals_of_a_dinar_travel_there_and_back(till: Till) -> None:
    # Given a deal of 10.123 dinars, when it is pushed, then the CRM has all of it, and its echo changes nothing
    deal_id = till.wished(amount="10.123", currency="KWD").deal.id
    till.work()
    assert till.in_the_crm(deal_id) == (Decimal("10.123"), "KWD")
    till.work()
    assert till.amount(deal_id) == "10.123"
    # When the CRM changes it, then the portal has all of that
    till.remote.edit(till.native, till.crm_id(deal_id), {till.fields[0]: "20.456"})
    till.work()
    assert till.amount(deal_id) == "20.456"


def test_a_yen_has_no_decimals_on_the_way_in_and_at_an_edit(till: Till) -> None:
    before = till.count()
    refused = till.wished(amount="1000.50", currency="JPY")
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field, till.count()) == ("amount_misfit", "amount", before)
    deal_id = till.wished(amount="1000.00", currency="JPY").deal.id
    assert till.amount(deal_id) == "1000"
    edited = change(till.tenant, deal_id, {"amount": "999.5"}, MoveRequest(ANN))
    assert isinstance(edited, Refusal)
    assert (edited.code, till.amount(deal_id)) == ("amount_misfit", "1000")
    till.work()
    assert till.in_the_crm(deal_id) == (Decimal(1000), "JPY")


def test_a_currency_that_the_crm_does_not_list_is_refused_with_its_list_and_parks_nothing(till: Till) -> None:
    before = till.count()
    refused = till.wished(currency="USD")
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field, refused.allowed, till.count()) == ("value_not_listed", "currency", CURRENCIES, before)
    till.work()
    with till.tenant.store.reading("acme") as tx:
        assert failures.listed(tx, FailureFilter(code="write_refused")) == []


def test_a_currency_that_is_new_in_the_crm_is_taken_at_once(till: Till) -> None:
    # Given a list that was read, and a currency that an admin has just added, at registration and at an edit
    first = till.wished(currency="EUR").deal.id
    till.remote.set_currencies(*CURRENCIES, "USD")
    assert not isinstance(till.wished(currency="USD"), Refusal)
    till.remote.set_currencies(*CURRENCIES, "USD", "GBP")
    assert isinstance(till.wished(currency="GBP"), Refusal)  # the CRM is asked once a minute, whatever people send
    changed = change(till.tenant, first, {"currency": "USD"}, MoveRequest(ANN))
    assert not isinstance(changed, Refusal), changed
