"""`/__sandbox__/`: the controls that every imitation has, whatever it imitates: clock, orders for trouble, latency, counts of calls."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from starlette.requests import Request

from crm_sandbox.calls import Calls
from crm_sandbox.clock import Clock
from crm_sandbox.faults import Faults
from crm_sandbox.latency import Latency
from crm_sandbox.waits import ClockWaits

Answer = dict[str, Any]


class Controlled(Protocol):
    """What these controls need of a sandbox's state."""

    clock: Clock
    faults: Faults
    calls: Calls
    latency: Latency
    waits: ClockWaits


class SharedControls:
    """The controls that all share. Every method returns what is answered as JSON, or raises ValueError for what means nothing."""

    def __init__(self, state: Controlled, usage: Callable[[], Answer]) -> None:
        self._clock, self._faults, self._calls, self._usage = state.clock, state.faults, state.calls, usage
        self._latency, self._waits = state.latency, state.waits

    async def clock(self, request: Request) -> Answer:
        """`{"advance_s": n}`, `{"now": iso}`, `{"frozen": true}`, or any of them together; `{}` only asks."""
        wish = await _wish(request) if request.method == "POST" else {}
        if "now" in wish:
            self._clock.set(_moment(str(wish["now"])))
        if "frozen" in wish:
            self._clock.freeze(frozen=bool(wish["frozen"]))
        if "advance_s" in wish:
            self._clock.advance(float(wish["advance_s"]))
        return {"now": self._clock.now().isoformat(), "frozen": self._clock.is_frozen}

    async def order_fault(self, request: Request) -> Answer:
        """A fault order; see `faults.py` for its keys."""
        return self._faults.order(await _wish(request)).to_dict()

    async def list_faults(self, _: Request) -> list[Answer]:
        """Every order, with its hits."""
        return self._faults.to_list()

    async def clear_faults(self, _: Request) -> list[Answer]:
        """No orders any more."""
        self._faults.clear()
        return []

    async def latency(self, request: Request) -> Answer:
        """`{"ms": 300, "kinds": {"search": 500}, "done_at": 0.5}`, or any of them: how long calls take from now on, those in flight too."""
        if request.method == "POST":
            self._latency.change(await _wish(request))
            self._waits.look_again()
        return self._latency.to_dict()

    async def calls(self, _: Request) -> Answer:
        """How many calls there were: by kind, by second and by status; how many are and were in flight; `used` and `limit` of the day."""
        calls = self._calls
        counts = {"kinds": calls.by_kind(), "seconds": calls.by_second(), "statuses": calls.by_status(), "total": calls.total()}
        flights = {"now": len(calls.in_flight), "most": calls.most_in_flight, "most_by_kind": calls.most_by_kind()}
        return {**counts, "refused_again": calls.refused_again, "in_flight": flights, "api_usage": self._usage()}

    async def reset_calls(self, request: Request) -> Answer:
        """Counts by kind begin again; the vendor's own count does not."""
        self._calls.reset()
        return await self.calls(request)


async def _wish(request: Request) -> Answer:
    found = orjson.loads(await request.body() or b"{}")
    if not isinstance(found, dict):
        raise ValueError("a control takes a JSON object")  # noqa: TRY004 - one kind of answer
    return found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
