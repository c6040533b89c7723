"""Status: how every portal and every process stands, and what needs a person. No CRM is asked for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.connections.terms import consents
from sync_worker.domain.operate.status import Need, PortalStanding, Status
from sync_worker.steps.operate.status import status
from sync_worker.store.operate import halts
from sync_worker.web.console.core.door import ConsoleVisit, Managing, Operating
from sync_worker.web.console.core.pages import wants_events
from sync_worker.web.console.core.route import console_router
from sync_worker.web.console.operate.day import pictures_of

router = console_router("/console")

PAGES: Final = {
    "failures list": "/failures",
    "conflicts list": "/conflicts",
    "feed show": "/feed",
    "feed resume": "/feed",
    "portals resume": "#pause",
    "runs list": "/runs",
}
"""The beginning of a command → the page of the portal that does the same."""


@router.get("/")
def show_portals(request: Request, visit: Managing) -> Response:
    """Every portal that this person may open, and the processes. The vendor's admin has one portal, and begins at its companies."""
    if not visit.operates:
        return RedirectResponse(f"/console/portals/{visit.home}/companies", 303)
    return visit.console.pages.show_live(request, "operate/portals", lambda: _look(visit, visit.portals))


@router.get("/portals/{portal}")
def show_portal(request: Request, visit: Operating) -> Response:
    """One portal. The pictures of its last day are drawn once; they are not among its news."""
    day = {} if wants_events(request) else pictures_of(visit)

    def look() -> dict[str, Any]:
        found = _look(visit, [visit.portal])
        with visit.tenant.store.reading(visit.portal) as tx:
            row = next(iter(found["standings"]))
            return {**found, "here": "Status", "one": row, "halt": halts.get(tx), "must_connect": _must_connect(visit, row), **day}

    return visit.console.pages.show_live(request, "operate/portal", look)


def _must_connect(visit: ConsoleVisit, row: Mapping[str, Any]) -> bool:
    """Whether the CRM refuses what a person's consent has left, or a person has not consented yet."""
    return consents(visit.tenant.portal) and any(cause.code == "auth_failed" for cause in row["standing"].causes)


def _look(visit: ConsoleVisit, names: Iterable[str]) -> dict[str, Any]:
    installation, wanted = visit.console.installation, set(names)
    fit = [one.name for one in installation.portals if one.name in wanted]
    unfit = {name: "; ".join(map(str, installation.disabled[name])) for name in sorted(wanted.difference(fit))}
    watched = [(installation.tenant(name), installation.budget(name)) for name in fit]
    found = status(installation.store, installation.release, watched, unfit)
    return visit.context(found=found, standings=[_row(one, found) for one in found.portals], needs=found.needs, page_of=_page_of)


def _page_of(need: Need) -> str:
    """The page that does what the command of a need does; "" where no page does."""
    page = next((page for command, page in PAGES.items() if need.do.startswith(f"sync-worker {command} ")), "")
    return f"/console/portals/{need.portal}{page}" if page else ""


def _row(one: PortalStanding, found: Status) -> dict[str, Any]:
    """A portal as the tables show it. **Shapes** `calls_allowed` None: no limit is known."""
    counts = Counter[str]()
    for cause in one.causes:
        counts[cause.kind] += cause.count
    return {
        "standing": one,
        "failures": counts["failure"],
        "problems": counts["problem"],
        "owed": sum(one.writes.values()),
        "calls_allowed": None if one.calls_left is None else one.calls_used + one.calls_left,
        "needs": [need for need in found.needs if need.portal == one.portal],
    }
