"""What needs a person, and what passes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sync_worker.domain.core.moments import ago, due, span
from sync_worker.domain.operate.status import (
    FEED,
    PORTAL,
    OpenCause,
    PortalStanding,
    Process,
    ReadingProgress,
    Release,
    Rest,
    needs_of_portal,
    needs_of_processes,
)
from tests.servers import MONDAY

HERE = Release("1.0", "abc")
SOON = MONDAY + timedelta(minutes=4)


def process(kind: str, **changes: Any) -> Process:
    return replace(Process(kind, kind, "host", 7, "1.0", "abc", MONDAY - timedelta(hours=1), MONDAY), **changes)


ALL = [process("web"), process("schedule"), process("worker")]


def of_processes(*found: Process) -> list[str]:
    return [need.what for need in needs_of_processes(found, HERE, MONDAY)]


def test_all_three_or_the_one_that_does_it_all_need_nobody() -> None:
    assert of_processes(*ALL) == []
    assert of_processes(process("run")) == []


def test_where_nothing_runs_that_is_said_whatever_was_killed_before() -> None:
    (what,) = of_processes()
    assert what.startswith("no process runs")
    silent = process("run", seen_at=MONDAY - timedelta(seconds=31))
    assert of_processes(silent) == [what, "run on host, pid 7: last heard of 31 s ago"]


@pytest.mark.parametrize("missing", ["web", "schedule", "worker"])
def test_a_kind_that_is_missing_is_named(missing: str) -> None:
    (what,) = of_processes(*(one for one in ALL if one.kind != missing))
    assert what.startswith(f"no {missing} runs: ")


def test_a_process_of_another_version_or_with_other_files_is_to_be_restarted() -> None:
    needs = list(needs_of_processes([process("run", version="0.9"), process("run", id="2", configuration="other")], HERE, MONDAY))
    assert [need.what.partition(": ")[2] for need in needs] == [
        "runs version 0.9, not 1.0",
        "was started with other portal, mapping or price files than are here now",
    ]
    assert {need.do for need in needs} == {"restart it"}


QUIET = PortalStanding("acme", "salesforce", [ReadingProgress("company", MONDAY, 60.0, 300.0)], [], {}, 0, 0, None, 0, [], 9, None)


def of_portal(**changes: Any) -> list[str]:
    return [f"{need.what} > {need.do}" for need in needs_of_portal(replace(QUIET, **changes), MONDAY)]


def cause(code: str, kind: str = "problem", count: int = 1) -> OpenCause:
    return OpenCause(kind, code, "company", count, MONDAY)


def test_what_passes_by_itself_is_no_need() -> None:
    assert of_portal() == []
    assert of_portal(rests=[Rest(PORTAL, "503", SOON)], causes=[cause("transient_error"), cause("rate_limited")]) == []
    assert of_portal(rests=[Rest("live calls", "used up", SOON), Rest("company", "held", SOON)]) == []
    assert of_portal(readings=[ReadingProgress("company", None, None, 300.0)], writes={"ready": 3}, notices=9) == []


def test_what_does_not_is_said_with_what_to_type() -> None:
    assert of_portal(causes=[cause("name_blank", count=1345), cause("no_room", "failure")]) == [
        "open: 1 failure, 1,345 problems > sync-worker failures list acme"
    ]
    assert of_portal(conflicts=2) == ["open: 2 conflicts > sync-worker conflicts list acme"]
    assert of_portal(rests=[Rest(FEED, "since 2 h ago: it moves", None)]) == [
        "the feed is paused since 2 h ago: it moves > sync-worker feed resume acme"
    ]
    assert of_portal(feed_owed=3, feed_since_at=MONDAY - timedelta(hours=2)) == [
        "3 events of the feed not taken, the oldest from 2 h ago > sync-worker feed show acme"
    ]
    refused = of_portal(rests=[Rest(PORTAL, "no log-in", SOON)], causes=[cause("connection_down")])
    assert refused[0].startswith("rests, next try in 4 min: no log-in > correct it")


@pytest.mark.parametrize(("lag_s", "is_said"), [(2100.0, False), (2101.0, True)])
def test_a_record_type_is_behind_after_five_pulls_and_ten_minutes_unless_it_rests(lag_s: float, is_said: bool) -> None:
    late = [ReadingProgress("company", MONDAY, lag_s, 300.0)]
    assert bool(of_portal(readings=late)) is is_said
    assert of_portal(readings=late, rests=[Rest("company", "held", SOON)]) == []
    assert of_portal(readings=late, rests=[Rest(PORTAL, "503", SOON)]) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (240, "4 min"), (5399, "90 min"), (5400, "2 h"), (3 * 3600, "3 h"), (12 * 86_400, "12 days")],
)
def test_times_are_said_in_their_natural_unit(seconds: int, words: str) -> None:
    moment: datetime = MONDAY + timedelta(seconds=seconds)
    assert span(seconds) == words
    assert ago(MONDAY, moment) == f"{words} ago"
    assert due(moment, MONDAY) == (f"in {words}" if seconds else "now")
