"""How processes and portals stand, and which of it needs a person.

    a process    every one says that it is there each ten seconds; one that was not heard of for half a minute is silent
    a portal     how far it has read, what rests, what it owes, what is open, how many calls are left
    a need       what a person must do; where there is one, `sync-worker status` ends with exit code 1

What passes by itself is shown and needs no person: a rate limit, an outage that is tried again, a share of the day's calls that is used up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sync_worker.domain.core.moments import ago, due, span

BEAT_S: Final = 10.0
SILENT_S: Final = 30.0  # three beats
BEHIND_S, BEHIND_PULLS = 600, 5  # as the alert SyncWorkerBehind counts
FEED_LATE_S: Final = 900  # as SyncWorkerFeedBehind
WEBHOOKS_LATE_S: Final = 86_400
FOUND_POLLS: Final = 2  # one may be a `pull --full` after an edit of the mapping
RIGHT_FILES: Final = "correct its files until `sync-worker portals list` ends with exit 0, then restart the processes"
EVERYTHING: Final = "run"
PORTAL, FEED = "portal", "feed"  # what rests
WITHOUT: Final[Mapping[str, str]] = {
    "web": "webhooks and the API are not answered",
    "schedule": "nothing is begun by itself",
    "worker": "nothing is read, written or mailed",
}
"""Kind of process → what is left undone where none of it runs. `run` does it all."""
PASSES: Final = frozenset({"rate_limited", "transient_error", "crm_in_maintenance"})
"""Codes that pass by themselves."""
SCHEMA_CHANGED: Final = "schema_changed"
NEEDS_ACCESS: Final = frozenset({"auth_failed", SCHEMA_CHANGED, "connection_down", "config_error"})
"""Codes of errors that pause a portal, or a record type of it, until a person has acted."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a process runs. **Shapes** `configuration`: a digest of the portal, mapping and price files it was started with."""

    version: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Process:
    """One process. **Shapes** `kind`: run | web | schedule | worker."""

    id: str
    kind: str
    host: str
    pid: int
    version: str
    configuration: str
    started_at: datetime
    seen_at: datetime

    def is_silent(self, now: datetime) -> bool:
        return (now - self.seen_at).total_seconds() > SILENT_S


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far one record type is read. **Shapes** `read_up_to_at` None: its first load is not complete."""

    record: str
    read_up_to_at: datetime | None
    lag_s: float | None
    interval_s: float

    @property
    def is_behind(self) -> bool:
        return self.lag_s is not None and self.lag_s > BEHIND_S + BEHIND_PULLS * self.interval_s


@dataclass(frozen=True, slots=True)
class Rest:
    """Something that is left alone for now. **Shapes** `until_at` None: until a person lets it go on."""

    what: str
    why: str
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastWebhook:
    """When the last webhook of one record type came. **Shapes** `found_polls`: polls that found changes since, where that is a day ago."""

    record: str
    last_at: datetime
    found_polls: int

    def is_lost(self, now: datetime) -> bool:
        """Whether webhooks should have come: a record type that has none, or in which nothing changes, has no polls that find anything."""
        return (now - self.last_at).total_seconds() >= WEBHOOKS_LATE_S and self.found_polls >= FOUND_POLLS


@dataclass(frozen=True, slots=True)
class OpenCause:
    """Open failures or problems of one cause."""

    kind: str
    code: str
    record: str
    count: int
    since_at: datetime


@dataclass(frozen=True, slots=True)
class PortalStanding:
    """How one portal stands.

    **Shapes** `writes`: state of the outbox → rows; `takes_webhooks`: its file has a secret for them;
    `webhooks`: of the record types for which one ever came; `calls_left` None: no limit is known.
    """

    portal: str
    crm: str
    readings: Sequence[ReadingProgress]
    rests: Sequence[Rest]
    writes: Mapping[str, int]
    notices: int
    takes_webhooks: bool
    webhooks: Sequence[LastWebhook]
    feed_owed: int
    feed_since_at: datetime | None
    conflicts: int
    causes: Sequence[OpenCause]
    calls_used: int
    calls_left: int | None

    def document(self) -> dict[str, Any]:
        """Everything, for programs."""
        return asdict(self) | {"readings": [asdict(reading) | {"is_behind": reading.is_behind} for reading in self.readings]}


@dataclass(frozen=True, slots=True)
class Need:
    """What a person must look at, and what to do. **Shapes** `portal` "": it is about all of them."""

    portal: str
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything, as of the moment `at` on the clock that all processes share.

    **Shapes** `unfit`: portal → the mistakes of its files, which disable it; such a portal is not among `portals`.
    """

    at: datetime
    release: Release
    processes: Sequence[Process]
    portals: Sequence[PortalStanding]
    unfit: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs(self) -> list[Need]:
        of_portals = [need for portal in self.portals for need in needs_of_portal(portal, self.at)]
        disabled = [Need(name, f"is disabled: {what}", RIGHT_FILES) for name, what in self.unfit.items()]
        return [*needs_of_processes(self.processes, self.release, self.at), *disabled, *of_portals]


