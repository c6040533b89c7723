"""One seed's world: a sandbox org, one database, two workers on it, one clock for all, and the dice."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sync_worker.crm.faults import Patience
from sync_worker.crm.salesforce import writer
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.session import Credentials, Tokens
from sync_worker.mapping.compile import CompiledMapping, compile_mapping
from sync_worker.mapping.load import LoadedMapping, load_for_portal
from sync_worker.portal import Portal, load_portal
from sync_worker.sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import ControlError, Record, Remote
from sync_worker.sandbox.salesforce import queries
from sync_worker.services import Services
from sync_worker.steps import ingest, patch_back, push
from sync_worker.steps.tenant import COMPANY, Tenant, Wake
from sync_worker.store.engine import Store
from tests.servers import sqlite_store
from tests.simulation.gate import Gate, GatedCrm, GatedStore
from tests.simulation.ledger import Ledger
from tests.simulation.time import MOST_SKEW_S, START_AT, AtOnce, Time

PORTAL = "acme"
HOT_COUNT = 4  # deals that people are at, of some twenty
NATIVES = {"company": "Account", "lead": "Lead", "opportunity": "Opportunity"}
MAPPINGS = Path(__file__).parents[2] / "mappings"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a portal is set to, and how small everything is cut. **Shapes** counts: rows a page, records a commit, rows a claim."""

    record: str
    from_crm: bool
    unassociated: str
    page_count: int
    chunk_count: int
    batch_count: int
    skew_s: float

    @property
    def readable(self) -> tuple[str, ...]:
        """The records a pull reads."""
        deals = ("lead", "opportunity") if self.from_crm or self.record == "lead" else ("opportunity",)
        return (COMPANY, *deals)

    @classmethod
    def drawn(cls, dice: random.Random) -> Setting:
        is_cut_small = dice.random() < 0.6
        return cls(
            record=dice.choice(("lead", "opportunity")),
            from_crm=dice.random() < 0.7,
            unassociated=dice.choice(("accept", "revert")),
            page_count=dice.randint(3, 12) if is_cut_small else 2000,
            chunk_count=dice.randint(2, 6) if is_cut_small else 500,
            batch_count=dice.randint(1, 4) if is_cut_small else 200,
            skew_s=round(dice.uniform(-MOST_SKEW_S, MOST_SKEW_S), 1),
        )


class Worker:
    """One process: its store, its connection, its tenant. `gate` is where it can be hurt."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.gate = Gate(world.time)
        self._world = world
        dice = random.Random(world.dice.random())
        self.store = GatedStore(world.url, clock=world.time.clock, gate=self.gate)
        patience = Patience()
        tokens = Tokens(world.credentials, world.services, patience)
        crm = GatedCrm(world.credentials, tokens, assigns_on_create=False, services=world.services, patience=patience)
        crm = crm.gated(self.gate, lambda: dice.choice((0.05, 0.2, 0.2, 1.5)))
        self.tenant = Tenant(world.portal, grammar=world.grammar, store=self.store, crm=crm, services=world.services)

    def close(self) -> None:
        self.store.close()


@dataclass
class World:
    """Everything of one seed."""

    seed: int
    dice: random.Random
    setting: Setting
    time: Time
    services: Services
    portal: Portal
    grammar: LoadedMapping
    credentials: Credentials
    remote: Remote
    url: str
    store: Store
    mapping: CompiledMapping
    trail: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    busy: list[Worker] = field(default_factory=list)
    woken: list[Wake] = field(default_factory=list)
    is_stamped_late: bool = False
    hot: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))
    ledger: Ledger = field(default_factory=Ledger)

    def say(self, words: str) -> None:
        """One line of the trail."""
        self.trail.append(f"{self.time.monotonic():9.1f}  {words}")

    def number(self) -> int:
        """A number nobody has drawn before: values made of it are told apart."""
        return next(self._numbers)

    @cached_property
    def integration_user(self) -> str:
        """Who the workers are in the CRM."""
        return str(next(user["Id"] for user in self.remote.records("User") if user["FirstName"] == "Portal"))

    def setting_at_rest(self) -> None:
        """From now on pages are as long as the vendor makes them; calls are counted."""
        queries.PAGE_SIZE = 2000

    def warm(self, deal_id: str) -> None:
        """Somebody was at this deal."""
        self.hot = [*[known for known in self.hot if known != deal_id], deal_id][-HOT_COUNT:]

    def killed(self, dead: Worker) -> None:
        """A process that was killed is started again: nothing of it is left but what the database holds."""
        dead.close()
        self.workers[self.workers.index(dead)] = Worker(self, dead.name)

    def records(self, record: str) -> list[Record]:
        return self.remote.records(NATIVES[record])

    def live(self, record: str) -> list[Record]:
        """Records that people can still edit."""
        return [found for found in self.records(record) if not found["IsDeleted"] and not found.get("IsConverted")]

    def read(self, record: str, native: Record) -> Mapping[str, Any]:
        """A record's values as the mapping reads them; what it cannot read is absent."""
        return self.mapping.records[record].normalize(native).values

    def by_a_person(self, words: str, act: Callable[[], Any]) -> Any:
        """A person does something in the CRM; what the CRM forbids does not happen."""
        self.time.sync()
        try:
            done = act()
        except ControlError as refused:
            self.say(f"{words}: refused ({refused.status})")
            return None
        self.say(words)
        return done if done is not None else True

    def deal_of(self, record: str, native: Record) -> str:
        """Our id of the deal that lives in this record, known to us or not."""
        root = self.ledger.deal_by_record.get(native["Id"])
        return root or native.get("Portal_Deal_Key__c") or self.identity(record, native["Id"])

    def identity(self, object_: str, crm_id: str) -> str:
        """Our id for a record that began in the CRM."""
        return self.workers[0].tenant.identity(object_, crm_id)


