"""One sandbox HubSpot for all tests of this folder, put back to its beginning before each: frozen clock, fresh seed, no faults."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import SANDBOX_TOKEN, HubspotOptions, serve_thread
from tests.patience import HANG_S

NOW = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)
DATED = "2026-09"
OPTIONS = HubspotOptions(companies=40, deals=30, now=NOW)


@dataclass
class Wire:
    """Plain requests with a token."""

    base_url: str
    token: str = SANDBOX_TOKEN
    http: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.http.request(method, f"{self.base_url}{path}", headers=headers, timeout=HANG_S, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        """GET."""
        return self.ask("GET", path, params=params)

    def post(self, path: str, body: Any) -> requests.Response:
        """POST of JSON."""
        return self.ask("POST", path, json=body)


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(OPTIONS) as address:
        yield address


@pytest.fixture
def remote(base_url: str) -> Iterator[HubspotRemote]:
    with HubspotRemote(base_url) as controls:
        controls.freeze()
        controls.set_clock(NOW)
        controls.reset()
        yield controls


@pytest.fixture
def wire(base_url: str, remote: HubspotRemote) -> Iterator[Wire]:
    client = Wire(base_url)
    with client.http:
        yield client
