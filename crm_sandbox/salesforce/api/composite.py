"""Several requests in one: `composite` (one may use the answer of another, all may fall with one) and `composite/batch`.

Each part runs through the same routes as a request of its own, inside of one transaction if all are to fall together.
Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

from crm_sandbox.salesforce.api.composite_refs import BadReference, filled
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal
from crm_sandbox.salesforce.wire.kinds import classifier
from crm_sandbox.salesforce.wire.replies import answer
from crm_sandbox.salesforce.wire.routing import json_object

MAX_PARTS = 25
MAX_HEAVY_PARTS = 5  # queries and collections among them
_HEAVY = frozenset({"query", "query_all", "query_more", "collections_write", "retrieve"})
_SHOWN = {b"location": "Location", b"etag": "ETag", b"last-modified": "Last-Modified"}
Shape = dict[str, Any]


class UndoneParts(Exception):
    """Carries an all-or-none call out of its transaction."""


@dataclass(slots=True)
class PartAnswer:
    """The answer of one part."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it did what it should."""
        return self.status < 400 and self.status != 300

    @property
    def json(self) -> Any:
        """The body as JSON; null when there is none."""
        return orjson.loads(self.body) if self.body else None


class Composite:
    """`/composite` and `/composite/batch`. `app` are the routes, once they are there."""

    def __init__(self, state: SalesforceState) -> None:
        self._state = state
        self.app: ASGIApp | None = None
        self._classify = classifier(state.object_of_locator)

    async def composite(self, request: Request) -> Response:
        """POST parts that may refer to one another."""
        body = await json_object(request)
        parts = _parts(body, "compositeRequest")
        self._refuse_too_heavy(parts)
        names = [str(part.get("referenceId", "")) for part in parts]
        if len(set(names)) != len(names) or not all(names):
            raise SalesforceRefusal("INVALID_REFERENCE_ID", "Each subrequest needs a referenceId of its own")
        answers: list[Shape] = []
        try:
            with self._state.org.store.transaction():
                for name, part in zip(names, parts, strict=True):
                    answers.append(await self._referring(request, name, part, answers))
                    if body.get("allOrNone") is True and answers[-1]["httpStatusCode"] >= 400:
                        raise UndoneParts
        except UndoneParts:
            answers = _undone(names, answers)
        return answer({"compositeResponse": answers})

    async def batch(self, request: Request) -> Response:
        """POST parts that know nothing of one another; each counts as a call."""
        body = await json_object(request)
        results: list[Shape] = []
        is_halted = False
        for part in _parts(body, "batchRequests"):
            if is_halted:
                words = "Batch processing halted per request"
                results.append({"statusCode": 412, "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": words}]})
                continue
            path = str(part.get("url", ""))
            if not path.startswith("/services/"):
                path = f"/services/data/{path.lstrip('/')}"
            self._state.org.usage.count(self._state.clock.now())
            done = await self._run(request, str(part.get("method", "GET")), path, part.get("richInput"), {})
            results.append({"statusCode": done.status, "result": done.json})
            is_halted = body.get("haltOnError") is True and not done.is_good
        return answer({"hasErrors": any(result["statusCode"] >= 400 for result in results), "results": results})

    async def _referring(self, request: Request, name: str, part: Shape, before: list[Shape]) -> Shape:
        known = {earlier["referenceId"]: earlier["body"] for earlier in before if earlier["httpStatusCode"] < 400}
        try:
            path, body = filled(str(part.get("url", "")), known), filled(part.get("body"), known)
        except BadReference as error:
            return _shape(name, 400, [{"errorCode": "PROCESSING_HALTED", "message": str(error)}])
        headers = {str(key): str(value) for key, value in (part.get("httpHeaders") or {}).items()}
        if not str(path).startswith("/services/data/v"):
            words = "The url of a subrequest must begin with /services/data/vXX.X/"
            return _shape(name, 400, [{"errorCode": "INVALID_URI", "message": words}])
        done = await self._run(request, str(part.get("method", "GET")), str(path), body, headers)
        return _shape(name, done.status, done.json, done.headers)

    async def _run(self, request: Request, method: str, url: str, body: Any, headers: Mapping[str, str]) -> PartAnswer:
        """One part through the routes, in the session of the whole."""
        parts = urlsplit(url)
        payload = b"" if body is None else orjson.dumps(body)
        scope: Scope = dict(request.scope) | {
            "method": method.upper(),
            "path": unquote(parts.path).removesuffix("/"),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [*_inherited(request), *((name.lower().encode(), value.encode()) for name, value in headers.items())],
            "path_params": {},
        }
        call = self._classify(scope, payload)
        if call is None or call.kind in ("composite", "composite_batch") or call.kind.startswith(("bulk", "token", "soap")):
            refusal = SalesforceRefusal("PROCESSING_HALTED", f"{parts.path} is not supported in a subrequest")
            return PartAnswer(400, {}, orjson.dumps([refusal.single()]))
        scope["sandbox.call"] = call
        part = PartAnswer()
        assert self.app is not None  # noqa: S101 - set when the routes are made
        await self.app(scope, _receiving(payload), _keeping(part))
        return part

    def _refuse_too_heavy(self, parts: list[Shape]) -> None:
        heavy = 0
        for part in parts:
            path = urlsplit(str(part.get("url", ""))).path
            call = self._classify({"path": path, "method": part.get("method", "GET"), "query_string": b""}, b"")
            heavy += call is not None and call.kind in _HEAVY
        if heavy > MAX_HEAVY_PARTS:
            words = f"A composite request can contain at most {MAX_HEAVY_PARTS} query or sObject collection subrequests"
            raise SalesforceRefusal("LIMIT_EXCEEDED", words)


def _parts(body: Shape, name: str) -> list[Shape]:
    parts = body.get(name)
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts) or not parts:
        raise SalesforceRefusal("JSON_PARSER_ERROR", f"{name} must be a list of subrequests at [line:1, column:1]")
    if len(parts) > MAX_PARTS:
        raise SalesforceRefusal("LIMIT_EXCEEDED", f"The maximum number of subrequests is {MAX_PARTS}; this request has {len(parts)}")
    return parts


def _inherited(request: Request) -> list[tuple[bytes, bytes]]:
    """The switches of the whole hold for its parts; conditions and lengths do not."""
    return [(name, value) for name, value in request.scope["headers"] if name.startswith(b"sforce-")]


def _receiving(payload: bytes) -> Any:
    async def receive() -> Message:
        return {"type": "http.request", "body": payload, "more_body": False}

    return receive


def _keeping(part: PartAnswer) -> Any:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            part.status = message["status"]
            part.headers = {_SHOWN[name]: value.decode() for name, value in message["headers"] if name in _SHOWN}
        else:
            part.body += message.get("body", b"")

    return send


def _shape(name: str, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Shape:
    return {"body": body, "httpHeaders": dict(headers or {}), "httpStatusCode": status, "referenceId": name}


def _undone(names: list[str], answers: list[Shape]) -> list[Shape]:
    """The one that failed keeps its reason; the others, done or not yet begun, were rolled back."""
    words = "The transaction was rolled back since another operation in the same transaction failed."
    halted = [{"errorCode": "PROCESSING_HALTED", "message": words}]
    return [answers[place] if place == len(answers) - 1 else _shape(name, 400, halted) for place, name in enumerate(names)]
