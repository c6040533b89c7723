"""What people are told of an edit on HubSpot: one notice for all of its properties, in the labels of HubSpot's own lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.register import register
from sync_worker.store.tell import notifications
from tests.integration.hubspot.test_moves import edit, pushed, told
from tests.integration.hubspot.test_portal import TERMS, portal_on, settled


def notices(tenant: Tenant, user_id: str) -> list[tuple[str, Any]]:
    with tenant.store.reading(tenant.name) as tx:
        return [(row.notification.topic, row.notification.words["changes"]) for row in notifications.listed(tx, user_id, limit=9)]


def test_an_edit_of_several_properties_is_one_notice_in_the_labels_of_the_crm(tmp_path: Path) -> None:
    with portal_on(tmp_path, "professional", {}, deal_count=0) as (tenant, remote):
        settled(tenant)
        bob, _ = told(tenant, "bob", TERMS["owner_company"]), told(tenant, "dora", TERMS["second_partner"])
        deal_id = pushed(tenant, register(tenant, {**TERMS, "currency": "EUR"}, actor=bob)).deal.id
        assert notices(tenant, "dora") == [("deal_registered", [])]
        # What HubSpot fills in by itself is read, and is not news
        edit(tenant, remote, deal_id, portal_term_years="2")
        assert notices(tenant, "dora") == [("deal_registered", [])]
        # When a person in the CRM moves the deal on, with another amount and another day
        edit(tenant, remote, deal_id, dealstage="decisionmakerboughtin", amount="99", closedate="2026-09-01T12:00:00Z")
        # Then that is one notice, and the stage has the name that people see in HubSpot
        (latest, *_) = notices(tenant, "dora")
        assert latest == (
            "deal_updated",
            [
                {"field": "Amount", "before": "1200.50 EUR", "after": "99.00 EUR"},
                {"field": "Expected close date", "before": "2026-06-30", "after": "2026-09-01"},
                {"field": "Sales stage", "before": "Appointment Scheduled", "after": "Decision Maker Bought-In"},
            ],
        )
        assert [topic for topic, _ in notices(tenant, "bob")] == ["deal_updated"]
