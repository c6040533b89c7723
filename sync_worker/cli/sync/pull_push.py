"""`pull` and `push`: one portal's work, now, in the foreground, with a progress bar."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sync_worker.cli.core.command import (
    AsJson,
    PortalName,
    WhilePaused,
    bar,
    refuse_paused,
    row_of,
    stopping_gently,
    tenant_of,
    user,
    work_off,
)
from sync_worker.cli.core.mistakes import AS_IT_IS
from sync_worker.cli.core.news import news, open_ids, tell
from sync_worker.cli.core.output import err, show
from sync_worker.domain.core.moments import whence
from sync_worker.errors import ConfigError, SchemaChanged, Stopped
from sync_worker.steps.core.follow_up import Done, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.operate.halt import let_in
from sync_worker.steps.sync.ingest.backfill import ask, wanted
from sync_worker.steps.sync.ingest.backfill import backfill as backfill_record
from sync_worker.steps.sync.ingest.pull import pull as pull_record
from sync_worker.steps.sync.push.push import push as push_portal
from sync_worker.steps.sync.push.record_rest import resting, wake
from sync_worker.store.core import cursors

if TYPE_CHECKING:
    from rich.progress import Progress

READ_COLUMNS = ("verb", "object", "read", "applied", "unchanged", "skipped", "failed", "calls")


WRITE_COLUMNS = ("verb", "object", "claimed", "written", "unchanged", "deferred", "parked", "uncertain", "calls")


def pull(
    portal: PortalName,
    record: Annotated[
        str | None, typer.Option(help="Only this record type: company or deal. Without it: both.", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every record again, and not only what changed.")] = False,
    backfill: Annotated[
        str | None,
        typer.Option("--backfill", metavar="FIELD", help="Read only this field, of all records that the portal holds.", show_default=False),
    ] = None,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Reads what changed in the CRM, now. It writes nothing there; `push` does that. Ctrl-C ends it after the page at hand.

    If you add a field to the mapping, a record gets its value when the record changes. --backfill reads the field for all records at once
    and changes nothing else. If it is stopped, give the same command again. `sync-worker plan PORTAL --backfill FIELD` shows before what
    it would do.

    Exit 0: every record was applied, and no failure or problem was opened that was not open before. Exit 1: a record could not be
    applied, or a failure or problem was opened. The last line counts them and names the command that lists them.
    Exit 2: wrong use or configuration. Exit 3: the CRM or a server is out of reach.

    Example: sync-worker pull acme --backfill attributes.region
    """
    if full and backfill:
        raise typer.BadParameter("--full reads every field and --backfill one of them: take one of the two")
    with stopping_gently() as services, tenant_of(portal, services) as tenant:
        refuse_paused(tenant, while_paused=while_paused)
        before = open_ids(tenant)
        names = _records(tenant, record)
        rows = _fill(tenant, backfill, names) if backfill else _read(tenant, names, is_full=full)
        found = news(tenant, before, runs=[row["run"] for row in rows])
    show(rows, columns=READ_COLUMNS, as_json=as_json)
    is_any_failed = any(row["failed"] for row in rows)
    tell(portal, found, otherwise="some records could not be applied" if is_any_failed else "")
    if is_any_failed or found.opened:
        raise typer.Exit(1)


def push(portal: PortalName, while_paused: WhilePaused = False, as_json: AsJson = False) -> None:
    """Writes to the CRM what the portal owes it, now, and reads it back. Ctrl-C ends it after the batch at hand.

    Exit 0: everything that was claimed is written or waits for its turn, and nothing was opened that was not open before. Exit 1: a record
    could not be written or read back, or a failure or problem was opened. Exit 2 and 3: as for `pull`.

    Example: sync-worker push acme
    """
    with stopping_gently() as services, tenant_of(portal, services) as tenant, bar("pushing") as (progress, task):
        refuse_paused(tenant, while_paused=while_paused)
        before, calls = open_ids(tenant), tenant.crm.calls
        done = push_portal(tenant, on_batch=lambda count: progress.update(task, completed=count))
        rows = [row_of("push", "deals and portal ids", done, tenant.crm.calls - calls)]
        reads = work_off(tenant, done.follow_ups)
        found, asleep = news(tenant, before, runs=[row["run"] for row in (*rows, *reads)]), _asleep(tenant)
    rows += [row for row in reads if row["claimed"]]
    show(rows, columns=WRITE_COLUMNS, as_json=as_json)
    for line in asleep:
        err.print(line, **AS_IT_IS)
    is_any_unwritten = any(row["parked"] or row["uncertain"] for row in rows) or any(row["failed"] for row in reads)
    tell(portal, found, otherwise="some records could not be written" if is_any_unwritten else "")
    if is_any_unwritten or found.opened or asleep:
        raise typer.Exit(1)


