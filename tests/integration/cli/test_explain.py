"""`deals explain` at a terminal, on both CRMs: each field with who set it and how the CRM has it, for people and for programs."""

from __future__ import annotations

from tests.integration.cli.conftest import Terminal, on_both


@on_both
def test_each_field_says_who_set_it_by_which_run_and_how_the_crm_has_it(terminal: Terminal) -> None:
    # Given a deal that is in the CRM
    for words in (("db", "upgrade"), ("pull", "acme")):
        terminal.types(*words, code=None)
    file = terminal.installation.deal_file(deal_type="new", licence_count="25")
    deal = terminal.types("deals", "register", "acme", file, "--actor", "Ann Birch", "--json").json["id"]
    assert "is owed" in terminal.types("deals", "explain", "acme", deal).out
    terminal.types("push", "acme", code=None)
    # when its story is asked for, then people read who, why and when
    said = terminal.types("deals", "explain", "acme", deal).out
    for words_ in ("licence_count", "Ann Birch", "Arrow", "the same", "attempt 1"):
        assert words_ in said, words_
    # and programs get all of it
    story = terminal.types("deals", "explain", "acme", deal, "--json").json
    [field] = [one for one in story["fields"] if one["field"] == "licence_count"]
    assert (field["value"], field["set_by"]["actor"], field["set_by"]["verb"], field["crm"]["state"]) == (
        25,
        "Ann Birch",
        "register",
        "agreed",
    )
    assert story["writing"]["attempt"] == 1
    assert "deals list acme" in terminal.types("deals", "explain", "acme", "nobody", code=2).err
