"""`python -m benchmarks.latency`: how near the worker comes to what a vendor allows when every call takes long.

    HubSpot, its limits on, 300 ms a call   first load, patch-back, echo poll: calls made ÷ calls allowed, and what was refused; new deals
    Salesforce, 1 s a call                  first load by pages, patch-back, new deals; 1, 4 and 8 calls at once: how many times as fast
    both                                    a webhook while a first load runs: how soon what it tells is applied

The sandbox waits, and calls wait side by side; nothing is simulated. The sandbox and each measurement are processes of their own.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import report
from benchmarks.__main__ import RESULTS, WIDTH, watched
from benchmarks.bench import ROOT, Figures, Say, bench
from benchmarks.crms import CRMS, HUBSPOT, SALESFORCE, Limit
from benchmarks.databases import DATABASES, Fresh
from benchmarks.figures import Figure
from benchmarks.plan import LOOK_BACK_S
from benchmarks.webhooks import while_loading

SETTING = "parallel_calls"  # of the portal file's `crm`: how many calls may be in flight at once
USED_PERCENT = 85.0
REFUSED_PERCENT = 0.5
BURST_S = 10  # at first all calls of a window may go at once: what comes after that is the pace
PARALLEL = (1, 4, 8)
LOAD_TIMES, PATCHED_TIMES = {4: 3.0}, {4: 3.5, 8: 6.0}  # calls at once → how many times as fast as one after the other
DEAL_TIMES = {4: 3.0, 8: 4.0}  # fewer calls than a patch-back: it begins with four at once, and has grown little when they are over
APPLIED_P99_MS = 5000.0
HUBSPOT_STAGES = (("first load", ("pull companies",)), ("patch-back", ("push",)), ("echo poll", ("poll",)))


@dataclass(frozen=True)
class LatencyPlan:
    """What is measured. **Shapes** `hubspot_parallel` None: as many calls at once as the code says by itself.

    **Units** `patched`: companies of the patch-back at Salesforce; `deals`: new ones, each of another company; `…_ms`: what a call takes.
    """

    crm: tuple[str, ...] = tuple(CRMS)
    database: str = "sqlite"
    companies: int = 100_000
    patched: int = 20_000
    deals: int = 8_000
    hubspot_ms: float = 300
    salesforce_ms: float = 1000
    parallel: tuple[int, ...] = PARALLEL
    hubspot_parallel: int | None = None
    webhooks: bool = True


@dataclass
class Found:
    """Everything that was measured, raw: by stage, at Salesforce also by the number of calls at once."""

    hubspot: dict[str, Figures] = field(default_factory=dict)
    loads: dict[int, Figures] = field(default_factory=dict)
    patches: dict[int, Figures] = field(default_factory=dict)
    deals: dict[int, Figures] = field(default_factory=dict)
    webhooks: dict[str, Figures] = field(default_factory=dict)


def is_parallel() -> bool:
    """Whether this code knows the setting; without it the worker makes one call after the other."""
    return f'"{SETTING}"' in (ROOT / "config" / "portal.schema.json").read_text()


def measure(plan: LatencyPlan, say: Say) -> Found:
    """Carries the plan out."""
    found = Found()
    with DATABASES[plan.database]() as fresh:
        if "hubspot" in plan.crm:
            found.hubspot = _hubspot(plan, fresh, say)
        if "salesforce" in plan.crm:
            for parallel in plan.parallel if is_parallel() else (1,):
                _salesforce(plan, parallel, fresh, say, found)
        for name in plan.crm if plan.webhooks else ():
            say(f"{name}: webhooks while a first load runs", 0, 0)
            with fresh() as database:
                crm, ms = (HUBSPOT, plan.hubspot_ms) if name == "hubspot" else (SALESFORCE, plan.salesforce_ms)
                found.webhooks[name] = while_loading(crm.set({"bulk_above": None}), database, plan.companies, ms)
    return found


def _settings(parallel: int | None) -> dict[str, Any]:
    return {SETTING: parallel} if is_parallel() and parallel is not None else {}


def _hubspot(plan: LatencyPlan, fresh: Fresh, say: Say) -> dict[str, Figures]:
    crm, found = HUBSPOT.set(_settings(plan.hubspot_parallel)), {}
    with bench(crm, plan.companies, 0, fresh, say) as there, there.place() as place:
        there.enforce_limits()
        there.slow(plan.hubspot_ms)
        for name, verbs in HUBSPOT_STAGES:
            there.advance_clock(LOOK_BACK_S)  # what the stage before used of a limit is over
            found[name] = there.ours(f"HubSpot: {name}", verbs, place)
        there.ours("HubSpot: new deals are registered", (f"owe {plan.deals}",), place)
        there.advance_clock(LOOK_BACK_S)
        found["new deals"] = there.ours("HubSpot: new deals", ("push",), place)
    return found


def _salesforce(plan: LatencyPlan, parallel: int, fresh: Fresh, say: Say, found: Found) -> None:
    crm, words = SALESFORCE.set({**_settings(parallel), "bulk_above": None}), f"with {parallel} calls at once"
    if parallel == 1 or parallel in LOAD_TIMES:
        with bench(crm, plan.companies, 0, fresh, say) as there:
            there.slow(plan.salesforce_ms)
            found.loads[parallel] = there.first(f"Salesforce: first load {words}", ("pull companies",))
    with bench(crm, plan.patched, 0, fresh, say) as there, there.place() as place:
        there.ours("Salesforce: loading what is to be patched", ("pull companies",), place)
        there.slow(plan.salesforce_ms)
        found.patches[parallel] = there.ours(f"Salesforce: patch-back {words}", ("push",), place)
    with bench(crm, plan.deals, 0, fresh, say) as there, there.place() as place:
        there.ours("Salesforce: companies, and new deals of theirs", ("pull companies", "push", f"owe {plan.deals}"), place)
        there.slow(plan.salesforce_ms)
        found.deals[parallel] = there.ours(f"Salesforce: new deals {words}", ("push",), place)


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def figures(found: Found) -> list[Figure]:
    """Everything that is shown, in order."""
    loads, patches = _times("first load", found.loads, LOAD_TIMES), _times("patch-back", found.patches, PATCHED_TIMES)
    deals = _times("new deals", found.deals, DEAL_TIMES)
    return [*_hubspot_figures(found.hubspot), *loads, *patches, *deals, *_webhook_figures(found.webhooks)]


def _webhook_figures(runs: Mapping[str, Figures]) -> Iterator[Figure]:
    for crm, run in runs.items():
        note = f"p50 {run['applied_p50_ms']:,.0f} ms; {run['loaded_percent']:.0f} % were loaded when the last edit was told"
        yield Figure(f"{crm}, a webhook while a first load runs: applied, p99", run["applied_p99_ms"], "ms", APPLIED_P99_MS, note)
        yield Figure(f"{crm}, a webhook while a first load runs: not applied", run["unapplied"], "edits", 0)


def _hubspot_figures(stages: Mapping[str, Figures]) -> Iterator[Figure]:
    calls, searches = HUBSPOT.limits
    for name, stage in stages.items():
        yield Figure(f"HubSpot, {name}: wall clock", stage["wall_s"], "s", note=_made(stage))
        limit, skipped_s = (searches, 0) if name == "echo poll" else (calls, BURST_S)
        if used := _used_percent(limit, stage["seconds"], skipped_s):
            note = f"{limit.name} ÷ ({limit.count / limit.seconds:.0f} × seconds)" + (f" after {skipped_s} s" if skipped_s else "")
            yield Figure(f"HubSpot, {name}: {limit.name} used of those allowed", used, "%", USED_PERCENT, note, "≥")
    if stages:
        made = sum(sum(stage["calls"].values()) for stage in stages.values())
        refused, again = (sum(stage[name] for stage in stages.values()) for name in ("refused", "refused_again"))
        yield Figure("HubSpot: refused (429)", 100 * refused / made, "%", REFUSED_PERCENT, f"{refused:,} of {made:,} calls")
        yield Figure("HubSpot: refused (429) twice in a row", again, "calls", 0)


def _used_percent(limit: Limit, seconds: Mapping[str, Sequence[int]], skipped_s: int) -> float | None:
    """What was used of a limit, from a second on to the last whole second; nothing where the stage is shorter than that."""
    last = max((len(made) for made in seconds.values()), default=0) - 1
    if last <= skipped_s:
        return None
    made = sum(sum(seconds[kind][skipped_s:last]) for kind in limit.kinds if kind in seconds)
    return 100 * made / (limit.count / limit.seconds * (last - skipped_s))


def _times(name: str, runs: Mapping[int, Figures], goals: Mapping[int, float]) -> Iterator[Figure]:
    """How long one call after the other takes, and how many times as fast several at once are."""
    for parallel, run in runs.items():
        yield Figure(f"Salesforce, {name}, {parallel} at once: wall clock", run["wall_s"], "s", note=_made(run))
    for parallel, goal in goals.items() if 1 in runs else ():
        if parallel in runs or not is_parallel():
            times = runs[1]["wall_s"] / runs.get(parallel, runs[1])["wall_s"]
            note = "" if parallel in runs else f"this code has no {SETTING}"
            yield Figure(f"Salesforce, {name}, {parallel} at once: times as fast", times, "×", goal, note, "≥")


def _made(run: Figures) -> str:
    calls = ", ".join(f"{number:,} {kind}" for kind, number in sorted(run["calls"].items()))
    return f"{sum(run['calls'].values()) / run['wall_s']:.1f} calls a second, at most {run['in_flight']['most']} in flight: {calls}"


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def main(arguments: list[str] | None = None) -> None:
    """Measures, prints the table, writes the result file."""
    given = sys.argv[1:] if arguments is None else arguments
    wish: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in _options(given).items()}
    out: Path = wish.pop("out")
    plan = LatencyPlan(**wish)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    load_before = os.getloadavg()[0]
    measured = watched(lambda say: measure(plan, say), console)
    found = figures(measured)
    title = (
        f"{plan.companies:,} companies, {plan.database}; HubSpot {plan.hubspot_ms:.0f} ms a call, Salesforce {plan.salesforce_ms:.0f} ms"
    )
    report.show(f"{title}; load of the machine {load_before:.1f} before, {os.getloadavg()[0]:.1f} after", found, console)
    command = shlex.join(["python", "-m", "benchmarks.latency", *given])
    report.save(out, command, found, {"plan": vars(plan), **vars(measured)}, load_before)
    console.print(f"written: {out}\n", soft_wrap=True)


def _options(given: list[str]) -> dict[str, Any]:
    default = LatencyPlan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description="How near the worker comes to what a vendor allows.")
    parser.add_argument("--crm", nargs="+", choices=CRMS, default=default.crm)
    parser.add_argument("--database", choices=DATABASES, default=default.database)
    parser.add_argument("--companies", type=int, default=default.companies, help="of a first load, and at HubSpot of what follows")
    parser.add_argument("--patched", type=int, default=default.patched, help="companies of the patch-back at Salesforce")
    parser.add_argument("--deals", type=int, default=default.deals, help="new deals, each of another company")
    parser.add_argument("--hubspot-ms", type=float, default=default.hubspot_ms)
    parser.add_argument("--salesforce-ms", type=float, default=default.salesforce_ms)
    parser.add_argument("--parallel", type=int, nargs="+", default=default.parallel, help="calls at once at Salesforce, one run each")
    parser.add_argument("--hubspot-parallel", type=int, help="calls at once at HubSpot; without it what the code says")
    parser.add_argument("--no-webhooks", dest="webhooks", action="store_false", help="leave out webhooks while a first load runs")
    parser.add_argument("--out", type=Path, default=RESULTS / "latency.json", help="the result file")
    return vars(parser.parse_args(given))


if __name__ == "__main__":
    main()
