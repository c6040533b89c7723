"""`portals set-association-mode` and `failures release` for people: what is said before, what is refused, what is kept."""

from __future__ import annotations

import json
import re

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    return terminal


def to_rules(terminal: Terminal) -> None:
    written, rules = terminal.portal_file.read_text(), "associations:\n  mode: rules\n  rules: [{name: same-region, match: [region]}]\n"
    terminal.portal_file.write_text(re.sub(r"^associations:\n(?:[ #].*\n|\n)*", rules, written, flags=re.MULTILINE))


def test_a_mode_is_set_once_and_changed_by_an_operator_with_a_reason(loaded: Terminal) -> None:
    # Given a portal file that says otherwise by now, then every piece of work ends with 2 and the command that would change it
    command = ("portals", "set-association-mode", "acme", "rules")
    assert "says contracts" in loaded.types(*command, "--override", "--reason", "x", code=2).err
    to_rules(loaded)
    for work in (("pull", "acme"), ("compare", "acme")):
        words = loaded.types(*work, code=2).err
        assert f"{loaded.portal_file.name}:" in words
        assert "sync-worker portals set-association-mode acme rules --override --reason TEXT" in words
    # when that is typed without a word or a reason, then it says what hangs on it, and changes nothing
    for missing in ((), ("--override",), ("--reason", "by region"), ("--override", "--reason", " ")):
        said = loaded.types(*command, *missing, code=2)
        assert "from contracts to rules" in said.out
        assert "nothing was changed" in said.err
    # and with both it is done, kept, and shown
    loaded.types(*command, "--override", "--reason", "by region now", "--actor", "Ann")
    shown = json.loads(loaded.types("portals", "show", "acme", "--json").out)
    assert shown["association_mode"] == "contracts"
    assert shown["association_mode being worked out"] == "rules"
    assert shown["association_mode contracts → rules"].endswith(" UTC) by Ann: by region now")
    loaded.types("pull", "acme", code=None)
    assert "already" in loaded.types(*command).out


def active(terminal: Terminal) -> int:
    shown = json.loads(terminal.types("portals", "show", "acme", "--json").out)
    return int(shown.get("active partner", 0))


def test_no_such_mode(loaded: Terminal) -> None:
    assert "contracts, rules" in loaded.types("portals", "set-association-mode", "acme", "groups", code=2).err


def test_a_mass_change_is_held_in_the_foreground_and_released_by_its_command(loaded: Terminal, remote: Remote) -> None:
    # Given that most partners lose their status at once
    live = [row for row in remote.records("Account") if row["Portal_Status__c"] == "Active" and row["Portal_Account_Type__c"] == "Partner"]
    for row in live:
        remote.edit("Account", row["Id"], {"Portal_Status__c": None})
    remote.advance_clock(60)
    before = active(loaded)
    # when it is pulled, then nothing is applied, and the words end with what to type
    said = loaded.types("pull", "acme", code=1)
    assert "active companies would go at once" in said.err
    command = said.err.replace("\n", " ").rpartition("sync-worker ")[2].split('"')[0].split()
    assert command[:2] == ["failures", "release"]
    # when that is typed, then it is done, what it opened is told, and nothing is held any more
    done = loaded.types(*command, "they left the program", "--actor", "Ann", code=1)
    assert "problems: sync-worker failures list acme" in done.err
    rows = json.loads(loaded.types("failures", "list", "acme", "--json").out)
    assert [row for row in rows if row["code"] == "held_for_review"] == []
    history = json.loads(loaded.types("failures", "show", command[2], "--json").out)["history"]
    assert [(one["did"], one["who"], one["why"]) for one in history] == [("release", "Ann", "they left the program")]
    assert active(loaded) <= before - len(live)
