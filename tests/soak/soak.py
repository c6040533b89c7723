"""One soak from beginning to end: everything starts, people and trouble, rest, the rules.

The seed decides what is tried when. What comes of it also depends on the machine: real processes are not told when to do what.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crm_sandbox.hubspot.remote import HubspotRemote
from sync_worker.errors import StoreDown
from sync_worker.steps.core.brake import CODE as HELD
from sync_worker.steps.operate.intervene import release
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter
from tests.patience import until
from tests.servers import free_port
from tests.simulation.people import enter_beginning
from tests.soak import machines as servers
from tests.soak import partners
from tests.soak.machines import Ours
from tests.soak.places import DESKS, ENVIRON, MODES, Place, opened
from tests.soak.staff import BY_STAFF
from tests.soak.troubles import ON_THE_WAY, TROUBLES, Machines

PEOPLE: Final = (*BY_STAFF, *partners.BY_PARTNERS)
EVERY_PORTAL: Final = tuple((crm, mode) for crm in DESKS for mode in MODES)
PERSON_S: Final = 0.7  # on average between two things that people do
TROUBLE_S: Final = (2.0, 8.0)
WIRE_S: Final = (1.0, 6.0)
TELL_S: Final = (0.5, 4.0)
AGAIN_S: Final = 1.0  # until a request without an answer is made again
RELEASED: Final = "the brake holds, and an operator lets it pass"
TOLD: Final = "webhooks are delivered"
TOLD_TWICE: Final = "webhooks are delivered twice and out of order"
UNTOLD: Final = "webhooks are not delivered"


@dataclass(frozen=True)
class Plan:
    """What is to be done. **Shapes** `minutes`: of trouble, before the rest; `portals`: CRM and mode; `processes`: kind → how many."""

    minutes: float = 5
    seed: int = 7
    portals: tuple[tuple[str, str], ...] = EVERY_PORTAL
    pace: float = 1.0
    is_troubled: Callable[[str], bool] = lambda _words: True
    processes: tuple[tuple[str, int], ...] = (("web", 1), ("schedule", 2), ("worker", 2))
    folder: Path = Path(".run/soak")

    @property
    def loads_first(self) -> bool:
        """Whether trouble begins when the first load is over: with every second seed. The others have it in their first load."""
        return bool(self.seed % 2)


@dataclass
class Soak:
    """Everything of one soak."""

    plan: Plan
    folder: Path
    places: Sequence[Place]
    machines: Machines
    happened: Counter[str]
    trail: list[str]
    event_count: int = 0
    _last_errands_s: float = field(default=0)

    def say(self, words: str) -> None:
        self.trail.append(words)

    def dice(self) -> random.Random:
        """Each event has its own."""
        self.event_count += 1
        return random.Random(f"event {self.event_count} of {self.plan.seed}")

    def act(self) -> None:
        """One person does one thing at one portal."""
        self.event_count += 1
        place = random.Random(f"place of {self.event_count} of {self.plan.seed}").choice(self.places)
        place.begin_event(self.event_count)
        _, words, action = place.dice.choices(PEOPLE, [weight for weight, _, _ in PEOPLE])[0]
        is_partner = any(action is known for _, _, known in partners.BY_PARTNERS)
        if is_partner and not partners.begin(place):
            return
        action(place)
        self.happened[words] += 1

    def hurt(self) -> None:
        """One trouble of the machines."""
        dice = self.dice()
        allowed = [one for one in TROUBLES if self.plan.is_troubled(one[1])]
        if allowed:
            _, _, trouble = dice.choices(allowed, [weight for weight, _, _ in allowed])[0]
            if words := trouble(self.machines, self.places, dice):
                self.happened[words] += 1

    def disturb(self) -> None:
        """One trouble on the wire."""
        if words := ON_THE_WAY(self.machines, self.places, self.dice()):
            self.happened[words] += 1

    def tell(self) -> None:
        """A CRM tells of what has changed: once, twice, or not now."""
        dice = self.dice()
        place = dice.choice(self.places)
        words = dice.choice((TOLD, TOLD, TOLD_TWICE, UNTOLD))
        if words != UNTOLD and not self.machines.ours["web-1"].is_frozen:
            deliver(place, is_twice=words == TOLD_TWICE)
        elif isinstance(place.remote, HubspotRemote):
            place.remote.lose_webhooks(0)
        self.happened[words] += 1

    def tend(self) -> None:
        """What must go on whatever happens: processes, unanswered requests, what an operator has to look at."""
        self.machines.tend(self.dice_of_life)
        if time.monotonic() - self._last_errands_s < AGAIN_S:
            return
        self._last_errands_s = time.monotonic()
        for place in self.places:
            place.look_for_late_writes()
            partners.run_errands(place)
            releases(place)

    @property
    def dice_of_life(self) -> random.Random:
        """For processes that end by themselves: the seed does not know when."""
        return random.Random(f"{self.plan.seed} {time.monotonic()}")


def deliver(place: Place, *, is_twice: bool = False) -> None:
    """What waits is sent."""
    wish = {"repeat": 2, "shuffle": True} if is_twice else {}
    path = "webhooks/deliver" if place.desk.kind == "hubspot" else "outbound_messages/deliver"
    place.remote._object("POST", path, {"force": True, **wish})


def releases(place: Place) -> None:
    """An operator has looked at what the brake holds, and lets it pass."""
    with place.store.reading(place.portal.name) as tx:
        held = failures.listed(tx, FailureFilter(code=HELD))
    for row in held:
        place.say(f"operator: release {row.failure.name}: {row.failure.message[:100]}")
        release(place.tenant, row, actor="Olga", reason="it is meant")
        place.happened[RELEASED] += 1


@contextmanager
def built(plan: Plan) -> Iterator[Soak]:
    """Everything, and its end: no process and no server outlives it."""
    folder = (plan.folder / f"seed-{plan.seed}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        log.unlink()
    with ExitStack() as stack:
        database, queue = stack.enter_context(servers.database()), stack.enter_context(servers.queue())
        port, happened, trail, began_s = free_port(), Counter[str](), list[str](), time.monotonic()
        env = servers.environment(database.url, queue.url, folder, ENVIRON)
        ours = {
            f"{kind}-{no}": Ours(f"{kind}-{no}", _words(kind, port), env, folder / f"{kind}-{no}.log")
            for kind, count in plan.processes
            for no in range(1, count + 1)
        }

        def say(words: str) -> None:
            trail.append(f"{time.monotonic() - began_s:9.1f}  {words}")

        web_url = f"http://127.0.0.1:{port}"
        places = [stack.enter_context(opened(crm, mode, plan.seed, database.url, web_url, folder)) for crm, mode in plan.portals]
        for place in places:
            place.happened, place.trail = happened, _Told(place.label, say)
            for record in place.desk.deal_records:
                for native in place.records(record):
                    enter_beginning(place, native)
        machines = Machines(database, queue, ours, happened, say)
        stack.callback(machines.end)
        yield Soak(plan, folder, places, machines, happened, trail)


class _Told(list[str]):
    """One portal's trail is a part of the soak's."""

    def __init__(self, label: str, say: Callable[[str], None]) -> None:
        super().__init__()
        self._label, self._say = label, say

    def append(self, line: str) -> None:
        self._say(f"{self._label}: {line.lstrip().partition('  ')[2]}")


def _words(kind: str, port: int) -> tuple[str, ...]:
    return (kind, "--port", str(port)) if kind == "web" else (kind,)


def live(soak: Soak, tick: Callable[[float], None]) -> None:
    """People and trouble for so many minutes. **Shapes** `tick`: told the share of them that has passed."""
    times = random.Random(f"times of {soak.plan.seed}")
    soak.machines.start(soak.dice())
    if soak.plan.loads_first:
        until(lambda: all(map(partners.begin, soak.places)), what="every portal knows its vendor", every_s=0.5)
    pace, length_s, began_s = soak.plan.pace, soak.plan.minutes * 60, time.monotonic()
    series: list[tuple[Callable[[], None], Callable[[], float]]] = [
        (soak.act, lambda: times.expovariate(1 / PERSON_S)),
        (soak.hurt, lambda: times.uniform(*TROUBLE_S) / pace),
        (soak.disturb, lambda: times.uniform(*WIRE_S) / pace),
        (soak.tell, lambda: times.uniform(*TELL_S)),
    ]
    due = [wait() for _, wait in series]
    while (passed_s := time.monotonic() - began_s) < length_s:
        for no, (action, wait) in enumerate(series):
            if due[no] <= passed_s:
                due[no] = max(due[no], passed_s - 5) + wait()
                patiently(action)
        patiently(soak.tend)
        tick(passed_s / length_s)
        time.sleep(0.02)


def patiently(action: Callable[[], None]) -> None:
    """Where the database is just out of reach, this is left for the next time."""
    try:
        action()
    except StoreDown:
        time.sleep(0.2)
