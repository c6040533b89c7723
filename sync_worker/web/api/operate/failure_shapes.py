"""What stands in bodies about failures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.shapes import TEXT, Body, Name, Text, View
from sync_worker.web.api.operate.operate_shapes import OwedView, Waits

Reason: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000, pattern=TEXT, strip_whitespace=True),
    Field(description="Why. It is kept for the people who read the history."),
]


class FailureView(View):
    """A record that could not be synchronized, or a problem of one that was."""

    id: str
    kind: Literal["failure", "problem"]
    code: Code
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
    discarded_at: Annotated[datetime | None, Field(description="When a person discarded it.")]
    resolution: Annotated[str, Field(description="How it ended, in words. It is empty while it is open.")]


class TryView(View):
    """What somebody did about a failure."""

    at: datetime
    verb: str
    actor: str
    reason: str
    outcome: str
    became: Annotated[str | None, Field(description="The failure that took its place. It is null if there is none.")]


class FailureStoryView(FailureView):
    """One failure whole."""

    what_to_do: Annotated[str, Field(description="What the code means, and what to do.")]
    replay: Annotated[str, Field(description="Whether a replay helps, and what must change first.")]
    is_replayable: bool
    waits_for: Annotated[str | None, Field(description="The CRM id of a record that was not read yet. It is null if it waits for none.")]
    run_id: str
    payload: Annotated[dict[str, Any], Field(description="The record as it came from the CRM, or as it was sent.")]
    history: list[TryView]


class ChosenBody(Body):
    """Failures: all open ones of this cause, or of this record."""

    code: Name | None = None
    record: Name | None = None


class TryBody(ChosenBody):
    """The failures that are tried again: all open ones of this cause, or of this record."""

    reason: Text = ""


class WhyBody(Body):
    """Why a person does something."""

    reason: Reason


class DiscardBody(WhyBody):
    """The failures that are closed, by id."""

    ids: Annotated[list[Name], Field(min_length=1, max_length=1000)]


class DiscardedView(View):
    """The number of failures that were open and are discarded now."""

    count: int


class WouldFailView(View):
    """A failure that a replay would not resolve."""

    failure_id: str
    why: str


class FieldChangeView(View):
    """One field as it is and as it would be. `id` is that of the record on that side."""

    side: Literal["crm", "portal"]
    record: str
    id: str
    field: str
    now: Any
    then: Any


class ReplayPreviewView(View):
    """What a replay would do, and what it would cost."""

    count: int
    superseded: Annotated[int, Field(description="Failures that need no other try.")]
    would_fail: Annotated[list[WouldFailView], Field(description="What would fail as before, as far as we can tell without the CRM.")]
    changes: Annotated[list[FieldChangeView], Field(description="The first 200 fields that would change.")]
    change_count: Annotated[int, Field(description="The number of all fields that would change.")]
    written: Annotated[int, Field(description="Records that would be written in the CRM.")]
    calls: Annotated[int, Field(description="API calls, more or less.")]
    minutes: Annotated[float, Field(description="How long it would take, at the rate last measured.")]


class ReplayOwedView(OwedView):
    """The replay of failures that was asked for."""

    id: Annotated[str | None, Field(description="The id of the replay, for `GET /replays/{id}`. It is null if there is nothing to try.")]
    waits: Waits


class ReleaseOwedView(View):
    """The release that was asked for."""

    id: str
    waits: Waits
