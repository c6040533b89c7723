"""The command: `python -m benchmarks [--companies N] [--opportunities M]`; the full size where nothing is said."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report
from benchmarks.plan import Measured, Plan, measure

RESULTS = Path(__file__).parent / "results"
WIDTH = 110  # columns, where there is no terminal to ask


def main(arguments: list[str] | None = None) -> None:
    """Measures, prints the table, writes the result file."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    plan = Plan(options.companies, options.opportunities, rounds=options.rounds)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    measured = _shown(plan, console)
    report.show(report.figures(plan, measured), console)
    path = options.out or RESULTS / f"salesforce-sqlite-{plan.companies}-{plan.opportunities}.json"
    report.save(path, shlex.join(["python", "-m", "benchmarks", *given]), plan, measured)
    console.print(f"written: {path}", soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a first load, its writes and an idle poll cost.")
    parser.add_argument("--companies", type=int, default=Plan.companies)
    parser.add_argument("--opportunities", type=int, default=Plan.opportunities)
    parser.add_argument("--rounds", type=int, default=Plan.rounds, help="floor and first load, side by side; the median counts")
    parser.add_argument("--out", type=Path, help="the result file (default: benchmarks/results/…)")
    return parser


def _shown(plan: Plan, console: Console) -> Measured:
    """The measuring, with its progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(what: str, so_far: int, total: int) -> None:
            progress.update(task, description=what, completed=so_far, total=total or None)

        return measure(plan, say)


if __name__ == "__main__":
    main()
