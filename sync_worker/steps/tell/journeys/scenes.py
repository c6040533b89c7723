"""SCENES: deals with all that journeys ask of them, made of the people and companies around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.tell.journeys.journey import OWNER_COMPANY, SECOND_PARTNER
from sync_worker.domain.tell.journeys.scene import DealScene, JourneyNames, scene_of
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.crowds import Crowds
from sync_worker.steps.tell.journeys.words import side_labels
from sync_worker.steps.tell.stages import stage_labels
from sync_worker.store.core.engine import Tx


def scenes_of(tx: Tx, tenant: Tenant, deals: Sequence[Deal], crowds: Crowds) -> list[DealScene]:
    """Each of these deals, in their order. **Shapes** `crowds`: of these deals at least."""
    stages = stage_labels(tx, tenant) if any(deal.values.get("stage") for deal in deals) else {}
    names = names_of(tenant, stages)
    return [scene_of(deal, crowds.companies, crowds.of(deal).users, names) for deal in deals]


def names_of(tenant: Tenant, stages: Mapping[str, str]) -> JourneyNames:
    """How this portal says things. **Shapes** `stages`: value → the CRM's label."""
    portal = tenant.portal
    labels = side_labels(portal)
    types = {
        "vendor": portal.vendor.display_label or "Vendor",
        "partner": labels[OWNER_COMPANY],
        "second_partner": labels.get(SECOND_PARTNER, ""),
    }
    return JourneyNames(types, portal.mail.deal_url or "", stages)
