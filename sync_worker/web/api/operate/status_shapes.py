"""What stands in the answer of the status: processes, the portal, and what needs a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sync_worker.web.api.core.codes import Code
from sync_worker.web.api.core.shapes import View

Seconds = Annotated[float | None, Field(description="In seconds. It is null until the first load is complete.")]


class ReleaseView(View):
    """The version and the configuration of the process that answers."""

    version: str
    configuration: Annotated[str, Field(description="A digest of the portal, price and mapping files that were read at the start.")]


class ProcessView(View):
    """One process of the installation, by its heartbeat. A process that ended in order is not in the list."""

    id: str
    kind: Literal["run", "web", "schedule", "worker"]
    host: str
    pid: int
    version: str
    configuration: Annotated[str, Field(description="A digest of the portal, price and mapping files that it read at its start.")]
    started_at: datetime
    seen_at: Annotated[datetime, Field(description="When its last heartbeat was written.")]
    is_silent: Annotated[bool, Field(description="Whether there was no heartbeat for more than 30 seconds.")]


class ReadingView(View):
    """How far one record type is read."""

    record: str
    read_up_to_at: Annotated[
        datetime | None, Field(description="Every earlier change was read. It is null until the first load is complete.")
    ]
    lag_s: Seconds
    interval_s: Annotated[float, Field(description="How often it is read, in seconds, as the portal file says.")]
    is_behind: Annotated[bool, Field(description="Whether the lag is more than five intervals and ten minutes.")]


class RestView(View):
    """Something that is left alone for now."""

    what: Annotated[str, Field(description="`portal`, a record type, a cause of failures, a share of the calls, or `feed`.")]
    why: str
    until_at: Annotated[datetime | None, Field(description="When it goes on. It is null if a person must resume it.")]


class OpenCauseView(View):
    """Open failures or problems of one cause."""

    kind: Literal["failure", "problem"]
    code: Code
    record: str
    count: int
    since_at: datetime


class PortalStandingView(View):
    """How the portal stands."""

    portal: str
    crm: Literal["salesforce", "hubspot"]
    readings: list[ReadingView]
    rests: list[RestView]
    writes: Annotated[dict[str, int], Field(description="The number of writes that are owed to the CRM, by their state.")]
    notices: Annotated[int, Field(description="The number of records that a webhook named and that are not read again yet.")]
    feed_owed: Annotated[int, Field(description="The number of events that the portal has not taken yet.")]
    feed_since_at: Annotated[datetime | None, Field(description="The time of the oldest of these events. It is null if there is none.")]
    conflicts: Annotated[int, Field(description="The number of open conflicts.")]
    causes: list[OpenCauseView]
    calls_used: Annotated[int, Field(description="The number of calls to the CRM that were made on this day.")]
    calls_left: Annotated[int | None, Field(description="The number of calls that are left. It is null if no limit is known.")]


class NeedView(View):
    """Something that does not pass by itself."""

    portal: Annotated[str, Field(description="It is empty if it is about the whole installation.")]
    what: str
    do: Annotated[str, Field(description="What to do next, often a command.")]


class StatusView(View):
    """How processes and portal stand, from the database alone."""

    at: datetime
    release: ReleaseView
    processes: list[ProcessView]
    portal: PortalStandingView
    needs: Annotated[list[NeedView], Field(description="What needs a person. It is empty if nothing does.")]
