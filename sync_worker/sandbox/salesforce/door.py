"""Who may enter: version, size of the address, token, the day's calls; and the usage header on the way out.

Inside of `Wire`, so that an ordered fault comes before all of it, as a fault at the vendor's edge does.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_worker.sandbox.calls import Call
from sync_worker.sandbox.salesforce.errors import Refusal
from sync_worker.sandbox.salesforce.kinds import is_free
from sync_worker.sandbox.salesforce.replies import refuse
from sync_worker.sandbox.salesforce.state import State
from sync_worker.sandbox.wire import Headers

MAX_URI = 16_384  # bytes; the same again bounds address and headers together
_TOO_LONG = {414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class Door:
    """An ASGI application around the routes."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        call: Call | None = scope.get("sandbox.call")
        if scope["type"] != "http" or call is None:
            await self._app(scope, receive, send)
            return
        if status := _too_long(scope):
            await _bad_message(status, send)
            return
        try:
            is_counted = self._admit(scope, call)
        except Refusal as refusal:
            await refuse(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, self._with_usage(send) if is_counted else send)

    def _admit(self, scope: Scope, call: Call) -> bool:
        if is_free(call):
            return False
        header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        scope["sandbox.session"] = self._state.auth.session(None if header is None else header.decode("latin-1"))
        self._state.org.usage.count(self._state.clock.now())
        return True

    def _with_usage(self, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 201):
                usage = self._state.org.usage
                header = (b"Sforce-Limit-Info", f"api-usage={usage.used}/{usage.limit}".encode())
                message["headers"] = [*message.get("headers", []), header]
            await send(message)

        return told


def _too_long(scope: Scope) -> int | None:
    uri = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if uri > MAX_URI:
        return 414
    return 431 if uri + sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > MAX_URI else None


async def _bad_message(status: int, send: Send) -> None:
    page = b"<h1>Bad Message %d</h1><pre>reason: %s</pre>" % (status, _TOO_LONG[status])
    headers: Headers = [(b"content-type", b"text/html;charset=iso-8859-1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": page})
