"""The root of the command line: its commands, its options, and the exit code of each error.

A command's module is imported when it is called, so that `--help` and a typing mistake answer at once.
Exit codes: 0 done · 1 done, but something needs a person · 2 wrong use or configuration · 3 the CRM or a server is out of reach ·
130 stopped, by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_group

from sync_worker import garbage
from sync_worker.cli.core.output import err
from sync_worker.domain.core.moments import span
from sync_worker.errors import (
    ConfigError,
    ConnectionDown,
    HeldForReview,
    RateLimited,
    RecordError,
    SchemaChanged,
    SchemaRefused,
    StaleRead,
    Stopped,
    StoreDown,
    SyncError,
    TransientError,
    UncertainWrite,
    told,
)
from sync_worker.nearest import did_you_mean
from sync_worker.telemetry import logs

DONE, NEEDS_A_PERSON, WRONG_USE, OUT_OF_REACH = 0, 1, 2, 3
STOPPED = 130  # by Ctrl-C or SIGTERM, as shells count it

EXIT_CODES: Mapping[type[SyncError], int] = {
    ConfigError: WRONG_USE,
    StoreDown: OUT_OF_REACH,
    ConnectionDown: OUT_OF_REACH,
    SchemaChanged: NEEDS_A_PERSON,
    SchemaRefused: NEEDS_A_PERSON,
    HeldForReview: NEEDS_A_PERSON,
    Stopped: STOPPED,
    TransientError: OUT_OF_REACH,
    StaleRead: NEEDS_A_PERSON,
    UncertainWrite: NEEDS_A_PERSON,
    RecordError: NEEDS_A_PERSON,
}
"""Error → exit code; the nearest class counts."""

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("sync_worker.demo.command:demo", "Tells the whole story on a local Salesforce and a local HubSpot."),
    "run": ("operate.processes:run", "Runs web, schedule and workers in one process, without Redis."),
    "web": ("operate.processes:web", "Runs the web process: API, webhooks, console and health."),
    "schedule": ("operate.processes:schedule", "Runs the schedule: it finds what is due and sends it to the workers."),
    "worker": ("operate.processes:worker", "Runs a worker process. You may start as many as you need."),
    "db": ("operate.database:db", "Brings the database to this version."),
    "status": ("operate.status:status", "Shows how everything is, and what needs a person."),
    "portals": ("operate.portals:app", "Lists, checks, pauses and resumes portals."),
    "check": ("operate.check:check", "Checks that the CRM has what the portal file and the mapping need."),
    "provision": ("operate.check:provision", "Makes what the CRM lacks. Without --apply it only shows it."),
    "plan": ("operate.plan:plan", "Shows what a pull and a push would change. It changes nothing."),
    "pull": ("sync.pull_push:pull", "Reads what changed in the CRM, now."),
    "push": ("sync.pull_push:push", "Writes to the CRM what the portal owes it, now."),
    "compare": ("sync.compare:compare", "Compares every record with the CRM's. With --repair it repairs what differs."),
    "companies": ("associations.companies:app", "Shows the companies that the portal knows."),
    "associations": ("associations.associations:app", "Shows which companies may work on a deal together, and why."),
    "deals": ("deals.deals:app", "Registers deals, decides on them and shows them."),
    "people": ("people.people:app", "Shows and changes the portal's users. Erases a person's data."),
    "prices": ("deals.prices:app", "Shows the price list of the quotes, and adds prices to it."),
    "conflicts": ("sync.conflicts:app", "Shows fields that both sides changed, and takes a person's decision."),
    "failures": ("operate.failures:app", "Shows what went wrong and why, and tries it again."),
    "feed": ("tell.feed:app", "Shows which events the portal got, and which it still has to get."),
    "journeys": ("tell.journeys:app", "Checks and shows journeys: mails that the vendor makes up."),
    "mail": ("tell.mail:app", "Shows which mails were sent and which wait. Sends a test mail."),
    "tokens": ("people.tokens:app", "Makes, lists and revokes tokens of a portal's API."),
    "console": ("people.console:app", "Makes links to the pages for operators, and ends their sessions."),
    "runs": ("operate.runs:app", "Shows what the worker did, run by run, with counts."),
    "waits": ("operate.waits.waits:waits", "Shows how long it takes until something is tried again."),
    "mappings": ("operate.mappings:app", "Checks mapping files, runs their examples, tries them on a record."),
    "sandbox": ("operate.sandbox:app", "Runs a local Salesforce or HubSpot with made-up data."),
}
"""Command → where it is, in cli/ or by its whole name, and its line in `sync-worker --help`."""

SANDBOX_EXTRA = frozenset({"crm_sandbox", "lark"})
"""Packages that only `demo` and `sandbox` import; production is installed without them."""


class Commands(TyperGroup):
    """The commands of the table above, each imported when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own context
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # typer's own context
        if cmd_name not in COMMANDS:
            near = did_you_mean(cmd_name, COMMANDS)
            ctx.fail(f"there is no command {cmd_name!r}{'; ' if near else ''}{near}")
        found = _imported(cmd_name)
        group = found if isinstance(found, typer.Typer) else typer.Typer()
        group.rich_markup_mode = None
        if group is not found:
            group.command(cmd_name)(found)
            return get_group(group).commands[cmd_name]
        return get_group(group)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # typer's own context
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def _imported(command: str) -> Any:
    """The function or group of a command. **Raises** ConfigError where it needs the extra [sandbox], which is not installed."""
    module, _, attribute = COMMANDS[command][0].partition(":")
    try:
        return getattr(import_module(module if module.startswith("sync_worker.") else f"sync_worker.cli.{module}"), attribute)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in SANDBOX_EXTRA:
            raise
        raise ConfigError(
            f"`sync-worker {command}` needs the extra [sandbox], which is not installed here: {missing.name} is missing; install it "
            "with `make .venv/.sandbox`, or with `pip install --require-hashes -r requirements-sandbox.txt`"
        ) from missing


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Keeps a partner portal and its CRM equal: companies, associations, deals and approvals.\n\nExample: sync-worker demo",
)


