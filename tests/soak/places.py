"""One portal of a soak, on a sandbox of its own. It is what the simulation's rules and people know as a world, with the machine's time.

A person who got no answer from the portal asks again, with the same idempotency key, until there is one. Until then people leave that
deal alone: the ledger would not know who saw what.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import requests

from crm_sandbox.hubspot.data.portal import PORTAL_ID
from crm_sandbox.hubspot.login.credentials import SANDBOX_CLIENT_SECRET as HUBSPOT_SECRET
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SANDBOX_TOKEN, serve_thread
from sync_worker.boundary import tokens as texts
from sync_worker.config.portal_file import load_portal
from sync_worker.mapping.compile import compile_mapping
from sync_worker.mapping.load import load_for_portal
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Store
from sync_worker.store.people import tokens
from sync_worker.store.people.tokens import NewToken
from tests.simulation.desk import HttpDesk, Native
from tests.simulation.hubspot import HubspotDesk
from tests.simulation.salesforce import SalesforceDesk
from tests.simulation.time import Time
from tests.simulation.world import MAPPINGS, Setting, World
from tests.soak.machines import MOST_APART_S

DESKS: Final[Mapping[str, type[HttpDesk]]] = {"salesforce": SalesforceDesk, "hubspot": HubspotDesk}
MODES: Final = {"contracts": "{mode: contracts}", "rules": "{mode: rules, rules: [{name: same-region, match: [region]}]}"}
PUBLIC_URL: Final = "https://sync.example.com"
ORGANIZATION: Final = "00D5g000004XXXX"
ENVIRON: Final = {
    "SF_ID": SANDBOX_CLIENT_ID,
    "SF_SECRET": SANDBOX_CLIENT_SECRET,
    "SF_HOOK": "hook",
    "HS_TOKEN": SANDBOX_TOKEN,
    "HS_HOOK": HUBSPOT_SECRET,
    "SYNC_WORKER_PUBLIC_URL": PUBLIC_URL,
}
WEBHOOKS: Final = {
    "salesforce": f'{{organization_id: {ORGANIZATION}, secret: "${{SF_HOOK}}"}}',
    "hubspot": f'{{hub_id: "{PORTAL_ID}", secret: "${{HS_HOOK}}"}}',
}
PULL_S: Final = 5
DAILY_CALLS: Final = 50_000
NEAR_S: Final = 3.0
PRECISION_S: Final = 15.0  # nearer edits of the two sides have no order: a request may wait for its turn


class MachineTime(Time):
    """The machine's time, and the CRM's, which is a constant apart."""

    def __init__(self, skew_s: float) -> None:
        super().__init__(skew_s)
        self._began_at = self.now = datetime.now(UTC)

    @property
    def crm_now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def monotonic(self) -> float:
        return (datetime.now(UTC) - self._began_at).total_seconds()

    def forward(self, seconds: float) -> None:
        """It moves by itself."""

    def sync(self) -> None:
        """The sandbox has its own clock."""


@dataclass
class Errand:
    """A request of a person in the portal, until it is answered. **Shapes** `deal_id`: "" for a new deal."""

    words: str
    method: str
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    deal_id: str
    heard: Callable[[int, Any], None]


@dataclass
class LateWrites:
    """Whose edits a write may have hidden that was composed before them and committed after them: no CRM could tell.

    **Shapes** `hits`: of each order, as last seen; `touches`: the last edits, by when; `hidden`: CRM ids.
    """

    until_s: float = 0
    hits: dict[int, int] = field(default_factory=dict)
    touches: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=20))
    hidden: set[str] = field(default_factory=set)

    def look(self, orders: Sequence[Mapping[str, Any]]) -> None:
        """New hits of orders that put writes off hide what was edited just before, and what is edited until they are over."""
        now_s = time.monotonic()
        for no, order in enumerate(orders):
            is_late = order["when"] == "late" or (order["latency_ms"] and order["when"] == "before" and not order["status"])
            if is_late and order["hits"] > self.hits.get(no, 0):
                self.hits[no] = order["hits"]
                self.until_s = max(self.until_s, now_s + order["late_s"] + order["latency_ms"] / 1000 + NEAR_S)
                self.hidden |= {crm_id for at_s, crm_id in self.touches if at_s > now_s - NEAR_S}

    def touched(self, crm_id: str) -> None:
        """A person has edited the record now."""
        now_s = time.monotonic()
        self.touches.append((now_s, crm_id))
        if now_s < self.until_s:
            self.hidden.add(crm_id)


@dataclass
class Place(World):
    """One portal, its CRM, its people and their ledger. **Shapes** `label`: as people read it."""

    label: str = ""
    mode: str = ""
    api_url: str = ""
    token: str = ""
    calls_before: int = 0
    is_open: bool = False
    errands: list[Errand] = field(default_factory=list)
    late: LateWrites = field(default_factory=LateWrites)
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def http_desk(self) -> HttpDesk:
        assert isinstance(self.desk, HttpDesk)
        return self.desk

    @property
    def tenant(self) -> Tenant:
        return self.workers[0].tenant

    def live(self, record: str) -> list[Native]:
        """Records that people may edit now."""
        return [native for native in super().live(record) if record == "company" or self._is_free(native)]

    def _is_free(self, native: Native) -> bool:
        deal_id, ledger = self.deal_of(native), self.ledger
        is_known = deal_id in ledger.begun_in_crm or deal_id in ledger.became.values() or deal_id in ledger.registered
        return is_known and not self.is_waiting_for(deal_id)

    def is_waiting_for(self, deal_id: str) -> bool:
        """Whether somebody has not been told yet what became of a change of this deal."""
        return any(errand.deal_id == deal_id for errand in self.errands)

    def may_have_hidden_an_edit(self, crm_id: str) -> bool:
        return crm_id in self.late.hidden

    def look_for_late_writes(self) -> None:
        self.late.look(self.remote.faults())

    def calls_made(self) -> int:
        """As the vendor counts them."""
        return int(self.remote.calls()["api_usage"]["used"]) - self.calls_before


@contextmanager
def opened(crm: str, mode: str, seed: int, database_url: str, web_url: str, folder: Path) -> Iterator[Place]:
    """A portal with its file, its token and its sandbox, which tells the web process of changes when it is ordered to."""
    dice, make, services = random.Random(f"{crm} {mode} {seed}"), DESKS[crm], Services()
    name, skew_s = f"{crm}-{mode}", round(dice.uniform(-MOST_APART_S, MOST_APART_S), 1)
    setting = Setting.drawn(dice, make.deal_records)
    with ExitStack() as stack:
        clock = MachineTime(skew_s)
        url = stack.enter_context(serve_thread(make.options(seed, clock.crm_now)))
        desk = make(url, services)
        stack.enter_context(desk.remote)
        path = folder / "config" / "portals" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(portal_file(name, make, mode, url, setting))
        portal = load_portal(path, ENVIRON)
        grammar = load_for_portal(portal, MAPPINGS)
        store = Store(database_url, clock=services.clock)
        stack.callback(store.close)
        place = Place(
            seed, dice, setting, clock, services, portal, grammar, desk, store.url, store, precision_s=PRECISION_S, label=name, mode=mode
        )
        stack.enter_context(place.session)
        place.session.trust_env = False
        crm_port = desk.connection()
        natives = {record.native for record in compile_mapping(grammar, portal, {}).records.values()}
        desk.mapping = compile_mapping(grammar, portal, {native: crm_port.describe(native) for native in sorted(natives)})
        tenant = Tenant(Ports(portal=portal, store=store, crm=crm_port, services=services), grammar=grammar)
        onlooker: Any = SimpleNamespace(tenant=tenant, gate=SimpleNamespace(late_writes=[]))
        place.workers = [onlooker]
        place.api_url, place.token = f"{web_url}/portals/{name}", _token(store, name)
        place.calls_before = place.calls_made()
        subscribe(place, web_url)
        yield place


def portal_file(name: str, desk: type[HttpDesk], mode: str, url: str, setting: Setting) -> str:
    types = desk.account_types
    return f"""
