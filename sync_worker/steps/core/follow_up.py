"""FOLLOW-UP WORK: what a worker can be asked to do, and what a step did and made due.

Work over all companies is a page a commit, until nothing is left, its turn is over, or the process is asked to stop. The process that
comes next goes on where the last commit ended, so nothing is kept here between two pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from sync_worker.crm.budget import Share
from sync_worker.errors import Stopped
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.runs import Counts


class Work(StrEnum):
    """What a worker can be asked to do. The queue's actors are called by these names; `actors.STEPS` says which step does each."""

    PULL = "pull"
    BACKFILL = "backfill"
    REFRESH = "refresh"
    PUSH = "push"
    COMPARE = "compare"
    EXPIRE = "expire"
    REMIND = "remind"
    COMPLETE = "complete"
    EVALUATE = "evaluate"
    DERIVE = "derive"
    REGROUP = "regroup"
    REPLAY = "replay"
    INQUIRE = "inquire"
    DELIVER = "deliver"
    MAIL = "mail"
    SWEEP = "sweep"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"this version does not know the work {value!r}; it knows {', '.join(cls)}")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Work that follows from what was committed. **Shapes** `record`: "" where it needs none; `share`: whose calls it takes."""

    work: Work
    record: str = ""
    share: Share = "live"


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did. **Shapes** `run_id` "" = it found nothing to do, or another process is at it (`is_busy`)."""

    run_id: str
    counts: Counts
    follow_ups: frozenset[FollowUp] = frozenset()
    is_busy: bool = False


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
