"""FOLLOW-UP WORK: what a worker can be asked to do, and what a step did and made due."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from sync_worker.crm.budget import Share
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
    REPLAY = "replay"
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
