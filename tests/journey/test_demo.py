"""The demo: the figures that must come out, the same figures in words, nothing left behind; and going on by hand with `--keep`."""

from __future__ import annotations

import json
import re
import shlex
import signal
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from sync_worker.demo.command import unlike
from sync_worker.demo.pairs import Pairs
from sync_worker.demo.story import FIGURES, TellingEnd
from sync_worker.demo.venues import VENUES
from tests.journey.stage import COMMAND, ROOT, Installation, Process, started, typed
from tests.patience import HANG_S, until

PAIRS = Pairs(associated=2, not_associated=4, without_words=0, digest="c0ffee")


@pytest.fixture
def bare(tmp_path: Path) -> Installation:
    """Nothing configured at all: the repository's root, and a folder for temporary files."""
    found = Installation(ROOT, "", "")
    folder = tmp_path / "tmp"
    folder.mkdir()
    env = {name: value for name, value in found.env.items() if not name.startswith(("SYNC_WORKER_", "ACME_", "GLOBEX_"))}
    return _Bare(ROOT, "", "", None, env | {"TMPDIR": str(folder)})


class _Bare(Installation):
    @property
    def env(self) -> dict[str, str]:
        return self.more_env


def test_the_figures_come_out_and_are_the_same_story_on_both(bare: Installation) -> None:
    answer = bare.command("demo", "--json", timeout_s=HANG_S)
    told: dict[str, Any] = answer.json["crm"]

    # Then each story accounts for what it read, leaves nothing to do, and both sides agree
    assert list(told) == ["salesforce", "hubspot"]
    for figures in told.values():
        assert figures["read"] > 100
        assert figures["read"] == sum(figures[name] for name in ("applied", "unchanged", "skipped", "failed"))
        assert figures["second_run"] == {"changes": 0, "writes": 0}
        assert figures["differences"] == 0
        assert figures["api_calls"] > 0

        # and every pair there is was explained, by contracts, by rules, and by contracts again as before
        by_mode = figures["associations"]
        assert list(by_mode) == ["contracts", "rules", "contracts again"]
        assert len({found["associated"] + found["not_associated"] for found in by_mode.values()}) == 1
        assert all(found["associated"] > 100 and found["not_associated"] > 100 for found in by_mode.values())
        assert {found["without_words"] for found in by_mode.values()} == {0}
        assert by_mode["contracts"] == by_mode["contracts again"] != by_mode["rules"]

    # and both portals hold the same: companies, contracts, deals, what is open
    assert told["hubspot"]["holds"] == told["salesforce"]["holds"]
    assert {name.partition(":")[0] for name in told["hubspot"]["holds"]} >= {"companies", "contracts", "deals", "vendor approval", "open"}
    assert told["hubspot"]["associations"] == told["salesforce"]["associations"]
    assert answer.json["unlike"] == []
    assert answer.err == ""
    assert _left_behind(bare) == []


@pytest.mark.parametrize("crm", VENUES)
def test_in_words_it_ends_in_one_table(crm: str, bare: Installation) -> None:
    printed = bare.command("demo", "--crm", crm)

    figures = _last_table(printed.out)
    assert list(figures) == ["read", "applied", "unchanged", "skipped", "failed", "API calls", "2nd run: changes", "writes"]
    assert figures["read"] == figures["applied"] + figures["unchanged"] + figures["skipped"] + figures["failed"]
    assert (figures["2nd run: changes"], figures["writes"]) == (0, 0)
    assert "both sides equal: yes" in printed.out
    assert "what the portal holds" in printed.out
    told = " ".join(printed.out.split())
    assert "Quay Resellers, a subgroup of Arrow Electronics, drafts a deal: it names Arrow Electronics by itself" in told
    assert "it tries to drop Arrow Electronics: refused, Quay Resellers is a subgroup of Arrow Electronics, and its deals keep" in told
    assert "yes: apac-lines, same-country" in printed.out
    assert printed.err == ""
    assert _left_behind(bare) == []


def ending(*, submitted: int = 3, rules: Pairs = PAIRS, again: Pairs = PAIRS) -> TellingEnd:
    pairs = {"contracts": PAIRS, "rules": rules, "contracts again": again}
    return TellingEnd(dict.fromkeys(FIGURES, 0), 0, {"deals: won": 1, "deals: submitted": submitted}, pairs)


def test_a_story_that_ends_otherwise_is_said_in_words() -> None:
    other = ending(submitted=2, rules=replace(PAIRS, digest="beef"))

    assert unlike({"salesforce": ending(), "hubspot": ending()}) == []
    assert unlike({"salesforce": ending(), "hubspot": other}) == [
        "deals: submitted: 3 on Salesforce, 2 on HubSpot",
        "by rules: 2 of 6, c0ffee on Salesforce, 2 of 6, beef on HubSpot",
    ]


