"""Every CRM on the same bench: each test of this folder runs once per CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sync_worker.crm.port import Crm
from sync_worker.sandbox.process import SalesforceOptions, serve_thread
from sync_worker.sandbox.remote import Remote
from tests.contract.crm.bench import Bench
from tests.contract.crm.salesforce import FULL_PAGE, SalesforceBench

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
CRMS = ["salesforce"]


@pytest.fixture(scope="session")
def salesforce_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=3, opportunities=3, now=NOW)) as base_url:
        yield base_url


@pytest.fixture
def salesforce_bench(salesforce_url: str) -> Iterator[Bench]:
    with Remote(salesforce_url) as remote:
        remote.set_clock(NOW)
        remote.freeze()
        remote.reset()
        bench = SalesforceBench(salesforce_url, remote)
        yield bench
        bench.pages_of(FULL_PAGE)


@pytest.fixture(params=CRMS)
def bench(request: pytest.FixtureRequest) -> Bench:
    """The CRM under test, empty of what the test will create, its clock frozen."""
    made: Bench = request.getfixturevalue(f"{request.param}_bench")
    return made


@pytest.fixture
def crm(bench: Bench) -> Crm:
    return bench.connect()
