"""What the schedule would send for one portal, for tests without a scheduler."""

from __future__ import annotations

from sync_worker.schedule import PortalLook
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.operate.due import standings


def due(tenant: Tenant) -> list[FollowUp]:
    """What the database says is due for the portal, except the night's work."""
    with tenant.store.reading(tenant.name) as tx:
        look = PortalLook(tenant.portal, standings(tx).get(tenant.name), tx.shared_now, lambda: tenant)
    return [*look.without_crm(), *look.by_day(tenant.readable_records())]
