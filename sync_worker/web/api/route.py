"""The one way in and out of the API: a router for every file, and a route that makes a problem of whatever is refused or goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from structlog.contextvars import get_contextvars

from sync_worker import logs
from sync_worker.domain.deal import Refusal
from sync_worker.errors import SyncError
from sync_worker.store.answers import Answer
from sync_worker.web.api.mistakes import refused_of
from sync_worker.web.api.problems import Problem, Refused, of_bug, of_fault, of_refusal

MOST_BYTES: Final = 1 << 20  # a deal is a few kilobytes; whoever sends more is mistaken
WORDS: Final = {
    400: "Nobody is named who acts.",
    401: "No token, or none of this portal.",
    403: "Not with this token, or not for this person.",
    404: "There is none, or this person may not see it.",
    405: "The address does not take that method.",
    409: "Not as things are; `who_may` says who could, `allowed` from where.",
    412: "Somebody changed it meanwhile; `current` is how it is now.",
    413: "The body is too large.",
    415: "A file of a type that is not taken.",
    422: "Understood, and not right; `field` and `allowed` say what would be.",
    428: "A change names the version it means: `If-Match`.",
    500: "A mistake of ours.",
    503: "Not now; `Retry-After` says when.",
}
EVERYWHERE: Final = (401, 403, 413, 422, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How these refusals look, for the OpenAPI."""
    return {status: {"model": Problem, "description": WORDS[status]} for status in statuses}


class ProblemRoute(APIRoute):
    """A route of the API: nothing leaves it but answers and problems, and no more than `most_bytes` are read."""

    most_bytes = MOST_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = tuple(dict.fromkeys(_parameters(self.dependant)))

        async def answer(request: Request) -> Response:
            log = logs.get()
            looks = request.method == "GET"
            try:
                if not looks:
                    _refuse_unknown(request, known)  # before anything is done
                answered = await handle(Request(request.scope, _capped(request.receive, self.most_bytes)))
                if looks:
                    _refuse_unknown(request, known)  # a list of the filters is for those who may look
                return answered
            except Refused as refused:
                return response_of(of_refusal(refused))
            except RequestValidationError as error:
                return response_of(of_refusal(refused_of(error)))
            except HTTPException as error:
                return response_of(of_refusal(of_http(error)))
            except SyncError as error:
                log.warning("a request could not be done", error=str(error), kind=type(error).__name__)
                return response_of(of_fault(error))
            except Exception as bug:
                log.exception("a bug ended a request", error=str(bug))
                return response_of(of_bug(str(get_contextvars().get("request", ""))))

        return answer


def portal_router(tag: str, route: type[ProblemRoute] = ProblemRoute) -> APIRouter:
    """A router for addresses of one portal."""
    return APIRouter(prefix="/portals/{portal}", tags=[tag], route_class=route, responses=problems(*EVERYWHERE))


def response_of(answer: Answer) -> Response:
    """As it goes over HTTP; problems and first answers alike."""
    return Response(answer.body, answer.status, headers=dict(answer.headers))


def of_http(error: HTTPException) -> Refused:
    """What the framework refuses by itself."""
    if isinstance(error.__cause__, Refused):
        return error.__cause__  # said while the body was read
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Refused(Refusal("address_unknown", "there is nothing at this address", "see /docs"), headers=headers)
    if error.status_code == 405:
        return Refused(Refusal("method_not_allowed", "this address does not take that method", "see /docs"), headers=headers)
    return Refused(Refusal("body_malformed", "the body cannot be read", "JSON, with Content-Type: application/json"), headers=headers)


def _parameters(dependant: Dependant) -> Iterator[str]:
    """Every parameter that the address or a door of it reads from the query."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _parameters(needed)


def _refuse_unknown(request: Request, known: tuple[str, ...]) -> None:
    """A mistyped filter would show everything, and one on a change would be ignored. **Raises** Refused."""
    for name in request.query_params:
        if name not in known:
            raise Refused(Refusal("field_unknown", f"there is no parameter {name}", "see /docs", known, name))


def _capped(receive: Receive, most_bytes: int) -> Receive:
    """The same body, as far as anybody makes us keep it. **Raises** Refused."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most_bytes:
            raise Refused(Refusal("body_too_large", f"the body has more than {most_bytes} bytes", "a smaller one"))
        return message

    return counted
