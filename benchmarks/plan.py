"""What is measured, in which order. A new measurement is a `Step` of `STORY`; what is shown of it is said in figures.py.

load    rounds × the floor, then a first load into a fresh database       side by side, so that a busy machine slows both
        once a first load of few records                                  does memory grow with the count?
story   once, one step after the other on one database                    STORY
limited once, where a vendor's limits are known: with those limits on     LIMITED
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from benchmarks.bench import Bench, Figures, How, Say, bench
from benchmarks.crms import CRMS, Crm
from benchmarks.databases import DATABASES, Fresh

CHANGED = 1000  # records changed at once, on either side
CHANGED_COMPANIES = 600  # of them, in the CRM: whole pages of a search that gives 200
LIMITED_COMPANIES, LIMITED_CHANGES = 62_000, 32_000  # half a minute and more at 190 calls in ten seconds, and at five searches a second
LOOK_BACK_S = 2000  # past the look-back of the portal (900 s), so that a poll sees what is new since the last one, and only that

Part = Literal["load", "story", "limited"]


@dataclass(frozen=True)
class Step:
    """One measurement of a story.

    **Shapes** `verbs`: those of work.py; before them the CRM's clock moves, and people change so many companies and deals, or an admin
    so many companies at one stroke.
    """

    name: str
    verbs: tuple[str, ...]
    moved_s: int = 0
    changed: tuple[int, int] = (0, 0)
    bulk_edited: int = 0


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
LIMITED = (
    Step("load at the limit", ("pull companies",)),
    Step("poll at the limit", ("pull companies",), moved_s=LOOK_BACK_S, bulk_edited=LIMITED_CHANGES),
    Step("patch back at the limit", ("push",)),
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
    parts: tuple[Part, ...] = ("load", "story", "limited")

    @property
    def of(self) -> Crm:
        return CRMS[self.crm]

    @property
    def few(self) -> Plan | None:
        """The same with few records, None where the whole is no larger."""
        if self.companies <= self.few_companies:
            return None
        return replace(self, companies=self.few_companies, deals=self.deals * self.few_companies // self.companies)

    @property
    def limited(self) -> Plan | None:
        """The same with as many companies as fill the vendor's limits for a while, None where it has none."""
        return replace(self, companies=min(self.companies, LIMITED_COMPANIES), deals=0) if self.of.limits else None


@dataclass
class Measured:
    """Everything that was measured, raw. **Shapes** `floors` and `loads`: one a round, in pairs; what was not asked for is empty."""

    floors: list[Figures] = field(default_factory=list)
    loads: list[Figures] = field(default_factory=list)
    few: Figures = field(default_factory=dict)
    story: dict[str, Figures] = field(default_factory=dict)
    limited: dict[str, Figures] = field(default_factory=dict)


def measure(plan: Plan, say: Say) -> Measured:
    """Carries the plan out."""
    found = Measured()
    with DATABASES[plan.database]() as fresh:
        if "load" in plan.parts:
            _load(plan, fresh, say, found)
        if "story" in plan.parts:
            with bench(plan.of, plan.companies, plan.deals, fresh, say) as there:
                found.story = _told(there, STORY, "ours")
        if "limited" in plan.parts and (limited := plan.limited):
            with bench(limited.of, limited.companies, limited.deals, fresh, say) as there:
                there.enforce_limits()
                found.limited = _told(there, LIMITED, "ours")
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
            found.loads.append(there.first(f"first load {number}/{plan.rounds}", FIRST_LOAD))


def _told(there: Bench, steps: Sequence[Step], how: How) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    with there.place() as place:
        for step in steps:
            there.advance_clock(step.moved_s)
            if any(step.changed):
                there.change(*step.changed)
            if step.bulk_edited:
                there.bulk_edit(step.bulk_edited)
            found[step.name] = there.ours(step.name, step.verbs, place, how)
    return found


def as_json(plan: Plan, measured: Measured) -> dict[str, Any]:
    """Everything raw, for the result file."""
    return {"plan": asdict(plan), **asdict(measured)}