def needs_of_processes(processes: Sequence[Process], release: Release, now: datetime) -> Iterator[Need]:
    """What is wrong with the processes."""
    alive = [one for one in processes if not one.is_silent(now)]
    kinds = {one.kind for one in alive}
    if not alive:
        what = "no process runs: nothing is read, written or mailed, and webhooks are not answered"
        yield Need("", what, "start `sync-worker run`, or web, schedule and worker; the last log lines say why they ended")
    elif EVERYTHING not in kinds:
        for kind in WITHOUT.keys() - kinds:
            yield Need("", f"no {kind} runs: {WITHOUT[kind]}", f"start `sync-worker {kind}`")
    for one in processes:
        who = f"{one.kind} on {one.host}, pid {one.pid}"
        if one.is_silent(now):
            yield Need(
                "", f"{who}: last heard of {ago(one.seen_at, now)}", "it was killed, hangs, or cannot reach the database: see its log"
            )
        elif one.version != release.version:
            yield Need("", f"{who}: runs version {one.version}, not {release.version}", "restart it")
        elif one.configuration != release.configuration:
            yield Need("", f"{who}: was started with other portal, mapping or price files than are here now", "restart it")


def needs_of_portal(portal: PortalStanding, now: datetime) -> Iterator[Need]:
    """What of a portal does not pass by itself."""
    yield from _of_rests(portal, now)
    yield from _of_readings(portal)
    yield from _of_webhooks(portal, now)
    name = portal.portal
    if portal.feed_since_at and (now - portal.feed_since_at).total_seconds() > FEED_LATE_S:
        what = f"{counted(portal.feed_owed, 'event')} of the feed not taken, the oldest from {ago(portal.feed_since_at, now)}"
        yield Need(name, what, f"sync-worker feed show {name}")
    if words := _opened(portal.causes):
        yield Need(name, f"open: {words}", f"sync-worker failures list {name}")
    if portal.conflicts:
        yield Need(name, f"open: {counted(portal.conflicts, 'conflict')}", f"sync-worker conflicts list {name}")


def _of_rests(portal: PortalStanding, now: datetime) -> Iterator[Need]:
    name, waits_for_access = portal.portal, any(cause.code in NEEDS_ACCESS for cause in portal.causes)
    unfit = {cause.record for cause in portal.causes if cause.code == SCHEMA_CHANGED}
    for rest in portal.rests:
        if rest.until_at is None:
            yield Need(
                name, f"the {rest.what} is paused {rest.why}", f"sync-worker {'feed' if rest.what == FEED else 'portals'} resume {name}"
            )
        elif rest.what == PORTAL and waits_for_access:
            do = f"correct it; `sync-worker check {name}` shows whether the CRM is reached"
            yield Need(name, f"rests, next try {due(rest.until_at, now)}: {rest.why}", do)
        elif rest.what in unfit:
            do = f"correct it; then `sync-worker check {name}` lets it go on at once"
            yield Need(name, f"{rest.what} rests alone, next try {due(rest.until_at, now)}: {rest.why}", do)


def _of_readings(portal: PortalStanding) -> Iterator[Need]:
    """What is behind, where nothing that rests explains it."""
    resting = {rest.what for rest in portal.rests}
    for reading in portal.readings:
        if reading.is_behind and not resting & {PORTAL, reading.record}:
            what = f"{reading.record} was read up to {span(reading.lag_s or 0)} ago, and is due every {span(reading.interval_s)}"
            yield Need(portal.portal, what, f"sync-worker runs list {portal.portal}")


def _of_webhooks(portal: PortalStanding, now: datetime) -> Iterator[Need]:
    for one in portal.webhooks:
        if one.is_lost(now):
            what = f"the last webhook for {one.record} came {ago(one.last_at, now)}, and {one.found_polls} polls have found changes since"
            do = 'look whether the CRM still sends them, and whether they arrive here: docs/webhooks.md, "No webhook comes any more"'
            yield Need(portal.portal, what, do)


def _opened(causes: Sequence[OpenCause]) -> str:
    """`2 failures, 345 problems`, without what passes by itself."""
    counts = Counter[str]()
    for cause in causes:
        if cause.code not in PASSES:
            counts[cause.kind] += cause.count
    return ", ".join(counted(count, kind) for kind, count in sorted(counts.items()))


def halt_words(actor: str, at: datetime, reason: str, now: datetime) -> str:
    """`by ann 3 h ago: they move to another org`."""
    return f"by {actor} {ago(at, now)}: {reason}"


def counted(count: int, thing: str) -> str:
    """`1 failure`, `2 failures`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
