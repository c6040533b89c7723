"""The adapter against the local Salesforce: one sandbox for the folder, put back to its beginning before each test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from crm_sandbox.salesforce.soql import queries
from sync_worker.crm.faults import Patience
from sync_worker.crm.port import Page, RecordWrite, Scan, WriteOutcome
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.login import Credentials
from sync_worker.crm.salesforce.connection.session import SalesforceConnection, Tokens
from sync_worker.services import Services

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
KEY = "Portal_Deal_Key__c"


@dataclass
class Lab:
    """Adapters on one sandbox. **Shapes** `slept`: what calls would have waited, in seconds; nobody really sleeps."""

    base_url: str
    remote: Remote
    slept: list[float] = field(default_factory=list)
    monotonic_s: float = 0.0
    patience: Patience = field(default_factory=Patience)
    client_secret: str = SANDBOX_CLIENT_SECRET

    def __post_init__(self) -> None:
        self.services = Services(random=Random(7), sleep=self._sleep, monotonic=lambda: self.monotonic_s)
        self.tokens = self.new_tokens()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.monotonic_s += seconds

    @property
    def credentials(self) -> Credentials:
        return Credentials(SANDBOX_CLIENT_ID, self.client_secret, domain="", base_url=self.base_url)

    def new_tokens(self) -> Tokens:
        return Tokens(self.credentials, self.services, self.patience)

    def connect(self, *, assigns: bool = False) -> SalesforceCrm:
        """One more thread's adapter; they all share one log-in."""
        return SalesforceCrm(
            SalesforceConnection(login=self.credentials, tokens=self.tokens, services=self.services, patience=self.patience),
            assigns_on_create=assigns,
        )

    def counted(self, *kinds: str) -> int:
        """How many calls of these kinds the sandbox saw."""
        seen = self.remote.calls()["kinds"]
        return sum(seen.get(kind, 0) for kind in kinds)

    def leads(self, count: int) -> list[str]:
        """Leads of one second, in the order of their ids."""
        return [self.remote.create("Lead", {"Company": f"Prospect {number}", "LastName": "Doe"}) for number in range(count)]

    def scan(self, *fields: str, native: str = "Lead") -> Scan:
        """Everything created since the test began."""
        return Scan(native, fields or ("Company",), NOW, NOW)


def ids(pages: Sequence[Page]) -> list[str]:
    """The ids of these pages, in order."""
    return [record.crm_id for page in pages for record in page.records]


def written(crm: SalesforceCrm, *changes: RecordWrite, native: str = "Lead", left_s: float = 60.0) -> list[WriteOutcome]:
    """The outcomes of a write, flat."""
    return [outcome for batch in crm.write(native, KEY, changes, time_left_s=lambda: left_s) for outcome in batch]


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=3, opportunities=3, now=NOW)) as address:
        yield address


@pytest.fixture
def lab(base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Small pages, a frozen clock, no faults."""
    monkeypatch.setattr(queries, "PAGE_SIZE", 4)
    with Remote(base_url) as remote:
        remote.set_clock(NOW)
        remote.freeze()
        remote.reset()
        yield Lab(base_url, remote)


@pytest.fixture
def crm(lab: Lab) -> SalesforceCrm:
    return lab.connect()