@app.callback()
def root(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and a log line for every step.")] = False) -> None:
    """Keeps a partner portal and its CRM equal: companies, associations, deals and approvals."""
    logs.set_up(level=logging.DEBUG if debug else logging.WARNING)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits with its code. SIGTERM ends it as Ctrl-C does, so that what it holds is let go."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs.show_no_secrets_in_tracebacks()
    garbage.set_up()
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """One command. Returns its exit code; only a bug leaves as an exception, and that only with `--debug`, wherever it stands."""
    is_debug = "--debug" in arguments
    words = ["--debug"] * is_debug + [word for word in arguments if word != "--debug"]
    try:
        result = typer.main.get_command(app).main(words, prog_name="sync-worker", standalone_mode=False)
        return _said(result if isinstance(result, int) else DONE)
    except TyperException as wrong:
        return _wrong_use(wrong)
    except (typer.Abort, KeyboardInterrupt):
        return _said(STOPPED)
    except SyncError as error:
        for line in _lines(error):
            err.print(line, markup=False)
        return exit_code(error)
    except Exception as bug:
        if is_debug:
            raise
        err.print(f"a bug, please report it: {told(bug)} (run again with --debug to see where)", markup=False)
        return NEEDS_A_PERSON


def _lines(error: SyncError) -> Iterable[str]:
    if isinstance(error, TransientError):
        return [str(error), _next_try(error)]
    if not isinstance(error, ConfigError):
        return [str(error)]
    lines: Iterable[str] = import_module("sync_worker.cli.core.mistakes").lines_of(error, is_terminal=err.is_terminal)
    return lines


def _next_try(error: TransientError) -> str:
    """A command ends with the outage; the workers do not."""
    when = f" in {span(error.retry_after_s)}" if isinstance(error, RateLimited) else ""
    return f"run the command again{when}; running workers try again by themselves, and `sync-worker status` says when"


def exit_code(error: SyncError) -> int:
    """What the error means to the caller."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), NEEDS_A_PERSON)


def _said(code: int) -> int:
    if code == STOPPED:
        err.print("stopped")
    return code


def _wrong_use(wrong: TyperException) -> int:
    """One line of what is wrong, and where the right use stands. A group called without a command shows its help."""
    context, words = getattr(wrong, "ctx", None), wrong.format_message().replace("Value error, ", "").rstrip(".")
    command = context.command_path if context else "sync-worker"
    err.print(words if "\n" in words else f"{words} — see `{command} --help`", markup=False)
    return WRONG_USE
