"""Every CRM on the same bench: each test of this folder runs once per CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import HubspotOptions, SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.crm.port import Crm
from sync_worker.crm.salesforce.reading import bulk
from tests.contract.crm import hubspot, salesforce
from tests.contract.crm.bench import Bench
from tests.contract.crm.hubspot import HubspotBench
from tests.contract.crm.salesforce import SalesforceBench

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
CRMS = ["salesforce", "bulk", "hubspot"]  # bulk: Salesforce, by a job wherever the first page leaves anything


@pytest.fixture(scope="session")
def salesforce_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=20, leads=3, opportunities=3, now=NOW)) as base_url:
        yield base_url


@pytest.fixture
def salesforce_bench(salesforce_url: str) -> Iterator[SalesforceBench]:
    with Remote(salesforce_url) as remote:
        remote.freeze()
        remote.set_clock(NOW)
        remote.reset()
        bench = SalesforceBench(salesforce_url, remote)
        yield bench
        bench.pages_of(salesforce.FULL_PAGE)


@pytest.fixture
def bulk_bench(salesforce_bench: SalesforceBench, monkeypatch: pytest.MonkeyPatch) -> SalesforceBench:
    monkeypatch.setattr(bulk, "ANSWER_COUNT", 5)
    salesforce_bench.bulk_above = 0
    return salesforce_bench


@pytest.fixture(scope="session")
def hubspot_url() -> Iterator[str]:
    with serve_thread(HubspotOptions(companies=20, deals=6, now=NOW)) as base_url:
        yield base_url


@pytest.fixture
def hubspot_bench(hubspot_url: str) -> Iterator[Bench]:
    with HubspotRemote(hubspot_url) as remote:
        remote.freeze()
        remote.set_clock(NOW)
        remote.reset()
        remote.keep_merged_ids()
        bench = HubspotBench(hubspot_url, remote)
        yield bench
        bench.pages_of(hubspot.FULL_PAGE)


@pytest.fixture(params=CRMS)
def bench(request: pytest.FixtureRequest) -> Bench:
    """The CRM under test, empty of what the test will create, its clock frozen."""
    made: Bench = request.getfixturevalue(f"{request.param}_bench")
    return made


@pytest.fixture
def crm(bench: Bench) -> Crm:
    return bench.connect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many cases each CRM passed, so that one which is left out is seen."""
    passed = [report.nodeid for report in terminalreporter.getreports("passed") if "/contract/crm/" in report.nodeid]
    counts = {crm: sum(f"[{crm}" in nodeid for nodeid in passed) for crm in CRMS}
    terminalreporter.write_line(f"the port's contract: {', '.join(f'{crm} passes {count} cases' for crm, count in counts.items())}")
