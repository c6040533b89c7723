"""Figures against goals: a table for people, a JSON file for comparing. A goal that is not reached is said, never asserted."""

from __future__ import annotations

import json
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.plan import ROOT, Figures, Measured, Plan, as_json

OTHER_CALLS = ("token", "describe", "versions")  # log-in, schema, time, as the sandbox names them; every other call is a data call
CPU_RATIO = 3.0
MEMORY_MB = 200
SPARE_CALLS = 5  # beyond the pages or batches that cannot be saved
BATCH_COUNT = 200  # records a collections call may write
POLL_CALLS = 3  # one for each record type
MB = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One line. **Shapes** `goal` None = none was set; `is_reached` None then too."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""

    @property
    def is_reached(self) -> bool | None:
        return None if self.goal is None else self.value <= self.goal


def figures(plan: Plan, measured: Measured) -> list[Figure]:
    """Everything that is shown, in order."""
    return [*_speed(measured), *_memory(plan, measured), *_calls(plan, measured)]


def _speed(measured: Measured) -> list[Figure]:
    floor_s, ours_s = _median(measured.floors, "cpu_s"), _median(measured.loads, "cpu_s")
    ratios = [ours["cpu_s"] / floor["cpu_s"] for floor, ours in zip(measured.floors, measured.loads, strict=True)]
    records = measured.loads[0]["counts"]["read"]
    wall_s = _median(measured.loads, "wall_s")
    spread = f"rounds {', '.join(f'{ratio:.2f}' for ratio in ratios)}"
    return [
        Figure("floor: CPU", floor_s, "s", note=f"{sum(measured.floors[0]['records'].values()):,} records"),
        Figure("first load: CPU", ours_s, "s", note=f"{records:,} records, {1e6 * ours_s / records:.0f} µs each"),
        Figure("first load: CPU ÷ floor", median(ratios), "×", CPU_RATIO, spread),
        Figure(
            "first load: wall clock", wall_s, "s", note=f"floor {_median(measured.floors, 'wall_s'):.1f} s; the sandbox's time is in both"
        ),
        Figure("first load: records a second", records / wall_s, "/s", note=f"{records / ours_s:,.0f} per CPU second"),
        Figure("starting up: CPU", _median(measured.loads, "start_cpu_s"), "s", note="imports, migrations; in no other line"),
    ]


def _memory(plan: Plan, measured: Measured) -> list[Figure]:
    whole = max(load["peak_bytes"] for load in measured.loads) / MB
    found = [Figure("first load: peak memory", whole, "MB", MEMORY_MB, f"floor {_median(measured.floors, 'peak_bytes') / MB:.0f} MB")]
    if plan.few:
        few = measured.few["peak_bytes"] / MB
        found.append(Figure(f"… at {plan.few.companies:,} companies", few, "MB", MEMORY_MB, f"{whole - few:+.0f} MB for the whole"))
    return found


def _calls(plan: Plan, measured: Measured) -> list[Figure]:
    pages = sum(measured.floors[0]["pages"].values())
    story = measured.story
    patched, pushed = story["patch back"], story["push deals"]
    batches = -(-patched["counts"].get("claimed", 0) // BATCH_COUNT)
    deals = pushed["counts"].get("claimed", 0)
    echo, idle = story["echo poll"], story["nothing changed"]
    return [
        Figure("first load: read calls", _data_calls(measured.loads[-1]), "calls", pages + SPARE_CALLS, f"{pages} pages"),
        Figure("patch-back: calls", _data_calls(patched), "calls", plan.companies / BATCH_COUNT + SPARE_CALLS, f"{batches} batches"),
        Figure("patch-back: CPU", patched["cpu_s"], "s", note=_each(patched)),
        Figure("deal states pushed: calls", _data_calls(pushed), "calls", note=f"{deals:,} deals: {_kinds(pushed)}"),
        Figure("deal states pushed: CPU", pushed["cpu_s"], "s", note=_each(pushed)),
        Figure("echo poll: calls", _data_calls(echo), "calls", note=_seen(echo)),
        Figure("echo poll: writes", _writes(echo), "calls", 0, f"CPU {echo['cpu_s']:.1f} s"),
        Figure("nothing changed: calls", _data_calls(idle), "calls", POLL_CALLS, _seen(idle)),
        Figure("nothing changed: writes", _writes(idle), "calls", 0, f"CPU {idle['cpu_s']:.2f} s"),
    ]


def _median(rounds: Sequence[Figures], name: str) -> float:
    return median(float(one[name]) for one in rounds)


def _data_calls(figures_: Figures) -> int:
    calls: Mapping[str, int] = figures_["calls"]
    return sum(number for kind, number in calls.items() if kind not in OTHER_CALLS)


def _writes(figures_: Figures) -> int:
    return int(figures_["calls"].get("collections_write", 0))


def _kinds(figures_: Figures) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(figures_["calls"].items()) if kind not in OTHER_CALLS)


def _each(figures_: Figures) -> str:
    written = figures_["counts"].get("written", 0)
    return f"{written:,} written, {1e6 * figures_['cpu_s'] / max(written, 1):.0f} µs each"


def _seen(figures_: Figures) -> str:
    counts = figures_["counts"]
    return f"{counts.get('read', 0):,} read, {counts.get('applied', 0):,} applied, {counts.get('unchanged', 0):,} unchanged"


# ── showing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def show(found: Sequence[Figure], console: Console) -> None:
    """The table: figure, goal, reached or not."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("figure", "value", "goal", "", "note"):
        table.add_column(title, justify="right" if title in ("value", "goal") else "left")
    for figure in found:
        goal = "" if figure.goal is None else f"≤ {_number(figure.goal)}"
        table.add_row(figure.name, f"{_number(figure.value)} {figure.unit}", goal, _VERDICT[figure.is_reached], figure.note)
    console.print(table)


_VERDICT = {None: "", True: "[green]reached[/]", False: "[red]NOT reached[/]"}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def save(path: Path, command: str, plan: Plan, measured: Measured) -> None:
    """The result file: machine, command, figures, and everything raw."""
    document = {
        "command": command,
        "machine": _machine(),
        "figures": [{**asdict(figure), "is_reached": figure.is_reached} for figure in figures(plan, measured)],
        "raw": as_json(plan, measured),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _machine() -> dict[str, Any]:
    libraries = ("sqlalchemy", "orjson", "requests", "simple-salesforce")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _said(["git", "rev-parse", "--short", "HEAD"]),
        "cpu_count": cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in libraries},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    models = (
        [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    )
    return models[0] if models else platform.processor()


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
