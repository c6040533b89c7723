"""The brake: what it holds back and why, and the release of it by a person who has looked."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.operate.plan import rows_of
from sync_worker.steps.core.brake import CODE
from sync_worker.steps.operate.intervene import REPLAY, begin_release
from sync_worker.steps.operate.shown.held import held
from sync_worker.store.core import failures
from sync_worker.store.operate import interventions
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()


@router.get("/brake")
def show_brake(visit: Operating) -> Response:
    """What is held, what would go by name, and who released what before."""
    found = held(visit.tenant)
    with visit.tenant.store.reading(visit.portal) as tx:
        before = interventions.latest(tx, "release", limit=20)
    leaving = list(rows_of("companies_leaving", found.foreseen.shown["companies_leaving"])) if found.foreseen else []
    context = visit.context(here="Brake", found=found, leaving=leaving, before=before, percent=visit.tenant.portal.brake_percent)
    return visit.console.pages.show("operate/brake.html", context)


@router.post("/brake/{failure_id}/release")
def release_held(change: Changing, failure_id: str) -> Response:
    """The workers do once what is held."""
    visit, reason = change.visit, change.text("reason", is_required=True)
    with visit.tenant.store.reading(visit.portal) as tx:
        row = failures.by_ids(tx, [failure_id]).get(failure_id)
    if row is None or row.failure.code != CODE or row.resolved_at:
        raise TurnedAway(409, "Nothing was changed", "This is not held any more. Somebody released it, or it passed by itself.")
    begin_release(visit.tenant, row, actor=visit.actor, reason=reason)
    visit.console.follow_ups(visit.portal, [REPLAY])
    return RedirectResponse(f"{visit.address}/brake", 303)
