"""The adapter against the local HubSpot: one sandbox for the folder, put back to its beginning before each test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions, serve_thread
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.login import HubspotLogin, StaticToken
from sync_worker.crm.hubspot.connection.session import Access
from sync_worker.crm.port import Page, RecordWrite, Scan, WriteOutcome
from sync_worker.services import Services

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
KEY = "portal_deal_key"
PARTNER, SECOND = "association:portal_partner", "association:portal_second_partner"
FREE_CALLS = ("token", "account", "properties", "labels")


@dataclass
class Lab:
    """Adapters on one sandbox. **Shapes** `slept`: what calls would have waited, in seconds; nobody really sleeps."""

    base_url: str
    remote: HubspotRemote
    slept: list[float] = field(default_factory=list)
    monotonic_s: float = 0.0
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self.services = Services(random=Random(7), sleep=self._sleep, monotonic=lambda: self.monotonic_s, clock=lambda: NOW)
        self.access = self.new_access()

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.monotonic_s += seconds

    def new_access(self, login: HubspotLogin | None = None) -> Access:
        return Access(login or StaticToken(SANDBOX_TOKEN, self.base_url), self.services, self.patience)

    def connect(self, access: Access | None = None) -> HubspotCrm:
        """One more thread's adapter; they all share one log-in."""
        return HubspotCrm(access or self.access, services=self.services, patience=self.patience)

    def counted(self, *kinds: str) -> int:
        """How many calls of these kinds the sandbox saw; without kinds, how many data calls."""
        seen = self.remote.calls()["kinds"]
        return sum(count for kind, count in seen.items() if (kind in kinds if kinds else kind not in FREE_CALLS))

    def deals(self, count: int, **fields: Any) -> list[str]:
        """Deals of one moment, in the order of their ids."""
        return [self.remote.create("deals", {"dealname": f"Deal {number}", **fields}) for number in range(count)]

    def companies(self, *names: str) -> list[str]:
        return [self.remote.create("companies", {"name": name}) for name in names]

    def scan(self, *fields: str, native: str = "deals") -> Scan:
        """Everything that changed since the test began."""
        return Scan(native, fields or ("dealname",), NOW, NOW)

    def labels(self, deal: str) -> dict[str, set[str]]:
        """Company → the labels it has on a deal."""
        return {row["to_id"]: set(row["labels"]) for row in self.remote.associations("deals") if row["id"] == deal}


def ids(pages: Sequence[Page]) -> list[str]:
    """The ids of these pages, in order."""
    return [record.crm_id for page in pages for record in page.records]


def written(crm: HubspotCrm, *changes: RecordWrite, native: str = "deals", left_s: float = 60.0) -> list[WriteOutcome]:
    """The outcomes of a write, flat."""
    return [outcome for batch in crm.write(native, KEY, changes, time_left_s=lambda: left_s) for outcome in batch]


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(HubspotOptions(companies=20, deals=6, now=NOW)) as address:
        yield address


@pytest.fixture
def lab(base_url: str) -> Iterator[Lab]:
    """A frozen clock, no faults, no lag."""
    with HubspotRemote(base_url) as remote:
        remote.freeze()
        remote.set_clock(NOW)
        remote.reset()
        yield Lab(base_url, remote)


@pytest.fixture
def crm(lab: Lab) -> HubspotCrm:
    return lab.connect()
