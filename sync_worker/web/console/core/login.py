"""The log-in with the company's account: to the provider, back with a code, and a session as a link begins one.

What is under way is in a sealed cookie of this browser for ten minutes, so a person without a session makes no row in the database. Every
way back takes the cookie away.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.bootstrap import Installation
from sync_worker.domain.people.console import EVERY_PORTAL, LOG_IN_LASTS, admitted
from sync_worker.provider import Identified, LogInRefused, Provider
from sync_worker.steps.people.console import admit
from sync_worker.telemetry import logs
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Console, sealed
from sync_worker.web.console.core.entrance import inside, is_secure, public_address
from sync_worker.web.console.core.route import UNKNOWN, console_router, refused

router = console_router("/console")

UNDER_WAY: Final = "sync_worker_console_login"
PATH: Final = "/console/login"
NOT_LOGGED_IN: Final = "You are not logged in"
OFF: Final = TurnedAway(404, "There is no such page", "The log-in with the company's account is not switched on here.")


def provider_of(installation: Installation) -> Provider | None:
    """The company's log-in, where it is switched on. A role for a portal that is not there grants nothing, and is said once."""
    terms = installation.settings.log_in
    if terms is None:
        return None
    for value, one in terms.roles.items():
        if one.portal not in (EVERY_PORTAL, *installation.names):
            logs.get().warning(
                "SYNC_WORKER_OIDC_ROLES names a portal that is not there, so that line grants nothing", value=value, role=str(one)
            )
    return Provider(terms, installation.services.clock)


@router.get("/login")
def begin_log_in(request: Request) -> Response:
    """Sends the browser to the provider."""
    provider = _provider(request)
    begun = provider.begin(public_address(request, f"{PATH}/back"))
    answer = RedirectResponse(begun.address, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        UNDER_WAY, begun.cookie, max_age=int(LOG_IN_LASTS.total_seconds()), path=PATH,
        secure=is_secure(request), httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get("/login/back")
def come_back(
    request: Request,
    state: Annotated[str, Query()] = "",
    code: Annotated[str, Query()] = "",
    error: Annotated[str, Query()] = "",
) -> Response:
    """The provider sends the browser here, with a code or with an error."""
    provider = _provider(request)
    try:
        under_way = provider.opened(request.cookies.get(UNDER_WAY, ""), state)
        answer = _let_in(request, provider, provider.finish(under_way, code, error))
    except LogInRefused as why:
        logs.get().warning("a log-in with the company's account was refused", why=str(why))
        answer = refused(request, TurnedAway(UNKNOWN, NOT_LOGGED_IN, str(why)))
    answer.delete_cookie(UNDER_WAY, path=PATH)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _let_in(request: Request, provider: Provider, person: Identified) -> Response:
    console: Console = request.app.state.console
    terms = provider.terms
    found = admitted(person.values, terms.roles, console.installation.names)
    if found is None:
        says = f"What it says of you under {terms.claim} stands for no role here"
        raise LogInRefused(f"The provider knows you, {person.name}. {says}; an operator says for whom it does in SYNC_WORKER_OIDC_ROLES.")
    session = admit(console.installation.store, found, person.name)
    logs.get().info("a person came in with the company's account", subject=person.subject, role=str(found))
    return inside(request, sealed(found.portal, session))


def _provider(request: Request) -> Provider:
    console: Console = request.app.state.console
    if console.provider is None:
        raise OFF
    return console.provider
