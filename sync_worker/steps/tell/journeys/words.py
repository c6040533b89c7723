"""WORDS: what journeys of a portal can name: fields of a deal and of its two companies, merge tags, and recipients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from sync_worker.config.portal import Portal
from sync_worker.domain.core.conditions.condition import ConditionField
from sync_worker.domain.core.stamp import DISTRIBUTOR
from sync_worker.domain.tell.journeys.journey import DEAL, OWNER_COMPANY, SECOND_PARTNER, SIDES, recipients_of
from sync_worker.domain.tell.journeys.mistakes import JourneyWords
from sync_worker.mapping.compile import CompiledMapping
from sync_worker.mapping.condition_fields import company_fields, condition_fields
from sync_worker.mapping.vocabulary import domain_values

OF_EVERY_DEAL: Final = ("lifecycle", "outcome", "vendor_approval", "distributor_approval")
"""What a deal has even where the mapping does not name it."""
OF_TWO_TIERS: Final = frozenset({SECOND_PARTNER, "distributor_approval", *DISTRIBUTOR})
MORE_TAGS: Final = ("deal.id", "deal.link", "deal.owner_user", "recipient.name")
OF_A_COMPANY: Final = ("id", "crm_id")


def journey_words(mapping: CompiledMapping, portal: Portal) -> JourneyWords:
    """What a journey of this portal can name."""
    sides = SIDES if portal.two_tier else (OWNER_COMPANY,)
    company = company_fields(mapping.records["company"], two_tier=portal.two_tier)
    fields = dict(_named(DEAL, _deal_fields(mapping, portal)))
    for side in sides:
        fields |= _named(side, company)
    more = [f"{side}.{name}" for side in sides for name in OF_A_COMPANY]
    return JourneyWords(
        fields=fields,
        tags=tuple(sorted({*fields, *MORE_TAGS, *more})),
        recipients=recipients_of(sides, with_users=portal.journeys.all_users),
        labels=side_labels(portal),
    )


def side_labels(portal: Portal) -> dict[str, str]:
    """What the portal calls the companies of a deal."""
    labels = {OWNER_COMPANY: portal.partner.display_label or "Partner"}
    if portal.two_tier:
        labels[SECOND_PARTNER] = portal.second_partner.display_label or "second partner"
    return labels


def _deal_fields(mapping: CompiledMapping, portal: Portal) -> dict[str, ConditionField]:
    known = {name: ConditionField(name, "list", domain_values("deal", name)) for name in OF_EVERY_DEAL}
    records = [record for record in mapping.records.values() if record.kind == "deal"]
    found = {**known, **condition_fields(*records)}
    return found if portal.two_tier else {name: field for name, field in found.items() if name not in OF_TWO_TIERS}


def _named(subject: str, fields: Mapping[str, ConditionField]) -> Iterable[tuple[str, ConditionField]]:
    return ((f"{subject}.{name}", replace(field, name=f"{subject}.{name}")) for name, field in fields.items())
