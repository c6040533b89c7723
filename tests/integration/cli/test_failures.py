"""`failures` at the terminal: by cause first, what must change before anything is selected, dry runs, discards, and what is said."""

from __future__ import annotations

import getpass
import re
from datetime import datetime

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def refused(terminal: Terminal, remote: Remote) -> list[str]:
    """Five deals that a validation rule refuses: their ids."""
    terminal.types("pull", "acme", code=None)
    terminal.types("push", "acme")
    remote.add_validation_rule("Lead", "Company", "matches", "Gone", message="No deals with Gone Ltd")
    for number in range(5):
        terminal.installation.deal_file(f"deal{number}.yaml", prospect_name=f"Gone {number}", name=f"Gone deal {number}")
        terminal.types("deals", "register", "acme", f"deal{number}.yaml")
    terminal.types("push", "acme", code=1)
    return [row["record"] for row in terminal.types("failures", "list", "acme", "--code", RULE, "--json").json]


def test_causes_come_first_and_say_what_must_change(terminal: Terminal, refused: list[str]) -> None:
    shown = terminal.types("failures", "list", "acme", "--limit", "2").out
    [cause] = [line for line in shown.splitlines() if line.startswith("failure") and RULE in line]
    assert "5" in cause.split()
    assert "change the CRM, or the deal first" in cause
    assert "docs/codes.md#crm" in shown
    assert "docs/codes.md#unlisted_value" in shown
    assert "more: --limit" in shown
    rows = terminal.types("failures", "list", "acme", "--json").json
    assert {row["page"] for row in rows if row["code"] == RULE} == {"docs/codes.md#crm"}
    assert all(row["is_replayable"] for row in rows if row["code"] == RULE)


def test_a_list_is_filtered_by_object_stage_and_kind(terminal: Terminal, refused: list[str]) -> None:
    everything = terminal.types("failures", "list", "acme", "--json").json
    for option, name in (("--object", "object"), ("--stage", "stage"), ("--kind", "kind")):
        for value in {row[name] for row in everything}:
            found = terminal.types("failures", "list", "acme", option, value, "--json").json
            assert found == [row for row in everything if row[name] == value]
    assert "allowed: ingest, push, pull" in terminal.types("failures", "list", "acme", "--stage", "nowhere", code=2).err


def test_a_failure_is_shown_whole_with_its_history(terminal: Terminal, refused: list[str], remote: Remote) -> None:
    [first, *_] = terminal.types("failures", "list", "acme", "--code", RULE, "--json").json
    whole = terminal.types("failures", "show", first["id"], "--json").json
    assert whole["portal"] == "acme"
    assert whole["name"] == first["about"] == f"Gone deal {whole['payload']['Company'][-1]}", (
        "a write names its deal by our id alone; people know its name"
    )
    assert "No deals with Gone Ltd" in whole["message"]
    assert "validation rule" in whole["what_to_do"]
    assert whole["payload"]["Company"].startswith("Gone")
    assert whole["history"] == []
    terminal.types("failures", "replay", first["id"], "--reason", "to see", code=1)
    remote.clear_validation_rules()
    terminal.types("failures", "replay", first["id"], "--actor", "Olga")
    history = terminal.types("failures", "show", first["id"], "--json").json["history"]
    assert [(one["who"], one["why"], one["outcome"]) for one in history] == [
        (getpass.getuser(), "to see", "failed"),
        ("Olga", "", "passed"),
    ]
    assert "Olga" in terminal.types("failures", "show", first["id"]).out


def test_a_dry_run_says_everything_and_changes_nothing(terminal: Terminal, refused: list[str], remote: Remote) -> None:
    before = remote.records("Lead")
    [said] = terminal.types("failures", "replay", "--code", RULE, "--dry-run", "--json").json
    assert (said["portal"], said["count"], said["superseded"], said["written"]) == ("acme", 5, 0, 5)
    assert {change["then"] for change in said["changes"] if change["field"] == "Company"} == {f"Gone {number}" for number in range(5)}
    assert said["calls"] >= 1
    shown = terminal.types("failures", "replay", "--code", RULE, "--dry-run").out
    assert "Nothing was changed" in shown
    assert "more fields: --json" in shown
    assert remote.records("Lead") == before
    assert len(terminal.types("failures", "list", "acme", "--code", RULE, "--json").json) == 5


def test_a_filter_replays_everything_it_names(terminal: Terminal, refused: list[str], remote: Remote) -> None:
    remote.clear_validation_rules()
    said = terminal.types("failures", "replay", "--code", RULE, "--portal", "acme", "--json").json
    assert said["outcomes"] == {"passed": 5}
    assert terminal.types("failures", "list", "acme", "--code", RULE, "--json").json == []


