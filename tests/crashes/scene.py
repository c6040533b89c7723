"""The scene of one story: one portal, its vendor in memory, its receiver and its mail server, and a database that can be put back.

A scene is set once: the story's beginning is lived, and kept. Each run begins with a copy of what was kept, by a process that knows
nothing of the runs before.
"""

from __future__ import annotations

import random
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.domain.tell.delivery import ReceiverAnswer
from sync_worker.domain.tell.event import KINDS
from sync_worker.mapping.compile import CompiledMapping, compile_mapping
from sync_worker.mapping.load import LoadedMapping, load_for_portal
from sync_worker.receiver import Receiver
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.tenant import Tenant
from tests.crashes.databases import Database
from tests.crashes.story import Story
from tests.simulation import mailbox
from tests.simulation.fast.builder import FastSchema
from tests.simulation.fast.desks import FastDesk
from tests.simulation.fast.vendor import Vendor
from tests.simulation.gate import Gate
from tests.simulation.ledger import Ledger
from tests.simulation.mailbox import Mailbox
from tests.simulation.time import AtOnce, Time
from tests.simulation.world import DESKS, MAPPINGS, PORTAL, Worker, World, _cut_small

CALL_S = 0.2
BEGINS, ACTS = 1, 2  # seeds: no id of a beginning is made again
SECRETS = {"FEED_SECRET": "whsec_" + b64encode(bytes(range(32))).decode()}


@dataclass
class Outside:
    """What the portal's receiver has got. **Shapes** `events`: (id, kind, data)."""

    events: list[tuple[str, str, Any]] = field(default_factory=list)


@dataclass
class _GatedReceiver:
    gate: Gate
    outside: Outside
    url: str = "https://portal.example/events"

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> ReceiverAnswer:
        del at
        self.gate.pass_()
        self.outside.events.append((event_id, kind, data))
        self.gate.pass_()
        return ReceiverAnswer(200, "ok")


class Process(Worker):
    """One process of the product, with nothing in its memory."""

    def __init__(self, scene: Scene, gate: Gate) -> None:
        world = scene.world
        self.name, self.ahead_s, self.gate = "worker", 0.0, gate
        self.store = scene.database.process_store(world.time, gate)
        self.store._events = {PORTAL: frozenset(KINDS)} if world.portal.feed else {}
        crm = world.desk.gated(gate, lambda: CALL_S, world.services)
        admin = FastSchema(crm)  # type: ignore[arg-type]  # the vendor in memory
        ports = Ports(portal=world.portal, store=self.store, crm=crm, services=world.services, admin=lambda: admin)
        receiver = cast("Receiver", _GatedReceiver(gate, scene.outside)) if world.portal.feed else None
        self.tenant = Tenant(ports, grammar=world.grammar, receiver=receiver, post=mailbox.post(world.mailbox, gate))


@dataclass(frozen=True)
class Beginning:
    """What is put back before each run; the database keeps its own part."""

    vendor: Vendor
    ledger: Ledger
    now: datetime
    outside: Outside
    mailbox: Mailbox


