"""Check, plan, compare and repair: asked on a page, done by a worker. The page shows how far it is, then the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.domain.operate.inquiry import ASKS, InquiryKind
from sync_worker.domain.operate.plan import COLUMNS, KINDS, rows_of
from sync_worker.steps.operate.inquire import ask_repair, inquire, work_of
from sync_worker.store.operate import inquiries
from sync_worker.store.operate.inquiries import InquiryRow
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, ConsoleChange, ConsoleVisit, Operating
from sync_worker.web.console.core.halted import refuse_paused
from sync_worker.web.console.core.route import console_router

router = console_router()

EARLIER_COUNT: Final = 10


@router.get("/check")
def show_check(request: Request, visit: Operating) -> Response:
    """What the CRM lacks, and what to click."""
    return _show_latest(request, visit, InquiryKind.CHECK)


@router.get("/plan")
def show_plan(request: Request, visit: Operating) -> Response:
    """What a pull and a push would change, field by field."""
    return _show_latest(request, visit, InquiryKind.PLAN)


@router.get("/compare")
def show_comparison(request: Request, visit: Operating) -> Response:
    """What the CRM holds otherwise than we do."""
    return _show_latest(request, visit, InquiryKind.COMPARE)


@router.get("/inquiries/{inquiry_id}")
def show_inquiry(request: Request, visit: Operating, inquiry_id: str) -> Response:
    """One of them, at an address that stays."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            found = inquiries.get(tx, inquiry_id)
        if found is None or found.kind is InquiryKind.RULES:
            raise TurnedAway(404, "There is no such answer", "Answers are deleted after a week, or the address is mistyped.")
        return _context(visit, found.kind, found)

    return visit.console.pages.show_live(request, "operate/inquiry", look)


@router.post("/check")
def ask_check(change: Changing) -> Response:
    """A worker checks the portal."""
    return _ask(change, InquiryKind.CHECK)


@router.post("/plan")
def ask_plan(change: Changing) -> Response:
    """A worker makes a plan."""
    return _ask(change, InquiryKind.PLAN, is_full=bool(change.text("full")))


@router.post("/compare")
def ask_comparison(change: Changing) -> Response:
    """A worker compares both sides."""
    return _ask(change, InquiryKind.COMPARE)


@router.post("/repair")
def ask_for_repair(change: Changing) -> Response:
    """A worker compares both sides, reads again what differs, and writes what is owed."""
    visit, reason = change.visit, change.text("reason", is_required=True)
    refuse_paused(visit)
    asked = ask_repair(visit.tenant, actor=visit.actor, reason=reason)
    visit.console.follow_ups(visit.portal, [work_of(InquiryKind.REPAIR)])
    return RedirectResponse(f"{visit.address}/inquiries/{asked.id}", 303)


def _ask(change: ConsoleChange, kind: InquiryKind, *, is_full: bool = False) -> Response:
    visit = change.visit
    refuse_paused(visit)
    inquire(visit.tenant, kind, actor=visit.actor, is_full=is_full)
    visit.console.follow_ups(visit.portal, [work_of(kind)])
    return RedirectResponse(f"{visit.address}/{kind}", 303)


def _show_latest(request: Request, visit: ConsoleVisit, kind: InquiryKind) -> Response:
    """The one that is under way, or else the latest."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            found = inquiries.latest(tx, kind, limit=EARLIER_COUNT)
            repairs = inquiries.latest(tx, InquiryKind.REPAIR, limit=EARLIER_COUNT) if kind is InquiryKind.COMPARE else []
        return _context(visit, kind, found[0] if found else None, earlier=found[1:], repairs=repairs)

    return visit.console.pages.show_live(request, "operate/inquiry", look)


def _context(visit: ConsoleVisit, kind: InquiryKind, found: InquiryRow | None, **more: Any) -> dict[str, Any]:
    answer = found.result if found and found.result else None
    lists = list(plan_lists(answer)) if answer and kind is InquiryKind.PLAN else []
    here = (InquiryKind.COMPARE if kind is InquiryKind.REPAIR else kind).value.capitalize()
    context = {"kind": kind.value, "asks": ASKS[kind], "asked": found, "answer": answer, "lists": lists}
    return visit.context(here=here, **context, **{"earlier": [], "repairs": [], **more})


def plan_lists(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's lists that are not empty, as tables. **Shapes** `more`: entries that are counted and not shown."""
    for kind, words in KINDS.items():
        listing = answer[kind]
        if listing["count"]:
            rows = [[row.get(name) for name in COLUMNS[kind]] for row in rows_of(kind, listing["shown"])]
            names = [name.replace("_", " ").capitalize() for name in COLUMNS[kind]]
            yield {
                "words": words,
                "count": listing["count"],
                "names": names,
                "rows": rows,
                "more": listing["count"] - len(listing["shown"]),
            }
