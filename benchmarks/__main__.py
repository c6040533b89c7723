"""The command: `python -m benchmarks [--companies N] [--opportunities M] …`; both databases in full size where nothing is said."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report
from benchmarks.bench import Say
from benchmarks.crms import CRMS
from benchmarks.databases import DATABASES
from benchmarks.figures import figures
from benchmarks.plan import Plan, as_json, measure, profile

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results"
WIDTH = 130  # columns, where there is no terminal to ask
MILLION = {"companies": 1_000_000, "opportunities": 0, "rounds": 1, "only": "load"}


def main(arguments: list[str] | None = None) -> None:
    """Measures, prints the tables, writes the result files."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _options(given)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    for crm in options.crm:
        for database in options.database:
            parts = (options.only,) if options.only else Plan.parts
            plan = Plan(crm, database, options.companies, options.opportunities, rounds=options.rounds, parts=parts)
            _carry_out(plan, options, shlex.join(["python", "-m", "benchmarks", *given]), console)


def _carry_out(plan: Plan, options: argparse.Namespace, command: str, console: Console) -> None:
    load_before = os.getloadavg()[0]
    title = f"{plan.crm} on {plan.database}, {plan.companies:,} companies, {plan.deals:,} deals"
    measured = watched(lambda say: (profile if options.profile else measure)(plan, say), console)
    if options.profile:
        report.show_profile(title, measured, console)
    found = figures(plan, measured)
    report.show(title, found, console)
    suffix = "-profile" if options.profile else f"-{options.only}" if options.only else ""
    path = options.out / f"{plan.crm}-{plan.database}-{plan.companies}-{plan.deals}{suffix}.json"
    report.save(path, command, found, as_json(plan, measured), load_before)
    console.print(f"written: {path}\n", soft_wrap=True)


def _options(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a first load, later changes and idle polls cost.")
    parser.add_argument("--crm", nargs="+", choices=CRMS, default=list(CRMS))
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--companies", type=int, default=Plan.companies)
    parser.add_argument("--opportunities", type=int, default=Plan.deals, help="deals in the CRM")
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help="floor and first load, side by side; the median counts")
    parser.add_argument("--only", choices=Plan.parts, help="first loads held against the floor, or the story that follows")
    parser.add_argument("--million", action="store_true", help="one first load of 1,000,000 companies (for its memory); some minutes")
    parser.add_argument("--profile", action="store_true", help="where the CPU goes, room by room")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of result files (default: benchmarks/results)")
    options = parser.parse_args(given)
    if options.million:
        vars(options).update(MILLION)
    return options


def watched(work: Callable[[Say], T], console: Console) -> T:
    """The measuring, with its progress: a bar for a person, a line a measurement for a file."""
    with _bar(console) if console.is_terminal else _lines(console) as say:
        return work(say)


@contextmanager
def _bar(console: Console) -> Iterator[Say]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(what: str, so_far: int, total: int) -> None:
            progress.update(task, description=what, completed=so_far, total=total or None)

        yield say


@contextmanager
def _lines(console: Console) -> Iterator[Say]:
    began_s = time.monotonic()
    said: set[tuple[str, int]] = set()

    def say(what: str, so_far: int, total: int) -> None:
        tenths = so_far * 10 // total if total else 0
        if (what, tenths) not in said:
            said.add((what, tenths))
            console.print(f"{time.monotonic() - began_s:6.0f} s  {what}{f', {so_far:,} of {total:,}' if tenths else ''}", highlight=False)

    yield say


if __name__ == "__main__":
    main()
