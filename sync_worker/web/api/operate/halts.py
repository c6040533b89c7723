"""A person pauses the portal, or lets it go on."""

from __future__ import annotations

from fastapi import Response

from sync_worker.steps.operate.halt import pause, resume
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core.authentication import Operating, Visit
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.route import portal_router
from sync_worker.web.api.operate.acts import answered
from sync_worker.web.api.operate.failure_shapes import WhyBody
from sync_worker.web.api.operate.halt_shapes import HaltView

router = portal_router("operator")


@router.post("/operate/pause", response_model=HaltView)
def pause_portal(visit: Operating, said: WhyBody, once: OnceOnly) -> Response:
    """Pauses the portal: nothing is pulled, pushed or mailed until it is resumed. Its API and its feed go on, and webhooks are kept."""

    def work(_keep: object) -> Answer:
        pause(visit.tenant, actor=visit.holder, reason=said.reason)
        return answered(_halt(visit))

    return once.answer(visit, work)


@router.post("/operate/resume", response_model=HaltView)
def resume_portal(visit: Operating, said: WhyBody, once: OnceOnly) -> Response:
    """Lets a paused portal go on: the schedule finds what is due."""

    def work(_keep: object) -> Answer:
        resume(visit.tenant, actor=visit.holder, reason=said.reason)
        return answered(_halt(visit))

    return once.answer(visit, work)


def _halt(visit: Visit) -> HaltView:
    found = visit.tenant.halted()
    if found is None:
        return HaltView(is_paused=False, actor=None, at=None, reason=None)
    return HaltView(is_paused=True, actor=found.actor, at=found.at, reason=found.reason)