def _read(tenant: Tenant, names: Sequence[str], *, is_full: bool) -> list[dict[str, Any]]:
    """These record types, one after the other, each with its bar. Returns a row per work."""
    rows, unfit = list[dict[str, Any]](), list[SchemaChanged]()
    for place, name in enumerate(names):
        calls = tenant.crm.calls
        try:
            done = _pulled(tenant, name, is_full=is_full)
        except Stopped as stopped:
            raise Stopped(f"{stopped}\n{_going_on(tenant.name, names[place:], is_full=is_full)}") from None
        except SchemaChanged as lacking:  # the other record types are read all the same
            unfit.append(lacking)
            continue
        _refuse_busy(tenant, done, name)
        let_in(tenant)
        _wake(tenant, name)
        rows.append(row_of("pull", name, done, tenant.crm.calls - calls))
        rows += work_off(tenant, (follow_up for follow_up in done.follow_ups if follow_up.work in (Work.EVALUATE, Work.REFRESH)))
    if unfit:
        raise SchemaChanged("\n".join(map(str, unfit)))
    return rows


def _wake(tenant: Tenant, record_name: str) -> None:
    with tenant.store.side_transaction(tenant.name) as tx:
        wake(tx, record_name)


def _asleep(tenant: Tenant) -> list[str]:
    """A line for each record type that was not written because it rests."""
    with tenant.store.reading(tenant.name) as tx:
        asleep, now = resting(tx), tx.shared_now
    return [f"{name} is not written before {whence(pause.until_at, now)}: {pause.because}" for name, pause in asleep.items()]


def _fill(tenant: Tenant, word: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """One field of these record types, as far as they map it, each with its bar; and what was noticed on the way."""
    found, rows = wanted(tenant, word, names), list[dict[str, Any]]()
    ask(tenant, found, by=user())
    for name in found.records:
        calls = tenant.crm.calls
        try:
            with bar(f"reading {found.field} of {name}") as (progress, task):
                done = backfill_record(tenant, name, found.field, on_page=partial(_advance, progress, task))
        except Stopped as stopped:
            raise Stopped(f"{stopped}\nto go on: sync-worker pull {tenant.name} --backfill {word}") from None
        _refuse_busy(tenant, done, name)
        rows.append(row_of("backfill", name, done, tenant.crm.calls - calls))
        rows += work_off(tenant, (follow_up for follow_up in done.follow_ups if follow_up.work == Work.REFRESH))
    return rows


def _advance(progress: Progress, task: Any, done: int, total: int | None) -> None:
    progress.update(task, completed=done, total=total)


def _pulled(tenant: Tenant, name: str, *, is_full: bool) -> Done:
    """One record type's pull, with its bar."""
    with bar(f"pulling {name}") as (progress, task):
        return pull_record(tenant, name, is_full=is_full, on_page=partial(_advance, progress, task))


def _going_on(portal: str, left: Sequence[str], *, is_full: bool) -> str:
    """What to type next: the first of these record types was stopped, the others were not begun."""
    commands = [f"sync-worker pull {portal} --record {name}" for name in left]
    return "to go on: " + "; then ".join([commands[0], *(f"{command} --full" if is_full else command for command in commands[1:])])


def _records(tenant: Tenant, wanted: str | None) -> tuple[str, ...]:
    records = tenant.readable_records()
    by_wish: Mapping[str | None, tuple[str, ...]] = {None: records, "company": (COMPANY,), "deal": records[1:]}
    if wanted in by_wish:
        return by_wish[wanted]
    if wanted in records:
        return (str(wanted),)
    raise ConfigError(f"--record {wanted}: there is no such record — allowed: company, deal, {', '.join(records[1:])}")


def _refuse_busy(tenant: Tenant, done: Done, name: str) -> None:
    if done.is_busy:
        err.print(busy_words(tenant, name), highlight=False)
        raise typer.Exit(1)


def busy_words(tenant: Tenant, name: str) -> str:
    """Who reads, as far as it is known: a process that died keeps its lease until that ends."""
    with tenant.store.reading(tenant.name) as tx:
        cursor, now = cursors.get(tx, name), tx.shared_now
    until_at = cursor.lease_until_at if cursor else None
    if until_at is None or until_at <= now:
        return f"another process is reading {name} right now; try again when it has finished (`sync-worker runs list`)"
    left_s = math.ceil((until_at - now).total_seconds())
    return (
        f"another process is reading {name}, or died while it did: its lease ends at {until_at:%H:%M:%S} UTC (in {left_s} s) unless "
        "that process lives and renews it. Try again then; `sync-worker runs list` shows who reads"
    )
