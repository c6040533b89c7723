"""UNWRITTEN: what becomes of a write that the CRM did not take, or of which that is not known. Pure.

it was sent, and how it ended is not known     in doubt: its record is read back before anything else
the CRM said no to this record                 a person looks; so it is after ten times "not now" as well
the CRM said "not now" to this record          tried again, after a wait that grows; it counts as a refusal
it was not sent, or the call failed as such    tried again; that says nothing of the record, so it does not count
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sync_worker.domain.sync.push.attempts import MOST_REFUSED, refused_wait_s
from sync_worker.errors import OF_THE_CALL, SyncError, WritesRest

Ending: TypeAlias = Literal["unknown", "rejected", "later", "not_begun"]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """How a write ended. **Shapes** `refused`: how often the CRM had said "not now" to this record before."""

    ending: Ending
    error: SyncError | None = None
    refused: int = 0

    @property
    def is_refused_for_now(self) -> bool:
        """Whether the CRM was asked for this record. A connection that is down, or an org that takes no writes, says nothing of it."""
        return self.ending == "later" and not isinstance(self.error, (*OF_THE_CALL, WritesRest))


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Its record is read back first."""


@dataclass(frozen=True, slots=True)
class ForPerson:
    """It waits until a person or a later state changes something."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again. **Shapes** `is_counted`: as a refusal of this record. **Units** `wait_s`: from now on."""

    wait_s: float
    is_counted: bool = False


def after_failure(one: Unwritten, chance: float) -> InDoubt | ForPerson | Again:
    """What becomes of the write. **Shapes** `chance` in [0, 1): not the same for all."""
    if one.ending == "unknown":
        return InDoubt()
    if one.ending == "rejected" or (one.is_refused_for_now and one.refused + 1 >= MOST_REFUSED):
        return ForPerson()
    if isinstance(one.error, WritesRest):
        return Again(one.error.rest_s)
    wait_s = 0.0 if one.ending == "not_begun" else refused_wait_s(one.refused + 1, chance)
    return Again(wait_s, is_counted=one.is_refused_for_now)
