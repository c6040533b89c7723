"""`journeys` as an operator types it."""

from __future__ import annotations

import re
from pathlib import Path

from sync_worker.bootstrap import build
from sync_worker.store.tell import journey_log, mails
from tests.contract.store.journey_rows import held, logged
from tests.integration.cli.conftest import Terminal

FILE = """\
name: Welcome
trigger: registered
confirm_users: 99
recipients: [second_partner.executive, owner_company.manager]
subject: "{{ deal.name }} was registered"
body: Hello {{ recipient.name }}
"""


def written(terminal: Terminal, text: str) -> Path:
    path = terminal.installation.folder / "config" / "journeys" / "acme" / "welcome.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_checked_with_the_place_of_each_mistake(terminal: Terminal) -> None:
    written(terminal, FILE)
    assert "welcome.yaml: OK" in terminal.types("journeys", "lint").out
    # When a tag and a role are mistyped
    written(terminal, FILE.replace("deal.name", "deal.nmae").replace("executive", "exectuive"))
    # Then both are said with file, line and column, for people and for programs
    said = terminal.types("journeys", "lint", "acme", code=2).err
    assert "welcome.yaml:4:14: recipients[0]: there is no recipient 'second_partner.exectuive'" in said
    assert "welcome.yaml:5:10: subject: there is no tag 'deal.nmae' — did you mean 'deal.name'?" in said
    found = terminal.types("journeys", "lint", "--format", "json", code=2).json
    assert [(one["line"], one["column"]) for one in found] == [(4, 14), (5, 10)]
    # and the portal is disabled, as by any mistake in its files
    assert "welcome.yaml:5:10" in terminal.types("journeys", "list", "acme", code=2).err
    other = terminal.installation.folder / "config" / "journeys" / "acmee"
    other.mkdir()
    (other / "a.yaml").write_text(FILE)
    assert "there is no portal 'acmee'" in terminal.types("journeys", "lint", "acmee", code=2).err


def test_a_journey_is_listed_shown_and_tried_on_a_deal(terminal: Terminal) -> None:
    written(terminal, FILE)
    for words in (("db", "upgrade"), ("pull", "acme"), ("push", "acme")):
        terminal.types(*words, code=None)
    ann = ("--email", "ann@birch.example", "--name", "Ann", "--role", "manager", "--company", "Birch Systems")
    terminal.types("people", "put", "acme", "ann", *ann)
    (row,) = terminal.types("journeys", "list", "acme", "--json").json
    assert (row["key"], row["version"], row["on"], row["recipients"]) == ("welcome", 1, True, "Distributor Executive, Partner Manager")
    assert row["kept_in"].endswith("welcome.yaml")
    assert terminal.types("journeys", "show", "acme", "welcome", "--json").json["could_reach"] == "1 of 1 users"
    deal = terminal.types("deals", "register", "acme", terminal.installation.deal_file(), "--json").json
    found = terminal.types("journeys", "preview", "acme", "welcome", deal["id"], "--json").json
    (one,) = found["mails"]
    assert one["user"] == "ann"
    assert re.fullmatch(r"\w.* was registered", one["subject"])
    assert found["reasons"] == ["Distributor Executive: the company has no user in that role"]
    assert "Hello Ann" in terminal.types("journeys", "preview", "acme", "welcome", deal["id"]).out
    assert "journey_unknown" in terminal.types("journeys", "show", "acme", "other", code=2).err
    assert "deal_unknown" in terminal.types("journeys", "preview", "acme", "welcome", "other", code=2).err


def test_held_mails_are_released_or_discarded_with_a_reason(terminal: Terminal) -> None:
    written(terminal, FILE)
    terminal.types("db", "upgrade", code=None)
    terminal.types("journeys", "list", "acme")
    for verb, outcome in (("release", "told"), ("discard", "discarded")):
        installation = build()
        with installation.store.transaction("acme") as tx:
            mails.write(tx, [held(f"m-{verb}")])
            journey_log.write(tx, [logged(tx, f"j-{verb}")])
        installation.close()
        assert terminal.types("journeys", "list", "acme", "--json").json[0]["held_mails"] == 1
        assert "--reason: say why" in terminal.types("journeys", verb, "acme", "welcome", code=2).err
        assert f"1 mails of welcome were {verb}" in terminal.types("journeys", verb, "acme", "welcome", "--reason", "meant").out
        first = terminal.types("journeys", "log", "acme", "welcome", "--json").json[0]
        assert (first["outcome"], first["user"]) == (outcome, "u1")
        assert "nothing_held" in terminal.types("journeys", verb, "acme", "welcome", "--reason", "meant", code=2).err
