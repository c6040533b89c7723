"""Figures against goals, from what was measured. A new measurement adds its lines to `STORY_LINES`, or a function to `SECTIONS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Literal

from benchmarks.bench import Figures
from benchmarks.crms import Crm, Limit
from benchmarks.plan import Measured, Plan

MB = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One line. **Shapes** `goal` None = none was set; `is_reached` None then too; `sign`: whether the goal is the most or the least."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""
    sign: Literal["≤", "≥"] = "≤"

    @property
    def is_reached(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.sign == "≤" else self.value >= self.goal


def figures(plan: Plan, measured: Measured) -> list[Figure]:
    """Everything that is shown, in order."""
    return [figure for section in SECTIONS for figure in section(plan, measured)]


# ── floor and first load ─────────────────────────────────────────────────────────────────────────────────────────────


def _speed(plan: Plan, measured: Measured) -> Iterator[Figure]:
    floors, loads = measured.floors, measured.loads
    records = loads[0]["counts"]["read"]
    ours_s, wall_s = _median(loads, "cpu_s"), _median(loads, "wall_s")
    yield Figure("floor: CPU", _median(floors, "cpu_s"), "s", note=f"{sum(floors[0]['records'].values()):,} records")
    yield Figure("first load: CPU", ours_s, "s", note=f"{records:,} records, {1e6 * ours_s / records:.0f} µs each")
    yield _ratio("first load: CPU ÷ floor", measured, ("cpu_s",), plan.of.goals.cpu_ratio)
    if plan.database != "sqlite":
        yield Figure("floor: CPU of the database server", _median(floors, "server_cpu_s"), "s", note="its checkpoint included")
        yield Figure("first load: CPU of the database server", _median(loads, "server_cpu_s"), "s", note="its checkpoint included")
        yield _ratio("first load: CPU ÷ floor, server included", measured, ("cpu_s", "server_cpu_s"), None)
    yield Figure("first load: wall clock", wall_s, "s", note=f"floor {_median(floors, 'wall_s'):.1f} s; the sandbox's time is in both")
    yield Figure("first load: records a second", records / wall_s, "/s", note=f"{records / ours_s:,.0f} per CPU second")
    yield Figure("starting up: CPU", _median(loads, "start_cpu_s"), "s", note="imports, migrations; in no other line")


def _beside(plan: Plan, measured: Measured) -> Iterator[Figure]:
    """What a load costs beside its rows alone, and beside fetching alone."""
    if measured.rows:
        spent_s, ours_s = measured.rows["cpu_s"], _median(measured.loads, "cpu_s")
        floors = spent_s / _median(measured.floors, "cpu_s")
        note = f"{sum(measured.rows['rows'].values()):,} rows, {floors:.2f} floors; {100 * spent_s / ours_s:.0f} % of the load"
        yield Figure("first load: its rows alone, CPU", spent_s, "s", note=note)
    if measured.vendor_client:
        client_s = measured.vendor_client["cpu_s"]
        ratio = _median(measured.loads, "cpu_s") / client_s
        yield Figure("first load: CPU ÷ the vendor's client", ratio, "×", 1, f"it only lists: {client_s:.2f} s")


def _ratio(name: str, measured: Measured, parts: Sequence[str], goal: float | None) -> Figure:
    """The median of the rounds' ratios."""
    pairs = zip(measured.floors, measured.loads, strict=True)
    ratios = [sum(ours[part] for part in parts) / sum(floor[part] for part in parts) for floor, ours in pairs]
    return Figure(name, median(ratios), "×", goal, f"rounds {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


def _memory(plan: Plan, measured: Measured) -> Iterator[Figure]:
    goal = plan.of.goals.memory_mb
    whole = max(load["peak_bytes"] for load in measured.loads) / MB
    yield Figure("first load: peak memory", whole, "MB", goal, f"floor {_median(measured.floors, 'peak_bytes') / MB:.0f} MB")
    if plan.few:
        few = measured.few["peak_bytes"] / MB
        yield Figure(f"… at {plan.few.companies:,} companies", few, "MB", goal, f"{whole - few:+.0f} MB for the whole")


def _load_calls(plan: Plan, measured: Measured) -> Iterator[Figure]:
    pages = sum(measured.floors[0]["pages"].values())
    associations = ceil(plan.deals / plan.of.associations_count) if plan.of.associations_count else 0
    value, unit, note = _calls(plan.of, measured.loads[-1])
    yield Figure("first load: read calls", value, unit, pages + associations + plan.of.goals.spare_calls, f"the floor's: {pages}; {note}")


def _first_load(plan: Plan, measured: Measured) -> Iterator[Figure]:
    if measured.loads:
        for section in (_speed, _beside, _memory, _load_calls):
            yield from section(plan, measured)


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Line:
    """What is shown of one step of the story: its data calls or its writes, with their goal, and what it did; or its CPU."""

    step: str
    what: str
    goal: Callable[[Plan], float] | None = None


STORY_LINES = (
    Line("patch back", "calls", lambda plan: ceil(plan.companies / plan.of.write_count) + plan.of.goals.spare_calls),
    Line("patch back", "CPU"),
    Line("push deals", "calls"),
    Line("push deals", "CPU"),
    Line("echo poll", "calls"),
    Line("echo poll", "writes", lambda _: 0),
    Line("echo poll", "CPU"),
    Line("changes read", "calls", lambda plan: plan.of.goals.read_changed_calls),
    Line("changes read", "CPU"),
    Line("what follows", "calls"),
    Line("what follows", "CPU"),
    Line("changes seen again", "calls", lambda plan: plan.of.goals.read_changed_calls),
    Line("changes seen again", "writes", lambda _: 0),
    Line("changes seen again", "CPU"),
    Line("nothing changed", "calls", lambda plan: plan.of.goals.idle_calls),
    Line("nothing changed", "writes", lambda _: 0),
    Line("nothing changed", "CPU"),
    Line("deals edited", "CPU"),
    Line("edits pushed", "calls", lambda plan: plan.of.goals.write_changed_calls),
    Line("edits pushed", "writes"),
    Line("edits pushed", "CPU"),
    Line("no-op saves", "CPU"),
    Line("no-op saves pushed", "calls", lambda plan: plan.of.goals.no_op_calls),
    Line("deals made", "CPU"),
    Line("made deals pushed", "calls", lambda plan: plan.of.goals.write_changed_calls),
    Line("made deals pushed", "CPU"),
)


def _story(plan: Plan, measured: Measured) -> Iterator[Figure]:
    for line in STORY_LINES:
        if found := measured.story.get(line.step):
            value, unit, note = _SHOWN[line.what](plan.of, found)
            yield Figure(f"{line.step}: {line.what}", value, unit, line.goal(plan) if line.goal else None, note)


def _calls(crm: Crm, found: Figures) -> tuple[float, str, str]:
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(_data(crm, found).items()))
    return data_calls(crm, found), "calls", kinds


