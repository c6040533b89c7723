"""ADVANCE: work over all companies, a page a commit, until nothing is left, its turn is over, or the process is asked to stop.

The process that comes next goes on where the last commit ended, so nothing is kept here between two pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sync_worker.errors import Stopped
from sync_worker.steps.core.follow_up import Done, FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.runs import Counts


@dataclass(frozen=True, slots=True)
class Advance:
    """What one commit did."""

    counts: Counts = field(default_factory=Counts)
    follow_ups: frozenset[FollowUp] = frozenset()


def in_turn(tenant: Tenant, run_id: str, advance: Callable[[Tenant, str], Advance | None], *, again: FollowUp) -> Done:
    """Commit after commit; `again` is due where the turn was over first. **Raises** Stopped after the commit at hand."""
    total, follow_ups = Counts(), set[FollowUp]()
    while done := advance(tenant, run_id):
        total.add(done.counts)
        follow_ups |= done.follow_ups
        if tenant.turn.is_over:
            follow_ups.add(again)
            break
        if tenant.services.is_stopping():
            raise Stopped(f"stopped on request after {total.read:,} companies; the next run goes on from there")
    return Done(run_id, total, frozenset(follow_ups))
