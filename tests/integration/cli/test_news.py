"""What a command opened: told at its end, and in the exit code that a script or a schedule relies on."""

from __future__ import annotations

import re

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.crms import LocalCrm

TYPE = {"salesforce": "Portal_Account_Type__c", "hubspot": "portal_account_type"}
CONTRACTS = {"salesforce": "Associated_Second_Partner__c", "hubspot": "associated_second_partner"}
UNLISTED = {"salesforce": ("Reseller One", "Reseller Two", "Reseller Three"), "hubspot": ("customer", "reseller_plus", "customer")}
WHERE = ": sync-worker failures list acme"


@pytest.fixture
def loaded(terminal: Terminal) -> Terminal:
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    return terminal


@on_both
def test_a_first_pull_that_opens_problems_alone_ends_with_one_and_the_next_with_nought(terminal: Terminal, remote: Remote) -> None:
    # Given records that are wrong on purpose, when they are read for the first time
    first = terminal.types("pull", "acme", code=1)
    kinds = {row["kind"] for row in terminal.types("failures", "list", "acme", "--json").json}
    # then the last line counts what was opened, and all of it was problems
    assert kinds == {"problem"}
    assert first.err.endswith(f"problems{WHERE}\n")
    # and when it is read again, changed or not, then what stays open does not fail the command
    remote.advance_clock(60)
    assert terminal.types("pull", "acme", code=0).err.count(WHERE) == 0
    terminal.types("pull", "acme", "--full", code=0)


@on_both
def test_a_problem_counts_when_it_opens_and_not_while_it_stays(crm: LocalCrm, loaded: Terminal, remote: Remote) -> None:
    birch = crm.id_named(remote, "Birch Systems")

    def pulled_as(account_type: str, code: int) -> str:
        remote.edit(crm.company, birch, {TYPE[crm.kind]: account_type})
        remote.advance_clock(60)
        return loaded.types("pull", "acme", code=code).err

    first, second, third = UNLISTED[crm.kind]
    # Given a value that the mapping does not list, then the pull that meets it first says so
    assert pulled_as(first, 1) == f"1 problem{WHERE}\n"
    # when it becomes another one, then the same problem has stayed, which is said and fails nothing
    assert pulled_as(second, 0) == f"1 problem was open before{WHERE}\n"
    # and when a person has let it be, and the record changes again, then it is news
    [row] = loaded.types("failures", "list", "acme", "--record", "Birch Systems", "--json").json
    loaded.types("failures", "discard", row["id"], "--reason", "they know")
    assert pulled_as(third, 1) == f"1 problem{WHERE}\n"


@on_both
def test_a_replay_that_passes_and_opens_another_problem_ends_with_one(crm: LocalCrm, loaded: Terminal, remote: Remote) -> None:
    # Given a company whose account type is not listed
    birch = crm.id_named(remote, "Birch Systems")
    before = remote.record(crm.company, birch)[TYPE[crm.kind]]
    remote.edit(crm.company, birch, {TYPE[crm.kind]: UNLISTED[crm.kind][0]})
    remote.advance_clock(60)
    loaded.types("pull", "acme", code=1)
    [row] = loaded.types("failures", "list", "acme", "--record", "Birch Systems", "--json").json
    # when that is corrected, and a contract names a company that is not known
    remote.edit(crm.company, birch, {TYPE[crm.kind]: before, CONTRACTS[crm.kind]: "Zenith Supply"})
    said = loaded.types("failures", "replay", row["id"], "--json", code=1)
    # then the replay passed, and says what it opened
    assert said.json["outcomes"] == {"passed": 1}
    assert set(said.json["opened"]) == {"problem"}
    assert re.fullmatch(rf"\d problems?{WHERE}\n", said.err)


@pytest.mark.parametrize("command", [("pull",), ("push",), ("failures", "replay")])
def test_help_says_what_the_exit_code_means(command: tuple[str, ...], terminal: Terminal) -> None:
    said = " ".join(terminal.types(*command, "--help").out.split())
    assert "Exit 0: " in said
    assert "Exit 1: " in said
