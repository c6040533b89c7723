"""Answers are zipped for clients that say they can read it, and their entity tags say so.

Large answers go as they are, which the vendor would not do: on loopback the time is worth more than the bytes.
"""

import zlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_sandbox.salesforce.wire.etags import zipped

_PLAIN_FROM = 1 << 16  # bytes
_GZIP_FRAME = 16 + zlib.MAX_WBITS


class Zip:
    """An ASGI application around another one whose answers come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        accepted = next((value for name, value in scope.get("headers", []) if name == b"accept-encoding"), b"")
        if b"gzip" not in accepted:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def zipping(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            start, body = held.pop(), message.get("body", b"")
            if len(body) >= _PLAIN_FROM:
                await send(start)
                await send(message)
                return
            packed = _zip(body)
            await send({**start, "headers": _told(start.get("headers", []), len(packed))})
            await send({**message, "body": packed})

        await self._app(scope, receive, zipping)


def _zip(body: bytes) -> bytes:
    if not body:
        return b""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_FRAME)
    return packer.compress(body) + packer.flush()


def _told(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    changed = [
        (name, zipped(value.decode()).encode() if name == b"etag" else value) for name, value in headers if name != b"content-length"
    ]
    if not length:
        return [*changed, *((name, value) for name, value in headers if name == b"content-length")]
    return [*changed, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), (b"content-length", str(length).encode())]
