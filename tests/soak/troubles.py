"""What befalls the machines: kills, stops, restarts, lost memory. Each trouble has a name, under which it is counted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sync_worker.steps.core.keeper import CLAIM_S
from tests.soak import partners
from tests.soak.machines import Database, Ours, Queue
from tests.soak.places import Place
from tests.soak.wire import ON_THE_WIRE, READ_FIRST, a_write, slow

STOPPED_S: Final = (CLAIM_S + 2, CLAIM_S + 12)  # past the claim
CAUGHT_WITHIN_S: Final = 8.0
READ_SHARE: Final = 0.3  # of the calls that a worker is caught in reads the record before a write
AWAY_S: Final = (0.0, 0.0, 1.0, 4.0)
A_WORKER: Final = "a worker is killed"
AT_A_CALL: Final = "a worker is killed while a slow call is under way"
STOPPED: Final = "a worker is stopped past its claim, and goes on"
CLOCK: Final = "a process begins with another clock"


@dataclass
class Machines:
    """All that runs, and what has befallen it."""

    database: Database
    queue: Queue
    ours: Mapping[str, Ours]
    happened: Counter[str]
    say: Callable[[str], None]
    kill_count: int = 0
    thaws: dict[str, float] = field(default_factory=dict)

    def start(self, dice: random.Random) -> None:
        for one in self.ours.values():
            self.begin(one, dice)

    def begin(self, one: Ours, dice: random.Random) -> None:
        one.start(dice)
        self.happened[CLOCK] += 1
        self.say(f"{one.name} starts, its clock {one.ahead_s} s ahead")

    def tend(self, dice: random.Random) -> None:
        """Those stopped long enough go on; those that have ended by themselves are started again, as a supervisor does."""
        for name, at_s in list(self.thaws.items()):
            if time.monotonic() >= at_s:
                self.thaw(name)
        for one in self.ours.values():
            if one.ended_with is not None:
                self.say(f"{one.name} has ended by itself with {one.ended_with}")
                self.begin(one, dice)

    def thaw(self, name: str) -> None:
        self.thaws.pop(name, None)
        self.ours[name].thaw()
        self.say(f"{name} goes on")

    def quiet(self, dice: random.Random) -> None:
        """No process is stopped any more, and everything runs."""
        for name in list(self.thaws):
            self.thaw(name)
        self.tend(dice)

    def end(self) -> None:
        for one in self.ours.values():
            one.kill()

    def kill(self, name: str, dice: random.Random) -> None:
        """kill -9, and another one in its place."""
        one = self.ours[name]
        self.thaws.pop(name, None)
        one.kill()
        self.kill_count += 1
        self.say(f"{name} is killed")
        self.begin(one, dice)


Trouble = Callable[[Machines, Sequence[Place], random.Random], str | None]
"""Does it. **Returns** what it is called where that is only known then; None: it did not happen."""


def _kills(kind: str) -> Trouble:
    def act(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
        machines.kill(dice.choice([name for name in machines.ours if name.startswith(kind)]), dice)
        return f"a {kind} is killed"

    return act


def _is_caught(places: Sequence[Place], dice: random.Random) -> bool:
    """Somebody edits a deal at one of the portals, whose calls are slow. Whether a worker is in the middle of one now."""
    place = dice.choice([place for place in places if place.is_open] or places)
    place.dice = dice
    before = len(place.remote.faults())
    if dice.random() < READ_SHARE:
        slow(place, READ_FIRST[place.desk.kind])
    else:
        slow(place, a_write(place), when=dice.choice(("before", "after_commit")))
    partners.changes(place)
    deadline_s = time.monotonic() + CAUGHT_WITHIN_S
    while time.monotonic() < deadline_s:
        time.sleep(0.05)
        if any(order["hits"] for order in place.remote.faults()[before:]):
            return True
    return False


def _kills_at_a_call(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
    """One of the workers dies while one of them is in the middle of a call."""
    is_caught = _is_caught(places, dice)
    machines.kill(dice.choice([name for name in machines.ours if name.startswith("worker")]), dice)
    return AT_A_CALL if is_caught else A_WORKER


def _stops(machines: Machines, places: Sequence[Place], dice: random.Random) -> str | None:
    """One of the workers is stopped while one of them is in the middle of a call. The other one goes on."""
    running = [name for name, one in machines.ours.items() if name.startswith("worker") and not one.is_frozen]
    if len(running) < 2:
        return None
    _is_caught(places, dice)
    name = dice.choice(running)
    machines.ours[name].freeze()
    machines.thaws[name] = time.monotonic() + dice.uniform(*STOPPED_S)
    machines.say(f"{name} is stopped")
    return STOPPED


def _restarts_database(how: str) -> Trouble:
    def act(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
        machines.say(f"PostgreSQL is stopped ({how})")
        machines.database.end("immediate" if how == "immediate" else "fast")
        time.sleep(dice.choice(AWAY_S))
        machines.database.start()
        machines.say("PostgreSQL is there again")
        return f"PostgreSQL is restarted ({how})"

    return act


def _restarts_queue(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
    machines.say("Redis is stopped")
    machines.queue.end()
    time.sleep(dice.choice(AWAY_S))
    machines.queue.start()
    return "Redis is restarted, and has forgotten everything"


def _flushes(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
    machines.queue.forget()
    machines.say("Redis is flushed")
    return "Redis is flushed (FLUSHALL)"


def _on_the_wire(machines: Machines, places: Sequence[Place], dice: random.Random) -> str:
    place = dice.choice(places)
    place.dice = dice
    words, order = dice.choice([one for one in ON_THE_WIRE if place.desk.kind == "hubspot" or "HubSpot" not in one[0]])
    order(place)
    place.say(f"fault: {words}")
    return words


TROUBLES: Final[tuple[tuple[int, str, Trouble], ...]] = (
    (5, A_WORKER, _kills("worker")),
    (6, AT_A_CALL, _kills_at_a_call),
    (2, "a schedule is killed", _kills("schedule")),
    (2, "a web is killed", _kills("web")),
    (2, STOPPED, _stops),
    (1, "PostgreSQL is restarted (fast)", _restarts_database("fast")),
    (1, "PostgreSQL is restarted (immediate)", _restarts_database("immediate")),
    (1, "Redis is restarted, and has forgotten everything", _restarts_queue),
    (1, "Redis is flushed (FLUSHALL)", _flushes),
)
ON_THE_WAY: Final = _on_the_wire


def every_trouble() -> list[str]:
    """All that a long soak must have met, by name."""
    return list(dict.fromkeys([*(words for _, words, _ in TROUBLES), CLOCK, *(words for words, _ in ON_THE_WIRE)]))
