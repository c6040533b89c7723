"""docs/waits.md says what the code says, and no wait of the code is left out of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from sync_worker.cli.operate.waits.wait_words import exactly, length
from sync_worker.cli.operate.waits.waits import QUESTIONS, waits_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "waits.md"
PACKAGE = ROOT / "sync_worker"
LEFT_OUT = ("store/migrations/", "telemetry/metrics.py", "demo/story.py")
NAMED = sorted({name for asked in QUESTIONS for one in asked.waits for name in one.names})
NO_WAITS = {
    "crm.batches.SPARE_S": "a margin inside one call",
    "crm.budget.DAY_S": "a unit",
    "crm.budget.SLOT_S": "how finely calls are counted",
    "crm.hubspot.connection.pace.INTERVAL_S": "the vendor's window, which calls are paced by",
    "crm.hubspot.connection.pace.SEARCH_INTERVAL_S": "the vendor's window, which calls are paced by",
    "crm.salesforce.connection.login.ASSERTION_LIFE": "a new one is made for each log-in",
    "domain.people.console.IDLE": "when a session is over",
    "domain.people.console.LINK_LASTS": "when a link is over",
    "domain.people.console.LINK_LASTS_AT_MOST": "when a link is over",
    "domain.people.console.LOG_IN_LASTS": "when a log-in that a person did not finish is over",
    "domain.people.console.SESSION_LASTS": "when a session is over",
    "domain.operate.connection.CONSENT_LASTS": "when a consent that a person did not finish is over",
    "domain.sync.ingest.brake.WINDOW": "what is counted, not waited for",
    "domain.tell.journeys.limits.WINDOW": "what is counted, not waited for",
    "domain.core.clocks.STAMP_RESOLUTION": "a precision",
    "domain.operate.day.HOUR": "how finely a day is shown",
    "domain.operate.status.BEHIND_S": "from when on a lag needs a person",
    "domain.operate.status.FEED_LATE_S": "from when on a feed needs a person",
    "domain.operate.status.WEBHOOKS_LATE_S": "from when on missing webhooks need a person",
    "editing.PREVIEW_LASTS_S": "how long a person waits for a page",
    "heartbeat.LEAVE_S": "the end of a process",
    "provider.ANSWER_S": "a person looks at the browser meanwhile",
    "provider.LEEWAY_S": "how far two clocks may differ",
    "provider.RESTS": "a person who comes again is told at once",
    "provider.SOUGHT_EVERY": "how often a key that is not known is looked for",
    "receiver.SEND_S": "the sum of two that are named",
    "services.LOOK_UP_S": "the end of a process",
    "steps.operate.day.BEFORE": "what is looked at, not waited for",
    "steps.operate.connecting.grant.KEEP_AGAIN_S": "inside one log-in, where the database is away just then",
    "steps.operate.connecting.grant.LOOK_EVERY_S": "inside one log-in, until another process has ended its own",
    "steps.operate.connecting.grant.TURN_LASTS": "longer than the longest log-in; another process waits inside its own",
    "steps.operate.sweep_files.ORPHAN_AFTER": "files that no row names are swept",
    "steps.sync.push.late_writes.CALL": "crm.batches.LONGEST_CALL_S",
    "store.people.console.SEEN_EVERY": "how coarse a time of use is",
    "store.people.tokens.USED_EVERY": "how coarse a time of use is",
    "web.console.core.pages.LOOK_S": "how often a page is shown anew",
    "web.console.core.pages.STREAM_S": "how long a page asks for its news at once",
    "web.limits.SAID_EVERY_S": "how often the log says it",
    "web.server.IDLE_S": "how long a connection is kept between two requests",
    "web.server.START_TIMEOUT_S": "the start of a process",
    "web.server.STOP_S": "the end of a process",
}
"""Lengths of time that an operator does not wait for, and why."""


def lengths() -> Iterator[str]:
    """Every constant of a module that is a length of time, by its name or its value; how long something is kept is no wait."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE)
        if file.as_posix().startswith(LEFT_OUT):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                is_length = re.search(r"\b(timedelta|Backoff)\(", ast.unparse(node.value))
                yield from (
                    ".".join([*file.with_suffix("").parts, name])
                    for name in names
                    if not (name.startswith("_") or "KEPT" in name) and (is_length or re.search("_(S|MS)$", name))
                )


def test_the_page_of_waits_is_the_constants() -> None:
    assert PAGE.read_text() == waits_page(), "make it again: sync-worker waits --markdown > docs/waits.md"


def test_every_length_of_time_is_on_the_page_or_is_no_wait() -> None:
    found = set(lengths())
    assert sorted(found - {*NAMED, *NO_WAITS}) == [], (
        "name it in cli/operate/waits/waits_of_crm.py or cli/operate/waits/waits_of_ours.py, or say here why it is no wait"
    )
    assert sorted(NO_WAITS.keys() - found) == [], "gone from the code"


@pytest.mark.parametrize("name", NAMED)
def test_every_named_constant_is_there(name: str) -> None:
    module, _, constant = name.rpartition(".")
    assert hasattr(import_module(f"sync_worker.{module}"), constant)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "0.5 s"), (90, "90 s"), (300, "5 min"), (3600, "1 h"), (86_400, "1 day"), (172_800, "2 days")]
)
def test_a_length_of_time_is_told_in_whole_units(seconds: float, words: str) -> None:
    assert exactly(seconds) == words


def test_a_length_of_many_waits_is_about_right() -> None:
    assert (length([60, 120]), length([86_400, 43_200])) == ("3 min", "1.5 days")
