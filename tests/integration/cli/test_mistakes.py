"""How a mistake in a file is told: on a terminal with its line and a caret, never with a secret; to machines as JSON or annotations."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sync_worker.cli.app import run
from sync_worker.cli.core.output import err
from tests.integration.cli.slips import PORTAL, SF
from tests.journey.crms import adapted


def wrong(folder: Path, *changes: tuple[str, str]) -> str:
    (folder / PORTAL).write_text(adapted((folder / PORTAL).read_text(), *changes))
    return (folder / PORTAL).read_text()


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """What stands on the terminal of whoever types this."""
    monkeypatch.setattr(err, "_force_terminal", True)
    run(words)
    return capsys.readouterr().err.splitlines()


def test_on_a_terminal_each_mistake_shows_its_line_with_a_caret(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = wrong(
        folder,
        ("two_tier: true", "two_tier: yes"),
        ("Europe/Berlin", "Europe/Berln"),
        ("kind: salesforce ", "kind: salesfroce "),
        ("brake: 15%", "brake: 15"),
    )
    starts = re.compile(r"  kind:|time_zone:|two_tier:|brake:")
    kind, zone, tier, brake = (number for number, line in enumerate(text.splitlines(), 1) if starts.match(line))
    said = shown(monkeypatch, capsys, "portals", "lint")
    assert [line[: len(line.rstrip())] for line in said if not line.startswith("config/")] == [
        f"{kind:>5} | {text.splitlines()[kind - 1]}",
        f"{'':>5}   {'':>8}^",
        f"{zone:>5} | {text.splitlines()[zone - 1]}",
        f"{'':>5}   {'':>11}^",
        f"{tier:>5} | {text.splitlines()[tier - 1]}",
        f"{'':>5}   {'':>10}^",
        f"{brake:>5} | {text.splitlines()[brake - 1]}",
        f"{'':>5}   {'':>7}^",
    ]


@pytest.mark.parametrize(
    "change",
    [
        ('client_secret: "${ACME_SF_SECRET}"', "client_secret: hunter2"),
        ('client_secret: "${ACME_SF_SECRET}"', "client_secrt: hunter2"),
        ('secret: "${ACME_SF_HOOK}"}', "secrt: hunter2}"),
        ("  auth:  ", "  aut:  # hunter2 "),
        ("two_tier: true", "secrt: hunter2\ntwo_tier: true"),
        ("brake: 15%", "feed: {url: 5, secret: hunter2}\nbrake: 15%"),
        ("portal: acme ", 'client_secret: "hunter2\nportal: acme '),
    ],
)
def test_a_line_that_may_hold_a_secret_is_never_shown(
    change: tuple[str, str], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(folder, change)
    said = shown(monkeypatch, capsys, "portals", "lint")
    assert said
    assert not [line for line in said if "hunter2" in line]


def test_machines_get_json_or_the_annotations_of_a_workflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Given one mistake in each file, at 100%
    wrong(folder, ("live: 40%", "live: 90%"))
    (folder / SF).write_text(adapted((folder / SF).read_text(), ("transform: decimal(2)", "transform: decimal(9)")))
    lines = {file: (folder / file).read_text().splitlines() for file in (PORTAL, SF)}
    reserve = next(number for number, line in enumerate(lines[PORTAL], 1) if "reserve" in line)

    # When each linter tells it to a machine
    codes, said = [], []
    for words in (("portals", "lint"), ("mappings", "lint")):
        for form in ("json", "github"):
            codes.append(run((*words, "--format", form)))
            said.append(capsys.readouterr())

    # Then it is on stdout, whole, and nothing is said to people
    assert codes == [2, 2, 2, 2]
    assert [one.err for one in said] == ["", "", "", ""]
    [row] = json.loads(said[0].out)
    assert (row["file"], row["line"], row["path"]) == (PORTAL, reserve, "crm.api_budget.reserve")
    assert row["what"] == "the shares add up to 120%"
    assert said[1].out.startswith(f"::error file={PORTAL},line={reserve},col=")
    assert "::crm.api_budget.reserve: the shares add up to 120%25 — keep" in said[1].out
    [row] = json.loads(said[2].out)
    assert (row["file"], row["remedy"]) == (SF, "decimal(n) takes n from 0 to 6, the digits after the point")
    assert said[3].out.startswith(f"::error file={SF},line=")


def test_machines_get_an_empty_list_where_nothing_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("portals", "lint", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(("mappings", "test", "--format", "github")) == 0
    assert capsys.readouterr().out == ""
