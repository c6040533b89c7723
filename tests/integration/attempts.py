"""A worker and the schedule of one portal, for tests of what stops them: what is due is attempted, as the actors would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from sync_worker.actors import attempt
from sync_worker.bootstrap import Installation, Mistakes
from sync_worker.crm.budget import SHARES, Budget, BudgetTerms, Memory, Share
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.cursors import Pause
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.core.portals import PortalRow
from tests.integration.due import due

ALWAYS = 999
DAILY_S = 900
UNLIMITED = BudgetTerms(None, dict.fromkeys(SHARES, 0))


class Place(Protocol):
    """One portal whose clock, and whose CRM's, move together and only when told to."""

    @property
    def tenant(self) -> Tenant: ...

    def forward(self, seconds: float) -> None: ...


P = TypeVar("P", bound=Place)


@dataclass(frozen=True)
class Attempts(Generic[P]):
    """The actors' way to do what is due. **Shapes** `world`: whose."""

    world: P
    disabled: ClassVar[Mapping[str, Mistakes]] = {}

    def tenant(self, _portal: str, _share: Share) -> Tenant:
        return self.world.tenant

    def budget(self, portal: str) -> Budget:
        return Budget(portal, UNLIMITED, Memory(), services=self.world.tenant.services, past=lambda _since: {})

    def attempt(self, work: Work, record: str = "") -> Done | None:
        return attempt(cast("Installation", self), "acme", work, record)

    def due(self) -> set[FollowUp]:
        return set(due(self.world.tenant))

    def later(self, seconds: float) -> None:
        """Time passes, and everything that is due then is worked off, with what follows from it."""
        self.world.forward(seconds)
        todo = self.due()
        for _ in range(60):
            if not todo:
                return
            follow_up = min(todo, key=lambda one: (one.work != Work.PULL, one.work, one.record))
            todo.discard(follow_up)
            done = self.attempt(follow_up.work, follow_up.record)
            todo |= done.follow_ups if done else set()
        raise AssertionError(f"work that never ends: {todo}")

    def standing(self) -> PortalRow:
        with self.world.tenant.store.reading("acme") as tx:
            row = portals.get(tx)
        assert row is not None
        return row

    def rest_s(self) -> float:
        """How long the portal, or a record type of it, rests from now on."""
        now = self.world.tenant.services.clock()
        moments = [pause.until_at for pause in self.paused().values()]
        moments += filter(None, [self.standing().paused_until_at])
        return max([0.0, *((until_at - now).total_seconds() for until_at in moments)])

    def paused(self) -> dict[str, Pause]:
        """The record types that rest alone."""
        with self.world.tenant.store.reading("acme") as tx:
            return cursors.paused(tx)

    def open(self) -> dict[str, str]:
        """code → words of what the actors wrote down and is open."""
        with self.world.tenant.store.reading("acme") as tx:
            rows = failures.listed(tx, FailureFilter())
        found: dict[str, str] = {}
        for row in rows:
            if row.failure.stage == "pull":
                found[row.failure.code] = f"{found.get(row.failure.code, '')} {row.failure.message}".strip()
        return found

    def position(self, record: str) -> tuple[datetime | None, str]:
        with self.world.tenant.store.reading("acme") as tx:
            cursor = cursors.get(tx, record)
        assert cursor is not None
        return cursor.high_water_at, cursor.position


@dataclass(frozen=True, slots=True)
class Answer:
    """One order at the wire. **Shapes** `code`: what is open about it; `rest_s`: how long the portal rests."""

    order: dict[str, Any]
    code: str
    rest_s: float
    words: str = ""

    def __str__(self) -> str:
        return "-".join(str(value) for value in self.order.values())[:50]
