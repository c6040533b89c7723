"""HELD: what the brake holds, and what would go if a person released it, as the latest plan saw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.domain.operate.plan import Entry
from sync_worker.steps.core.brake import CODE
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.intervene import queued
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.store.operate import inquiries
from sync_worker.store.operate.interventions import Intervention

GOING = ("companies_leaving", "associations_removed")
"""What the brake counts, as a plan lists it."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would go, by the latest plan. **Shapes** by kind, see GOING: how many, and the first of them."""

    inquiry_id: str
    at: datetime | None
    counts: Mapping[str, int]
    shown: Mapping[str, Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Held:
    """**Shapes** `asked`: failure → its release that the workers are at; `foreseen` None: no plan was asked for of late."""

    rows: Sequence[FailureRow]
    asked: Mapping[str, Intervention]
    foreseen: Foreseen | None


def held(tenant: Tenant) -> Held:
    """What is held now."""
    with tenant.store.reading(tenant.name) as tx:
        rows = failures.listed(tx, FailureFilter(code=CODE))
        plans = inquiries.latest(tx, InquiryKind.PLAN, limit=1, is_answered=True)
    asked = {one.selection: one for one in queued(tenant) if one.verb == "release"}
    foreseen = None
    if plans:
        found = {kind: plans[0].result[kind] for kind in GOING}
        counts, shown = ({kind: listing[name] for kind, listing in found.items()} for name in ("count", "shown"))
        foreseen = Foreseen(plans[0].id, plans[0].finished_at, counts, shown)
    return Held(rows, asked, foreseen)
