"""One seed's world: a sandbox CRM, one database, two workers on it whose clocks are minutes apart, one clock that they share, and dice."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from crm_sandbox.remote import ControlError, Record, Remote
from sync_worker.config.portal import Portal
from sync_worker.config.portal_file import load_portal
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest import brake, cutting
from sync_worker.domain.tell.event import KINDS
from sync_worker.mapping.compile import CompiledMapping, RecordMap
from sync_worker.mapping.load import LoadedMapping, load_for_portal
from sync_worker.receiver import Receiver
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.keeper import Keeper
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest import ingest, lanes
from sync_worker.steps.sync.push import patch_back, push
from sync_worker.steps.tell import deliver
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import notices
from tests.simulation import mailbox, mappings, receiver
from tests.simulation.database import GatedOpenStore, OpenStore, emptied
from tests.simulation.desk import MODES, Desk, HttpDesk, Native
from tests.simulation.fast.desks import FastHubspotDesk, FastSalesforceDesk
from tests.simulation.gate import Gate, GatedStore, Outage
from tests.simulation.hubspot import HubspotDesk
from tests.simulation.ledger import Ledger
from tests.simulation.mailbox import Mailbox
from tests.simulation.receiver import GatedReceiver, Inbox
from tests.simulation.salesforce import SalesforceDesk
from tests.simulation.time import MOST_SKEW_S, AtOnce, Time

PORTAL = "acme"
NUMBERS_AN_EVENT = 100
HOT_COUNT = 4  # deals that people are at, of some twenty
DESKS: Mapping[str, type[Desk]] = {desk.name: desk for desk in (SalesforceDesk, HubspotDesk, FastSalesforceDesk, FastHubspotDesk)}
NOTICES_LOST = "webhooks are lost for a day"
FAST = (FastSalesforceDesk.name, FastHubspotDesk.name)
MAPPINGS = Path(__file__).parents[2] / "mappings"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a portal is set to, and how small everything is cut. **Shapes** counts: rows a page, records a commit, rows a claim;
    `few_count`: how many the brake always lets go. **Units** `daily`: calls that the portal may make, None = as many as it likes.
    `look_back_s`: how far each poll reaches back."""

    record: str
    from_crm: bool
    unassociated: str
    page_count: int
    chunk_count: int
    batch_count: int
    skew_s: float
    few_count: int
    daily: int | None = None
    has_webhooks: bool = False
    look_back_s: int = 900
    mode: str = "contracts"
    has_feed: bool = False
    has_mail: bool = False

    @property
    def lane_count(self) -> int:
        """How many lanes of a scan are read side by side."""
        return 2 + self.page_count % 2

    @property
    def deals(self) -> str:
        """As the portal file says it."""
        from_crm, approvals = str(self.from_crm).lower(), "[distributor, vendor]"
        rest = f"from_crm: {from_crm}, approvals: {approvals}, unassociated_second_partner: {self.unassociated}"
        return f"deals: {{record: {self.record}, {rest}}}"

    @classmethod
    def drawn(cls, dice: random.Random, records: tuple[str, ...]) -> Setting:
        is_cut_small = dice.random() < 0.6
        return cls(
            record=dice.choice(records),
            from_crm=dice.random() < 0.7,
            unassociated=dice.choice(("accept", "revert")),
            page_count=dice.randint(3, 12) if is_cut_small else 2000,
            chunk_count=dice.randint(2, 6) if is_cut_small else 500,
            batch_count=dice.randint(1, 4) if is_cut_small else 200,
            skew_s=round(dice.uniform(-MOST_SKEW_S, MOST_SKEW_S), 1),
            few_count=dice.choice((brake.FEW_COUNT, 1, 0)),
        )

    def limited(self, dice: random.Random) -> Setting:
        """The same portal with what a vendor in memory can tell: a budget, webhooks, and a short look-back."""
        return replace(
            self,
            daily=dice.choice((None, None, None, dice.randint(15, 45))),
            has_webhooks=dice.random() < 0.5,
            look_back_s=dice.choice((900, 900, 60)),
            mode=dice.choice(("contracts", "contracts", "rules")),
            has_feed=dice.random() < 0.5,
            has_mail=dice.random() < 0.5,
        )