@contextmanager
def built(seed: int) -> Iterator[World]:
    """A world, and its end."""
    dice = random.Random(seed)
    setting = Setting.drawn(dice)
    options = SalesforceOptions(companies=28, leads=4, opportunities=14, seed=seed, now=START_AT)
    with ExitStack() as stack:
        stack.enter_context(_cut_small(setting))
        url = stack.enter_context(serve_thread(options))
        remote = stack.enter_context(Remote(url))
        directory = Path(stack.enter_context(TemporaryDirectory(dir=_fast_directory())))
        time = Time(setting.skew_s)
        time.attach(remote)
        store = sqlite_store(directory, clock=None)
        store.close()
        store = Store(store.url, clock=time.clock)
        portal, services = _portal(directory, url, setting), _services(dice, time)
        credentials = Credentials(SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, "acme.my", url)
        patience = Patience()
        tokens = Tokens(credentials, services, patience)
        crm = SalesforceCrm(credentials, tokens, assigns_on_create=False, services=services, patience=patience)
        world = World(
            seed,
            dice,
            setting,
            time,
            services,
            portal,
            _grammar(),
            credentials,
            remote,
            store.url,
            store,
            _mapping(portal, crm),
        )
        world.workers = [Worker(world, "one"), Worker(world, "two")]
        try:
            yield world
        finally:
            for worker in world.workers:
                worker.close()
            store.close()


def _mapping(portal: Portal, crm: SalesforceCrm) -> CompiledMapping:
    """The mapping as the checks read it; the workers ask the CRM for themselves."""
    return compile_mapping(_grammar(), portal, {native: crm.describe(native) for native in NATIVES.values()})


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


def _portal(directory: Path, url: str, setting: Setting) -> Portal:
    path = directory / f"{PORTAL}.yaml"
    path.write_text(
        f"""
portal: {PORTAL}
crm:
  kind: salesforce
  mapping: salesforce.yaml
  base_url: {url}
  auth: {{flow: client_credentials, domain: acme.my, client_id: "${{SF_ID}}", client_secret: "${{SF_SECRET}}"}}
vendor: {{account_type_value: Vendor}}
two_tier: true
second_partner: {{account_type_value: Distributor, display_label: Distributor}}
partner: {{account_type_value: Partner, display_label: Partner}}
associations: {{mode: contracts}}
deals:
  record: {setting.record}
  from_crm: {str(setting.from_crm).lower()}
  approvals: [distributor, vendor]
  unassociated_second_partner: {setting.unassociated}
"""
    )
    return load_portal(path, {"SF_ID": SANDBOX_CLIENT_ID, "SF_SECRET": SANDBOX_CLIENT_SECRET})


@cache
def _grammar() -> LoadedMapping:
    """The shipped mapping; no setting of ours changes it."""
    with TemporaryDirectory() as directory:
        setting = Setting("lead", True, "accept", 0, 0, 0, 0)
        return load_for_portal(_portal(Path(directory), "http://127.0.0.1:1", setting), MAPPINGS)


@contextmanager
def _cut_small(setting: Setting) -> Iterator[None]:
    """Small pages, commits, claims and calls: with thirty companies nothing would ever be the second one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "PAGE_SIZE", setting.page_count)
        patch.setattr(ingest, "CHUNK_COUNT", setting.chunk_count)
        patch.setattr(push, "BATCH_COUNT", setting.batch_count)
        patch.setattr(patch_back, "BATCH_COUNT", setting.batch_count)
        patch.setattr(writer, "BATCH_COUNT", max(1, setting.batch_count - 1))
        yield


def _fast_directory() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108  # a file system in memory, where there is one; TemporaryDirectory makes the name
    return str(memory) if memory.is_dir() else None
