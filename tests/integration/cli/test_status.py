"""`status` as an operator types it at three in the morning."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from sync_worker.bootstrap import build
from sync_worker.heartbeat import Heartbeat
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import processes
from tests.contract.store.samples import failure
from tests.integration.cli.conftest import Terminal, on_both
from tests.patience import until


def test_it_works_when_every_process_is_down_and_says_so(terminal: Terminal) -> None:
    said = terminal.types("status", code=1).out
    assert "processes: none runs" in said
    assert "no process runs: nothing is read, written or mailed" in said
    assert "acme" in said
    assert "never read" in said


@on_both
def test_a_pulled_portal_beside_a_process_that_lives_needs_nobody(terminal: Terminal) -> None:
    # Given a portal that was read, and a process
    terminal.types("pull", "acme", code=None)
    with closing(build()) as installation:
        with installation.store.transaction("acme") as tx:
            failures.discard(tx, [row.failure.id for row in failures.listed(tx)], "seen")
        with Heartbeat(installation, "run"):
            until(lambda: _beats(installation.store), what="the process said that it is there")
            # When it is looked at
            found = terminal.types("status", "--json").json
            # Then both are there, and nothing needs a person
            (process,), (portal,) = found["processes"], found["portals"]
            assert (process["kind"], process["is_silent"], process["pid"] > 0) == ("run", False, True)
            assert {name: process[name] for name in ("version", "configuration")} == found["release"]
            assert [reading["is_behind"] for reading in portal["readings"]] == [False] * len(portal["readings"])
            assert portal["calls_used"] > 0
            assert found["needs"] == []
            assert "nothing needs a person" in terminal.types("status", "acme").out
            # and a file that changed since its start is said
            terminal.portal_file.write_text(terminal.portal_file.read_text() + "\n")
            assert "was started with other portal, mapping or price files" in terminal.types("status", code=1).out
        with installation.store.reading("") as tx:
            assert processes.listed(tx) == [], "a process that ends in order leaves no row"


def _beats(store: Store) -> bool:
    with store.reading("") as tx:
        return bool(processes.listed(tx))


def test_a_log_in_that_is_refused_is_told_with_its_next_try(terminal: Terminal, sqlite_url: str) -> None:
    with closing(Store(sqlite_url, clock=lambda: datetime.now(UTC))) as store, store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.shared_now + timedelta(minutes=4, seconds=10), "the log-in was refused")
        failures.record(tx, [failure(kind="problem", code="connection_down", stage="pull", object="company", record="pull")])
    said = terminal.types("status", "acme", code=1).out
    assert "acme: portal rests, next try in 4 min: the log-in was refused" in said
    assert "acme: rests, next try in 4 min: the log-in was refused — correct it; `sync-worker check acme`" in said
    assert "1 problem connection_down of company, since" in said


def test_a_portal_that_is_not_there_is_said(terminal: Terminal) -> None:
    assert "there is no portal 'nobody'" in terminal.types("status", "nobody", code=2).err


def test_a_portal_with_a_mistake_is_said_and_the_others_are_shown(terminal: Terminal) -> None:
    (terminal.portal_file.parent / "globex.yaml").write_text("portal: globex\ncrm: 7\n")
    found = terminal.types("status", "--json", code=1).json
    assert [portal["portal"] for portal in found["portals"]] == ["acme"]
    (need,) = [need for need in found["needs"] if need["portal"] == "globex"]
    assert need["what"].startswith("is disabled: ")
    assert "globex.yaml:2" in need["what"]


def test_portals_are_listed_and_shown_with_how_far_a_moment_is(terminal: Terminal, sqlite_url: str) -> None:
    with closing(Store(sqlite_url, clock=lambda: datetime.now(UTC))) as store, store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.shared_now + timedelta(minutes=4, seconds=10), "the log-in was refused")
    for words in (("portals", "list"), ("portals", "show", "acme")):
        assert "in 4 min" in " ".join(terminal.types(*words).out.split())
        assert "in 4 min" not in terminal.types(*words, "--json").out


@on_both
def test_a_pull_ends_with_what_it_opened_and_where_that_is_listed(terminal: Terminal) -> None:
    said = terminal.types("pull", "acme", code=None)
    kinds = Counter(row["kind"] for row in terminal.types("failures", "list", "acme", "--json").json)
    words = ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in sorted(kinds.items()))
    assert f"{words}: sync-worker failures list acme" in said.err


def test_a_database_before_its_upgrade_is_told_once_without_a_traceback(
    terminal: Terminal, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(build()) as installation:
        with installation.store.schema(writes=True) as connection:
            connection.exec_driver_sql("DROP TABLE processes")
        with Heartbeat(installation, "web"):
            pass
    said = "".join(capsys.readouterr())
    assert said.count("this process could not write that it is there") == 1
    assert "Traceback" not in said
