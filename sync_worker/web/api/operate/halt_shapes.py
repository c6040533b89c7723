"""What stands in bodies about runs, and about a portal that a person pauses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from sync_worker.web.api.core.shapes import View


class RunView(View):
    """One run: what it read or wrote, and how it ended."""

    id: str
    verb: str
    object: str
    started_at: datetime
    finished_at: Annotated[datetime | None, Field(description="When it ended. It is null while it is under way.")]
    state: str
    error: str
    read: int
    applied: int
    unchanged: int
    skipped: int
    failed: int
    claimed: int
    written: int
    deferred: int
    parked: int
    uncertain: int
    calls: int
    skips: Annotated[dict[str, int], Field(description="The number of skipped records by reason.")]


class HaltView(View):
    """Whether a person has paused the portal: who, when and why. The last three are null if it is not paused."""

    is_paused: bool
    actor: str | None
    at: datetime | None
    reason: str | None
