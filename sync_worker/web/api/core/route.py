"""The one way in and out of the API: a router for every file, and a route that makes a problem of whatever is refused or goes wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from structlog.contextvars import get_contextvars

from sync_worker.boundary.headers import whole
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.distributors.upload import AGREEMENT
from sync_worker.errors import SyncError, told
from sync_worker.nearest import did_you_mean
from sync_worker.store.people.answers import Answer
from sync_worker.telemetry import logs
from sync_worker.web.api.core.authentication import knock, scope_of
from sync_worker.web.api.core.mistakes import refused_of
from sync_worker.web.api.core.problems import ProblemView, Refused, of_bug, of_fault, of_refusal

PIECE_BYTES: Final = 1 << 20  # read at once from what comes in
MOST_BYTES: Final = 1 << 20  # a deal is a few kilobytes; a larger body is a mistake
WORDS: Final = {
    400: "The request does not say which user it acts for.",
    401: "The token is missing, or it is not a valid token of this portal.",
    403: "This token, or this user, may not do it. `who_may` says who may.",
    404: "It does not exist, or this user may not see it.",
    405: "This address does not take this method.",
    409: "It cannot be done in the state that things are in. `who_may` says who could, `allowed` says from which state.",
    410: "The place is older than the events that are kept. `allowed` has the oldest place there is.",
    412: "The deal was changed after the version that the request names. `current` is the deal as it is now.",
    413: "The body is too large.",
    415: "Files of this type are not accepted.",
    422: "The request is not valid. `field` says which part of it, `allowed` says what would be accepted.",
    428: "A change must say which version of the deal it means, in the header `If-Match`.",
    500: "The server made a mistake. `request_id` finds it in the operator's log.",
    503: "It cannot be done right now. The header `Retry-After` says when to try again.",
}
FILE: Final = "file"  # how the part of an upload is called
MOST_SHOWN: Final = 64  # characters of the name of another part
EVERYWHERE: Final = (401, 403, 405, 413, 422, 500, 503)
_FILE_NAME: Final = {"description": "The name of the file.", "schema": {"type": "string"}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How these refusals look, for the OpenAPI."""
    return {status: {"model": ProblemView, "description": WORDS[status]} for status in statuses}


class ProblemRoute(APIRoute):
    """A route of the API: nothing leaves it but answers and problems.

    The token and the announced length are looked at before the body, and no more than `most_bytes` of it are read.
    """

    most_bytes = MOST_BYTES
    takes = "JSON, with Content-Type: application/json"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known, scope = tuple(dict.fromkeys(_parameters(self.dependant))), scope_of(self.dependant)

        async def answer(request: Request) -> Response:
            log = logs.get()
            try:
                if scope:
                    await knock(request, scope)
                _refuse_length(request, self.most_bytes)
                _refuse_unfit(request, known)
                return await handle(Request(request.scope, _capped(request.receive, self.most_bytes)))
            except Refused as refused:
                return response_of(of_refusal(refused))
            except RequestValidationError as error:
                return response_of(of_refusal(refused_of(error)))
            except HTTPException as error:
                return response_of(of_refusal(of_http(error, self.takes)))
            except SyncError as error:
                log.warning("a request could not be done", error=str(error), kind=type(error).__name__)
                return response_of(of_fault(error))
            except Exception as bug:
                log.exception("a bug ended a request", error=told(bug))
                return response_of(of_bug(str(get_contextvars().get("request", ""))))

        return answer


class UploadRoute(ProblemRoute):
    """A route that takes a file."""

    most_bytes = AGREEMENT.most_bytes + (1 << 16)  # the file, and what a form writes around it
    takes = "a form with one part, the file, with Content-Type: multipart/form-data; boundary=…"


async def one_part(request: Request) -> None:
    """A form holds the file and nothing else: of two files only the last would be kept, and a word beside it would be ignored.
    **Raises** Refused.
    """
    names = [name for name, _ in (await request.form()).multi_items()]
    if other := next((name for name in names if name != FILE), None):
        name = other[:MOST_SHOWN].strip() or "form"
        raise Refused(Refusal("field_unknown", f"there is no field {name}", "a form with one part, the file", (FILE,), name))
    if len(names) > 1:
        words = f"{FILE} stands {len(names)} times in the form; it counts once"
        raise Refused(Refusal("field_repeated", words, "one request for each file", field=FILE))


def portal_router(tag: str, route: type[ProblemRoute] = ProblemRoute, *rules: Callable[..., Any]) -> APIRouter:
    """A router for addresses of one portal. **Shapes** `rules`: what is looked at before each request of it is worked on."""
    return APIRouter(
        prefix="/portals/{portal}",
        tags=[tag],
        route_class=route,
        dependencies=[Depends(rule) for rule in rules],
        responses=problems(*EVERYWHERE),
        generate_unique_id_function=by_name,
    )


def by_name(route: APIRoute) -> str:
    """The id of an operation in the OpenAPI: the name of its function, which reads verb first. Clients name their calls by it."""
    return route.name


def file_of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """How an answer looks that is a file, for the OpenAPI."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in media_types}
    return {200: {"description": "The file.", "content": content, "headers": {"Content-Disposition": _FILE_NAME}}}


def file_answer(pieces: Iterator[bytes], media_type: str, name: str) -> Response:
    """A file that a person uploaded, to be saved and never shown in place: a browser neither guesses its type nor runs it."""
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)  # for clients that do not know `filename*`
    exact = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    headers = {"Content-Disposition": f'attachment; filename="{plain}"{exact}', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """A file that comes in, piece by piece."""
    return iter(lambda: file.read(PIECE_BYTES), b"")


def response_of(answer: Answer) -> Response:
    """As it goes over HTTP; problems and first answers alike."""
    return Response(answer.body, answer.status, headers=dict(answer.headers))


def of_http(error: HTTPException, takes: str = ProblemRoute.takes) -> Refused:
    """What the framework refuses by itself. **Shapes** `takes`: the body that the address takes."""
    if isinstance(error.__cause__, Refused):
        return error.__cause__  # said while the body was read
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return Refused(Refusal("address_unknown", "there is nothing at this address", "see /docs"), headers=headers)
    if error.status_code == 405:
        return Refused(Refusal("method_not_allowed", "this address does not take that method", "see /docs"), headers=headers)
    return Refused(Refusal("body_malformed", "the body cannot be read", takes, field="body"), headers=headers)


def _parameters(dependant: Dependant) -> Iterator[str]:
    """Every parameter that the address or a door of it reads from the query."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _parameters(needed)


def _refuse_unfit(request: Request, known: tuple[str, ...]) -> None:
    """A mistyped filter would show everything, one on a change would be ignored, and of a repeated one only the last would count.
    **Raises** Refused.
    """
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            words = f"there is no parameter {name!r}; {did_you_mean(name, known)}".rstrip("; ")
            raise Refused(Refusal("field_unknown", words, "see /docs", known, name.strip() or "query"))
        if count > 1:
            words = f"{name} stands {count} times in the address; it counts once"
            raise Refused(Refusal("field_repeated", words, "one request for each value", field=name))


def _refuse_length(request: Request, most_bytes: int) -> None:
    """What announces that it is too large is not read at all. **Raises** Refused."""
    announced = whole(request.headers.get("content-length", "0"))
    if announced is None or announced > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> Refused:
    return Refused(Refusal("body_too_large", f"the body has more than {most_bytes} bytes", "a smaller one"))


def _capped(receive: Receive, most_bytes: int) -> Receive:
    """The same body, as far as anybody makes us keep it. **Raises** Refused."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most_bytes:
            raise _too_large(most_bytes)
        return message

    return counted
