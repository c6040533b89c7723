"""`/__sandbox__/`: the controls that every imitation has, whatever it imitates: its clock, orders for trouble, counts of calls."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request

from crm_sandbox.calls import Calls
from crm_sandbox.clock import Clock
from crm_sandbox.faults import Faults

Answer = dict[str, Any]


class SharedControls:
    """The controls that all share. Every method returns what is answered as JSON, or raises ValueError for what means nothing."""

    def __init__(self, clock: Clock, faults: Faults, calls: Calls, usage: Callable[[], Answer]) -> None:
        self._clock, self._faults, self._calls, self._usage = clock, faults, calls, usage

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

    async def calls(self, _: Request) -> Answer:
        """How many calls there were: by kind, by second and by status; and what the vendor has counted of its day: `used`, `limit`."""
        calls = self._calls
        counts = {"kinds": calls.by_kind(), "seconds": calls.by_second(), "statuses": calls.by_status(), "total": calls.total()}
        return {**counts, "api_usage": self._usage()}

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
