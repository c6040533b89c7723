"""What HTTP promises of every address, kept in one place: HEAD wherever there is GET, `Allow` with all methods, 304 for what is known.

The tag of an answer is made from its bytes, so it changes with whatever is shown. Where an endpoint gives a version, that comes first in
it (`"3-…"`), and `If-Match` goes by the version alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOKS: Final = ("GET", "HEAD")
_OF_A_BODY: Final = ("content-length", "content-type")


class Standards:
    """ASGI middleware inside of `Answers`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        waiting: list[Message] = []

        async def answer(message: Message) -> None:
            scope.update({name: asked[name] for name in ("endpoint", "route") if name in asked})
            if message["type"] == "http.response.start":
                if message["status"] == 405:
                    MutableHeaders(scope=message)["Allow"] = ", ".join(sorted(_methods(scope)))
                waiting.append(message)
                return
            for start in waiting:
                if _is_whole(scope, start, message):
                    _tag(start, message["body"])
                    if _is_known(scope, start):
                        start, message = _unchanged(start), {**message, "body": b""}
                await send(start)
            waiting.clear()
            await send({**message, "body": b""} if scope["method"] == "HEAD" else message)

        await self._app(asked, receive, answer)


def _methods(scope: Scope) -> Iterator[str]:
    """Every method that some route takes at this address."""
    for route in scope["app"].routes:
        if route.matches(scope)[0] is not Match.NONE:
            methods = set(getattr(route, "methods", None) or ())
            yield from methods | ({"HEAD"} if "GET" in methods else set())


def _is_whole(scope: Scope, start: Message, body: Message) -> bool:
    """A look that was answered, at once and not in pieces."""
    return scope["method"] in _LOOKS and start["status"] == 200 and not body.get("more_body", False)


def _tag(start: Message, body: bytes) -> None:
    headers = MutableHeaders(scope=start)
    version = headers.get("ETag", "").strip('"')
    digest = hashlib.sha256(body).hexdigest()[:16]
    headers["ETag"] = f'"{version}-{digest}"' if version else f'"{digest}"'


def _is_known(scope: Scope, start: Message) -> bool:
    """Whether the asker holds the answer already, by the weak comparison."""
    known = Headers(scope=scope).get("If-None-Match", "")
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in tags or Headers(raw=start["headers"]).get("ETag") in tags


def _unchanged(start: Message) -> Message:
    kept = [(name, value) for name, value in start["headers"] if name.decode("latin-1").lower() not in _OF_A_BODY]
    return {**start, "status": 304, "headers": kept}
