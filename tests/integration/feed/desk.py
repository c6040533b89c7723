"""One portal with a feed: its store, a tenant that delivers, and changes to tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sync_worker.config.portal_file import load_portal
from sync_worker.crm.faults import Patience
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.domain.tell.event import KINDS
from sync_worker.mapping.load import load_for_portal
from sync_worker.receiver import Receiver
from sync_worker.services import Services
from sync_worker.steps.core.described import Ports
from sync_worker.steps.core.follow_up import Done
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.tell.deliver import deliver
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Store
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.tell import deliveries
from tests.contract.store.samples import company
from tests.integration.feed.inbox import SECRET
from tests.integration.steps.world import MAPPINGS, PORTAL
from tests.servers import Clock

WANTED = {"acme": frozenset(KINDS)}


class Desk:
    """**Units** the store's clock stands still; the receiver's is the world's, because signatures have a time."""

    def __init__(self, store: Store, clock: Clock, receiver: Receiver, directory: Path) -> None:
        self.store = store
        self.clock = clock
        self._count = 0
        path = directory / "acme.yaml"
        written = {**PORTAL, "feed": {"url": receiver.url, "secret": "${FEED}", "keep": "7d"}}
        path.write_text(json.dumps(written))
        portal = load_portal(path, {"SF_ID": "id", "SF_SECRET": "secret", "FEED": SECRET})
        services = Services(clock=clock)
        login = Credentials("id", "secret", "acme.my", None)
        patience = Patience()
        crm = SalesforceCrm(
            SalesforceConnection(login=login, tokens=Tokens(login, services, patience), services=services, patience=patience),
            assigns_on_create=False,
        )
        grammar = load_for_portal(portal, MAPPINGS)
        self.tenant = Tenant(Ports(portal=portal, store=store, crm=crm, services=services), grammar=grammar, receiver=receiver)

    def change(self, *company_ids: str, name: str = "") -> None:
        """One commit that changes these companies, and tells of each."""
        self._count += 1
        with self.store.transaction("acme") as tx:
            rows = [company(id_, crm_id=f"crm {id_}", name=name or f"{id_} {self._count}") for id_ in company_ids]
            companies.save(tx, rows)

    def deliver(self, *, after_s: float = 0) -> Done:
        self.clock.forward(seconds=after_s)
        return deliver(self.tenant)

    @property
    def owed(self) -> int:
        with self.store.reading("acme") as tx:
            return deliveries.owed(tx)[0]

    @property
    def is_due(self) -> bool:
        with self.store.reading("acme") as tx:
            return deliveries.is_due(tx)

    def codes(self) -> list[str]:
        """What is open."""
        with self.store.reading("acme") as tx:
            return [row.failure.code for row in failures.listed(tx, FailureFilter(stage="deliver"))]

    def messages(self) -> list[str]:
        """What is said of it."""
        with self.store.reading("acme") as tx:
            return [row.failure.message for row in failures.listed(tx, FailureFilter(stage="deliver"))]


@contextmanager
def desk(url: str, clock: Clock, receiver: Receiver, directory: Path) -> Iterator[Desk]:
    """A desk on a migrated database."""
    with closing(Store(url, clock=clock, shared_clock=clock, events=WANTED)) as store, closing(receiver):
        yield Desk(store, clock, receiver, directory)


def receiver_of(url: str) -> Receiver:
    return Receiver(url, SECRET, clock=lambda: datetime.now(UTC))
