"""PREVIEW: what a journey would make of a deal now, as if its trigger had just come: who would get what. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.tell.journeys.journey import Journey
from sync_worker.domain.tell.journeys.ruling import MeantPerson, rule_on
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.crowds import Crowds
from sync_worker.steps.tell.journeys.scenes import scenes_of
from sync_worker.steps.tell.journeys.send import MailText, text_for
from sync_worker.steps.tell.journeys.words import side_labels
from sync_worker.store.core.engine import Tx


@dataclass(frozen=True, slots=True)
class JourneyPreview:
    """**Shapes** `told`: who would get which mail; `not_told`: who is meant and gets none; `reasons`: why a role has no reader."""

    told: Sequence[tuple[MeantPerson, MailText]]
    not_told: Sequence[MeantPerson]
    reasons: Sequence[str]


def preview(tx: Tx, tenant: Tenant, journey: Journey, deal: Deal) -> JourneyPreview:
    """Of this deal, whether or not the journey is on, or saved at all."""
    shown = [tenant.shown(deal)]
    (scene,) = scenes_of(tx, tenant, shown, Crowds(tx, tenant, shown, with_admins=False))
    ruling = rule_on(journey, scene, side_labels(tenant.portal))
    told = [(person, text_for(journey, scene, person)) for person in ruling.told]
    return JourneyPreview(told, [person for person in ruling.people if person.why_not], ruling.reasons)
