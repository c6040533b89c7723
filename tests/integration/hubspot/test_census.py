"""What becomes visible in HubSpot after the look-back, by search and by list, is found by the comparison; and what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.store.core import companies
from sync_worker.store.deals import links
from tests.integration.hubspot.test_portal import CASES, portal_on, settled


def polled(tenant: Tenant) -> None:
    for record in tenant.readable_records():
        pull(tenant, record)


@pytest.mark.parametrize(("tier", "overrides"), CASES)
def test_records_that_become_visible_after_the_look_back_are_found(tmp_path: Path, tier: str, overrides: dict[str, Any]) -> None:
    with portal_on(tmp_path, tier, overrides, deal_count=0) as (tenant, remote):
        settled(tenant)
        # Given a company and a deal of it that are hidden for hours, while polls go by
        company_id = remote.create("companies", {"name": "Late IT", "portal_status": "active", "portal_account_type": "partner"})
        deal_id = remote.create("deals", {"dealname": "Late deal", **({"portal_partner": company_id} if tier == "free" else {})})
        if tier != "free":
            remote.associate("deals", deal_id, company_id, "Portal partner")
        remote.hide([deal_id, company_id])
        remote.advance_clock(7200)
        polled(tenant)
        remote.show([company_id, deal_id])
        remote.advance_clock(60)
        polled(tenant)
        # When both sides are compared, then both are missing here
        comparison = compare(tenant)
        assert {(one.record, one.crm_id, one.is_missing) for one in comparison.differences} == {
            ("company", company_id, True),
            ("deal", deal_id, True),
        }
        # and a repair brings them in
        repair(tenant, comparison)
        for record in ("company", "deal"):
            refresh(tenant, record)
        with tenant.store.reading("acme") as tx:
            assert companies.by_crm_ids(tx, [company_id]).keys() == {company_id}
            assert links.by_crm_ids(tx, "deal", [deal_id]).keys() == {deal_id}
        assert [one for one in compare(tenant).differences if one.is_missing] == []
