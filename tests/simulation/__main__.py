"""`python -m tests.simulation`: many seeds, and how often each trouble befell them. A seed that breaks a rule is shrunk and printed.

--soak 1000             so many seeds, half of them on each CRM in memory, with a table of the troubles
--crm fast-hubspot --seeds 7 --only 3,5,9    one seed again, with these events alone
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

from sync_worker.garbage import look_rarely
from sync_worker.telemetry import logs
from tests.simulation.lived import lived
from tests.simulation.shrink import shrunk
from tests.simulation.simulate import Report, Story
from tests.simulation.troubles import every_trouble
from tests.simulation.world import DESKS, FAST
from tests.statements import share_compiled

BAR_WIDTH = 40


def main() -> int:
    wish = _parser().parse_args()
    stories = _soak(wish.soak, wish.first) if wish.soak else _asked(wish)
    started_s, happened, broken = time.monotonic(), Counter[str](), 0
    with closing(_reports(stories, wish.jobs)) as reports:
        for done, report in enumerate(reports, start=1):
            happened.update(report.happened)
            if report.broken:
                broken += 1
                _keep(shrunk(report, lived) if report.story.is_fast and not wish.only else report, wish.trails)
            _show(done, len(stories), broken, started_s)
    passed_s = time.monotonic() - started_s
    zero = _table(happened) if wish.soak else []
    print(f"{len(stories):,} seeds in {passed_s:,.0f} s, {len(stories) / passed_s:.1f} a second; {broken} broke a rule")
    return 1 if broken or zero else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--soak", type=int, default=0, help="how many seeds, on both CRMs in memory")
    parser.add_argument("--first", type=int, default=0, help="the first seed of a soak")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--crm", choices=list(DESKS), default=FAST[0])
    parser.add_argument("--seeds", default="0-29", help="one seed, or first-last")
    parser.add_argument("--events", type=int, help="events a seed")
    parser.add_argument("--only", default="", help="numbers of the events to live, as a shrunk seed names them")
    parser.add_argument("--trails", type=Path, default=Path(".run/simulation"), help="where the trails of broken seeds go")
    return parser


def _soak(count: int, first: int) -> list[Story]:
    return [Story.whole(FAST[no % len(FAST)], first + no // len(FAST)) for no in range(count)]


def _asked(wish: argparse.Namespace) -> list[Story]:
    first, _, last = wish.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    if wish.only:
        return [Story(wish.crm, seed, tuple(map(int, wish.only.split(",")))) for seed in seeds]
    return [Story.whole(wish.crm, seed, event_count=wish.events) for seed in seeds]


def _reports(stories: Sequence[Story], job_count: int) -> Generator[Report, None, None]:
    if job_count == 1:
        set_up()
        yield from map(lived, stories)
        return
    with ProcessPoolExecutor(job_count, initializer=set_up) as pool:
        yield from pool.map(lived, stories, chunksize=5)


def set_up() -> None:
    look_rarely()
    logs.set_up(level=logging.CRITICAL)
    share_compiled()


def _keep(report: Report, trails: Path) -> None:
    trails.mkdir(parents=True, exist_ok=True)
    path = trails / f"{report.story.crm}-{report.story.seed}.txt"
    path.write_text(f"{report}\n")
    print(f"\r{report}\nkept in {path}", flush=True)


def _show(done: int, count: int, broken: int, started_s: float) -> None:
    if sys.stderr.isatty() or done == count or done % 100 == 0:
        bar = "█" * (BAR_WIDTH * done // count)
        speed = done / (time.monotonic() - started_s)
        print(f"\r{bar:░<{BAR_WIDTH}} {done:,} of {count:,}, {speed:.1f} a second, {broken} broken ", end="", file=sys.stderr, flush=True)
    if done == count:
        print(file=sys.stderr)


def _table(happened: Counter[str]) -> list[str]:
    """Prints how often each trouble came true. Returns those that never did."""
    names = every_trouble()
    for name in names:
        print(f"{happened[name]:>10,}  {name}")
    zero = [name for name in names if not happened[name]]
    if zero:
        print(f"never happened: {'; '.join(zero)}")
    return zero


if __name__ == "__main__":
    sys.exit(main())
