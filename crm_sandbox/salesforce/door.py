"""Who may enter: version, size of the address, token, long calls, the day's calls; and the usage header on the way out.

Inside of `Wire`, so that an ordered fault comes before all of it, as a fault at the vendor's edge does.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_sandbox.calls import Call
from crm_sandbox.salesforce.state import SalesforceState
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal, too_many_long_calls
from crm_sandbox.salesforce.wire.kinds import is_free
from crm_sandbox.salesforce.wire.replies import refuse
from crm_sandbox.wire import Headers

MAX_URI = 16_384  # bytes; the same again bounds address and headers together
_TOO_LONG = {414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class SalesforceDoor:
    """An ASGI application around the routes."""

    def __init__(self, app: ASGIApp, state: SalesforceState) -> None:
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
        if not is_free(call) and self._is_gone(scope):
            await _gone(send)
            return
        try:
            is_counted = self._admit(scope, call)
        except SalesforceRefusal as refusal:
            await refuse(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, self._with_usage(send) if is_counted else send)

    def _admit(self, scope: Scope, call: Call) -> bool:
        if is_free(call):
            return False
        scope["sandbox.session"] = self._state.auth.session(_header(scope, b"authorization"))
        self._refuse_beside_long_calls()
        self._state.org.usage.count(self._state.clock.now())
        return True

    def _refuse_beside_long_calls(self) -> None:
        usage = self._state.org.usage
        since = self._state.clock.now() - timedelta(seconds=usage.long_call_s)
        long = sum(flight.began_at <= since and not is_free(flight.call) for flight in self._state.calls.in_flight)
        if long >= usage.most_long_calls:
            raise too_many_long_calls()

    def _is_gone(self, scope: Scope) -> bool:
        """Whether the client still asks the host that the org has moved away from; clients that rewrite hosts name the true one."""
        auth = self._state.auth
        asked = _header(scope, b"x-orig-host") or _header(scope, b"host")
        return auth.has_moved and asked != urlsplit(auth.instance_url).netloc

    def _with_usage(self, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 201):
                usage = self._state.org.usage
                header = (b"Sforce-Limit-Info", f"api-usage={usage.used}/{usage.limit}".encode())
                message["headers"] = [*message.get("headers", []), header]
            await send(message)

        return told


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


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


async def _gone(send: Send) -> None:
    """What the vendor's edge says of a host that no org lives on any more."""
    page = b"<html><head><title>URL No Longer Exists</title></head><body><h1>URL No Longer Exists</h1></body></html>"
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/html;charset=UTF-8")]})
    await send({"type": "http.response.body", "body": page})
