"""What stands in bodies of what an operator does: conflicts, replays, events of the feed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.shapes import Body, Text, View


class ConflictView(View):
    """A field that both sides changed. `taken` and `decision` say whose value counts. They are empty until it is decided."""

    id: str
    deal_id: str
    deal_name: str
    crm_record: str
    field: str
    rule: str
    code: Code
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
    ending: Annotated[str, Field(description="How it ended, in words. It is empty while it is open.")]


Waits: TypeAlias = Annotated[
    str | None, Field(description="Why nothing is done yet: who has paused the portal, and why. It is null if the portal is not paused.")
]


class ResolveBody(Body):
    """The side whose value is taken."""

    take: Literal["crm", "portal"]
    reason: Text = ""


class ResolvedView(View):
    """A decision on a conflict. If it is not applied yet, the record could not be read now, and the decision is applied later."""

    is_applied: bool
    conflict: ConflictView
    waits: Waits


class ReplayBody(Body):
    """The first event that is sent again."""

    from_seq: Annotated[int, Field(ge=1, le=2**62)]


class OwedView(View):
    """The amount of work that was handed to the workers."""

    count: int


class OutcomesView(View):
    """The number of failures of a replay by outcome."""

    passed: Annotated[int, Field(description="The record was written, or read without a mistake.")] = 0
    failed: Annotated[int, Field(description="The failure is open again, for the same or another reason.")] = 0
    superseded: Annotated[int, Field(description="The failure did not need another try: it was resolved, discarded or changed since.")] = 0
    waiting: Annotated[int, Field(description="The failure was tried and is not decided yet. The next push or pull goes on with it.")] = 0
    held: Annotated[
        int, Field(description="The failure was not tried, because twenty others of its cause failed. Correct the cause, then replay.")
    ] = 0
    continued: Annotated[
        int, Field(description="The failure was not tried here. A later replay of the same selection went on with it.")
    ] = 0
    stopped: Annotated[int, Field(description="The failure was not tried, because a person stopped the replay.")] = 0
    left: Annotated[int, Field(description="The failure is not tried yet.")] = 0


class ReplayView(View):
    """One replay of failures: who asked for it, how far it is and how it ended."""

    id: str
    selection: Annotated[str, Field(description="The failures that were asked for, in the words of the command or the request.")]
    actor: str
    reason: str
    is_queued: Annotated[bool, Field(description="Whether the workers do it, and not the command that asked for it.")]
    asked_at: datetime
    finished_at: Annotated[datetime | None, Field(description="When all failures had been tried. It is null until then.")]
    outcomes: OutcomesView
