"""Connection: a person lets the worker into the portal's CRM on the vendor's own page, and comes back.

The button keeps a state for this session and shows a link. A form that is sent on to another site is refused by browsers where
`form-action` is 'self', and it stays 'self' here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.connections.consent import SECRET_KEY, consent_of, orgs_of
from sync_worker.connections.terms import consents
from sync_worker.errors import AuthFailed
from sync_worker.steps.operate.connecting.connect import ConsentWay, asked, begin, connection, finish
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Changing, ConsoleVisit, Operating, opened, sealed
from sync_worker.web.console.core.entrance import public_address
from sync_worker.web.console.core.route import console_router

router = console_router()
back = console_router("/console")

BACK: Final = "/console/connected"
"""What the vendor's app must name."""
NOT_KEPT: Final = "The portal was not connected"
WAITS: Final = TurnedAway(
    410, NOT_KEPT, "This way back was used before, is of another session, or took too long. Open Connection and begin again."
)


@router.get("/connection")
def show_connection(request: Request, visit: Operating) -> Response:
    """How the portal logs in, and what was connected by whom."""
    portal, kept = visit.tenant.portal, connection(visit.tenant)
    context = visit.context(
        here="Connection",
        crm=portal.crm.kind,
        flow=portal.crm.auth.flow,
        consents=consents(portal),
        kept=kept,
        known=orgs_of(portal),
        unset=[str(mistake) for mistake in portal.unset],
        back=public_address(request, BACK),
    )
    return visit.console.pages.show("operate/connection.html", context)


@router.post("/connection")
def begin_consent(request: Request, change: Changing) -> Response:
    """Shows the link to the vendor's page; it is good for a quarter of an hour, and once."""
    visit, way = change.visit, _way(change.visit)
    ask = begin(visit.tenant, way.seal, session_id=visit.session.id, redirect_uri=public_address(request, BACK))
    address = way.consent.address(replace(ask, state=sealed(visit.portal, ask.state)))
    return visit.console.pages.show("operate/consent.html", visit.context(here="Connection", vendor=way.consent.vendor, address=address))


@back.get("/connected")
def come_back(
    visit: Operating,
    state: Annotated[str, Query()] = "",
    code: Annotated[str, Query()] = "",
    error: Annotated[str, Query()] = "",
) -> Response:
    """The vendor sends the browser here, with a code or without one. The state says which portal it is about, and is used up."""
    portal, text = opened(state)
    if portal not in visit.portals:
        raise WAITS
    there = visit.in_portal(portal)
    under_way = asked(visit.console.installation.store, portal, text, visit.session.id)
    if under_way is None:
        raise WAITS
    if error or not code:
        words = "You have not allowed it." if error == "access_denied" else f"The CRM says: {error[:80] or 'nothing, and no code'}."
        raise TurnedAway(409, NOT_KEPT, f"{words} Open Connection and begin again.")
    try:
        words = finish(there.tenant, _way(there), under_way, code, actor=there.actor)
    except AuthFailed as refused:
        raise TurnedAway(409, NOT_KEPT, str(refused)) from refused
    if words:
        raise TurnedAway(409, NOT_KEPT, words)
    return RedirectResponse(f"{there.address}/connection", 303)


def _way(visit: ConsoleVisit) -> ConsentWay:
    """**Raises** TurnedAway where the portal does not log in by a consent, or has no key for what that leaves; ConfigError."""
    portal, seal = visit.tenant.portal, visit.console.installation.settings.seal
    if not consents(portal):
        words = f"The portal file says crm.auth.flow: {portal.crm.auth.flow}. Write authorization_code there to connect it in the console."
        raise TurnedAway(409, "Nothing was changed", words)
    if seal is None:
        raise TurnedAway(
            409, "Nothing was changed", f"{SECRET_KEY} is not set. It seals what a consent leaves: docs/console.md says how to make one."
        )
    return ConsentWay(consent_of(portal, visit.console.installation.services), seal, orgs_of(portal))
