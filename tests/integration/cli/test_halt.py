"""`portals pause` and `portals resume` as an operator types them, and what is refused meanwhile."""

from __future__ import annotations

from contextlib import closing

import pytest

from sync_worker.actors import attempt
from sync_worker.bootstrap import build
from tests.integration.cli.conftest import Terminal, on_both

REFUSED = [
    ("pull", "acme"),
    ("push", "acme"),
    ("compare", "acme", "--repair"),
    ("provision", "acme", "--apply", "--yes"),
]


@on_both
def test_a_paused_portal_is_left_alone_and_everybody_is_told_by_whom(terminal: Terminal) -> None:
    # Given a portal that somebody has paused
    terminal.types("portals", "pause", "acme", "--reason", "they move tonight", "--actor", "ann")
    # Then every command that would change something is refused with who and why, and how to go on
    for words in REFUSED:
        said = terminal.types(*words, code=1).err
        assert "portal acme is paused by ann 0 s ago: they move tonight" in said.replace("1 s ago", "0 s ago"), words
        assert "sync-worker portals resume acme" in said
    # and whoever looks is told
    assert "they move tonight" in terminal.types("portals", "show", "acme", "--json").json["paused by"]
    assert [row["paused_until"] for row in terminal.types("portals", "list", "--json").json] == ["resumed by a person"]
    status = terminal.types("status", "acme", code=1).out
    assert "acme: portal paused by ann" in status
    assert "sync-worker portals resume acme" in status
    # and the CRM may still be looked at
    terminal.types("check", "acme", code=None)
    # When it is resumed, then it works, and says what it was
    assert "it was paused by ann" in terminal.types("portals", "resume", "acme").out
    assert terminal.types("runs", "list", "acme", "--json").json == []
    terminal.types("pull", "acme", "--record", "company", code=None)
    assert [run["verb"] for run in terminal.types("runs", "list", "acme", "--json").json][:1] != []


def test_a_pause_needs_a_reason_and_a_resume_a_pause(terminal: Terminal) -> None:
    assert "--reason" in terminal.types("portals", "pause", "acme", code=2).err
    assert "say why" in terminal.types("portals", "pause", "acme", "--reason", " ", code=2).err
    assert "was not paused" in terminal.types("portals", "resume", "acme").out


@pytest.mark.parametrize("command", [("check", "acme"), ("pull", "acme", "--record", "company")])
def test_a_command_that_reaches_the_crm_ends_a_pause_for_credentials(
    terminal: Terminal, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given workers whose log-in was refused
    with monkeypatch.context() as env:
        env.setenv("ACME_SF_SECRET", "wrong")
        with closing(build()) as workers:
            attempt(workers, "acme", "pull", "company")
    assert terminal.types("portals", "list", "--json").json[0]["paused_until"]
    assert "correct it; `sync-worker check acme`" in terminal.types("status", code=1).out
    # When a person has corrected the secret and looks
    terminal.types(*command, code=None)
    # Then the portal goes on at once
    assert terminal.types("portals", "list", "--json").json[0]["paused_until"] is None
