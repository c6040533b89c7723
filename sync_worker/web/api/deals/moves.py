"""Moves of a deal: one address for each verb of the table that needs no more than a reason, and those that carry something with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

from fastapi import Body, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.deals.lifecycle import MOVES, Verb
from sync_worker.steps.deals.decide import decide, reassign
from sync_worker.steps.deals.move import Finish, Moved, MoveRequest, move
from sync_worker.web.api.core import deal_shape, views, visibility
from sync_worker.web.api.core.authentication import Acting, PersonalVisit
from sync_worker.web.api.core.once import Once, OnceOnly
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.deals import deal_shapes
from sync_worker.web.api.deals.deals import ETAG, OUT_OF_SIGHT, DealId, IfMatch, version_of

router = portal_router("deals")

ADDRESSES: Final = (Verb.SUBMIT, Verb.WITHDRAW, Verb.DISABLE, Verb.ENABLE, Verb.FINALIZE)
"""Verbs with an address of their own. Decisions share one; the quote's signature is a thing of quotes."""
_ANSWERS: dict[int | str, dict[str, Any]] = {200: ETAG, **OUT_OF_SIGHT, **problems(400, 404, 409, 412, 428)}


@router.post("/deals/{deal_id}/approvals", response_model=deal_shape.DealView, responses=_ANSWERS)
def decide_deal(visit: Acting, deal_id: DealId, said: deal_shapes.DecisionBody, if_match: IfMatch, once: OnceOnly) -> Response:
    """Decides on one approval track: approve, reject, return or renew."""
    asked = MoveRequest(visit.actor, said.reason, said.expires_on, version_of(if_match))
    return _moved(visit, deal_id, once, partial(decide, visit.tenant, deal_id, said.track, said.decision, asked))


@router.post("/deals/{deal_id}/last-day", response_model=deal_shape.DealView, responses=_ANSWERS)
def set_last_day(visit: Acting, deal_id: DealId, said: deal_shapes.LastDayBody, if_match: IfMatch, once: OnceOnly) -> Response:
    """Sets or extends the last day of a registration. An expired one becomes valid again. The user must be an admin of the vendor."""
    asked = MoveRequest(visit.actor, said.reason, said.expires_on, version_of(if_match))
    return _moved(visit, deal_id, once, partial(move, visit.tenant, deal_id, Verb.SET_LAST_DAY, asked))


@router.post("/deals/{deal_id}/reassign", response_model=deal_shape.DealView, responses=_ANSWERS)
def reassign_deal(visit: Acting, deal_id: DealId, said: deal_shapes.ReassignBody, if_match: IfMatch, once: OnceOnly) -> Response:
    """Makes another member of the owner company the owner of the deal."""
    asked = MoveRequest(visit.actor, version=version_of(if_match))
    return _moved(visit, deal_id, once, partial(reassign, visit.tenant, deal_id, said.owner_user, asked))


def _endpoint(verb: Verb) -> Callable[..., Response]:
    def endpoint(
        visit: Acting, deal_id: DealId, if_match: IfMatch, once: OnceOnly, said: Annotated[deal_shapes.ReasonBody | None, Body()] = None
    ) -> Response:
        asked = MoveRequest(visit.actor, said.reason if said else "", version=version_of(if_match))
        return _moved(visit, deal_id, once, partial(move, visit.tenant, deal_id, verb, asked))

    return endpoint


def _moved(visit: PersonalVisit, deal_id: str, once: Once, do: Callable[[Finish], Moved | Refusal]) -> Response:
    tenant = visit.tenant
    with tenant.store.reading(visit.portal) as tx:
        visibility.looked_at(tx, visit, deal_id)
    return once.moved(visit, do, lambda tx, moved: views.moved_answer(tx, visit, moved))


for _verb in ADDRESSES:
    _states = ", ".join(state.value for state in MOVES[_verb].states)
    router.add_api_route(
        f"/deals/{{deal_id}}/{_verb.value}",
        _endpoint(_verb),
        methods=["POST"],
        operation_id=f"{_verb.value}_deal",
        description=f"The deal must be in one of these states: {_states}. Who may do it: {', '.join(MOVES[_verb].who)}.",
        response_model=deal_shape.DealView,
        responses=_ANSWERS,
    )