class Worker:
    """One process: its store, its connection, its tenant. `gate` is where it can be hurt."""

    store: GatedStore

    def __init__(self, world: World, name: str, *, ahead_s: float) -> None:
        self.name = name
        self.ahead_s = ahead_s
        self.gate = Gate(world.time, world.outage)
        dice = random.Random(world.dice.random())
        services = replace(world.services, clock=world.time.clock_ahead(ahead_s), monotonic=self.gate.monotonic)
        self.store = GatedOpenStore(world.url, clock=services.clock, shared_clock=world.time.clock, gate=self.gate)
        crm = world.desk.gated(self.gate, lambda: dice.choice((0.05, 0.2, 0.2, 1.5)), services)
        way = None
        if world.setting.has_feed:
            self.store._events = {PORTAL: frozenset(KINDS)}
            way = cast("Receiver", GatedReceiver(world.inbox, self.gate))
        ports = Ports(portal=world.portal, store=self.store, crm=crm, services=services)
        post = mailbox.post(world.mailbox, self.gate) if world.setting.has_mail else None
        self.tenant = Tenant(ports, grammar=world.grammar, receiver=way, post=post)

    def close(self) -> None:
        self.store.close()


@dataclass
class World:
    """Everything of one seed.

    **Shapes** `more_dice`, `further_dice`: for what came to be drawn later: a story that was found before stays the same.
    `is_stamped_late`: stamps say nothing of an order any more; `was_too_late`: one lay farther back than a poll reaches.
    `happened`: how often each trouble came true; `calls_at_rest`: of the round that changed nothing; `most_calls_in_a_day`: by the vendor's
    count, before the rest; `waits_on`: no call was allowed a day later; `deaf_until`: no webhook arrives before.
    **Units** `precision_s`: edits of the two sides that are nearer to each other have no order.
    """

    seed: int
    dice: random.Random
    setting: Setting
    time: Time
    services: Services
    portal: Portal
    grammar: LoadedMapping
    desk: Desk
    url: str
    store: Store
    trail: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    busy: list[Worker] = field(default_factory=list)
    woken: list[FollowUp] = field(default_factory=list)
    inbox: Inbox = field(default_factory=Inbox)
    mailbox: Mailbox = field(default_factory=Mailbox)
    more_dice: random.Random = field(default_factory=lambda: random.Random(0))
    further_dice: random.Random = field(default_factory=lambda: random.Random(0))
    is_stamped_late: bool = False
    was_too_late: bool = False
    was_hidden: bool = False
    unseen: list[str] = field(default_factory=list)
    late_commits_from: datetime | None = None
    hot: list[str] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    happened: Counter[str] = field(default_factory=Counter)
    calls_at_rest: Mapping[str, int] = field(default_factory=dict)
    precision_s: float = 0
    most_calls_in_a_day: int = 0
    waits_on: bool = False
    deaf_until: datetime | None = None
    portals: Mapping[str, Portal] = field(default_factory=dict)
    outage: Outage = field(default_factory=Outage)
    others: Callable[[], None] = lambda: None
    takes_over: Callable[[], None] = lambda: None
    _next_number: int = 1

    def say(self, words: str) -> None:
        """One line of the trail."""
        self.trail.append(f"{self.time.monotonic():9.1f}  {words}")

    def begin_event(self, no: int) -> None:
        """Each event has dice and numbers of its own: what it draws is the same if others are left out."""
        self.dice = random.Random(f"event {no} of {self.seed} on {self.desk.name}")
        self.more_dice = random.Random(f"more of event {no} of {self.seed}")
        self.further_dice = random.Random(f"further of event {no} of {self.seed} on {self.desk.name}")
        self._next_number = no * NUMBERS_AN_EVENT + 1

    def number(self) -> int:
        """A number nobody has drawn before: values made of it are told apart."""
        self._next_number += 1
        return self._next_number

    @property
    def remote(self) -> Remote:
        """The sandbox's controls, where the CRM is one."""
        assert isinstance(self.desk, HttpDesk)
        return self.desk.remote

    @property
    def needs_comparison(self) -> bool:
        """Whether something became visible later than a poll reaches back."""
        return self.was_too_late or self.was_hidden

    def may_have_hidden_an_edit(self, crm_id: str) -> bool:
        """Where a person was at the record, a late write may have overwritten what was not read yet, or lost a field to an edit."""
        touched_at, since = self.ledger.touched_at.get(crm_id), self.late_commits_from
        return touched_at is not None and since is not None and touched_at >= since

    @property
    def mapping(self) -> CompiledMapping:
        return self.desk.mapping

    @cached_property
    def readable(self) -> tuple[str, ...]:
        """The records a pull reads."""
        return self.workers[0].tenant.readable_records()

    def stand_still(self, seconds: float) -> None:
        """One worker does; the others go on, and time does."""
        self.time.forward(seconds)
        self.say(f"  a worker stands still for {seconds} s")
        if len(self.busy) < len(self.workers):
            self.others()

    def be_overtaken(self, gate: Gate, seconds: float, *, asleep: bool) -> None:
        """The worker of this gate does nothing for so long, and another one does all there is to do. A sleeper's clock stands still."""
        self.time.forward(seconds)
        gate.slept_s += seconds if asleep else 0.0
        self.say(f"  a worker {'sleeps' if asleep else 'stands still'} for {seconds} s, and another one takes over")
        if len(self.busy) < len(self.workers):
            self.takes_over()

    def warm(self, deal_id: str) -> None:
        """Somebody was at this deal."""
        self.hot = [*[known for known in self.hot if known != deal_id], deal_id][-HOT_COUNT:]

    def restart(self, dead: Worker) -> None:
        """A process is started again, with the portal file of now: nothing of it is left but what the database holds."""
        dead.close()
        self.workers[self.workers.index(dead)] = Worker(self, dead.name, ahead_s=dead.ahead_s)

    def records(self, record: str) -> list[Native]:
        return self.desk.records(record)

    def live(self, record: str) -> list[Native]:
        """Records that people can still edit."""
        return [found for found in self.records(record) if found.is_live]

    def read(self, native: Native) -> Mapping[str, Any]:
        """A record's values as the mapping reads them; what it cannot read is absent."""
        return self.mapping.records[native.record].normalize(native.fields).values

    def typed(self, record: str, values: Mapping[str, Value]) -> Record:
        """Values as a person enters them in this CRM; those that the record has."""
        fields = self.mapping.records[record].fields
        return {fields[name].native: _json(fields[name].spell(value)) for name, value in values.items() if name in fields}

    def by_a_person(self, words: str, act: Callable[[], Any]) -> Any:
        """A person does something in the CRM; what the CRM forbids does not happen."""
        self.time.sync()
        try:
            done = act()
        except ControlError as refused:
            self.say(f"{words}: refused ({refused.status})")
            return None
        self.say(words)
        self._tell_of_news()
        return done if done is not None else True

    def _tell_of_news(self) -> None:
        """Webhooks, or their loss."""
        told = self.desk.news()
        news = {record: ids for record in self.readable if (ids := told.get(self.desk.native(record)))}
        if not self.setting.has_webhooks or not news:
            return
        if self.deaf_until and self.time.now < self.deaf_until:
            self.happened[NOTICES_LOST] += 1
            return
        with self.store.side_transaction(PORTAL) as tx:
            for record, ids in news.items():
                notices.add(tx, record, ids)

    def deal_of(self, native: Native) -> str:
        """Our id of the deal that lives in this record, known to us or not."""
        root = self.ledger.deal_by_record.get(native.id)
        return root or native.fields.get(self.record_map(native).key_field) or self.identity(native.record, native.id)

    def record_map(self, native: Native) -> RecordMap:
        return self.mapping.records[native.record]

    def identity(self, object_: str, crm_id: str) -> str:
        """Our id for a record that began in the CRM."""
        return self.workers[0].tenant.identity(object_, crm_id)


