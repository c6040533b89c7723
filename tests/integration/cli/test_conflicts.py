"""`conflicts` at a terminal: none, one that waits, its words, and a person's decision."""

from __future__ import annotations

from tests.integration.cli.conftest import Terminal


def test_without_conflicts_the_list_says_so_and_unknown_ones_are_refused(terminal: Terminal) -> None:
    terminal.types("db", "upgrade")
    assert "none" in terminal.types("conflicts", "list", "acme").out
    assert terminal.types("conflicts", "list", "acme", "--json").json == []
    assert "conflicts list acme" in terminal.types("conflicts", "show", "acme", "nobody", code=2).err
    said = terminal.types("conflicts", "resolve", "acme", "nobody", "--take", "crm", "--actor", "Olga", "--json", code=2)
    assert said.json["refused"] == "conflict_unknown"
    assert "crm" in terminal.types("conflicts", "resolve", "acme", "nobody", "--take", "both", "--actor", "Olga", code=2).err
