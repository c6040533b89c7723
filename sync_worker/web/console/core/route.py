"""The one way in and out of the console: headers that bind the browser, and a page for whatever is refused or goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from structlog.contextvars import get_contextvars

from sync_worker.boundary.headers import whole
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.errors import SyncError, told
from sync_worker.telemetry import logs
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Console

MOST_BYTES: Final = 1 << 20  # of a form: ten thousand ids that a person has ticked
UNKNOWN: Final = 401  # of a person who is not logged in
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class ConsoleRoute(APIRoute):
    """A route of the console: nothing leaves it but pages. **Units** `most_bytes`: of what is sent to it."""

    most_bytes: ClassVar[int] = MOST_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            log = logs.get()
            try:
                _refuse_large(request, self.most_bytes)
                response = await handle(request)
            except TurnedAway as away:
                response = refused(request, away)
            except Refused as incomplete:
                response = refused(request, TurnedAway(400, "The request is not complete", incomplete.refusal.why))
            except (RequestValidationError, HTTPException):
                response = refused(request, TurnedAway(400, "The request is not complete", "Open the page again, then send the form."))
            except SyncError as error:
                log.warning("a page could not be shown", error=str(error), kind=type(error).__name__)
                response = refused(request, TurnedAway(503, "It cannot be done right now", str(error)))
            except Exception as bug:
                log.exception("a bug ended a request of the console", error=told(bug))
                words = f"The server made a mistake. Its log has it under {get_contextvars().get('request', '')}."
                response = refused(request, TurnedAway(500, "Something went wrong", words))
            response.headers.update(HEADERS)
            return response

        return answer


class UploadingRoute(ConsoleRoute):
    """A route to which a file is sent."""

    most_bytes: ClassVar[int] = AGREEMENT.most_bytes + (1 << 16)  # the file, and what a form writes around it


def console_router(path: str = "/console/portals/{portal}", route: type[ConsoleRoute] = ConsoleRoute) -> APIRouter:
    """A router for the pages of one screen."""
    return APIRouter(prefix=path, route_class=route, include_in_schema=False)


def _refuse_large(request: Request, most_bytes: int) -> None:
    announced = whole(request.headers.get("content-length", "0"))
    is_chunked = "transfer-encoding" in request.headers
    if announced is None or announced > most_bytes or is_chunked:
        raise TurnedAway(413, "The form is too large", "Choose fewer rows, or a smaller file.")


def refused(request: Request, away: TurnedAway) -> Response:
    """The page that says why."""
    console: Console = request.app.state.console
    return console.refused(away.title, away.words, is_door=away.status == UNKNOWN, status=away.status)
