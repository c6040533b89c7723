"""Tables: whole words on a terminal of any width, one record one line in a pipe, and moments told from now."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.cli.core.output import show, show_table
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.migrate import upgrade
from tests.contract.store.samples import failure
from tests.integration.cli.conftest import Terminal

LISTS = (("failures", "list", "acme"), ("portals", "list"), ("runs", "list", "acme"), ("status",))
PROSE = "Portal_Status__c holds 'Sleeping', which is not among Active, Inactive, Pending: add it to values in mappings/salesforce.yaml:34:7"
STEERING = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def night(terminal: Terminal, sqlite_url: str) -> Terminal:
    """A portal with a run, a failure whose words are long, and a rest after an error."""
    with closing(Store(sqlite_url, clock=lambda: datetime.now(UTC))) as store:
        upgrade(store)
        terminal.types("pull", "acme", "--record", "company", code=None)
        with store.transaction("acme") as tx:
            portals.enter(tx, "contracts")
            portals.pause(tx, tx.shared_now + timedelta(minutes=4, seconds=30), "the log-in was refused")
            found = failure(kind="failure", code="unlisted_value", object="company", stage="ingest", message=PROSE, name="Birch Systems")
            failures.record(tx, [found])
    return terminal


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", LISTS, ids=lambda words: words[0])
def test_a_terminal_shows_whole_words_within_its_width(words: Sequence[str], columns: int, night: Terminal) -> None:
    plain = night.types(*words, code=None).out
    shown = seen(words, columns)

    assert max(map(len, shown.splitlines())) <= columns, shown
    assert "…" not in shown
    told = {word.rstrip(":;") for word in shown.split()}
    wanted = {word.rstrip(":;") for word in plain.split() if not word.isdecimal() and len(word) <= 36}
    assert wanted <= told, shown


def test_on_a_narrow_terminal_the_last_columns_stand_beneath_their_row(night: Terminal) -> None:
    [row] = night.types("failures", "list", "acme", "--code", "unlisted_value", "--record", "Birch Systems", "--json").json
    shown = seen(("failures", "list", "acme", "--record", "Birch Systems"), 60)

    lines = shown.splitlines()
    [place] = [number for number, line in enumerate(lines) if line.split(" ")[0] == row["id"]]
    assert row["code"] in lines[place]
    beneath = " ".join(line.strip() for line in lines[place + 1 :])
    assert f"message: {PROSE}" in beneath
    assert max(map(len, lines)) <= 60


def test_in_a_pipe_a_record_is_one_line_whatever_its_length(night: Terminal) -> None:
    out = night.types("failures", "list", "acme", "--limit", "1000").out
    rows = night.types("failures", "list", "acme", "--json").json

    for row in rows:
        [line] = [line for line in out.splitlines() if line.split(" ")[0] == row["id"]]
        assert line.endswith(" ".join(row["message"].split()))
    assert "─" not in out
    assert len(out.splitlines()) == len(rows) + len({(row["kind"], row["code"], row["object"], row["stage"]) for row in rows}) + 6


def test_in_a_pipe_a_line_end_in_a_value_ends_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"name": "Birch\nSystems", "count": 7}, {"name": "界", "count": 12}], columns=["name", "count"], title="two")
    assert capsys.readouterr().out.splitlines() == ["two", "name           count", "Birch Systems      7", "界                12"]


def test_a_list_tells_a_moment_from_now_and_programs_get_the_moment(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    rows = [{"at": (now + timedelta(minutes=shift)).isoformat(), "name": "2026-03-02"} for shift in (4, -180, -60 * 24 * 5)]
    show(rows, columns=["at", "name"], as_json=False, now=now)
    assert [line.partition("  ")[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "in 4 min (12:04 UTC)",
        "3 h ago (09:00 UTC)",
        "5 days ago (2026-02-25)",
    ]
    show(rows, columns=["at", "name"], as_json=True, now=now)
    assert "2026-03-02T12:04:00+00:00" in capsys.readouterr().out


def seen(words: Sequence[str], columns: int) -> str:
    """What a person sees who types this on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | {"TERM": "xterm"}
    code = f"from sync_worker.cli.app import run; raise SystemExit(run({list(words)!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=env):
        os.close(theirs)
        said = b"".join(_read(ours))
    os.close(ours)
    return STEERING.sub("", said.decode()).replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    """Until the other side is closed, which Linux tells as an error and others by nothing."""
    while True:
        try:
            block = os.read(terminal, 65_536)
        except OSError:
            return
        if not block:
            return
        yield block
