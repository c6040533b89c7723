"""Every command: --help with an example, tables of one line a record, JSON that parses, data on stdout and words on stderr."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from crm_sandbox.remote import Remote
from tests.integration.cli.conftest import Terminal, on_both
from tests.journey.stage import Answer

LOOKING = [
    ("portals", "list"),
    ("portals", "show", "acme"),
    ("check", "acme"),
    ("companies", "list", "acme"),
    ("companies", "show", "acme", "Birch Systems"),
    ("associations", "list", "acme"),
    ("associations", "list", "acme", "--company", "Arrow Electronics"),
    ("associations", "explain", "acme", "Birch Systems", "Arrow Electronics"),
    ("deals", "list", "acme"),
    ("failures", "list", "acme"),
    ("runs", "list", "acme"),
    ("pull", "acme"),
    ("push", "acme"),
]


@on_both
@pytest.mark.parametrize("words", LOOKING)
def test_a_table_for_people_and_json_for_programs(words: tuple[str, ...], terminal: Terminal) -> None:
    terminal.types("pull", "acme", code=None)
    terminal.types("push", "acme")

    printed = terminal.types(*words, code=None)
    assert printed.code in (0, 1)
    assert printed.out
    assert "…" not in printed.out, "nothing is cut off"
    assert not [line for line in printed.out.splitlines() if line.startswith(" ")], "nothing goes on in a second line"

    document = terminal.types(*words, "--json", code=None)
    assert document.json
    assert document.code in (0, 1)


def test_a_moment_is_told_with_how_far_it_is_from_now_and_programs_get_the_moment(terminal: Terminal) -> None:
    terminal.types("pull", "acme", code=None)
    [run, *_] = terminal.types("runs", "list", "acme", "--json").json
    [failure, *_] = terminal.types("failures", "list", "acme", "--json").json
    for words, name in ((("runs", "show", run["id"]), "started_at"), (("failures", "show", failure["id"]), "first_seen_at")):
        said = terminal.types(*words).out
        assert re.search(rf"{name} +\d+ s ago \(\d{{4}}-\d\d-\d\d \d\d:\d\d UTC\)", said), said
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", terminal.types(*words, "--json").json[name])


@on_both
def test_deals_are_found_by_the_beginning_of_their_id(terminal: Terminal) -> None:
    terminal.types("pull", "acme", code=None)
    [first, *_] = terminal.types("deals", "list", "acme", "--json").json
    shown = terminal.types("deals", "show", "acme", first["id"][:8], "--json").json
    assert shown["id"] == first["id"]
    assert first["id"][:8] in terminal.types("deals", "list", "acme").out


@pytest.mark.parametrize(
    "words", [("deals", "list", "acme"), ("companies", "list", "acme"), ("runs", "list", "acme"), ("failures", "list", "acme")]
)
def test_nothing_there_yet_is_said_and_is_an_empty_list(words: tuple[str, ...], terminal: Terminal) -> None:
    assert len(terminal.types(*words).out.splitlines()) == 1
    assert terminal.types(*words, "--json").json == []


@on_both
def test_a_refused_move_is_json_too(terminal: Terminal, remote: Remote) -> None:
    terminal.types("pull", "acme", code=None)
    terminal.installation.deal_file(second_partner="Bolt Distribution")
    registered = terminal.types("deals", "register", "acme", "deal.yaml", "--json").json
    refused = ("deals", "approve", "acme", registered["id"], "--track", "vendor", "--decision", "approve", "--actor", "Bo")
    answer: Answer = terminal.types(*refused, "--company", "Birch Systems", "--json", code=2)
    assert set(answer.json) == {"refused", "why", "field", "who_may", "allowed"}
    assert answer.json["refused"] == "not_your_track"
    assert "refused (not_your_track)" in answer.err


@on_both
def test_failures_are_filtered_by_code_record_and_time(terminal: Terminal) -> None:
    terminal.types("pull", "acme", code=None)
    everything = terminal.types("failures", "list", "acme", "--json").json
    [unread] = [row for row in everything if row["code"] == "unlisted_value"]
    for words in (("--code", "unlisted_value"), ("--record", unread["record"])):
        assert unread in terminal.types("failures", "list", "acme", *words, "--json").json
    assert terminal.types("failures", "list", "acme", "--since", "2100-01-01", "--json").json == []


def test_help_imports_no_database_no_vendor_and_no_web() -> None:
    code = "import sys; from sync_worker.cli.app import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert not loaded & {"sqlalchemy", "simple_salesforce", "fastapi", "uvicorn", "dramatiq", "pydantic"}