portal: {name}
crm:
  kind: {desk.kind}
  mapping: {desk.kind}.yaml
  base_url: {url}
  auth: {desk.auth}
  webhooks: {WEBHOOKS[desk.kind]}
  api_budget: {{daily: {DAILY_CALLS}, reserve: {{live: 40%, backfill: 20%, operator: 10%}}}}
vendor: {{account_type_value: {types["vendor"]}}}
two_tier: true
second_partner: {{account_type_value: {types["second_partner"]}, display_label: Distributor}}
partner: {{account_type_value: {types["partner"]}, display_label: Partner}}
associations: {MODES[mode]}
{setting.deals}
schedule: {{pull: {PULL_S}s, look_back: 15m}}
"""


def subscribe(place: Place, web_url: str) -> None:
    """An admin has the CRM tell of every change; it is sent when that is ordered."""
    remote = place.remote
    if isinstance(remote, HubspotRemote):
        whats = ("creation", "deletion", "restore", "merge")
        wishes = [{"eventType": f"{kind}.{what}"} for kind in ("company", "deal") for what in whats]
        fields = {"company": ("name", "portal_status", "portal_region"), "deal": ("dealname", "amount", "closedate", "dealstage")}
        wishes += [{"eventType": f"{kind}.propertyChange", "propertyName": name} for kind, names in fields.items() for name in names]
        where = f"webhooks/hubspot/{place.label}"
        remote.set_webhooks(f"{web_url}/{where}", wishes, public_url=f"{PUBLIC_URL}/{where}")
        return
    for native in ("Account", "Lead", "Opportunity"):
        remote.subscribe(native, [], f"{web_url}/webhooks/salesforce/{place.label}/hook", organization_id=ORGANIZATION)


def _token(store: Store, name: str) -> str:
    made = texts.make()
    with store.side_transaction(name) as tx:
        tokens.add(tx, NewToken(id=made.id, name="soak", hash=made.hash, scopes=["read", "write"], made_by="soak", expires_at=None))
    return made.text
