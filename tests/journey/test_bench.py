"""`make bench`, tiny: it runs through, its figures are there, its calls are counted right. Times are never asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPANIES, OPPORTUNITIES = 2100, 60  # two pages of companies, one of deals


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What it printed, and the result file."""
    path = tmp_path_factory.mktemp("bench") / "tiny.json"
    sizes = ["--companies", str(COMPANIES), "--opportunities", str(OPPORTUNITIES), "--rounds", "1"]
    command = [sys.executable, "-m", "benchmarks", *sizes, "--out", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, json.loads(path.read_text())


def value(document: dict[str, Any], name: str) -> float:
    """One figure."""
    [found] = [figure["value"] for figure in document["figures"] if figure["name"] == name]
    return float(found)


def test_every_figure_is_printed_with_its_goal_and_kept_with_machine_and_command(bench: tuple[str, dict[str, Any]]) -> None:
    printed, document = bench
    for figure in document["figures"]:
        assert figure["name"] in printed
        assert figure["is_reached"] == (None if figure["goal"] is None else figure["value"] <= figure["goal"])
    assert "reached" in printed
    assert {"cpu_count", "python", "sqlite", "date", "commit"} <= document["machine"].keys()
    assert document["command"].startswith("python -m benchmarks --companies 2100")


def test_the_floor_and_the_load_read_the_same_records_and_the_load_stores_them(bench: tuple[str, dict[str, Any]]) -> None:
    raw = bench[1]["raw"]
    [floor], [load] = raw["floors"], raw["loads"]
    assert floor["records"]["Account"] == COMPANIES
    assert load["counts"]["read"] == sum(floor["records"].values())
    assert load["counts"]["read"] == load["counts"]["applied"] + load["counts"].get("failed", 0)
    assert sum(load["held"]["deals"].values()) + load["counts"].get("failed", 0) == floor["records"]["Opportunity"]
    assert 0 < load["cpu_s"] < 60
    assert 10_000_000 < floor["peak_bytes"] < load["peak_bytes"]


def test_calls_are_pages_batches_and_one_poll_each(bench: tuple[str, dict[str, Any]]) -> None:
    document = bench[1]
    assert value(document, "first load: read calls") == 3  # one a page
    assert value(document, "patch-back: calls") == 11  # 200 companies a call
    assert value(document, "deal states pushed: calls") <= 3  # read before, one batch, read back
    assert (value(document, "echo poll: calls"), value(document, "echo poll: writes")) == (4, 0)  # leads too, of which there are none
    assert (value(document, "nothing changed: calls"), value(document, "nothing changed: writes")) == (3, 0)
    assert "read" not in document["raw"]["story"]["nothing changed"]["counts"]
    assert document["raw"]["story"]["patch back"]["counts"]["written"] == COMPANIES


def test_a_first_load_of_several_pages_reports_every_contract_that_is_left_unbound(bench: tuple[str, dict[str, Any]]) -> None:
    [load] = bench[1]["raw"]["loads"]
    assert load["held"]["reported_contracts"] == load["held"]["unbound_contracts"] > 0
