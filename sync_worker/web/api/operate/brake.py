"""The brake: what it holds, and what would go. `POST /failures/{id}/release` lets it go."""

from __future__ import annotations

from sync_worker.steps.operate.shown.held import held
from sync_worker.web.api.core.authentication import Operating
from sync_worker.web.api.core.route import portal_router
from sync_worker.web.api.operate.inquiry_shapes import BrakeView, HeldView

router = portal_router("operator")


@router.get("/operate/brake")
def get_brake(visit: Operating) -> BrakeView:
    """Returns what the brake holds, and by name what would go, as the latest plan saw it. No CRM is asked for it."""
    found = held(visit.tenant)
    rows = [
        HeldView(
            id=row.failure.id,
            name=row.failure.name,
            message=row.failure.message,
            since=row.first_seen_at,
            released_by=found.asked[row.failure.id].actor if row.failure.id in found.asked else None,
        )
        for row in found.rows
    ]
    seen = found.foreseen
    return BrakeView(
        limit=visit.tenant.portal.brake_percent,
        held=rows,
        inquiry_id=seen.inquiry_id if seen else None,
        seen_at=seen.at if seen else None,
        companies_leaving=list(seen.shown["companies_leaving"]) if seen else [],
        companies_leaving_count=seen.counts["companies_leaving"] if seen else 0,
        associations_removed=list(seen.shown["associations_removed"]) if seen else [],
        associations_removed_count=seen.counts["associations_removed"] if seen else 0,
    )
