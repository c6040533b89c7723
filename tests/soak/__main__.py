"""`python -m tests.soak`: real processes, hurt for minutes; then rest, and the rules.

One web, two schedules, two workers, PostgreSQL, Redis, and a sandbox for each portal. People edit on both sides. Processes are killed and
stopped, servers are restarted, calls fail. Exit 1: a rule is broken. What happened, and all logs, are kept in .run/soak/seed-N.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NoReturn

from sync_worker.telemetry import logs
from tests.soak.places import DAILY_CALLS, DESKS, MODES
from tests.soak.rest import Restless, settle
from tests.soak.soak import EVERY_PORTAL, PEOPLE, Plan, Soak, built, live
from tests.soak.troubles import every_trouble
from tests.soak.verdict import Broken, broken, trail_of

BAR_WIDTH = 40
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)
SHOWN_COUNT = 10


def main() -> int:
    wish = _parser().parse_args()
    for kind in STOPPED_BY:
        signal.signal(kind, _interrupted)
    logs.set_up(level=logging.CRITICAL)
    plan = Plan(
        minutes=wish.minutes,
        seed=wish.seed,
        portals=tuple((crm, mode) for crm, mode in EVERY_PORTAL if wish.crm in (crm, "both") and wish.mode in (mode, "both")),
        pace=wish.pace,
        folder=wish.folder,
    )
    try:
        return 1 if run(plan) else 0
    except KeyboardInterrupt:
        print("\nstopped; nothing runs any more", file=sys.stderr)
        return 130


def run(plan: Plan) -> list[Broken]:
    """One soak, printed. Returns the rules that do not hold."""
    began_s = time.monotonic()
    with built(plan) as soak:
        try:
            live(soak, lambda share: _show(soak, share, began_s))
            lived_s = time.monotonic() - began_s
            try:
                settle(soak, lambda rested_s: _show_rest(soak, rested_s))
                wrong = broken(soak)
            except Restless as error:
                wrong = [Broken("", str(error))]
            _report(soak, wrong, lived_s, time.monotonic() - began_s)
            return wrong
        finally:
            (soak.folder / "trail.txt").write_text("\n".join(soak.trail) + "\n")


def _report(soak: Soak, wrong: list[Broken], lived_s: float, passed_s: float) -> None:
    print(file=sys.stderr)
    for words in wrong[:SHOWN_COUNT]:
        print(f"\nBROKEN, seed {soak.plan.seed}: {words}", *trail_of(soak, words), sep="\n")
    if len(wrong) > SHOWN_COUNT:
        print(f"… and {len(wrong) - SHOWN_COUNT} more")
    _table(soak.happened)
    for place in soak.places:
        count = sum(map(len, place.ledger.edits.values()))
        print(f"{place.calls_made():>10,}  calls of {place.label}, of {DAILY_CALLS:,} that are allowed; {count:,} values in its ledger")
        print(f"{len(place.late.hidden):>10,}  records of {place.label} that rule 3 leaves out: a late write may have hidden an edit")
    labels = ", ".join(place.label for place in soak.places)
    print(f"{labels}: {lived_s / 60:.1f} minutes of trouble, {soak.machines.kill_count} kills, rest after {passed_s - lived_s:.0f} s more")
    print(f"seed {soak.plan.seed}: {len(wrong)} rules broken; logs in {soak.folder}")


def _table(happened: Counter[str]) -> None:
    names = list(dict.fromkeys([*(words for _, words, _ in PEOPLE), *every_trouble(), *happened]))
    for name in names:
        print(f"{happened[name]:>10,}  {name}")


def _show(soak: Soak, share: float, began_s: float) -> None:
    if sys.stderr.isatty():
        bar = "█" * int(BAR_WIDTH * share)
        people = sum(soak.happened[words] for _, words, _ in PEOPLE)
        told = f"{time.monotonic() - began_s:.0f} s, {people} things done by people, {soak.machines.kill_count} kills"
        print(f"\r{bar:░<{BAR_WIDTH}} {told} ", end="", file=sys.stderr, flush=True)


def _show_rest(soak: Soak, rested_s: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{'█' * BAR_WIDTH} {soak.machines.kill_count} kills; at rest for {rested_s:.0f} s ", end="", file=sys.stderr, flush=True)


def _interrupted(*_: object) -> NoReturn:
    """A second signal does not interrupt the end of the processes."""
    for kind in STOPPED_BY:
        signal.signal(kind, signal.SIG_IGN)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="of trouble; the rest takes one or two more (default: 5)")
    parser.add_argument("--seed", type=int, default=7, help="decides who does what and what goes wrong (default: 7)")
    parser.add_argument("--crm", choices=[*DESKS, "both"], default="both")
    parser.add_argument("--mode", choices=[*MODES, "both"], default="both", help="where associations come from")
    parser.add_argument("--pace", type=float, default=1, help="2: twice as much trouble in the same time")
    parser.add_argument("--folder", type=Path, default=Path(".run/soak"), help="where trails and logs go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
