"""One seed from beginning to end: the first words of the ledger, what happens, rest, the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.simulation.actions import AWAY, happens, meanwhile, takes_over
from tests.simulation.further import happens_further
from tests.simulation.people import enter_beginning
from tests.simulation.rest import Unsettled, look, settle
from tests.simulation.rules import broken
from tests.simulation.world import FAST, World, built

EVENT_COUNT = 110  # where a seed costs seconds anyway
FAST_EVENT_COUNT = 25
REST, FIRST_LOAD = 0, -1  # the numbers whose dice the rest and the beginning have
LOADED_SHARE = 0.7  # of the seeds begins when the first load is over: what goes wrong in it has the others


@dataclass(frozen=True, slots=True)
class Story:
    """What is lived. **Shapes** `events`: their numbers, from 1 on."""

    crm: str
    seed: int
    events: tuple[int, ...]

    @classmethod
    def whole(cls, crm: str, seed: int, *, event_count: int | None = None) -> Story:
        usual = FAST_EVENT_COUNT if crm in FAST else EVENT_COUNT
        return cls(crm, seed, tuple(range(1, (event_count or usual) + 1)))

    @property
    def is_fast(self) -> bool:
        """Whether it is lived in memory, so that it can be lived again a hundred times."""
        return self.crm in FAST

    def __str__(self) -> str:
        only = ",".join(map(str, self.events))
        return f"seed {self.seed}: run it again with python -m tests.simulation --crm {self.crm} --seeds {self.seed} --only {only}"


@dataclass(frozen=True, slots=True)
class Report:
    """How a story ended. **Shapes** `broken` empty = every rule holds; `trail`: what happened, a line an event; `happened`: troubles."""

    story: Story
    broken: tuple[str, ...]
    trail: tuple[str, ...]
    happened: Mapping[str, int]

    def __str__(self) -> str:
        wrong = "\n".join(f"  {words}" for words in self.broken)
        return f"{self.story}\n" + "\n".join(self.trail) + f"\nbroken:\n{wrong}"


def simulate(story: Story) -> Report:
    """Lives one story. **Raises** whatever is not in our tree of errors, with the trail in its notes."""
    with built(story.crm, story.seed) as world:
        world.say(str(world.setting))
        try:
            _begin(world)
            world.begin_event(FIRST_LOAD)
            if world.dice.random() < LOADED_SHARE:
                look(world)
            world.others = lambda: meanwhile(world)()
            world.takes_over = lambda: takes_over(world)
            for no in story.events:
                world.begin_event(no)
                happens(world)
                happens_further(world)
            world.begin_event(REST)
            settle(world)
            wrong = broken(world)
        except Unsettled as error:
            wrong = [str(error)]
        except Exception as bug:
            bug.add_note("\n".join([str(story), *world.trail]))
            raise
        return Report(
            story,
            tuple(wrong),
            tuple(world.trail),
            world.happened + world.desk.troubles() + world.inbox.hits + world.mailbox.hits + Counter({AWAY: world.outage.hits}),
        )


def _begin(world: World) -> None:
    for record in world.desk.deal_records:
        for native in world.records(record):
            enter_beginning(world, native)
