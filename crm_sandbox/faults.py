"""Orders for trouble: which call goes wrong, how often, how, and whether before or after the work is done.

    {"call": "collections_write", "times": 1, "when": "after_commit", "drop_connection": true}

An order is taken by the calls it matches: `after` of them pass first, then `times` are hit, then it is spent.
"""

import re
from asyncio import Event
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crm_sandbox.calls import Call

_MOMENTS = ("before", "after_commit", "late")


@dataclass(slots=True)
class Fault:
    """One order. `call` is a kind of call, `*`, or (with a slash in it) a pattern searched in the path."""

    call: str = "*"
    object: str | None = None
    above: int | None = None
    holding: str | None = None
    times: int = 1
    after: int = 0
    status: int | None = None
    body: Any = None
    error_code: str | None = None
    message: str | None = None
    latency_ms: int = 0
    hold: bool = False
    when: Literal["before", "after_commit", "late"] = "before"
    late_s: float = 0
    headers: dict[str, str] | None = None
    date: str | None = None
    spoil: dict[str, str] | None = None
    drop_connection: bool = False
    cut_body: bool = False
    record: bool = False
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether every ordered hit has happened."""
        return self.hits >= self.times

    @property
    def answers(self) -> bool:
        """Whether the caller gets something else than the real answer (a delay or a body cut off does not)."""
        return self.drop_connection or self.status is not None or self.error_code is not None or self.body is not None

    def matches(self, call: Call) -> bool:
        """Whether this call is one of those that the order is about."""
        if self.object is not None and (call.object or "").lower() != self.object.lower():
            return False
        if self.above is not None and call.count() <= self.above:
            return False
        if self.holding is not None and self.holding.encode() not in call.body:
            return False
        if "/" in self.call:
            return re.search(self.call, call.path) is not None
        return self.call in ("*", call.kind)

    def to_dict(self) -> dict[str, Any]:
        """The order as the controls show it."""
        return asdict(self)


def _check_late(fault: Fault) -> None:
    if not isinstance(fault.late_s, int | float):
        raise ValueError(f"late_s must be a number, not {fault.late_s!r}")  # noqa: TRY004 - one kind of answer
    if fault.when == "late" and not (fault.answers and fault.late_s > 0):
        raise ValueError("a call that is done late needs late_s above 0, and what its caller is told (drop_connection, status, …)")


class Faults:
    """The orders in hand, oldest first; `kinds` are the names of calls that an order may be about."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self._kinds = kinds
        self._orders: list[Fault] = []
        self._let_go = Event()

    def order(self, wish: dict[str, Any]) -> Fault:
        """Take an order.

        Raises: ValueError for a key, a `when` or a pattern that means nothing.
        """
        known = set(Fault.__slots__) - {"hits"}
        if unknown := sorted(set(wish) - known):
            raise ValueError(f"unknown keys {unknown}; known are {sorted(known)}")
        fault = Fault(**wish)
        if fault.when not in _MOMENTS:
            raise ValueError(f"when must be before, after_commit or late, not {fault.when!r}")
        _check_late(fault)
        if fault.record and fault.error_code is None:
            raise ValueError("a fault of a record needs an error_code")
        self._check_pattern(fault.call)
        for name, value in ("headers", fault.headers), ("spoil", fault.spoil):
            if not isinstance(value, dict | None):
                raise ValueError(f"{name} must be an object of texts")  # noqa: TRY004 - one kind of answer
        for name in ("times", "after", "above", "latency_ms", "status"):
            if not isinstance(wish.get(name, 0), int | None):
                raise ValueError(f"{name} must be a whole number, not {wish[name]!r}")  # noqa: TRY004 - one kind of answer
        self._orders.append(fault)
        return fault

    def _check_pattern(self, call: str) -> None:
        if "/" not in call and call not in self._kinds | {"*"}:
            raise ValueError(f"call must be *, a path pattern with a slash, or one of {sorted(self._kinds)}")
        if "/" in call:
            try:
                re.compile(call)
            except re.error as error:
                raise ValueError(f"call is not a pattern: {error}") from None

    def take(self, call: Call) -> Fault | None:
        """The fault that hits this call, if any; at most one order is used up."""
        return self._take(call, record=False)

    def take_for_record(self, call: Call) -> Fault | None:
        """The fault that hits one record of this call, if any."""
        return self._take(call, record=True)

    def _take(self, call: Call, *, record: bool) -> Fault | None:
        for fault in self._orders:
            if fault.is_spent or fault.record is not record or not fault.matches(call):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.hits += 1
            return fault
        return None

    def clear(self) -> None:
        """Forget every order, and let go of the calls that were held."""
        self._orders.clear()
        self._let_go.set()
        self._let_go = Event()

    async def held(self) -> None:
        """Returns when the orders are cleared."""
        await self._let_go.wait()

    def to_list(self) -> list[dict[str, Any]]:
        """Every order, spent ones too."""
        return [fault.to_dict() for fault in self._orders]
