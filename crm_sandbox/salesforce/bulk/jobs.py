"""What a bulk job is: its facts, its states, and the book that they all stand in.

    query      UploadComplete ─▶ InProgress ─▶ JobComplete | Failed          (Aborted from any but the last two)
    ingest     Open ─▶ UploadComplete ─▶ InProgress ─▶ JobComplete | Failed

A job is worked off when it has been asked for often enough: `polls` of the book say InProgress first. The work goes by slices, and other
calls are answered between two of them. The poll that begins it waits for the first slices, so that a small job ends with that poll. The
rest of a large one is done beside the calls that come, and the job says InProgress meanwhile.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal, not_found
from crm_sandbox.salesforce.wire.ids import to_18

Shape = dict[str, Any]
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})
PREFIX = "750"
DEFAULT_POLLS = 1  # how often a job says InProgress before it is done
SLICES_IN_A_POLL = 50  # of a job's work, done before the poll that began it is answered


@dataclass(slots=True)
class Job:
    """What jobs of both families have in common. A refusal of its work becomes the job's `errorMessage`. `slices`: the work, once begun."""

    id: str
    operation: str
    object: str
    created_by: str
    created_at: str
    version: str
    delimiter: str
    line_ending: str
    state: str
    polls_left: int
    changed_at: str = ""
    error: str | None = None
    processed: int = 0
    failed: int = 0
    slices: Iterator[None] | None = None

    def shape(self) -> Shape:
        """The facts that every answer about the job begins with."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": self.created_at,
            "systemModstamp": self.changed_at or self.created_at,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
        }

    def ending(self) -> Shape:
        """How its CSV is written."""
        return {"lineEnding": self.line_ending, "columnDelimiter": self.delimiter}

    def timing(self) -> Shape:
        """What a job says of its run, once it is asked."""
        return {"retries": 0, "totalProcessingTime": 0}


J = TypeVar("J", bound=Job)


@dataclass(slots=True)
class Book(Generic[J]):
    """The jobs of one family in one org, oldest first. `fails_with` makes the next jobs fail by order."""

    org: Org
    polls: int = DEFAULT_POLLS
    fails_with: list[str] = field(default_factory=list)
    _jobs: dict[str, J] = field(default_factory=dict)
    _working: set[asyncio.Task[None]] = field(default_factory=set)

    def add(self, job: J) -> J:
        """Enter a job."""
        self._jobs[job.id] = job
        return job

    def get(self, job_id: str) -> J:
        """The job of an id in either form.

        Raises: Refusal NOT_FOUND.
        """
        found = self._jobs.get(to_18(job_id) or "")
        if found is None:
            raise not_found()
        return found

    def listed(self) -> list[J]:
        """Every job."""
        return list(self._jobs.values())

    def object_of(self, job_id: str) -> str | None:
        """The record type of a job, if it is known."""
        found = self._jobs.get(to_18(job_id) or "")
        return None if found is None else found.object

    async def poll(self, job: J, work: Callable[[J], Iterator[None]]) -> J:
        """Ask for a job: one step nearer to its end; the last one begins its work."""
        if job.state in ("UploadComplete", "InProgress") and job.slices is None:
            self.enter(job, "InProgress")
            job.polls_left -= 1
            if job.polls_left < 0:
                await self._begin(job, work)
        return job

    def stop(self) -> None:
        """The org is gone: no job goes on."""
        for job in self._jobs.values():
            job.state = "Aborted"

    async def _begin(self, job: J, work: Callable[[J], Iterator[None]]) -> None:
        if self.fails_with:
            self._end(job, self.fails_with.pop(0))
            return
        job.slices = work(job)
        await self._go_on(job, SLICES_IN_A_POLL)
        if job.state == "InProgress":
            task = asyncio.create_task(self._go_on(job, math.inf))
            self._working.add(task)
            task.add_done_callback(self._working.discard)

    async def _go_on(self, job: J, most: float) -> None:
        """So many slices of a job's work, or fewer where it ends or is aborted between two of them."""
        while job.state == "InProgress" and most > 0:
            self._slice(job)
            most -= 1
            await asyncio.sleep(0)  # for the calls that have come meanwhile

    def _slice(self, job: J) -> None:
        try:
            is_over = next(job.slices or iter(()), True)
        except SalesforceRefusal as refusal:
            self._end(job, f"{refusal.code} : {refusal.message}")
        except Exception as error:  # noqa: BLE001 - said aloud, so that it is not taken for an ordered failure
            self._end(job, f"UNKNOWN_EXCEPTION : the sandbox itself failed: {error!r}")
        else:
            if is_over:
                self._end(job)

    def _end(self, job: J, error: str | None = None) -> None:
        job.error = error
        self.enter(job, "JobComplete" if error is None else "Failed")

    def enter(self, job: J, state: str) -> None:
        """Note the new state."""
        job.state, job.changed_at = state, stamps.write(self.org.clock.now())

    def abort(self, job: J) -> None:
        """Stop a job that has not ended.

        Raises: Refusal INVALIDJOBSTATE.
        """
        if job.state in TERMINAL:
            raise invalid_state(f"Aborting already {_ENDED[job.state]} Job not allowed")
        self.enter(job, "Aborted")

    def delete(self, job: J) -> None:
        """Forget a job that has ended.

        Raises: Refusal INVALIDJOBSTATE.
        """
        if job.state not in TERMINAL:
            raise invalid_state("Deleting not Closed/Aborted Job not allowed")
        del self._jobs[job.id]


_ENDED = {"JobComplete": "Completed", "Failed": "Failed", "Aborted": "Aborted"}


def invalid_state(words: str) -> SalesforceRefusal:
    """A job that is not where the request wants it."""
    return SalesforceRefusal("INVALIDJOBSTATE", words)


def choice(body: Shape, name: str, choices: dict[str, str], default: str) -> str:
    """One of the words that a job may say, or the default.

    Raises: Refusal API_ERROR.
    """
    given = body.get(name) or default
    if given not in choices:
        raise SalesforceRefusal("API_ERROR", f"{name} must be one of {', '.join(choices)}")
    return str(given)