@contextmanager
def built(crm: str, seed: int) -> Iterator[World]:
    """A world, and its end."""
    dice, make = random.Random(seed), DESKS[crm]
    setting = Setting.drawn(dice, make.deal_records)
    if crm in FAST:
        setting = setting.limited(random.Random(f"limits of {seed}"))
    with ExitStack() as stack:
        time = Time(setting.skew_s)
        store = OpenStore(emptied(), clock=time.clock)
        services = _services(dice, time)
        desk = stack.enter_context(make.opened(seed, time, services))
        stack.enter_context(_cut_small(desk, setting))
        portals = {mode: _portal(make.portal_file(desk.url, replace(setting, mode=mode)), make) for mode in MODES}
        portal = portals[setting.mode]
        desk.mapping = _mapping(desk, portal)
        world = World(seed, dice, setting, time, services, portal, _grammar(make), desk, store.url, store)
        world.portals = portals
        clocks = random.Random(f"clocks of {seed}")
        world.workers = [Worker(world, name, ahead_s=clocks.uniform(-MOST_SKEW_S, MOST_SKEW_S)) for name in ("one", "two")]
        try:
            yield world
        finally:
            for worker in world.workers:
                worker.close()


def _mapping(desk: Desk, portal: Portal) -> CompiledMapping:
    """The mapping as the checks read it; the workers ask the CRM for themselves."""
    grammar, crm = _grammar(type(desk)), desk.connection()
    natives = {record.native for record in mappings.compiled(grammar, portal, {}).records.values()}
    return mappings.compiled(grammar, portal, {native: crm.describe(native) for native in sorted(natives)})


