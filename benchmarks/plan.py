"""What is measured, in which order. The sandbox is its own process, every measurement another; this one only waits.

rounds ×    the floor, then a first load into a fresh database       side by side, so that a busy machine slows both
once        a first load of few records                              does memory grow with the count?
once        pull companies, patch back, pull deals, push their states, the poll that sees our own writes, a poll with nothing new
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sync_worker.sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_process
from sync_worker.sandbox.remote import Remote

ROOT = Path(__file__).parent.parent

LOOK_BACK_S = 2000  # past the look-back of the portal (900 s), so that a poll sees what is new since the last one, and only that

Say = Callable[[str, int, int], None]
"""Called with (what is under way, records so far, records in all or 0)."""
Figures = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How large, how often."""

    companies: int = 100_000
    opportunities: int = 20_000
    few_companies: int = 10_000
    rounds: int = 3

    @property
    def few(self) -> Plan | None:
        """The same with few records, None where the whole is no larger."""
        if self.companies <= self.few_companies:
            return None
        return Plan(self.few_companies, self.opportunities * self.few_companies // self.companies, self.few_companies, 1)


@dataclass
class Measured:
    """Everything that was measured, raw. **Shapes** `floors` and `loads`: one a round, in pairs."""

    floors: list[Figures] = field(default_factory=list)
    loads: list[Figures] = field(default_factory=list)
    few: Figures = field(default_factory=dict)
    story: dict[str, Figures] = field(default_factory=dict)


STORY = (  # (name, seconds the sandbox's clock moves first, verbs)
    ("pull companies", 0, ["pull company"]),
    ("patch back", 0, ["push"]),
    ("pull deals", 0, ["pull opportunity"]),
    ("push deals", 0, ["push"]),
    ("echo poll", LOOK_BACK_S, ["poll"]),
    ("nothing changed", LOOK_BACK_S, ["poll"]),
)
FIRST_LOAD = ["pull company", "pull opportunity"]


def measure(plan: Plan, say: Say) -> Measured:
    """Carries the plan out."""
    found = Measured()
    if plan.few:
        with _bench(plan.few, say) as bench:
            found.few = bench.ours(f"first load of {plan.few.companies:,}", FIRST_LOAD)
    with _bench(plan, say) as bench:
        queries = bench.queries()
        for number in range(1, plan.rounds + 1):
            found.floors.append(bench.floor(f"floor {number}/{plan.rounds}", queries))
            found.loads.append(bench.ours(f"first load {number}/{plan.rounds}", FIRST_LOAD))
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for name, moved_s, verbs in STORY:
                bench.advance_clock(moved_s)
                found.story[name] = bench.ours(name, verbs, Path(folder))
    return found


@contextmanager
def _bench(plan: Plan, say: Say) -> Iterator[_Bench]:
    options = SalesforceOptions(
        companies=plan.companies,
        opportunities=plan.opportunities,
        leads=0,
        every_company_active=True,
        every_opportunity_has_partner=True,
    )
    say(f"seeding {plan.companies:,} accounts", 0, 0)
    with ExitStack() as stack:
        base_url = stack.enter_context(serve_process(options))
        yield _Bench(base_url, stack.enter_context(Remote(base_url)), say)


class _Bench:
    """One sandbox, and orders for measurements on it."""

    def __init__(self, base_url: str, remote: Remote, say: Say) -> None:
        self._base_url = base_url
        self._remote = remote
        self._say = say

    def advance_clock(self, seconds: int) -> None:
        self._remote.advance_clock(seconds)

    def queries(self) -> list[Any]:
        return list(self._ordered("asking for the fields", {"what": "queries"}, None)["queries"])

    def floor(self, name: str, queries: list[Any]) -> Figures:
        client = [SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET]
        return self._ordered(name, {"what": "floor", "client": client, "queries": queries}, None)

    def ours(self, name: str, verbs: list[str], folder: Path | None = None) -> Figures:
        return self._ordered(name, {"what": "ours", "verbs": verbs}, folder)

    def _ordered(self, name: str, order: dict[str, Any], folder: Path | None) -> Figures:
        self._say(name, 0, 0)
        with ExitStack() as stack:
            place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            return _child({**order, "base_url": self._base_url, "folder": str(place)}, lambda done, all_: self._say(name, done, all_))


def _child(order: dict[str, Any], on_progress: Callable[[int, int], None]) -> Figures:
    """Runs one measurement in a fresh interpreter. **Raises** RuntimeError with what it said when it failed."""
    command = [sys.executable, "-m", "benchmarks.child", json.dumps(order)]
    said: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stdout is not None
        for line in child.stderr:
            if line.startswith("progress "):
                _, so_far, total = line.split()
                on_progress(int(so_far), int(total))
            else:
                said.append(line)
        answer = child.stdout.read()
    if child.returncode:
        raise RuntimeError(f"the measurement {order['what']} failed:\n{''.join(said)}")
    figures: Figures = json.loads(answer)
    return {**figures, "said": "".join(said)} if said else figures


def as_json(plan: Plan, measured: Measured) -> dict[str, Any]:
    """Everything raw, for the result file."""
    return {"plan": asdict(plan), **asdict(measured)}
