"""What an integrator is told of each mistake in the table: what is wrong, where (file:line:column), and what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync_worker.cli.app import run
from tests.integration.cli.slips import LINT, MAPPINGS, PORTAL, SLIPS, TYPED, Slip, Typed
from tests.journey.crms import adapted

PLACE = re.compile(r"(?P<file>\S+?):(?P<line>\d+):(?P<column>\d+): (?P<path>\S+): (?P<what>.+?) — (?P<remedy>.+)")


def test_without_a_mistake_nothing_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [run(LINT), run(MAPPINGS), run(("mappings", "test"))] == [0, 0, 0]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: typed.name)
def test_a_command_or_variable_that_is_wrong_is_told_with_what_would_be_right(
    typed: Typed, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / PORTAL).read_text()
    changed = adapted(text, ("company.second_partners.native: Associated_TSB__c", "company.attributes.regoin: {native: X__c}"))
    (folder / "config/regoin.yaml").write_text(changed)
    for name, value in typed.environ.items():
        monkeypatch.setenv(f"SYNC_WORKER_{name}", value)
    if typed.before:
        run(typed.before.split())
    code = run(typed.command.split())
    said = capsys.readouterr().err
    assert (code, typed.says in said) == (typed.code, True), said


def test_the_table_is_long_enough() -> None:
    assert len(SLIPS) >= 53
    assert len({slip.name for slip in SLIPS}) == len(SLIPS)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(slip: Slip, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Given one mistake
    (folder / slip.file).write_text(adapted((folder / slip.file).read_text(), *slip.edits))

    # When the files are looked at
    code = run(slip.command)
    said = capsys.readouterr().err

    # Then its line says what, where and what would be right, and no secret
    assert (code, "hunter2" in said, "s3cret-9" in said) == (slip.code, False, False), said
    found = [match for line in said.splitlines() if (match := PLACE.fullmatch(line)) and slip.says in line]
    assert found, said
    place = found[0]
    assert place["file"] == slip.file
    written = (folder / slip.file).read_text().splitlines()[int(place["line"]) - 1]
    assert written[int(place["column"]) - 1 :].startswith(slip.at), (place[0], written)
