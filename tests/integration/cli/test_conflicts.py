"""`conflicts` at a terminal: none, one that waits, its words, and a person's decision."""

from __future__ import annotations

import pytest

from crm_sandbox.remote import Remote
from sync_worker.cli.core.command import tenant_of
from sync_worker.domain.core.deal import Actor
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from tests.integration.cli.conftest import Terminal
from tests.journey.crms import LocalCrm


@pytest.fixture
def conflict(crm: LocalCrm, terminal: Terminal, remote: Remote) -> str:
    """The id of a conflict: both sides have changed the name of a deal, where the portal file says `ask`."""
    terminal.portal_file.write_text(terminal.portal_file.read_text() + "\noverrides: {deal.name.conflict: ask}\n")
    terminal.types("db", "upgrade")
    terminal.types("pull", "acme", code=None)
    deal = terminal.types("deals", "register", "acme", terminal.installation.deal_file("deal.yaml"), "--json").json["id"]
    terminal.types("push", "acme", code=None)
    [record] = crm.deals_with(remote, deal)
    remote.edit(crm.deal, record[crm.id], {"Portal_Deal_Name__c": "Theirs"})
    with tenant_of("acme") as tenant:
        change(tenant, deal, {"name": "Ours"}, MoveRequest(Actor("Ann", None, "portal")))
    remote.advance_clock(60)
    terminal.types("pull", "acme", code=None)
    [row] = terminal.types("conflicts", "list", "acme", "--json").json
    return str(row["id"])


def test_a_conflict_is_listed_shown_and_decided_once(conflict: str, terminal: Terminal) -> None:
    for words in (("list", "acme"), ("show", "acme", conflict)):
        said = terminal.types("conflicts", *words).out
        for value in ("Theirs", "Ours", "ask", "waits for a person"):
            assert value in said, (words, value)
    done = terminal.types("conflicts", "resolve", "acme", conflict, "--take", "portal", "--actor", "Olga", "--reason", "they called")
    assert "the portal's value counts" in done.out
    assert "sync-worker push acme" in done.err
    assert terminal.types("conflicts", "list", "acme", "--json").json == []
    assert "Olga decided" in terminal.types("conflicts", "list", "acme", "--all").out
    again = terminal.types("conflicts", "resolve", "acme", conflict, "--take", "crm", "--actor", "Paul", code=2)
    assert "Olga decided and took the portal's value" in again.err


def test_without_conflicts_the_list_says_so_and_unknown_ones_are_refused(terminal: Terminal) -> None:
    terminal.types("db", "upgrade")
    assert "none" in terminal.types("conflicts", "list", "acme").out
    assert terminal.types("conflicts", "list", "acme", "--json").json == []
    assert "conflicts list acme" in terminal.types("conflicts", "show", "acme", "nobody", code=2).err
    said = terminal.types("conflicts", "resolve", "acme", "nobody", "--take", "crm", "--actor", "Olga", "--json", code=2)
    assert said.json["refused"] == "conflict_unknown"
    assert "crm" in terminal.types("conflicts", "resolve", "acme", "nobody", "--take", "both", "--actor", "Olga", code=2).err
