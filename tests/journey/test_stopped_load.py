"""A long load that is stopped or killed goes on where it was, by pages and by bulk job, and ends as one that nobody touched."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from crm_sandbox.process import SalesforceOptions, serve_process
from crm_sandbox.remote import Remote
from sync_worker.services import Services
from sync_worker.store.associations.tables import contract_values
from sync_worker.store.core import cursors, failures, runs
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Store
from sync_worker.store.core.runs import Run
from sync_worker.store.core.tables import companies
from tests.journey.stage import Installation, Process
from tests.patience import until
from tests.servers import sqlite_store

PULL = ("pull", "acme", "--record", "company")
FULL = ("pull", "acme", "--full")
THE_OTHERS = "; then sync-worker pull acme --record lead --full; then sync-worker pull acme --record opportunity --full"
COUNT = 9_000  # companies: some four pages
MODES = {"pages": "null", "job": "1000"}


@pytest.fixture(scope="module")
def org() -> Iterator[str]:
    with serve_process(SalesforceOptions(companies=COUNT, leads=0, opportunities=0, every_company_active=True)) as address:
        yield address


def installed(folder: Path, org: str, mode: str, redis_url: str | None = None) -> Installation:
    """A portal on a database of its own that loads by pages, or by a job."""
    folder.mkdir(exist_ok=True)
    with closing(sqlite_store(folder)) as store:
        found = Installation(folder, org, store.url, redis_url)
    path = found.write_portal(pull="1h")
    path.write_text(path.read_text().replace("# bulk_above: 100000", f"bulk_above: {MODES[mode]}"))
    return found


@pytest.fixture(scope="module")
def untouched(org: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a load that nobody stops leaves behind."""
    installation = installed(tmp_path_factory.mktemp("untouched"), org, "pages")
    installation.command(*PULL, code=None)
    with opened(installation) as store:
        assert cursor_of(store).high_water_at
        return held(store)


@contextmanager
def opened(installation: Installation) -> Iterator[Store]:
    with closing(Store(installation.database_url, clock=Services().clock)) as store:
        yield store


def held(store: Store) -> list[str]:
    """Companies and what their contracts say, without when they were read."""
    with store.reading("acme") as tx:
        read = tx.connection.execute(companies.select().with_only_columns(companies.c.id, companies.c.name, companies.c.status))
        bound = tx.connection.execute(
            contract_values.select().with_only_columns(contract_values.c.company_id, contract_values.c.value, contract_values.c.resolved_id)
        )
        return sorted(repr(tuple(row)) for row in [*read, *bound])


def cursor_of(store: Store) -> Cursor:
    with store.reading("acme") as tx:
        found = cursors.get(tx, "company")
    assert found
    return found


def pulls(store: Store) -> list[Run]:
    """The pulls of companies, oldest first."""
    with store.reading("acme") as tx:
        return [run for run in reversed(runs.listed(tx)) if (run.verb, run.object) == ("pull", "company")]


def is_half_way(store: Store, mode: str) -> bool:
    """Whether some of it is in; of the job's result, where there is a job."""
    with store.reading("acme") as tx:
        cursor = cursors.get(tx, "company")
    position = cursor.position if cursor else ""
    return bool(position) if mode == "pages" else position.startswith("{") and '"done":0' not in position


def half_way(store: Store, mode: str, process: Process) -> None:
    def there() -> bool:
        assert process.popen.poll() is None, process.log
        return is_half_way(store, mode)

    until(there, what="the load is half way", every_s=0.01)


@pytest.mark.parametrize(
    ("kind", "mode"), [(signal.SIGINT, "pages"), (signal.SIGTERM, "job"), (signal.SIGKILL, "pages"), (signal.SIGKILL, "job")]
)
def test_a_pull_by_hand(tmp_path: Path, org: str, untouched: list[str], mode: str, kind: signal.Signals) -> None:
    installation = installed(tmp_path, org, mode)
    with opened(installation) as store:
        # Given a load that ends in the middle
        everything = kind is signal.SIGINT
        with installation.process(*(FULL if everything else PULL)) as process:
            half_way(store, mode, process)
            process.send(kind)
            code = process.ended()
        *pieces, last = pulls(store)  # after each piece the notices that came meanwhile were read
        read_count = sum(run.counts.read for run in [*pieces, last])
        assert {run.state for run in pieces} <= {"done"}
        if kind is signal.SIGKILL:
            assert (code, last.state) == (-signal.SIGKILL, "running")
            let_go(store)
        else:
            assert (code, last.state) == (130, "stopped"), process.log
            assert f"stopped on request after {read_count:,} of " in process.log
            assert f"to go on: sync-worker pull acme --record company{THE_OTHERS if everything else ''}\n" in process.log
            assert "Traceback" not in process.log
        assert 0 < read_count < COUNT
        # When it is begun again
        installation.command(*PULL, code=None)
        # then nothing is read twice, and the end is the same
        assert held(store) == untouched
        assert {run.state for run in pulls(store)[len(pieces) + 1 :]} == {"done"}
        assert sum(run.counts.read for run in pulls(store)) == whole(org)


def test_everything_in_one_process(tmp_path: Path, org: str, untouched: list[str]) -> None:
    installation = installed(tmp_path, org, "pages")
    with opened(installation) as store, installation.process("run", "--port", "0") as process:
        half_way(store, "pages", process)
        assert process.stop() == 0, process.log
        goes_on(installation, store, process, untouched)


def test_a_worker(tmp_path: Path, org: str, untouched: list[str], redis_db: str) -> None:
    installation = installed(tmp_path, org, "job", redis_db)
    with opened(installation) as store, installation.process("worker") as process:
        with installation.process("schedule"):
            half_way(store, "job", process)
            assert process.stop() == 0, process.log
        goes_on(installation, store, process, untouched)


def goes_on(installation: Installation, store: Store, process: Process, untouched: list[str]) -> None:
    """The load was stopped in order; what is left of it comes with the next pull, and nothing twice."""
    *pieces, last = pulls(store)
    assert ({run.state for run in pieces} <= {"done"}, last.state) == (True, "stopped")
    assert last.error.startswith(f"stopped on request after {sum(run.counts.read for run in [*pieces, last]):,} of ")
    assert "ERROR" not in process.log
    assert not store_failures(store)
    assert cursor_of(store).lease_until_at is None
    installation.command(*PULL, code=None)
    assert held(store) == untouched
    assert sum(run.counts.read for run in pulls(store)) == whole(installation.base_url)


def store_failures(store: Store) -> list[str]:
    """What stopped a pull."""
    with store.reading("acme") as tx:
        return [row.failure.message for row in failures.listed(tx) if row.failure.stage == "pull"]


def let_go(store: Store) -> None:
    """The lease of a killed process ends by itself within half a minute; this is that half minute."""
    with store.side_transaction("acme") as tx:
        tx.connection.exec_driver_sql("UPDATE cursors SET lease_until_at = NULL")


def whole(org: str) -> int:
    """How many records a first load reads."""
    with Remote(org) as remote:
        return sum(bool(account["Portal_Status__c"]) for account in remote.records("Account"))