def _json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _services(dice: random.Random, time: Time) -> Services:
    ids = random.Random(dice.random())
    return Services(
        clock=time.clock,
        new_id=lambda: str(uuid.UUID(int=ids.getrandbits(128), version=4)),
        random=random.Random(dice.random()),
        monotonic=time.monotonic,
        sleep=time.sleep,
        beside=AtOnce,
    )


@cache
def _portal(text: str, desk: type[Desk]) -> Portal:
    """Read once: there are no more portal files than there are ways to set one up."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / f"{PORTAL}.yaml"
        path.write_text(text)
        return load_portal(path, {**desk.environ, **receiver.ENVIRON})


@cache
def _grammar(desk: type[Desk]) -> LoadedMapping:
    """The shipped mapping; no setting of ours changes it."""
    setting = Setting(desk.deal_records[0], True, "accept", 0, 0, 0, 0, 0)
    return load_for_portal(_portal(desk.portal_file("http://127.0.0.1:1", setting), desk), MAPPINGS)


@contextmanager
def _cut_small(desk: Desk, setting: Setting) -> Iterator[None]:
    """Small pages, commits, claims and calls: with thirty companies nothing would ever be the second one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest, "CHUNK_COUNT", setting.chunk_count)
        patch.setattr(push, "BATCH_COUNT", setting.batch_count)
        patch.setattr(patch_back, "BATCH_COUNT", setting.batch_count)
        patch.setattr(cutting, "LEAST_PAGES", 1)
        patch.setattr(brake, "FEW_COUNT", setting.few_count)
        patch.setattr(lanes, "lane_count", lambda _tenant: setting.lane_count)
        patch.setattr(Keeper, "__enter__", lambda keeper: keeper)  # its ten seconds never pass: the seed's clock is not the machine's
        patch.setattr(Keeper, "__exit__", lambda *_: None)
        patch.setattr(deliver, "ThreadPoolExecutor", lambda *_, **__: AtOnce())
        mappings.share(patch)
        desk.watch.keep(patch)
        desk.cut_small(patch, setting)
        yield