def _writes(crm: Crm, found: Figures) -> tuple[float, str, str]:
    return sum(found["calls"].get(kind, 0) for kind in crm.write_calls), "calls", ""


def _cpu(_: Crm, found: Figures) -> tuple[float, str, str]:
    did, spent_s = found["counts"], found["cpu_s"]
    names = ("written", "deferred", "parked", "failed") if did.get("claimed") else ("read", "applied", "unchanged", "failed")
    each = did.get("claimed") or did.get("read") or did.get("applied") or did.get("unchanged")
    parts = [f"{1e6 * spent_s / each:,.0f} µs each"] if each else []
    parts += [f"server {found['server_cpu_s']:.2f} s"] if found["server_cpu_s"] else []
    parts += [f"{did[name]:,} {name}" for name in names if did.get(name)]
    return spent_s, "s", ", ".join(parts)


_SHOWN: Mapping[str, Callable[[Crm, Figures], tuple[float, str, str]]] = {"calls": _calls, "writes": _writes, "CPU": _cpu}


def data_calls(crm: Crm, found: Figures) -> int:
    """Calls that carry records; logging in, describing and asking for the time do not."""
    return sum(_data(crm, found).values())


def _data(crm: Crm, found: Figures) -> dict[str, int]:
    calls: Mapping[str, int] = found["calls"]
    return {kind: number for kind, number in calls.items() if kind not in crm.free_calls}


def _median(rounds: Sequence[Figures], name: str) -> float:
    return median(float(one[name]) for one in rounds)


# ── the vendor's limits ──────────────────────────────────────────────────────────────────────────────────────────────

LIMITED = (("pull companies", "calls"), ("patch back", "calls"), ("push deals", "calls"), ("echo poll", "searches"))
"""Steps that are long enough to fill a limit, each with that limit."""


def _limits(plan: Plan, measured: Measured) -> Iterator[Figure]:
    limits = {limit.name: limit for limit in plan.of.limits}
    if limits and measured.story:
        for step, name in LIMITED:
            if found := measured.story.get(step):
                yield from _unused(plan, step, limits[name], found)
        steps = measured.story.values()
        calls = sum(sum(step["calls"].values()) for step in steps)
        yield Figure("refused (429) of the whole story", sum(step["refused"] for step in steps), "calls", 0, f"of {calls:,}")


def _unused(plan: Plan, step: str, limit: Limit, found: Figures) -> Iterator[Figure]:
    """What of a limit is left unused, over whole windows from the first call; nothing where a step is shorter than one."""
    by_second = [sum(second) for second in zip(*(found["seconds"][kind] for kind in limit.kinds if kind in found["seconds"]), strict=True)]
    windows = (len(by_second) - 1) // limit.seconds
    if windows:
        made, allowed = sum(by_second[: windows * limit.seconds]), windows * limit.count
        rate, most = made / windows / limit.seconds, limit.count / limit.seconds
        note = f"{rate:.2f} a second of {most:.0f} over {windows * limit.seconds} s"
        yield Figure(f"{step}: {limit.name} allowed, not made", 100 * (1 - made / allowed), "%", plan.of.goals.unused_percent, note)


SECTIONS: tuple[Callable[[Plan, Measured], Iterator[Figure]], ...] = (_first_load, _story, _limits)
