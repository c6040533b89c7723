"""`status`: how everything stands, and what needs a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from sync_worker.cli.core.command import AsJson, opened
from sync_worker.cli.core.output import out, show_json, show_table
from sync_worker.domain.core.moments import ago, due, span
from sync_worker.domain.operate.status import PortalStanding, Process, Rest, Status, counted
from sync_worker.steps.operate.status import status as status_of

PROCESS_COLUMNS = ("process", "host", "pid", "version", "configuration", "started", "heard_of")
PORTAL_COLUMNS = ("portal", "crm", "read", "owes", "open", "calls")


def status(
    portal: Annotated[str | None, typer.Argument(metavar="[PORTAL]", help="Only this portal. Without it: all portals.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows how everything is: the processes, how far behind each portal is, what rests, what waits, what is open, and the calls left.

    It reads only the database, so it also works when every process is down. Exit 1 if something needs a person: the last lines say what,
    and which command to type.

    Example: sync-worker status
    """
    with opened() as installation:
        names = [installation.named(portal)] if portal else installation.names
        fit = [one.name for one in installation.portals if one.name in names]
        unfit = {name: "; ".join(map(str, installation.disabled[name])) for name in names if name not in fit}
        watched = [(installation.tenant(name), installation.budget(name)) for name in fit]
        found = status_of(installation.store, installation.release, watched, unfit)
    if as_json:
        show_json(as_document(found))
    else:
        _print(found)
    if found.needs:
        raise typer.Exit(1)


def as_document(found: Status) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "at": found.at.isoformat(timespec="seconds"),
        "release": asdict(found.release),
        "processes": [asdict(one) | {"is_silent": one.is_silent(found.at)} for one in found.processes],
        "portals": [one.document() for one in found.portals],
        "needs": [asdict(need) for need in found.needs],
    }


def _print(found: Status) -> None:
    show_table([_process(one, found.at) for one in found.processes], columns=PROCESS_COLUMNS, title="processes", empty="none runs")
    show_table([_portal(one) for one in found.portals], columns=PORTAL_COLUMNS, title="portals", empty="there is none")
    for portal in found.portals:
        _say(f"{portal.portal}: {_rest(rest, found.at)}" for rest in portal.rests)
        _say(_webhooks(portal, found.at))
        _say(
            f"{portal.portal}: {counted(cause.count, cause.kind)} {cause.code} of {cause.record}, since {ago(cause.since_at, found.at)}"
            for cause in portal.causes
        )
    needs = found.needs
    out.print(
        "nothing needs a person" if not needs else f"{counted(len(needs), 'thing')} {'needs' if len(needs) == 1 else 'need'} a person:"
    )
    _say(f"  {f'{need.portal}: ' if need.portal else ''}{need.what} — {need.do}" for need in needs)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False)


def _webhooks(portal: PortalStanding, now: datetime) -> Iterator[str]:
    """When the last webhook of each record type came; nothing for a portal that takes none."""
    if portal.webhooks:
        yield f"{portal.portal}: last webhooks: " + ", ".join(f"{one.record} {ago(one.last_at, now)}" for one in portal.webhooks)
    elif portal.takes_webhooks:
        yield f"{portal.portal}: no webhook has come yet; polls find every change"


def _rest(rest: Rest, now: datetime) -> str:
    if rest.until_at is None:
        return f"{rest.what} paused {rest.why}"
    return f"{rest.what} rests, next try {due(rest.until_at, now)}: {rest.why}"


def _process(one: Process, now: datetime) -> dict[str, Any]:
    heard = f"{ago(one.seen_at, now)}{', silent' if one.is_silent(now) else ''}"
    named = {name: getattr(one, name) for name in ("host", "pid", "version", "configuration")}
    return {"process": one.kind, **named, "started": ago(one.started_at, now), "heard_of": heard}


def _portal(one: PortalStanding) -> dict[str, Any]:
    reads = [f"{reading.record} {_lag(reading.lag_s)}" for reading in one.readings]
    counts = Counter[str]()
    for cause in one.causes:
        counts[cause.kind] += cause.count
    opened_ = [counted(count, kind) for kind, count in sorted(counts.items())]
    owed = {**{f"{state} writes": count for state, count in one.writes.items()}, "notices": one.notices, "events": one.feed_owed}
    return {
        "portal": one.portal,
        "crm": one.crm,
        "read": ", ".join(reads) + f"; every {span(one.readings[0].interval_s)}",
        "owes": [f"{count:,} {what}" for what, count in owed.items() if count],
        "open": [*opened_, *([counted(one.conflicts, "conflict")] if one.conflicts else [])],
        "calls": f"{one.calls_used:,} made" + (f", {one.calls_left:,} left" if one.calls_left is not None else ""),
    }


def _lag(lag_s: float | None) -> str:
    return "never read" if lag_s is None else f"{span(lag_s)} ago"
