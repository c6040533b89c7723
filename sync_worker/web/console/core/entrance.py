"""Coming and going. A link opens a page with a button, and only the button uses the link up: scanners of mails open links."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from sync_worker.config.settings import LOOPBACK
from sync_worker.domain.people.console import SESSION_LASTS
from sync_worker.steps.people.console import enter, invited, leave
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import COOKIE, HOW_TO_ENTER, Arranging, Console, opened, sealed
from sync_worker.web.console.core.route import console_router

router = console_router("/console")

OVER = TurnedAway(410, "This link is over", f"It was used before, or its time has passed. {HOW_TO_ENTER}")


@router.get("/enter/{link}")
def show_entrance(request: Request, link: str) -> Response:
    """The page of a link."""
    console: Console = request.app.state.console
    guest = invited(console.installation.store, *opened(link))
    if guest is None:
        raise OVER
    return console.pages.show("core/entrance.html", {"guest": guest, "link": link, "visit": None, "is_live": False})


@router.post("/enter")
def come_in(request: Request, link: Annotated[str, Form()] = "") -> Response:
    """Uses the link up and begins a session."""
    console: Console = request.app.state.console
    home, text = opened(link)
    session = enter(console.installation.store, home, text)
    if session is None:
        raise OVER
    return inside(request, sealed(home, session))


@router.post("/leave")
def go_out(change: Arranging) -> Response:
    """Ends the session."""
    visit = change.visit
    leave(visit.console.installation.store, visit.home, visit.session.id)
    answer = RedirectResponse("/console/out", 303)
    answer.delete_cookie(COOKIE, path="/console")
    return answer


@router.get("/out")
def show_way_out(request: Request) -> Response:
    """The page after the session."""
    console: Console = request.app.state.console
    elsewhere = console.provider.log_out_address() if console.provider else None
    context = {"how": HOW_TO_ENTER, "log_in": console.provider is not None, "elsewhere": elsewhere, "visit": None, "is_live": False}
    return console.pages.show("core/out.html", context)


def inside(request: Request, session: str) -> Response:
    """The first page, for the person of this session."""
    answer = RedirectResponse("/console/", 303)
    answer.set_cookie(
        COOKIE, session, max_age=int(SESSION_LASTS.total_seconds()), path="/console",
        secure=is_secure(request), httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


def is_secure(request: Request) -> bool:
    """Whether the browser sends a cookie over https alone: always, but over plain http on loopback."""
    console: Console = request.app.state.console
    public = urlsplit(console.installation.settings.public_url or "")
    host = public.hostname or request.url.hostname or ""
    return public.scheme == "https" or host not in LOOPBACK


def public_address(request: Request, path: str) -> str:
    """The whole address of a page, as people and other sites call it."""
    console: Console = request.app.state.console
    return f"{(console.installation.settings.public_url or str(request.base_url)).rstrip('/')}{path}"
