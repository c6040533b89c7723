"""Texts that people bring in a file: what the API refuses is refused here too, with the place in the file."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from sync_worker.cli.core.output import err, show_table
from sync_worker.cli.operate.check import write_csv
from sync_worker.steps.operate.setup.company_data import DataProblem
from tests.integration.cli.conftest import Terminal, on_both

ROOT = Path(__file__).parents[3]


def deal_file(terminal: Terminal, name: str) -> Path:
    return terminal.installation.folder / terminal.installation.deal_file(prospect_name=name)


@on_both
def test_a_rocket_written_as_two_halves_is_registered_as_one_character(terminal: Terminal) -> None:
    terminal.types("pull", "acme", "--record", "company", code=None)
    deal_file(terminal, r'"\ud83d\ude80 Freight"')
    registered = terminal.types("deals", "register", "acme", "deal.yaml", "--json").json
    assert registered["fields"]["prospect_name"] == "🚀 Freight"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (r'"Acme\0"', "prospect_name: holds U+0000"),
        (r'"Acme \ud83d"', "prospect_name: holds half a character (the surrogate U+D83D alone)"),
    ],
)
def test_what_no_database_can_hold_is_refused_with_its_place(terminal: Terminal, name: str, words: str) -> None:
    path = deal_file(terminal, name)
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("prospect_name"))
    said = terminal.types("deals", "register", "acme", "deal.yaml", code=2)
    assert f"deal.yaml:{line}:16: {words}" in said.err
    assert terminal.types("deals", "list", "acme", "--json").json == []


def test_a_deal_may_come_through_a_pipe(terminal: Terminal) -> None:
    terminal.types("pull", "acme", "--record", "company", code=None)
    text = deal_file(terminal, "Harbor Freight").read_bytes()
    reader, writer = os.pipe()
    os.write(writer, text)
    os.close(writer)
    try:
        registered = terminal.types("deals", "register", "acme", f"/dev/fd/{reader}", "--json").json
    finally:
        os.close(reader)
    assert registered["fields"]["prospect_name"] == "Harbor Freight"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"Name": "x",\n "Website": "a\\u0000b"}', "record.json:2:15: (file): holds U+0000, which no database can keep"),
        ('{"Name":\n "a\\ud83d"}', "record.json:2:4: (file): is not JSON: no low surrogate in string"),
        ('{"Name": NaN}', "record.json:1:10: (file): is not JSON"),
        ("[" * 5000, "is not JSON"),
        ('{"Name": ' + "1" * 5000 + "x}", "is not JSON"),
    ],
    ids=["U+0000", "half a pair", "NaN", "deep", "long number"],
)
def test_a_record_to_try_is_taken_as_the_crm_would_send_it(terminal: Terminal, text: str, words: str) -> None:
    Path("record.json").write_text(text)
    mapping = str(ROOT / "mappings" / "salesforce.yaml")
    assert words in terminal.types("mappings", "try", mapping, "record.json", "--record", "company", code=2).err


def test_a_record_to_try_may_hold_any_character(terminal: Terminal) -> None:
    Path("record.json").write_text('{"Name": "\\ud83d\\ude80 \\\\u0000"}')
    mapping = str(ROOT / "mappings" / "salesforce.yaml")
    read = terminal.types("mappings", "try", mapping, "record.json", "--record", "company", "--json").json
    assert read["values"]["name"] == "🚀 \\u0000"


def test_neither_a_pipe_nor_a_huge_file_among_the_portal_files_keeps_anybody_waiting(terminal: Terminal) -> None:
    folder = terminal.portal_file.parent
    os.mkfifo(folder / "pipe.yaml")
    (folder / "huge.yaml").write_text("\n".join(f"key{number}: v" for number in range(100_000)))
    said = terminal.types("portals", "list", code=None)
    assert "pipe.yaml:1:1: (file): is not a regular file" in said.err
    assert "huge.yaml:25001:1: (file): holds more than 50,000 keys and values" in said.err


@on_both
def test_what_a_name_steers_is_refused_and_so_is_what_has_no_room(terminal: Terminal) -> None:
    terminal.types("pull", "acme", "--record", "company", code=None)
    deal_file(terminal, r'"Freight\x1b[2J"')
    said = terminal.types("deals", "register", "acme", "deal.yaml", code=2)
    assert "prospect_name: holds the character U+001B" in " ".join(said.err.split())
    deal_file(terminal, "x" * 1001)
    assert "text_too_long" in terminal.types("deals", "register", "acme", "deal.yaml", "--json", code=2).out


def test_the_terminal_shows_nothing_that_steers_it(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"name": "Deal\x1b]0;owned\x07\u202e"}], columns=["name"], title="deals\x1b[2J")
    err.print("look: \x1b[31m", markup=False)
    said = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & {*said.out, *said.err}
    assert "Deal\ufffd]0;owned" in said.out


def test_a_csv_of_data_problems_holds_no_formula(tmp_path: Path) -> None:
    problem = DataProblem("blank", "Account", "Id", "001", "=HYPERLINK(1)", "Portal_Status__c", "+1", "one of the list")
    [path] = write_csv(tmp_path, [problem])
    [row] = list(csv.DictReader(path.read_text().splitlines()))
    assert (row["name"], row["value"]) == ("'=HYPERLINK(1)", "'+1")
