"""Inquiries: check, plan, compare and repair. A request asks, a worker answers, and another request fetches the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Path, Response

from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.operate.inquiry import InquiryKind
from sync_worker.steps.operate.inquire import ask_repair, inquire, work_of
from sync_worker.store.operate import inquiries
from sync_worker.store.operate.inquiries import InquiryRow
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating, Visit
from sync_worker.web.api.core.once import Once, OnceOnly
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.core.views import JSON
from sync_worker.web.api.operate import inquiry_shapes
from sync_worker.web.api.operate.acts import waits
from sync_worker.web.api.operate.failure_shapes import WhyBody

router = portal_router("operator")

InquiryId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]
_LOCATION: Final = {"description": "Where the answer will be.", "required": True, "schema": {"type": "string", "format": "uri-reference"}}
ASKED: Final[dict[int | str, dict[str, Any]]] = {
    **problems(409),
    202: {"description": "A worker answers it. `Location` says where.", "headers": {"Location": _LOCATION}},
}


@router.post("/operate/check", status_code=202, response_model=inquiry_shapes.InquiryView, responses=ASKED)
def check_portal(visit: Operating, once: OnceOnly) -> Response:
    """Asks whether the CRM has what portal file and mapping name, and whether its data fit. What is being asked is not asked twice."""
    return _ask(visit, once, partial(inquire, visit.tenant, InquiryKind.CHECK, actor=visit.holder))


@router.post("/operate/plan", status_code=202, response_model=inquiry_shapes.InquiryView, responses=ASKED)
def plan_portal(visit: Operating, said: inquiry_shapes.PlanBody, once: OnceOnly) -> Response:
    """Asks what a pull and a push would change on both sides, and what they would cost. What is being asked is not asked twice."""
    return _ask(visit, once, partial(inquire, visit.tenant, InquiryKind.PLAN, actor=visit.holder, is_full=said.full))


@router.post("/operate/compare", status_code=202, response_model=inquiry_shapes.InquiryView, responses=ASKED)
def compare_portal(visit: Operating, once: OnceOnly) -> Response:
    """Asks whether the CRM still holds what we hold. What is being asked is not asked twice."""
    return _ask(visit, once, partial(inquire, visit.tenant, InquiryKind.COMPARE, actor=visit.holder))


@router.post("/operate/repair", status_code=202, response_model=inquiry_shapes.InquiryView, responses=ASKED)
def repair_portal(visit: Operating, said: WhyBody, once: OnceOnly) -> Response:
    """Compares both sides, reads again what differs, and writes what is owed. The answer says what differed, and what still does."""
    return _ask(visit, once, partial(ask_repair, visit.tenant, actor=visit.holder, reason=said.reason))


@router.get("/operate/inquiries")
def list_inquiries(visit: Operating, page: PageOf, kind: InquiryKind | None = None) -> shapes.PageView[inquiry_shapes.InquiryView]:
    """Lists what was asked within the last week, the latest first, without the answers."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = inquiries.latest(tx, kind, limit=page.looked_for, before=page.moment())
    some = page.cut(found, lambda one: (one.asked_at.isoformat(), one.id))
    return shapes.PageView(items=[inquiry_shapes.InquiryView(**_shown(one)) for one in some.items], next=some.next)


@router.get("/operate/inquiries/{inquiry_id}", responses=problems(404))
def get_inquiry(visit: Operating, inquiry_id: InquiryId) -> inquiry_shapes.InquiryAnswerView:
    """Returns one inquiry: how far a worker is with it, or its answer."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = inquiries.get(tx, inquiry_id)
    if found is None:
        raise Refused(Refusal("inquiry_unknown", f"there is no inquiry {inquiry_id}", "an id from GET /operate/inquiries"))
    return inquiry_shapes.InquiryAnswerView(**_shown(found), result=found.result)


def _ask(visit: Visit, once: Once, ask: Callable[[], InquiryRow]) -> Response:
    def work(_keep: object) -> Answer:
        if halt := visit.tenant.halted():
            raise Refused(Refusal("portal_paused", str(waits(visit, halt)), "an operator: POST /operate/resume"))
        asked = ask()
        visit.api.follow_ups(visit.portal, [work_of(asked.kind)])
        address = f"/portals/{visit.portal}/operate/inquiries/{asked.id}"
        body = inquiry_shapes.InquiryView(**_shown(asked)).model_dump_json()
        return Answer(202, body, {**JSON, "Location": address})

    return once.answer(visit, work)


def _shown(one: InquiryRow) -> dict[str, Any]:
    names = ("id", "kind", "state", "actor", "is_full", "asked_at", "begun_at", "finished_at", "done_count", "total_count", "error")
    return {**{name: getattr(one, name) for name in names}, "doing": one.words}
