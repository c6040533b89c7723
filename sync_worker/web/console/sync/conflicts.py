"""Conflicts: fields that both sides changed. A person sees both values and says which side counts."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.operate.resolve import dispute, disputes, resolve
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT = 100


@router.get("/conflicts")
def show_conflicts(request: Request, visit: Operating) -> Response:
    """Those that wait for a person, or with `all` those that are resolved as well."""
    is_all = "all" in request.query_params
    found = disputes(visit.tenant, include_resolved=is_all, limit=SHOWN_COUNT)
    return visit.console.pages.show("sync/conflicts.html", visit.context(here="Conflicts", rows=found, is_all=is_all))


@router.get("/conflicts/{conflict_id}")
def show_conflict(visit: Operating, conflict_id: str) -> Response:
    """One conflict: both values, the one that they last agreed on, and how it ended."""
    found = dispute(visit.tenant, conflict_id)
    if found is None or found.id != conflict_id:
        raise TurnedAway(404, "There is no such conflict", "The address is mistyped, or it is of another portal.")
    return visit.console.pages.show("sync/conflict.html", visit.context(here="Conflicts", one=found))


@router.post("/conflicts/{conflict_id}/resolve")
def resolve_conflict(change: Changing, conflict_id: str) -> Response:
    """Takes the value of one side, if both sides still hold what the person has seen."""
    visit, take = change.visit, change.text("take")
    if take not in ("crm", "portal"):
        raise TurnedAway(422, "Nothing was changed", "Choose one of the two values.")
    done = resolve(visit.tenant, conflict_id, take="crm" if take == "crm" else "portal", actor=visit.actor, reason=change.text("reason"))
    if isinstance(done, Refusal):
        raise TurnedAway(409, "Nothing was changed", done.why)
    visit.console.follow_ups(visit.portal, done.follow_ups)
    return RedirectResponse(f"{visit.address}/conflicts/{done.dispute.id}", 303)
