"""What every imitation does on the wire, outside of its routes: read the body, count the call, obey fault orders, date the reply.

    request ─▶ classify ─▶ count ─▶ fault before? ─▶ application (commits) ─▶ fault after commit? ─▶ Date ─▶ reply

A reply is held back whole until its fate is known, so that "committed, then cut off" is exactly that. A call that is done late is kept, and
done before the first request after its moment has come, as of that moment. Many calls may be in flight at once: only waits let others in,
never the work itself.
"""

import asyncio
import gzip
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_sandbox.calls import Call, Calls
from crm_sandbox.clock import Clock
from crm_sandbox.faults import Fault, Faults

_LOG = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]
_FLUSH_S = 0.01  # for half a body to leave before its connection is cut

# Starlette writes header names small; vendors do not, and some clients look at the spelling.
_SPELLED = {
    b"content-type": b"Content-Type",
    b"content-length": b"Content-Length",
    b"etag": b"ETag",
    b"last-modified": b"Last-Modified",
    b"location": b"Location",
    b"retry-after": b"Retry-After",
    b"sforce-limit-info": b"Sforce-Limit-Info",
    b"www-authenticate": b"WWW-Authenticate",
    b"allow": b"Allow",
    b"content-encoding": b"Content-Encoding",
    b"vary": b"Vary",
    b"sforce-locator": b"Sforce-Locator",
    b"sforce-numberofrecords": b"Sforce-NumberOfRecords",
}


@dataclass(slots=True)
class Reply:
    """A whole answer, held until it is sent or thrown away. `date`: in place of the sandbox's own time; "" leaves it out."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    date: str | None = None

    async def collect(self, message: Message) -> None:
        """An ASGI `send` that keeps instead of sending."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def spoil(self, replaced: Mapping[str, str]) -> None:
        """Puts other bytes in the place of texts of the body: one character is one byte, so that any byte can be had."""
        if not replaced:
            return
        if any(name.lower() == b"content-encoding" for name, _ in self.headers):
            self.body = gzip.decompress(self.body)
        for text, other in replaced.items():
            self.body = self.body.replace(text.encode(), other.encode("latin-1"))
        self.headers = [(name, value) for name, value in self.headers if name.lower() not in (b"content-length", b"content-encoding")]


@dataclass(frozen=True, slots=True)
class _Late:
    """A call whose caller was told something else, and that is done all the same."""

    due_at: datetime
    scope: Scope
    body: bytes


@dataclass(frozen=True, slots=True)
class VendorHabits:
    """What differs from vendor to vendor: which kind of call a request is (None: a control), and how an ordered fault is answered."""

    classify: Callable[[Scope, bytes], Call | None]
    answer: Callable[[Fault, Call], Reply]


class VendorWire:
    """The outermost layer: an ASGI application around another one."""

    def __init__(self, app: ASGIApp, habits: VendorHabits, *, clock: Clock, calls: Calls, faults: Faults) -> None:
        self._app, self._habits = app, habits
        self._clock, self._calls, self._faults = clock, calls, faults
        self._late: list[_Late] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._do_what_is_late()
        body = await _read(receive)
        call = self._habits.classify(scope, body)
        if call is None:  # a control: never counted, never hit by a fault
            await self._send(await self._run(scope, body), send)
            return
        call = replace(call, body=body)
        scope["sandbox.call"] = call
        with self._calls.flying(call, self._clock.now()):
            await self._answered(scope, call, receive, send)

    async def _answered(self, scope: Scope, call: Call, receive: Receive, send: Send) -> None:
        body = call.body
        self._calls.count(call)
        fault = self._faults.take(call)
        reply = await self._serve(scope, body, call, fault)
        if reply is None:
            await _cut(receive, send)
            return
        self._calls.answered(call, scope["query_string"], reply.status)
        if fault is not None:
            reply.date = fault.date
            reply.spoil(fault.spoil or {})
        if fault is not None and fault.cut_body:
            await self._send_half(reply, send)
            await _cut(receive, send)
        else:
            await self._send(reply, send)

    async def _serve(self, scope: Scope, body: bytes, call: Call, fault: Fault | None) -> Reply | None:
        """The reply, or None when the connection is to be cut."""
        if fault is None:
            return await self._run(scope, body)
        done = await self._run(scope, body) if fault.when == "after_commit" else None
        await asyncio.sleep(fault.latency_ms / 1000)
        if fault.hold:
            await self._faults.held()
        if fault.when == "late":
            self._late.append(_Late(self._clock.now() + timedelta(seconds=fault.late_s), scope, body))
        if fault.drop_connection:
            return None
        reply = self._habits.answer(fault, call) if fault.answers else done or await self._run(scope, body)
        reply.headers += [(name.encode(), value.encode()) for name, value in (fault.headers or {}).items()]
        return reply

    async def _do_what_is_late(self) -> None:
        now = self._clock.now()
        for late in sorted((late for late in self._late if late.due_at <= now), key=lambda late: late.due_at):
            self._late.remove(late)
            late.scope["sandbox.late"] = True
            with self._clock.at(late.due_at):
                await self._run(late.scope, late.body)

    async def _run(self, scope: Scope, body: bytes) -> Reply:
        reply = Reply()
        try:
            await self._app(scope, _replay(body), reply.collect)
        except Exception:  # noqa: BLE001 - the framework answers 500 and raises again
            _LOG.exception("the sandbox itself failed at %s %s", scope["method"], scope["path"])
        return reply

    async def _send(self, reply: Reply, send: Send) -> None:
        await send(self._start(reply))
        await send({"type": "http.response.body", "body": reply.body})

    async def _send_half(self, reply: Reply, send: Send) -> None:
        """The head, which promises the whole, and half of the body."""
        await send(self._start(reply))
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
        await asyncio.sleep(_FLUSH_S)

    def _start(self, reply: Reply) -> Message:
        date = format_datetime(self._clock.now(), usegmt=True) if reply.date is None else reply.date
        dated: Headers = [(b"Date", date.encode())] if date else []
        headers: Headers = [*dated, *((_SPELLED.get(name, name), value) for name, value in reply.headers)]
        return {"type": "http.response.start", "status": reply.status, "headers": headers}


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _cut(receive: Receive, send: Send) -> None:
    """Close the TCP connection without a byte of answer; uvicorn's `send` is a method of the object that holds it."""
    cycle: Any = getattr(send, "__self__", None)
    cycle.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
