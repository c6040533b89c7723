"""One seed from beginning to end: the first words of the ledger, what happens, rest, the rules."""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.actions import happens
from tests.simulation.people import enter_beginning
from tests.simulation.rest import Unsettled, settle
from tests.simulation.rules import broken
from tests.simulation.world import World, built

EVENT_COUNT = 110


@dataclass(frozen=True, slots=True)
class Report:
    """How a seed ended. **Shapes** `broken` empty = every rule holds; `trail`: what happened, a line an event."""

    crm: str
    seed: int
    broken: tuple[str, ...]
    trail: tuple[str, ...]

    def __str__(self) -> str:
        wrong = "\n".join(f"  {words}" for words in self.broken)
        return (
            f"seed {self.seed}: run it again with python -m tests.simulation --crm {self.crm} --seeds {self.seed}\n"
            + "\n".join(self.trail)
            + f"\nbroken:\n{wrong}"
        )


def simulate(crm: str, seed: int, *, event_count: int = EVENT_COUNT) -> Report:
    """Lives one seed. **Raises** whatever is not in our tree of errors, with the trail in its notes."""
    with built(crm, seed) as world:
        world.say(str(world.setting))
        try:
            _begin(world)
            for _ in range(event_count):
                happens(world)
            settle(world)
            wrong = broken(world)
        except Unsettled as error:
            wrong = [str(error)]
        except Exception as bug:
            bug.add_note("\n".join([f"{crm}, seed {seed}", *world.trail]))
            raise
        return Report(crm, seed, tuple(wrong), tuple(world.trail))


def _begin(world: World) -> None:
    for record in world.desk.deal_records:
        for native in world.records(record):
            enter_beginning(world, native)
