"""One sandbox for all tests of this folder, put back to its beginning before each: frozen clock, fresh seed, no faults."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce.api import Salesforce, SFType

from crm_sandbox.process import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from tests.integration.sandbox.side_by_side import Flights, flights
from tests.patience import HANG_S

NOW = datetime(2026, 5, 20, 12, 0, 0, tzinfo=UTC)
VERSION = "60.0"
OPTIONS = SalesforceOptions(companies=60, leads=12, opportunities=20, now=NOW)


@dataclass
class Wire:
    """Plain requests with a token, at one API version."""

    base_url: str
    http: requests.Session = field(default_factory=requests.Session)

    def log_in(self) -> str:
        """A new token, used from now on."""
        form = {
            "grant_type": "client_credentials",
            "client_id": SANDBOX_CLIENT_ID,
            "client_secret": SANDBOX_CLIENT_SECRET,
        }
        answer = self.http.post(f"{self.base_url}/services/oauth2/token", data=form, timeout=HANG_S, headers={"Authorization": ""})
        token = str(answer.json()["access_token"])
        self.http.headers["Authorization"] = f"Bearer {token}"
        return token

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call below the version's root; a path that starts with a slash is taken as it is."""
        root = "" if path.startswith("/") else f"/services/data/v{VERSION}/"
        return self.http.request(method, f"{self.base_url}{root}{path}", timeout=HANG_S, **options)

    def soql(self, text: str, **headers: str) -> requests.Response:
        """A query's first page."""
        return self.ask("GET", "query", params={"q": text}, headers=headers)

    def ids(self, text: str) -> list[str]:
        """The ids that a query gives, in order."""
        answer = self.soql(text)
        assert answer.status_code == 200, answer.text
        return [record["Id"] for record in answer.json()["records"]]

    def refusal(self, text: str) -> dict[str, Any]:
        """The refusal of a query."""
        answer = self.soql(text)
        assert answer.status_code == 400, answer.text
        [refusal] = answer.json()
        return dict(refusal)


class Loopback(requests.Session):
    """Sends what a client means for https to the sandbox: the library knows no http."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(str(url))
        query = f"?{parts.query}" if parts.query else ""
        options.setdefault("timeout", 10)
        return super().request(method, f"{self._base_url}{parts.path}{query}", *args, **options)


def table(salesforce: Salesforce, name: str) -> SFType:
    """A record type as the library offers it, under its true class."""
    found = getattr(salesforce, name)
    assert isinstance(found, SFType)
    return found


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(OPTIONS) as address:
        yield address


@pytest.fixture
def remote(base_url: str) -> Iterator[Remote]:
    with Remote(base_url) as controls:
        controls.set_clock(NOW)
        controls.freeze()
        controls.reset()
        yield controls


@pytest.fixture
def sky(remote: Remote) -> Iterator[Flights]:
    """Calls in flight at the sandbox of `remote`, which is the HubSpot one in its own folder."""
    with flights(remote) as found:
        yield found


@pytest.fixture
def wire(base_url: str, remote: Remote) -> Iterator[Wire]:
    client = Wire(base_url)
    client.log_in()
    remote.reset_calls()
    with client.http:
        yield client


@pytest.fixture
def salesforce(base_url: str, wire: Wire) -> Iterator[Salesforce]:
    token = wire.log_in()
    with Loopback(base_url) as session:
        yield Salesforce(session_id=token, instance_url=base_url, session=session, version=VERSION)