def test_all_leaves_out_what_a_replay_cannot_help(terminal: Terminal, refused: list[str], remote: Remote) -> None:
    remote.clear_validation_rules()
    open_rows = terminal.types("failures", "list", "acme", "--json").json
    answer = terminal.types("failures", "replay", "--all", code=None)
    left_out = [row for row in open_rows if not row["is_replayable"]]
    assert (f"{len(left_out)} of {len(open_rows)} are not tried" in answer.err) == bool(left_out)
    assert terminal.types("failures", "list", "acme", "--code", RULE, "--json").json == []


def test_a_replay_of_nothing_in_particular_is_refused(terminal: Terminal) -> None:
    assert "--all" in terminal.types("failures", "replay", code=2).err
    assert "no failure has an id that begins with 'zzzz'" in terminal.types("failures", "replay", "zzzz", code=2).err


def test_discarding_says_what_it_means_and_asks_why(terminal: Terminal, refused: list[str]) -> None:
    [first, second, *_] = terminal.types("failures", "list", "acme", "--code", RULE, "--json").json
    assert "--reason" in terminal.types("failures", "discard", first["id"], "--reason", " ", code=2).err
    said = terminal.types("failures", "discard", first["id"], second["id"], "--reason", "withdrawn", "--actor", "Olga").out
    assert "not tried again until they change" in said
    assert len(terminal.types("failures", "list", "acme", "--code", RULE, "--json").json) == 3
    whole = terminal.types("failures", "show", first["id"], "--json").json
    assert whole["resolution"] == "discarded by Olga: withdrawn"
    assert [(one["did"], one["who"], one["why"]) for one in whole["history"]] == [("discard", "Olga", "withdrawn")]


def test_only_what_is_held_is_released(terminal: Terminal, refused: list[str]) -> None:
    [first, *_] = terminal.types("failures", "list", "acme", "--code", RULE, "--json").json
    assert "not held for review" in terminal.types("failures", "release", first["id"], code=2).err


def test_a_replay_for_the_workers_is_marked_and_done_by_nobody_here(terminal: Terminal, refused: list[str], remote: Remote) -> None:
    remote.clear_validation_rules()
    said = terminal.types("failures", "replay", "--code", RULE, "--queue").out
    assert "left to the workers; how it ends: sync-worker failures replays acme" in said
    [replay] = terminal.types("failures", "replays", "acme", "--json").json
    assert (replay["ended"], replay["came_to"], replay["outcomes"]) == (None, "5 left", {"left": 5})
    assert re.search(r" (\d+ s ago) \(\d\d:\d\d UTC\) .* not yet ", terminal.types("failures", "replays", "acme").out)
    assert "not finished" in terminal.types("failures", "list", "acme").out
    assert len(terminal.types("failures", "list", "acme", "--code", RULE, "--json").json) == 5


def test_a_cause_that_keeps_failing_is_seen_to_rest(terminal: Terminal, refused: list[str]) -> None:
    for number in range(5, 25):
        terminal.installation.deal_file(f"deal{number}.yaml", prospect_name=f"Gone {number}")
        terminal.types("deals", "register", "acme", f"deal{number}.yaml")
    assert "resting, goes on" not in terminal.types("failures", "list", "acme").out
    terminal.types("push", "acme", code=1)
    assert "resting, goes on in " in " ".join(terminal.types("failures", "list", "acme").out.split())
    assert re.search(
        rf"resting {RULE} \(deal\) goes on in \d+ (s|min) \(\d{{4}}-", " ".join(terminal.types("portals", "show", "acme").out.split())
    )
    assert f"resting {RULE} (deal)" in terminal.types("portals", "show", "acme", "--json").json
    said = terminal.types("failures", "replay", "--code", RULE, code=1)
    assert "is still there" in said.err
    assert "held" in said.out
    assert terminal.types("portals", "show", "acme", "--json").json["replays that are not finished"] == 0
    [replay] = terminal.types("failures", "replays", "acme", "--json").json
    assert (replay["what"], replay["came_to"]) == (f"failures replay --code {RULE}", "20 failed, 5 held")
    assert datetime.fromisoformat(replay["ended"]).tzinfo is not None
    assert "not yet" not in terminal.types("failures", "replays", "acme").out


@on_both
def test_nothing_to_replay_is_said(terminal: Terminal) -> None:
    assert terminal.types("failures", "replay", "--code", "not_a_set", "--dry-run").out.startswith("nothing to try")
    assert terminal.types("failures", "replay", "--code", "not_a_set").code == 0


@on_both
def test_a_mistyped_code_is_an_error_that_names_the_nearest(terminal: Terminal) -> None:
    for words in (("list", "acme"), ("replay",), ("replay", "--dry-run"), ("replay", "--queue", "--portal", "acme")):
        said = terminal.types("failures", *words, "--code", "unlisted_valu", code=2)
        assert "there is no code unlisted_valu" in said.err
        assert "did you mean unlisted_value?" in said.err
