"""docs/plan.md keeps its word: its example is what the command prints, but for the calls and the minutes."""

from __future__ import annotations

import re
from pathlib import Path

from crm_sandbox.remote import Remote
from sync_worker.domain.operate.plan import KINDS
from tests.integration.cli.conftest import Terminal
from tests.journey.crms import LocalCrm

DOCS = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()


def test_the_example_is_what_the_command_prints(crm: LocalCrm, terminal: Terminal, remote: Remote) -> None:
    # Given the docs' portal: all is read and written, a partner is renamed, another one leaves, and a deal is edited in the CRM
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    remote.advance_clock(3600)
    terminal.types("pull", "acme", code=None)
    remote.edit(crm.company, crm.id_named(remote, "Elm Consulting"), {"Name": "Elm & Oak"})
    remote.edit(crm.company, crm.id_named(remote, "Cedar IT"), {"Portal_Status__c": "Inactive"})
    remote.advance_clock(60)
    # when it is planned, then the docs show that very text
    said = terminal.types("plan", "acme", code=1).out
    [example] = re.findall(r"^\$ sync-worker plan acme\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    assert tidy(said) == tidy(example)


def test_every_kind_of_change_is_in_the_docs_in_words() -> None:
    assert "portal_ids" in KINDS
    for words in ("companies", "associations", "deals", "writes", "conflicts", "failures and problems", "the brake", "cost"):
        assert f"| {words} |" in DOCS


def tidy(text: str) -> list[str]:
    """Lines without the space around their cells; numbers of the last line are the machine's."""
    return [re.sub(r"\s{2,}", "  ", re.sub(r"\d+", "n", line)).strip() for line in text.splitlines() if line.strip(" ─")]
