"""Who may enter, and what is counted on the way: address, token, limits, scopes; and on the way out, what is left of the limits.

Inside of `Wire`, so that an ordered fault comes before all of it, as a fault at the vendor's edge does.
"""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_sandbox.calls import Call
from crm_sandbox.hubspot.login.scopes import needed
from crm_sandbox.hubspot.login.tokens import AccessToken
from crm_sandbox.hubspot.state import HubspotState
from crm_sandbox.hubspot.wire import errors, trouble
from crm_sandbox.hubspot.wire.errors import HubspotRefusal
from crm_sandbox.hubspot.wire.replies import refuse

MAX_URI = 16_200  # characters, measured by clients; shorter than the vendor's documents promise
_TOO_LONG = "<html><head><title>414 Request-URI Too Large</title></head><body><h1>414 Request-URI Too Large</h1></body></html>"
_OPEN = frozenset({"authorize", "token", "webhooks"})  # kinds of call that look after their own credentials, and count against nothing


class HubspotDoor:
    """An ASGI application around the routes."""

    def __init__(self, app: ASGIApp, state: HubspotState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        call: Call | None = scope.get("sandbox.call")
        if scope["type"] != "http" or call is None or call.kind in _OPEN:
            await self._app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URI:
            await Response(_TOO_LONG, 414, {"content-type": "text/html"})(scope, receive, send)
            return
        try:
            token = self._token(scope)
        except HubspotRefusal as refusal:
            await refuse(refusal)(scope, receive, send)
            return
        told = send if call.kind == "search" else self._telling(token, send)
        try:
            self._admit(scope, call, token)
        except HubspotRefusal as refusal:
            await refuse(refusal)(scope, receive, told)
            return
        await self._app(scope, receive, told)

    def _token(self, scope: Scope) -> AccessToken:
        scheme, _, text = _header(scope, b"authorization").partition(" ")
        token = self._state.tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        over_s = None if token is None else token.seconds_over(self._state.clock.now())
        if token is None or (over_s is not None and not token.is_oauth):
            raise errors.unauthenticated()
        if over_s is not None:
            raise trouble.expired(over_s)
        scope["sandbox.token"] = token
        return token

    def _admit(self, scope: Scope, call: Call, token: AccessToken) -> None:
        policy = self._state.limits.admit(token.app, self._state.clock.now(), is_search=call.kind == "search")
        if policy is not None:
            raise trouble.over_limit(policy)
        scopes = needed(call.method, scope["path"], call.object)
        if scopes and token.install.scopes.isdisjoint(scopes):
            raise trouble.missing_scopes(scopes)

    def _telling(self, token: AccessToken, send: Send) -> Send:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                left = self._state.limits.headers(token.app, self._state.clock.now())
                more = [(name.encode(), value.encode()) for name, value in left.items()]
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        return told


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
