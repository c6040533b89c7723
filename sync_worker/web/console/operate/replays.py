"""Replays: how each one goes and how it ended, and its stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.operate.recovery import OUTCOMES
from sync_worker.steps.operate.intervene import stop
from sync_worker.store.core.engine import Tx
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import LEFT, Intervention
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT: Final = 50


@router.get("/replays")
def show_replays(request: Request, visit: Operating) -> Response:
    """The latest replays."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            found = interventions.latest(tx, "replay", limit=SHOWN_COUNT)
            counts = interventions.counts_by_id(tx, [one.id for one in found])
        return visit.context(here="Replays", rows=[_row(one, counts.get(one.id, {})) for one in found])

    return visit.console.pages.show_live(request, "operate/replays", look)


@router.get("/replays/{replay_id}")
def show_replay(request: Request, visit: Operating, replay_id: str) -> Response:
    """One replay: how far it is."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            found = _found(tx, replay_id)
            row = _row(found, interventions.counts(tx, found.id))
        return visit.context(here="Replays", row=row, outcomes=OUTCOMES)

    return visit.console.pages.show_live(request, "operate/replay", look)


@router.post("/replays/{replay_id}/stop")
def stop_replay(change: Changing, replay_id: str) -> Response:
    """The batch at hand is finished, and the others are not tried."""
    visit = change.visit
    with visit.tenant.store.reading(visit.portal) as tx:
        found = _found(tx, replay_id)
    if found.finished_at is None:
        stop(visit.tenant, found, actor=visit.actor, reason=change.text("reason"))
    return RedirectResponse(f"{visit.address}/replays/{found.id}", 303)


def _found(tx: Tx, replay_id: str) -> Intervention:
    found = interventions.get(tx, replay_id)
    if found is None or found.id != replay_id or found.verb != "replay":
        raise TurnedAway(404, "There is no such replay", "It was deleted after some time, or the address is mistyped.")
    return found


def _row(asked: Intervention, counts: Mapping[str, int]) -> dict[str, Any]:
    """A replay, with its failures by outcome. **Shapes** `tried`: of `total`."""
    named = {name or "left": count for name, count in counts.items()}
    total = sum(counts.values())
    return {"asked": asked, "counts": named, "total": total, "tried": total - counts.get(LEFT, 0)}
