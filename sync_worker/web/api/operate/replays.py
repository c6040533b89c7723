"""Replays: how each one goes and how it ended, and its stop. `POST /failures/replay` begins one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.steps.operate.intervene import stop
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Intervention
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Visit
from sync_worker.web.api.core.once import OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.operate import failure_shapes, operate_shapes
from sync_worker.web.api.operate.acts import answered

router = portal_router("operator")

ReplayId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@router.get("/replays")
def list_replays(visit: Operating, page: PageOf) -> shapes.PageView[operate_shapes.ReplayView]:
    """Lists the replays of failures, the latest first, with the number of failures by outcome."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = interventions.latest(tx, "replay", limit=page.looked_for, before=page.moment())
        some = page.cut(found, lambda one: (str(one.asked_at), one.id))
        outcomes = interventions.counts_by_id(tx, [one.id for one in some.items])
    return shapes.PageView(items=[_replay(one, outcomes.get(one.id, {})) for one in some.items], next=some.next)


@router.get("/replays/{replay_id}", responses=problems(404))
def get_replay(visit: Operating, replay_id: ReplayId) -> operate_shapes.ReplayView:
    """Returns one replay: how far it is, or how it ended."""
    found = _found(visit, replay_id)
    with visit.tenant.store.reading(visit.portal) as tx:
        return _replay(found, interventions.counts(tx, found.id))


@router.post("/replays/{replay_id}/stop", response_model=operate_shapes.ReplayView, responses=problems(404))
def stop_replay(visit: Operating, replay_id: ReplayId, said: failure_shapes.WhyBody, once: OnceOnly) -> Response:
    """Stops a replay: the batch at hand is finished, and the others are not tried. One that has ended stays as it is."""

    def work(_keep: object) -> Answer:
        found = _found(visit, replay_id)
        if found.finished_at is None:
            stop(visit.tenant, found, actor=visit.holder, reason=said.reason)
        with visit.tenant.store.reading(visit.portal) as tx:
            return answered(_replay(interventions.get(tx, found.id) or found, interventions.counts(tx, found.id)))

    return once.answer(visit, work)


def _found(visit: Visit, replay_id: str) -> Intervention:
    with visit.tenant.store.reading(visit.portal) as tx:
        found = interventions.get(tx, replay_id)
    if found is None or found.verb != "replay":
        raise Refused(Refusal("replay_unknown", f"there is no replay {replay_id}", "an id from GET /replays"))
    return found


def _replay(one: Intervention, counts: Mapping[str, int]) -> operate_shapes.ReplayView:
    named = {name: getattr(one, name) for name in ("id", "selection", "actor", "reason", "is_queued", "asked_at", "finished_at")}
    outcomes = {name or "left": count for name, count in counts.items()}
    return operate_shapes.ReplayView(**named, outcomes=operate_shapes.OutcomesView(**outcomes))
