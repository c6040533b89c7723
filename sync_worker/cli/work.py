"""`pull`, `push` and `db upgrade`: one portal's work, now, in the foreground, with a progress bar."""

from __future__ import annotations

import getpass
import math
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sync_worker.actors import do
from sync_worker.bootstrap import Installation, build
from sync_worker.cli.mistakes import AS_IT_IS
from sync_worker.cli.news import news, open_ids, tell
from sync_worker.cli.output import err, out, show, show_json
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.moments import whence
from sync_worker.domain.operate.status import halt_words
from sync_worker.errors import ConfigError, SchemaChanged, Stopped
from sync_worker.services import Services, set_from_signal
from sync_worker.settings import read_settings
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.operate.halt import let_in
from sync_worker.steps.sync.ingest.backfill import ask, wanted
from sync_worker.steps.sync.ingest.backfill import backfill as backfill_record
from sync_worker.steps.sync.ingest.pull import pull as pull_record
from sync_worker.steps.sync.push.push import push as push_portal
from sync_worker.steps.sync.push.record_rest import resting, wake
from sync_worker.store.core import cursors
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.halts import Halt
from sync_worker.store.operate.migrate import upgrade as upgrade_store

PortalName = Annotated[str, typer.Argument(metavar="PORTAL", help="The portal's name, as its file says.", show_default=False)]
Who = Annotated[str, typer.Option("--actor", help="Who does this; kept in the history. Without it: the machine's user.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
WhilePaused = Annotated[bool, typer.Option("--while-paused", help="Do this once although a person has paused the portal; it stays paused.")]

STOPPING = b"stopping after what is at hand; once more ends it at once\n"
READ_COLUMNS = ("verb", "object", "read", "applied", "unchanged", "skipped", "failed", "calls")
WRITE_COLUMNS = ("verb", "object", "claimed", "written", "unchanged", "deferred", "parked", "uncertain", "calls")


def user() -> str:
    """Who is at this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user has no name
        return "unknown"


@contextmanager
def opened(services: Services | None = None) -> Iterator[Installation]:
    """The installation, closed at the end."""
    installation = build(services=services)
    try:
        yield installation
    finally:
        installation.close()


@contextmanager
def tenant_of(portal: str, services: Services | None = None) -> Iterator[Tenant]:
    """One portal's tenant."""
    with opened(services) as installation:
        yield installation.tenant(portal)


@contextmanager
def stopping_gently() -> Iterator[Services]:
    """Inside, Ctrl-C and SIGTERM ask the work to end at its next commit; the second one ends it as it is."""
    stopped, kinds = threading.Event(), list[int]()

    def stop(kind: int, _frame: FrameType | None) -> None:
        if kinds:
            raise KeyboardInterrupt
        kinds.append(kind)
        set_from_signal(stopped)
        os.write(sys.stderr.fileno(), STOPPING)  # a signal may come in the middle of another print

    before = {kind: signal.signal(kind, stop) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield Services.until(stopped)
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def pull(
    portal: PortalName,
    record: Annotated[str | None, typer.Option(help="company or deal; both where none is named.", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what changed.")] = False,
    backfill: Annotated[
        str | None,
        typer.Option("--backfill", metavar="FIELD", help="Read only this field, of all records that are here.", show_default=False),
    ] = None,
    while_paused: WhilePaused = False,
    as_json: AsJson = False,
) -> None:
    """Reads what changed in the CRM, now. What has to be written there follows with `push`. Ctrl-C ends it after the page at hand.

    A field that was mapped later is filled as records change. --backfill brings it in for all records at once and changes nothing else of
    them; the same command goes on where it was stopped. `sync-worker plan PORTAL --backfill FIELD` shows before what it would do.

    Exit 0: every record was applied, and nothing was opened that was not open before; what stays open from before is only named. Exit 1: a
    record could not be applied, or a failure or problem was opened; the last line counts them and names the command that lists them.
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
        rows = [_row("push", "deals and portal ids", done, tenant.crm.calls - calls)]
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


db = typer.Typer(no_args_is_help=True, help="The database.")


@db.callback()
def database() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Brings the database to this version; harmless where it is already.

    Example: sync-worker db upgrade
    """
    store = Store(read_settings().database_url, clock=Services().clock)
    before, after = upgrade_store(store)
    store.close()
    words = f"already at {after}" if before == after else f"{before or 'empty'} → {after}"
    out.print(f"{store.shown_url}: {words}", highlight=False, soft_wrap=True)


def may_call(tenant: Tenant, *, while_paused: bool) -> bool:
    """Whether the CRM may be called: not while a person has paused the portal, unless this command is to work all the same. Says so."""
    halt = tenant.halted()
    if halt is None:
        return True
    words = paused_words(tenant, halt)
    if while_paused:
        tenant.works_while_paused = True
        err.print(f"{words}. Only this command works; the portal stays paused", **AS_IT_IS)
    else:
        err.print(f"nothing was done: {words}", **AS_IT_IS)
        err.print(f"to go on: sync-worker portals resume {tenant.name}; for this command alone, add --while-paused", **AS_IT_IS)
    return while_paused


def refuse_paused(tenant: Tenant, *, while_paused: bool) -> None:
    """The same; exit code 1 where it may not."""
    if not may_call(tenant, while_paused=while_paused):
        raise typer.Exit(1)


def say_waits(tenant: Tenant) -> None:
    """What was just stored for a portal that a person has paused: it is kept, and what follows from it waits."""
    if halt := tenant.halted():
        err.print(f"{paused_words(tenant, halt)}. This is kept, and waits for: sync-worker portals resume {tenant.name}", **AS_IT_IS)


def paused_words(tenant: Tenant, halt: Halt) -> str:
    """`portal acme is paused by ann 3 h ago: they move`."""
    return f"portal {tenant.name} is paused {halt_words(halt.actor, halt.at, halt.reason, tenant.services.clock())}"


def work_off(tenant: Tenant, follow_ups: Iterable[FollowUp]) -> list[dict[str, Any]]:
    """Does what a commit made due, and what that makes due, until nothing is; in a paused portal it waits. Returns a row per work."""
    waiting, rows = set(follow_ups) if tenant.halted() is None else set(), list[dict[str, Any]]()
    while waiting:
        follow_up = min(waiting, key=lambda follow_up: (follow_up.work, follow_up.record))
        waiting.discard(follow_up)
        calls = tenant.crm.calls
        done = do(tenant, follow_up.work, follow_up.record)
        waiting |= done.follow_ups
        if done.run_id:
            rows.append(_row(follow_up.work, follow_up.record, done, tenant.crm.calls - calls))
    return rows


def refuse(refusal: Refusal, *, as_json: bool) -> NoReturn:
    """Says why a move was refused and what would be right, as JSON on stdout too where that was asked for; exit code 2."""
    if as_json:
        why = {"refused": refusal.code, "why": refusal.why, "field": refusal.field, "who_may": refusal.who_may}
        show_json({**why, "allowed": list(refusal.allowed)})
    err.print(f"refused ({refusal.code}): {refusal.why}", markup=False)
    err.print(f"who may, or what would be right: {refusal.who_may}", markup=False)
    if refusal.allowed:
        err.print(f"allowed: {', '.join(refusal.allowed)}", markup=False)
    raise typer.Exit(2)


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
        rows.append(_row("pull", name, done, tenant.crm.calls - calls))
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
        rows.append(_row("backfill", name, done, tenant.crm.calls - calls))
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


def _row(verb: str, name: str, done: Done, calls: int) -> dict[str, Any]:
    counts = {field: getattr(done.counts, field) for field in done.counts.__slots__}
    return {"verb": verb, "object": name, **counts, "calls": calls, "run": done.run_id}


@contextmanager
def bar(words: str) -> Iterator[tuple[Progress, Any]]:
    """A bar on stderr, so that stdout stays data."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress, progress.add_task(words, total=None)