def test_a_pair_without_words_and_a_mode_that_leaves_a_trace_are_flaws() -> None:
    assert ending().flaws == []
    assert ending(rules=replace(PAIRS, without_words=2)).flaws == ["by rules, 2 pairs have no words"]
    assert ending(again=replace(PAIRS, associated=3)).flaws == ["set back to contracts, other pairs may work together than before"]


def test_kept_it_can_be_continued_by_hand_and_the_readme_can_be_typed(bare: Installation, tmp_path: Path) -> None:
    process = Process(started([str(COMMAND), "demo", "--keep"], bare.env, bare.folder))
    try:
        until(lambda: "stop with Ctrl-C" in process.log, what="the story is told")
        exports = dict(re.findall(r"^  export (\w+)=(.*)$", process.log, re.MULTILINE))
        lines = re.findall(r"^  (\S+ deals list (\w+))$", process.log, re.MULTILINE)
        assert [portal for _, portal in lines] == ["acme", "globex"]
        for line, portal in lines:
            listed = _by_hand(bare, exports, *shlex.split(line), "--json")
            assert "Harbor Freight Lines" in {deal["prospect_name"] for deal in json.loads(listed)}
            _by_hand(bare, exports, str(COMMAND), "pull", portal)
            said = _by_hand(bare, exports, str(COMMAND), "associations", "explain", portal, "Birch Systems", "Arrow Electronics")
            assert said.startswith("associated: second_partners of Birch Systems")
        _type_the_readme(bare, exports, tmp_path)

        children = process.children()
        process.send(signal.SIGINT)
        assert process.ended() == 0, process.log
        _, alive = psutil.wait_procs(children, timeout=HANG_S)
        assert not alive
        assert Path(exports["SYNC_WORKER_CONFIG_DIR"], "portals", "acme.yaml").exists()
    finally:
        process.close()


def test_stopped_in_the_middle_it_leaves_nothing_behind(bare: Installation) -> None:
    process = Process(started([str(COMMAND), "demo"], bare.env, bare.folder))
    try:
        until(lambda: "1. Companies and deals come in" in process.log, what="the story has begun")
        children = process.children()
        process.send(signal.SIGTERM)
        assert process.ended() in (0, 130), process.log
        _, alive = psutil.wait_procs(children, timeout=HANG_S)
        assert not alive
        assert "Traceback" not in process.log
        assert _left_behind(bare) == []
    finally:
        process.close()


def _type_the_readme(bare: Installation, exports: dict[str, str], folder: Path) -> None:
    """The example of the README, in its order: the deal's file, the commands with what they print, and the mode that is replaced."""
    [example] = re.findall(r"^## One real example$(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    [deal] = re.findall(r"^```yaml\n(owner_company:.*?)^```", example, re.MULTILINE | re.DOTALL)
    (folder / "deal.yaml").write_text(deal)
    contracts, rules = re.findall(r"^```\n(\$ .*?)^```", example, re.MULTILINE | re.DOTALL)
    _type(contracts, bare, exports, folder)
    portal = Path(exports["SYNC_WORKER_CONFIG_DIR"], "portals", "acme.yaml")
    [mode] = re.findall(r"`(associations: \{.*\})`", example)
    portal.write_text(re.sub(r"^associations:\n(?:  .*\n)+", f"{mode}\n", portal.read_text(), flags=re.MULTILINE))
    _type(rules, bare, exports, folder)


def _type(block: str, bare: Installation, exports: dict[str, str], folder: Path) -> None:
    for command, expected in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.MULTILINE):
        program, *words = shlex.split(command, comments=True)
        assert program == COMMAND.name
        codes = (0, 1) if words[0] == "pull" else (0,)  # a pull that opens problems ends with 1
        said = " ".join(_by_hand(bare, exports, str(COMMAND), *words, folder=folder, codes=codes).split())
        if expected:
            assert re.sub(r"since [^,]+, from run \S+:", "since …, from run …:", said) == " ".join(expected.split())


def _by_hand(bare: Installation, exports: dict[str, str], *words: str, folder: Path | None = None, codes: Collection[int] = (0,)) -> str:
    """What a command says in another terminal, after the printed exports."""
    assert Path(words[0]).name == COMMAND.name
    answer = typed(words[1:], bare.env | exports, folder or bare.folder)
    assert answer.code in codes, answer
    return answer.out


def _left_behind(bare: Installation) -> list[str]:
    folder = Path(bare.env.get("TMPDIR", tempfile.gettempdir()))
    return [path.name for path in folder.iterdir()]


def _last_table(printed: str) -> dict[str, int]:
    """The table of figures, its one row, by column."""
    lines = printed.splitlines()
    head = max(index for index, line in enumerate(lines) if "2nd run: changes" in line and "CRM" in line)
    columns = re.split(r"\s{2,}", lines[head].strip())
    return dict(zip(columns[1:], map(int, lines[head + 1].split()[1:]), strict=True))
