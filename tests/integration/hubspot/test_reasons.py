"""Who decided, when and why, both ways, on HubSpot: the same story as on Salesforce, with properties in the place of fields."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.domain.core.deal import Decision, Track
from sync_worker.domain.core.stamp import DISTRIBUTOR, VENDOR
from sync_worker.domain.operate.erasure import ERASED
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import decide
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.deals import deals
from tests.integration.hubspot.test_moves import edit, pushed, shown, told
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled


def held(tenant: Tenant, deal_id: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    with tenant.store.reading(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
    assert stored
    return tuple(stored.deal.values.get(name) for name in names)


def in_crm(remote: HubspotRemote, deal_id: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    properties = shown(remote, deal_id)
    return tuple(properties.get(f"portal_{name}") or None for name in names)


def test_decisions_and_their_reasons_travel_both_ways(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        bob, dora = told(tenant, "bob", TERMS["owner_company"]), told(tenant, "dora", TERMS["second_partner"])
        deal_id = pushed(tenant, register(tenant, {**TERMS, "currency": "EUR"}, actor=bob)).deal.id
        # the distributor decides in the portal
        why = "They bought from us before.\n" + "x" * 900
        pushed(tenant, decide(tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora, reason=why)))
        today = tenant.services.clock().date()
        assert in_crm(remote, deal_id, DISTRIBUTOR) == (dora.name, today.isoformat(), why)
        # the vendor decides in the CRM, on the day that the record's own stamp says
        edit(tenant, remote, deal_id, portal_vendor_approval="rejected", portal_vendor_reason="Too small")
        who, on, reason = held(tenant, deal_id, VENDOR)
        assert (who, reason) == ("CRM", "Too small")
        assert abs(on - today) <= timedelta(days=1)
        assert in_crm(remote, deal_id, VENDOR) == ("CRM", on.isoformat(), "Too small")
        # the echo of it is no decision
        remote.advance_clock(3600)
        assert (pull(tenant, "deal").counts.applied, push(tenant).counts.claimed) == (0, 0)
        # an approval leaves the reason of the refusal behind
        edit(tenant, remote, deal_id, portal_vendor_approval="approved")
        assert held(tenant, deal_id, VENDOR)[2] is None
        assert in_crm(remote, deal_id, VENDOR)[2] is None
        # who is erased is named nowhere
        erase(tenant, "dora")
        push(tenant)
        refresh(tenant, "deal")
        assert held(tenant, deal_id, DISTRIBUTOR)[0] == ERASED
        assert in_crm(remote, deal_id, DISTRIBUTOR) == (ERASED, today.isoformat(), why)