@dataclass
class Scene:
    """One story's world. **Shapes** `outside`: what left it, of the run under way; letters are in the world's mailbox."""

    world: World
    database: Database
    outside: Outside = field(default_factory=Outside)

    @property
    def desk(self) -> FastDesk:
        assert isinstance(self.world.desk, FastDesk)
        return self.world.desk

    @property
    def tenant(self) -> Tenant:
        """The portal, in the process that is alive."""
        return self.world.workers[0].tenant

    def keep(self) -> Beginning:
        """How everything stands now."""
        self._close()
        self.database.keep()
        self._open()
        world = self.world
        return Beginning(self.desk.vendor.copied(), deepcopy(world.ledger), world.time.now, deepcopy(self.outside), deepcopy(world.mailbox))

    def put_back(self, beginning: Beginning) -> None:
        """Everything as it was kept."""
        self._close()
        self.database.put_back()
        self.desk.vendor, self.world.ledger = beginning.vendor.copied(), deepcopy(beginning.ledger)
        self.world.time.now, self.outside = beginning.now, deepcopy(beginning.outside)
        self.world.mailbox = deepcopy(beginning.mailbox)
        self.world.services = services_of(self.world.time, ACTS)
        self.world.trail.clear()
        self._open()

    def process(self, gate: Gate | None = None) -> Process:
        """A process that has just begun; the one before it is gone, with its connections."""
        for before in self.world.workers:
            before.close()
        begun = Process(self, gate or Gate(self.world.time))
        self.world.workers = [begun]
        return begun

    def _close(self) -> None:
        for process in self.world.workers:
            process.close()
        self.world.store.close()

    def _open(self) -> None:
        self.world.url = self.database.url
        self.world.store = self.database.store(self.world.time)
        self.world.workers = []
        self.process()


def services_of(time: Time, seed: int) -> Services:
    """Ids and chance, which begin anew with each run."""
    ids = random.Random(seed)
    return Services(
        clock=time.clock,
        new_id=lambda: str(uuid.UUID(int=ids.getrandbits(128), version=4)),
        random=random.Random(seed),
        monotonic=time.monotonic,
        sleep=time.sleep,
        beside=AtOnce,
    )


@contextmanager
def set_for(story: Story, crm: str, database: Database) -> Iterator[Scene]:
    """The scene of a story on one CRM, before its beginning."""
    make = DESKS[crm]
    setting = replace(story.setting, record=make.deal_records[0])
    with ExitStack() as stack:
        time = Time(0.0)
        services = services_of(time, BEGINS)
        desk = stack.enter_context(make.opened(1, time, services))
        assert isinstance(desk, FastDesk)
        _calm(desk)
        stack.enter_context(_cut_small(desk, setting))
        stack.enter_context(story.patched())
        text = _portal_file(make.portal_file(desk.url, setting), story.portal)
        portal, grammar = _read(text, tuple(sorted({**make.environ, **SECRETS}.items())))
        desk.mapping = _described(desk, portal, grammar)
        stack.enter_context(database.opened())
        store = database.store(time)
        world = World(1, random.Random(1), setting, time, services, portal, grammar, desk, database.url, store)
        scene = Scene(world, database)
        scene.process()
        try:
            yield scene
        finally:
            scene._close()


def _calm(desk: FastDesk) -> None:
    """Every partner is active, and may work with every distributor: a story says what goes wrong."""
    is_text = desk.ways.is_text
    status, listed = ("portal_status", "associated_second_partner") if is_text else ("Portal_Status__c", "Associated_Second_Partner__c")
    for row in desk.vendor.all(desk.company_native):
        row.fields |= {status: "active" if is_text else "Active"}
        if row.fields[listed]:
            row.fields[listed] = "Arrow;Bolt;Cascade"


@cache
def _read(text: str, environ: tuple[tuple[str, str], ...]) -> tuple[Portal, LoadedMapping]:
    """A portal file and its mapping, read once however many stories write the same."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / f"{PORTAL}.yaml"
        path.write_text(text)
        portal = load_portal(path, dict(environ))
        return portal, load_for_portal(portal, MAPPINGS)


def _portal_file(text: str, lines: Mapping[str, str]) -> str:
    """The file with these lines in place of those that begin with the same key."""
    kept = [line for line in text.splitlines() if line.partition(":")[0] not in lines]
    return "\n".join([*kept, *(f"{key}: {value}" for key, value in lines.items())])


def _described(desk: FastDesk, portal: Portal, grammar: LoadedMapping) -> CompiledMapping:
    """The mapping as people and rules read it; the processes ask the CRM for themselves."""
    catalogs = {record.native: desk.vendor.catalog(record.native) for record in compile_mapping(grammar, portal, {}).records.values()}
    return compile_mapping(grammar, portal, catalogs)
