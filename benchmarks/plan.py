"""What is measured, in which order. A new measurement is a `Step` of `STORY`; what is shown of it is said in gauges.py.

load    rounds × the floor, then a first load into a fresh database       side by side, so that a busy machine slows both
        once the vendor's client, which only lists (HubSpot)              do we cost more than fetching alone?
        once the rows of a load alone, into an empty database (SQLite)    what do our tables cost by themselves?
        once a first load of few records                                  does memory grow with the count?
story   once, one step after the other on one database                    STORY
        with the vendor's limits on, where they are known                 how near do we come to them, and is anything refused?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from benchmarks.bench import SETTLED_S, Bench, Figures, How, Say, bench
from benchmarks.crms import CRMS, Crm
from benchmarks.databases import DATABASES, Fresh

CHANGED = 1000  # records changed at once, on either side
CHANGED_COMPANIES = 600  # of them, in the CRM: whole pages of a search that gives 200
LOOK_BACK_S = 2000  # past the look-back of the portal (900 s), so that a poll sees what is new since the last one, and only that

Part = Literal["load", "story"]


@dataclass(frozen=True)
class Step:
    """One measurement of the story.

    **Shapes** `verbs`: those of work.py; before them the CRM's clock moves, so that what the step before used of a limit is over, and
    people change so many companies and deals.
    """

    name: str
    verbs: tuple[str, ...]
    moved_s: int = SETTLED_S
    changed: tuple[int, int] = (0, 0)


FIRST_LOAD = ("pull companies", "pull deals")
SETTING_UP = (
    Step("pull companies", ("pull companies",)),
    Step("patch back", ("push",)),
    Step("pull deals", ("pull deals",)),
    Step("push deals", ("push",)),
)
STORY = (
    *SETTING_UP,
    Step("echo poll", ("poll",), moved_s=LOOK_BACK_S),
    Step("changes read", ("poll",), moved_s=LOOK_BACK_S, changed=(CHANGED_COMPANIES, CHANGED - CHANGED_COMPANIES)),
    Step("what follows", ("push",)),
    Step("changes seen again", ("poll",), moved_s=LOOK_BACK_S),
    Step("nothing changed", ("poll",), moved_s=LOOK_BACK_S),
    Step("deals edited", (f"edit {CHANGED}",)),
    Step("edits pushed", ("push",)),
    Step("no-op saves", (f"save {CHANGED}",)),
    Step("no-op saves pushed", ("push",)),
    Step("deals made", (f"make {CHANGED}",)),
    Step("made deals pushed", ("push",)),
)


@dataclass(frozen=True)
class Plan:
    """Which CRM, which database, how large, how often."""

    crm: str = "salesforce"
    database: str = "sqlite"
    companies: int = 100_000
    deals: int = 20_000
    few_companies: int = 10_000
    rounds: int = 3
    parts: tuple[Part, ...] = ("load", "story")

    @property
    def of(self) -> Crm:
        return CRMS[self.crm]

    @property
    def few(self) -> Plan | None:
        """The same with few records, None where the whole is no larger."""
        if self.companies <= self.few_companies:
            return None
        return replace(self, companies=self.few_companies, deals=self.deals * self.few_companies // self.companies)


@dataclass
class Measured:
    """Everything that was measured, raw. **Shapes** `floors` and `loads`: one a round, in pairs; what was not asked for is empty."""

    floors: list[Figures] = field(default_factory=list)
    loads: list[Figures] = field(default_factory=list)
    rows: Figures = field(default_factory=dict)
    vendor_client: Figures = field(default_factory=dict)
    few: Figures = field(default_factory=dict)
    story: dict[str, Figures] = field(default_factory=dict)


def measure(plan: Plan, say: Say) -> Measured:
    """Carries the plan out."""
    found = Measured()
    with DATABASES[plan.database]() as fresh:
        if "load" in plan.parts:
            _load(plan, fresh, say, found)
        if "story" in plan.parts:
            with bench(plan.of, plan.companies, plan.deals, fresh, say) as there:
                there.enforce_limits()
                found.story = _told(there, STORY, "ours")
    return found


def profile(plan: Plan, say: Say) -> Measured:
    """One floor, and the story's setting up with samples of where its CPU goes."""
    found = Measured()
    with DATABASES[plan.database]() as fresh:
        with bench(plan.of, plan.companies, plan.deals, fresh, say) as there:
            found.floors.append(there.floor("floor", there.queries()))
            found.story = _told(there, SETTING_UP, "profile")
    return found


def _load(plan: Plan, fresh: Fresh, say: Say, found: Measured) -> None:
    if few := plan.few:
        with bench(few.of, few.companies, few.deals, fresh, say) as there:
            found.few = there.first(f"first load of {few.companies:,}", FIRST_LOAD)
    with bench(plan.of, plan.companies, plan.deals, fresh, say) as there:
        queries = there.queries()
        for number in range(1, plan.rounds + 1):
            found.floors.append(there.floor(f"floor {number}/{plan.rounds}", queries))
            with there.place() as loaded:
                found.loads.append(there.ours(f"first load {number}/{plan.rounds}", FIRST_LOAD, loaded))
                if plan.database == "sqlite" and number == plan.rounds:
                    found.rows = there.rows(loaded, plan.companies)
        if plan.of.has_vendor_client:
            found.vendor_client = there.vendor_client(queries)


def _told(there: Bench, steps: Sequence[Step], how: How) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    with there.place() as place:
        for step in steps:
            there.advance_clock(step.moved_s)
            if any(step.changed):
                there.change(*step.changed)
            found[step.name] = there.ours(step.name, step.verbs, place, how)
    return found


def as_json(plan: Plan, measured: Measured) -> dict[str, Any]:
    """Everything raw, for the result file."""
    return {"plan": asdict(plan), **asdict(measured)}
