"""`python -m tests.crashes`: each story with a crash at each of its points, and how many there are.

--story push-new --point 17     one of them again, with what is different in the end
--database postgresql           on a PostgreSQL of its own
--every                         also points that leave the same world as the one before, and looks until nothing costs a call any more
--list                          the stories, and what happens in them
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.crashes.databases import Database, PostgresqlDatabase, SqliteFile
from tests.crashes.live import staged, told
from tests.crashes.stories import STORIES
from tests.crashes.story import Story
from tests.servers import PostgreSQL, postgresql
from tests.simulation.__main__ import set_up
from tests.simulation.world import FAST


def main() -> int:
    wish = _parser().parse_args()
    if wish.list:
        print("\n".join(f"{story.name:<24} {story.words}" for story in STORIES))
        return 0
    set_up()
    chosen = [(story, crm) for story in STORIES if wish.story in ("", story.name) for crm in story.crms if wish.crm in ("", crm)]
    print(f"{'story':<24} {'CRM':<16} {'points':>6} {'lived':>6} {'wrong':>6} {'CPU s':>6}")
    with _server(wish.database) as server:
        wrong = sum(_lived(story, crm, SqliteFile() if server is None else PostgresqlDatabase(server), wish) for story, crm in chosen)
    print(f"{wrong} points end otherwise than the story without a crash" if wrong else "each point ends as the story without a crash")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--story", default="", choices=["", *(story.name for story in STORIES)], metavar="NAME", help="this one alone")
    parser.add_argument("--crm", default="", choices=["", *FAST], help="on this CRM alone")
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgresql"])
    parser.add_argument("--point", type=int, help="this one alone, by its number")
    parser.add_argument("--every", action="store_true", help="really all of them, each until nothing costs a call any more")
    parser.add_argument("--list", action="store_true", help="the stories, and what happens in them")
    return parser


@contextmanager
def _server(database: str) -> Iterator[PostgreSQL | None]:
    if database == "sqlite":
        yield None
        return
    with postgresql() as server:
        yield server


def _lived(story: Story, crm: str, database: Database, wish: argparse.Namespace) -> int:
    """Prints the line of one story, and what is wrong. Returns how many points end otherwise."""
    began_s, wrong = time.process_time(), 0
    with staged(story, crm, database) as stage:
        if stage.wrong:
            print(f"{story.name} on {crm} breaks a rule even without a crash: {'; '.join(stage.wrong)}")
        chosen = stage.points if wish.every or wish.point else stage.different_points
        for point in [point for point in chosen if wish.point in (None, point.at)]:
            if report := told(stage, crm, point.at, is_thorough=wish.every):
                wrong += 1
                print(report)
        counts = f"{len(stage.points):>6} {len(chosen):>6} {wrong:>6}"
    print(f"{story.name:<24} {crm:<16} {counts} {time.process_time() - began_s:>6.1f}", flush=True)
    return wrong + len(stage.wrong)


if __name__ == "__main__":
    sys.exit(main())
