"""The demo: the figures that must come out, the same figures in words, nothing left behind; and going on by hand with `--keep`."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.journey.stage import COMMAND, ROOT, Installation, Process, until


@pytest.fixture
def bare(tmp_path: Path) -> Installation:
    """Nothing configured at all: the repository's root, and a folder for temporary files."""
    found = Installation(ROOT, "", "")
    folder = tmp_path / "tmp"
    folder.mkdir()
    ours = {"SYNC_WORKER_DATABASE_URL", "SYNC_WORKER_CONFIG_DIR", "SYNC_WORKER_MAPPINGS_DIR", "ACME_SF_ID", "ACME_SF_SECRET"}
    env = {name: value for name, value in found.env.items() if name not in ours}
    return _Bare(ROOT, "", "", None, env | {"TMPDIR": str(folder)})


class _Bare(Installation):
    @property
    def env(self) -> dict[str, str]:
        return self.more_env


def test_the_figures_come_out(bare: Installation) -> None:
    answer = bare.command("demo", "--crm", "salesforce", "--json")
    figures: dict[str, Any] = answer.json["crm"]["salesforce"]

    assert figures["read"] > 100
    assert figures["read"] == sum(figures[name] for name in ("applied", "unchanged", "skipped", "failed"))
    assert figures["second_run"] == {"changes": 0, "writes": 0}
    assert figures["differences"] == 0
    assert figures["api_calls"] > 0
    assert answer.err == ""
    assert _left_behind(bare) == []

    printed = bare.command("demo")
    assert _last_table(printed.out) == {
        **{name: figures[name] for name in ("read", "applied", "unchanged", "skipped", "failed")},
        "API calls": figures["api_calls"],
        "2nd run: changes": 0,
        "writes": 0,
    }
    assert "both sides equal: yes" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 100
    assert printed.err == ""
    assert _left_behind(bare) == []


def test_kept_it_can_be_continued_by_hand(bare: Installation) -> None:
    process = Process([str(COMMAND), "demo", "--keep"], bare.env, bare.folder)
    try:
        until(lambda: "stop with Ctrl-C" in process.log, 60, what="the story is told")
        exports = dict(re.findall(r"^  export (\w+)=(.*)$", process.log, re.MULTILINE))
        [line] = re.findall(r"^  (\S+ deals list acme)$", process.log, re.MULTILINE)
        by_hand = bare.env | exports

        listed = subprocess.run([*shlex.split(line), "--json"], env=by_hand, cwd=bare.folder, capture_output=True, text=True)
        assert "Harbor Freight Lines" in {deal["prospect_name"] for deal in json.loads(listed.stdout)}
        pulled = subprocess.run([str(COMMAND), "pull", "acme"], env=by_hand, cwd=bare.folder, capture_output=True, text=True)
        assert pulled.returncode == 0, pulled

        children = process.children()
        process.send(signal.SIGINT)
        assert process.ended() == 0, process.log
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
        assert Path(exports["SYNC_WORKER_CONFIG_DIR"], "portals", "acme.yaml").exists()
    finally:
        process.close()


def test_stopped_in_the_middle_it_leaves_nothing_behind(bare: Installation) -> None:
    process = Process([str(COMMAND), "demo"], bare.env, bare.folder)
    try:
        until(lambda: "1. Companies and deals come in" in process.log, 30, what="the story has begun")
        children = process.children()
        process.send(signal.SIGTERM)
        assert process.ended() in (0, 130), process.log
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
        assert "Traceback" not in process.log
        assert _left_behind(bare) == []
    finally:
        process.close()


def _left_behind(bare: Installation) -> list[str]:
    folder = Path(bare.env.get("TMPDIR", tempfile.gettempdir()))
    return [path.name for path in folder.iterdir()]


def _last_table(printed: str) -> dict[str, int]:
    """The last table's one row, by column."""
    lines = printed.splitlines()
    head = max(index for index, line in enumerate(lines) if "2nd run: changes" in line)
    columns = re.split(r"\s{2,}", lines[head].strip())
    return dict(zip(columns, map(int, lines[head + 2].split()), strict=True))
