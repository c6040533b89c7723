"""What commands have in common: their arguments, the portal opened and closed, a stop, a paused portal, a refusal, a bar."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sync_worker.bootstrap import Installation, build
from sync_worker.cli.core.mistakes import AS_IT_IS
from sync_worker.cli.core.output import err, show_json
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.operate.status import halt_words
from sync_worker.services import Services, set_from_signal
from sync_worker.steps.core.follow_up import Done, FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.operate.halts import Halt

if TYPE_CHECKING:
    from rich.progress import Progress

PortalName = Annotated[
    str, typer.Argument(metavar="PORTAL", help="The portal's name: acme, if its file is portals/acme.yaml.", show_default=False)
]
Who = Annotated[str, typer.Option("--actor", help="Who does this; it is kept in the history. Without it: this machine's user.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
WhilePaused = Annotated[bool, typer.Option("--while-paused", help="Let this one command work although a person has paused the portal.")]

STOPPING = b"stopping after the work at hand; press Ctrl-C again to stop at once\n"


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
    from sync_worker.actors import do  # it knows every step; most commands only look

    waiting, rows = set(follow_ups) if tenant.halted() is None else set(), list[dict[str, Any]]()
    while waiting:
        follow_up = min(waiting, key=lambda follow_up: (follow_up.work, follow_up.record))
        waiting.discard(follow_up)
        calls = tenant.crm.calls
        done = do(tenant, follow_up.work, follow_up.record)
        waiting |= done.follow_ups
        if done.run_id:
            rows.append(row_of(follow_up.work, follow_up.record, done, tenant.crm.calls - calls))
    return rows


def one_of_many(noun: str, reference: str) -> str:
    """Why the beginning of an id is not enough to find one thing."""
    return f"no {noun} has an id that begins with {reference!r}, or several have"


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


def row_of(verb: str, name: str, done: Done, calls: int) -> dict[str, Any]:
    """One piece of work as a row of the command's table."""
    counts = {field: getattr(done.counts, field) for field in done.counts.__slots__}
    return {"verb": verb, "object": name, **counts, "calls": calls, "run": done.run_id}


@contextmanager
def bar(words: str) -> Iterator[tuple[Progress, Any]]:
    """A bar on stderr, so that stdout stays data."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # few commands have one

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress, progress.add_task(words, total=None)
