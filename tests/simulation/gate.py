"""Where a worker can be hurt: every commit and every HTTP call passes its gate, which may kill it there or let others act meanwhile.

    store.transaction   commit.before ─▶ COMMIT ─▶ commit.after
    connection          call.before   ─▶ HTTP   ─▶ call.after

A killed worker stays dead: whatever its `finally` blocks still try raises again, so that leases and claims stay as a kill -9 leaves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sync_worker.errors import StoreDown, SyncError
from sync_worker.store.core.engine import Store, Tx
from tests.simulation.time import Time

T = TypeVar("T")


class Crash(BaseException):
    """kill -9, as far as one process can act it."""


@dataclass(slots=True)
class Blow:
    """What happens at the `at`-th gate that a step passes. **Shapes** `act` None = the worker dies there.

    `is_database`: it strikes at a commit only, and may be struck where the database is held.
    """

    at: int
    act: Callable[[], None] | None = None
    is_database: bool = False

    def fits(self, *, is_commit: bool, is_open: bool) -> bool:
        """Whether it may strike at such a boundary."""
        return is_commit if self.is_database else is_open or self.act is None


def database_fails() -> None:
    """The database is out of reach at this commit, which may have gone through."""
    raise StoreDown("the database is out of reach: simulated")


@dataclass(slots=True)
class Outage:
    """Of the database, for all workers. **Units** `until_s`: monotonic. **Shapes** `hits`: transactions that were not begun."""

    until_s: float = 0.0
    hits: int = 0

    def check(self, now_s: float) -> None:
        """**Raises** StoreDown."""
        if now_s < self.until_s:
            self.hits += 1
            raise StoreDown("the database is restarted: simulated")


@dataclass(slots=True)
class Gate:
    """One worker's gate. **Shapes** `late_writes`: writes that were begun after their claim's deadline; there must be none."""

    time: Time
    outage: Outage = field(default_factory=Outage)
    blows: list[Blow] = field(default_factory=list)
    is_dead: bool = False
    passed: int = 0
    late_writes: list[str] = field(default_factory=list)
    deadline_s: float = float("inf")
    slept_s: float = 0.0

    def monotonic(self) -> float:
        """The clock of the worker's machine, which stands still while that is asleep."""
        return self.time.monotonic() - self.slept_s

    def arm(self, blows: Sequence[Blow]) -> None:
        """For the step to come."""
        self.blows, self.passed = sorted(blows, key=lambda blow: blow.at), 0

    def check(self) -> None:
        if self.is_dead:
            raise Crash

    def opens(self) -> None:
        """A transaction is to begin."""
        self.check()
        self.outage.check(self.time.monotonic())

    def pass_(self, *, is_open: bool = True, is_commit: bool = False) -> None:
        """One boundary. **Shapes** `is_open`: nobody holds the database here, so others may act."""
        self.check()
        self.passed += 1
        for blow in [blow for blow in self.blows if blow.at <= self.passed and blow.fits(is_commit=is_commit, is_open=is_open)]:
            self.blows.remove(blow)
            if blow.act is None:
                self.is_dead = True
                raise Crash
            blow.act()

    def noting(self, time_left_s: Callable[[], float]) -> Callable[[], float]:
        """The same, its answers kept as the deadline of the writes that follow."""

        def noted() -> float:
            left_s = time_left_s()
            self.deadline_s = self.time.monotonic() + left_s
            return left_s

        return noted


class GatedStore(Store):
    """A store whose commits pass the gate. (Another process's: it has its own engine.)"""

    def __init__(self, url: str, *, clock: Callable[[], datetime], shared_clock: Callable[[], datetime], gate: Gate) -> None:
        super().__init__(url, clock=clock, shared_clock=shared_clock)
        self._gate = gate

    @contextmanager
    def transaction(self, portal: str) -> Iterator[Tx]:
        self._gate.opens()
        with super().transaction(portal) as tx:
            yield tx
            self._gate.pass_(is_open=False, is_commit=True)
        self._gate.pass_(is_commit=True)

    @contextmanager
    def side_transaction(self, portal: str) -> Iterator[Tx]:
        self._gate.opens()
        with super().side_transaction(portal) as tx:
            yield tx
            self._gate.pass_(is_open=False, is_commit=True)
        self._gate.pass_(is_commit=True)

    @contextmanager
    def reading(self, portal: str) -> Iterator[Tx]:
        self._gate.opens()
        with super().reading(portal) as tx:
            yield tx


class GatedConnection:
    """An adapter's connection, whatever the CRM: its calls pass the gate and take some time."""

    def __init__(self, inner: Any, gate: Gate, latency_s: Callable[[], float]) -> None:
        self._inner = inner
        self._gate = gate
        self._latency_s = latency_s

    @property
    def calls(self) -> int:
        return int(self._inner.calls)

    @contextmanager
    def another(self) -> Iterator[GatedConnection]:
        with self._inner.another() as sibling:
            yield GatedConnection(sibling, self._gate, self._latency_s)

    @property
    def parallel_calls(self) -> int:
        return int(self._inner.parallel_calls)

    @property
    def is_trusted(self) -> bool:
        return bool(self._inner.is_trusted)

    @property
    def siblings(self) -> Any:
        return self._inner.siblings

    @property
    def services(self) -> Any:
        return self._inner.services

    def hear(self, errors: Any) -> None:
        self._inner.hear(errors)

    @property
    def user_id(self) -> str:
        return str(self._inner.user_id)

    def now(self) -> Any:
        return self._passing(self._inner.now)

    def read(self, ask: Callable[[Any], Any], **words: Any) -> Any:
        return self._passing(lambda: self._inner.read(ask, **words))

    def write(self, send: Callable[[Any], Any], **words: Any) -> Any:
        return self._passing(lambda: self._inner.write(self._watched(send), **words))

    def _watched(self, send: Callable[[Any], T]) -> Callable[[Any], T]:
        """The same, held against the deadline that was told last, be it while the request was made; what did not begin for lack of time
        says so by an error of ours.
        """

        def watched(client: Any) -> T:
            begun_s, is_begun = self._gate.time.monotonic(), True
            try:
                return send(client)
            except SyncError:
                is_begun = False
                raise
            finally:
                late_s = begun_s - self._gate.deadline_s
                if is_begun and late_s > 0:
                    self._gate.late_writes.append(f"a write was begun {late_s:.1f} s after its claim's deadline")

        return watched

    def _passing(self, call: Callable[[], T]) -> T:
        self._gate.pass_()
        self._gate.time.forward(self._latency_s())
        self._gate.time.sync()
        answer = call()
        self._gate.pass_()
        return answer
