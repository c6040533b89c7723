"""Who may enter, and what is counted on the way: token, scopes, limits.

Inside of `Wire`, so that an ordered fault comes before all of it, as a fault at the vendor's edge does.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from sync_worker.sandbox.calls import Call
from sync_worker.sandbox.hubspot.errors import Refusal
from sync_worker.sandbox.hubspot.replies import refuse
from sync_worker.sandbox.hubspot.state import State

_OPEN = frozenset({"token"})  # kinds of call that look after their own credentials


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
        try:
            self._admit(scope, call)
        except Refusal as refusal:
            await refuse(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope, call: Call) -> None:
        if call.kind not in _OPEN:
            scope["sandbox.grant"] = self._state.auth.grant(_header(scope, b"authorization"))


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
