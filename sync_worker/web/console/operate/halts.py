"""A person pauses a portal, or lets it go on."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse

from sync_worker.steps.operate.halt import pause, resume
from sync_worker.web.console.core.door import Changing
from sync_worker.web.console.core.route import console_router

router = console_router()


@router.post("/pause")
def pause_portal(change: Changing) -> Response:
    """Nothing more is done for the portal until it is resumed."""
    pause(change.visit.tenant, actor=change.visit.actor, reason=change.text("reason", is_required=True))
    return RedirectResponse(change.visit.address, 303)


@router.post("/resume")
def resume_portal(change: Changing) -> Response:
    """The schedule finds what is due."""
    resume(change.visit.tenant, actor=change.visit.actor, reason=change.text("reason"))
    return RedirectResponse(change.visit.address, 303)
