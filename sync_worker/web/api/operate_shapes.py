"""What stands in bodies of what an operator does: conflicts, failures, events of the feed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from sync_worker.web.api.shapes import Name, Said, Shown, Text


class Conflict(Shown):
    """A field that both sides changed. `taken` and `decision`: whose value counts, empty while nobody has decided."""

    id: str
    deal_id: str
    deal_name: str
    crm_record: str
    field: str
    rule: str
    code: str
    base: Any
    crm: Any
    portal: Any
    taken: str
    decision: str
    decided_by: str
    reason: str
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    ending: Annotated[str, Field(description="How it ended, in words; empty while it is open.")]


class Resolving(Said):
    """Whose value counts."""

    take: Literal["crm", "portal"]
    reason: Text = ""


class Resolved(Shown):
    """A decision that was kept. Not applied: the record could not be read now; it is applied when it is."""

    is_applied: bool
    conflict: Conflict


class Replaying(Said):
    """Where to begin telling again."""

    from_seq: Annotated[int, Field(ge=1, le=2**62)]


class Failure(Shown):
    """What could not pass, or passed with something wrong."""

    id: str
    kind: Literal["failure", "problem"]
    code: str
    object: str
    record: str
    name: str
    stage: str
    field: str
    message: str
    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    resolved_at: datetime | None
    discarded_at: Annotated[datetime | None, Field(description="Since when a person wants to hear no more of it.")]
    resolution: Annotated[str, Field(description="How it ended, in words; empty while it is open.")]


class Trying(Said):
    """Which failures are tried again: all that are open of this cause, or of this record."""

    code: Name | None = None
    record: Name | None = None
    reason: Text = ""


class Owed(Shown):
    """How much the workers do now."""

    count: int


class ReplayOwed(Owed):
    """So many failures are tried again, as one replay."""

    id: Annotated[str | None, Field(description="The replay, for `GET /replays/{id}`; null = there is nothing to try.")]


class Outcomes(Shown):
    """How many failures of a replay ended how."""

    passed: Annotated[int, Field(description="The record was written, or read without a mistake.")] = 0
    failed: Annotated[int, Field(description="Open again, for the same or another reason.")] = 0
    superseded: Annotated[int, Field(description="Nothing was left to try: resolved, discarded or changed since.")] = 0
    waiting: Annotated[int, Field(description="Tried, and not decided yet: the next push or pull goes on with it.")] = 0
    held: Annotated[int, Field(description="Not tried, because twenty others of their cause failed. Correct the cause, then replay.")] = 0
    continued: Annotated[int, Field(description="Not tried here: a later replay of the same selection went on with them.")] = 0
    left: Annotated[int, Field(description="Not tried yet.")] = 0


class Replay(Shown):
    """One replay of failures: who asked for it, how it goes, how it ended."""

    id: str
    selection: Annotated[str, Field(description="What was asked for, in the words of the command or the request.")]
    actor: str
    reason: str
    is_queued: Annotated[bool, Field(description="The workers do it, not the command that asked.")]
    asked_at: datetime
    finished_at: Annotated[datetime | None, Field(description="Null = some failures are not tried yet.")]
    outcomes: Outcomes
