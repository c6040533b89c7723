"""How long calls take, as at a vendor who is far away and has work to do. Calls wait side by side.

    let in ─▶ wait ─▶ the work is done ─▶ wait ─▶ answer
              ╰─ done_at of the latency ─╯╰─ the rest ─╯

A call that the door refuses is answered at once. The wait is by the sandbox's clock: a stopped clock holds every call in flight.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm_sandbox.calls import Call
from crm_sandbox.clock import Clock
from crm_sandbox.waits import ClockWaits

DONE_AT = 0.5  # of a call's latency has passed when its work is done


@dataclass(slots=True)
class Latency:
    """How long a call takes: `ms`, or what `ms_by_kind` says of its kind. `done_at`: the share that passes before its work is done."""

    kinds: frozenset[str]
    ms: float = 0
    ms_by_kind: dict[str, float] = field(default_factory=dict)
    done_at: float = DONE_AT

    def change(self, wish: dict[str, Any]) -> None:
        """Any of `ms`, `kinds` (ms by kind, in place of the ones before) and `done_at`.

        Raises: ValueError.
        """
        if unknown := sorted(set(wish) - {"ms", "kinds", "done_at"}):
            raise ValueError(f"unknown keys {unknown}; known are ms, kinds and done_at")
        by_kind = {str(kind): float(ms) for kind, ms in wish.get("kinds", self.ms_by_kind).items()}
        if unknown := sorted(set(by_kind) - self.kinds):
            raise ValueError(f"no kinds of call {unknown}; there are {sorted(self.kinds)}")
        ms, done_at = float(wish.get("ms", self.ms)), float(wish.get("done_at", self.done_at))
        if min(ms, *by_kind.values(), 0) < 0 or not 0 <= done_at <= 1:
            raise ValueError("ms must not be below 0, and done_at must be between 0 and 1")
        self.ms, self.ms_by_kind, self.done_at = ms, by_kind, done_at

    def clear(self) -> None:
        """No call waits any more."""
        self.ms, self.ms_by_kind, self.done_at = 0, {}, DONE_AT

    def of(self, call: Call) -> timedelta:
        """How long this call takes."""
        return timedelta(milliseconds=self.ms_by_kind.get(call.kind, self.ms))

    def to_dict(self) -> dict[str, Any]:
        """As the controls show it."""
        return {"ms": self.ms, "kinds": self.ms_by_kind, "done_at": self.done_at}


class SlowCalls:
    """An ASGI application around the routes. Controls do not wait, nor do calls that are done late by order of a fault."""

    def __init__(self, app: ASGIApp, latency: Latency, clock: Clock, waits: ClockWaits) -> None:
        self._app, self._latency, self._clock, self._waits = app, latency, clock, waits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        call: Call | None = scope.get("sandbox.call")
        if call is None or scope.get("sandbox.late"):
            await self._app(scope, receive, send)
            return
        began = self._clock.now()
        await self._waits.until(lambda: began + self._latency.of(call) * self._latency.done_at)

        async def later(message: Message) -> None:
            await self._waits.until(lambda: began + self._latency.of(call))
            await send(message)

        await self._app(scope, receive, later)
