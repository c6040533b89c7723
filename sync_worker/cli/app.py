"""The root of the command line: its groups, its options, and what each error means to whoever called.

Exit codes: 0 done · 1 done, but something needs a person · 2 wrong use or configuration · 3 the CRM or a server is out of reach.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import click
import typer

from sync_worker import logs
from sync_worker.cli import associations, companies, deals, demo, failures, mappings, portals, processes, runs, sandbox, work
from sync_worker.cli.output import err
from sync_worker.errors import (
    ConfigError,
    ConnectionDown,
    HeldForReview,
    RecordError,
    SchemaChanged,
    StaleRead,
    StoreDown,
    SyncError,
    TransientError,
    UncertainWrite,
)

DONE, NEEDS_A_PERSON, WRONG_USE, OUT_OF_REACH = 0, 1, 2, 3

EXIT_CODES: Mapping[type[SyncError], int] = {
    ConfigError: WRONG_USE,
    StoreDown: OUT_OF_REACH,
    ConnectionDown: OUT_OF_REACH,
    SchemaChanged: NEEDS_A_PERSON,
    HeldForReview: NEEDS_A_PERSON,
    TransientError: OUT_OF_REACH,
    StaleRead: NEEDS_A_PERSON,
    UncertainWrite: NEEDS_A_PERSON,
    RecordError: NEEDS_A_PERSON,
}
"""Error → exit code; the nearest class counts."""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Keeps a partner portal and its CRM telling the same story.\n\nExample: sync-worker demo",
)
for name, group in (
    ("associations", associations.app),
    ("companies", companies.app),
    ("db", work.db),
    ("deals", deals.app),
    ("failures", failures.app),
    ("mappings", mappings.app),
    ("portals", portals.app),
    ("runs", runs.app),
):
    app.add_typer(group, name=name)
for command in (
    work.check,
    work.pull,
    work.push,
    processes.run,
    processes.web,
    processes.schedule,
    processes.worker,
    sandbox.sandbox,
    demo.demo,
):
    app.command()(command)


@app.callback()
def root(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and every step's log line.")] = False) -> None:
    """Keeps a partner portal and its CRM telling the same story."""
    logs.set_up(level=logging.DEBUG if debug else logging.WARNING)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """One command. Returns its exit code; nothing but a bug leaves as an exception, and that only with `--debug`."""
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="sync-worker", standalone_mode=False)
        return result if isinstance(result, int) else DONE
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return NEEDS_A_PERSON
    except SyncError as error:
        err.print(str(error), markup=False)
        return exit_code(error)
    except Exception as bug:
        if "--debug" in arguments:
            raise
        err.print(f"a bug, please report it: {type(bug).__name__}: {bug} (run again with --debug to see where)", markup=False)
        return NEEDS_A_PERSON


def exit_code(error: SyncError) -> int:
    """What the error means to whoever called."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
