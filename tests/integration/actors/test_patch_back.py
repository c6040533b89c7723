"""Several workers, and several calls of one worker, write portal ids into the CRM together: no id is written twice, and no call more is
made than one call after the other would need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from crm_sandbox.process import serve_thread
from sync_worker.bootstrap import Installation, build
from sync_worker.config.settings import Settings
from sync_worker.errors import Stopped
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies, portals, runs
from sync_worker.store.sync import patch_backs
from tests.contract.crm.test_side_by_side import at_once
from tests.contract.store.samples import company
from tests.journey import stage
from tests.journey.crms import CRMS
from tests.patience import HANG_S, until

COMPANY_COUNT, WORKER_COUNT = 2000, 3
CALLS = {"salesforce": ("collections_write", 10), "hubspot": ("batch_update", 20)}  # 200 companies a call, or 100
AT_ONCE = {"salesforce": 4, "hubspot": 8}


@pytest.fixture(scope="module", params=CRMS)
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def crm_url(crm: str) -> Iterator[str]:
    with serve_thread(replace(CRMS[crm].options, companies=COMPANY_COUNT)) as address:
        yield address


@pytest.fixture
def workers(crm: str, crm_url: str, database_url: str, tmp_path: Path) -> Iterator[list[Installation]]:
    """Three processes' worth of one portal, which holds 2,000 companies that no CRM record names yet."""
    stage.Installation(tmp_path, crm_url, database_url, crm=CRMS[crm]).write_portal()
    settings = Settings(database_url=database_url, config_dir=tmp_path / "config", mappings_dir=stage.ROOT / "mappings")
    environ: Mapping[str, str] = {name: value for one in CRMS.values() for name, value in one.environ.items()}
    with ExitStack() as stack:
        remote = stack.enter_context(CRMS[crm].controls(crm_url))
        remote.reset()
        crm_ids = [str(record[CRMS[crm].id]) for record in remote.records(CRMS[crm].company)][:COMPANY_COUNT]
        found = [stack.enter_context(closing(build(settings, environ=environ))) for _ in range(WORKER_COUNT)]
        with found[0].store.transaction("acme") as tx:
            portals.enter(tx, "contracts")
            companies.save(tx, [company(f"id of {crm_id}", crm_id=crm_id) for crm_id in crm_ids])
        for worker in found:
            _ = worker.tenant("acme").mapping
        remote.reset_calls()
        yield found


def test_three_workers_write_each_portal_id_once(workers: list[Installation], crm: str, crm_url: str) -> None:
    # When three workers push at once
    barrier = Barrier(WORKER_COUNT, timeout=HANG_S)

    def work(worker: Installation) -> None:
        tenant = worker.tenant("acme")
        barrier.wait(HANG_S)
        push(tenant)

    with ThreadPoolExecutor(WORKER_COUNT) as threads:
        list(threads.map(work, workers))

    # Then each company was written once, in as many calls as one worker needs
    kind, call_count = CALLS[crm]
    with CRMS[crm].controls(crm_url) as remote:
        assert remote.calls()["kinds"][kind] == call_count
        key_field = workers[0].tenant("acme").mapping.records[COMPANY].key_field
        assert all(record[key_field] == f"id of {record[CRMS[crm].id]}" for record in remote.records(CRMS[crm].company)[:COMPANY_COUNT])
    with workers[0].store.reading("acme") as tx:
        assert sum(run.counts.written for run in runs.listed(tx)) == COMPANY_COUNT
        assert not patch_backs.is_due(tx)


@contextmanager
def held_writes(crm: str, crm_url: str) -> Iterator[Any]:
    """Every call that writes stays in flight until the latency is taken away."""
    with CRMS[crm].controls(crm_url) as remote:
        remote.freeze()
        remote.set_latency(0, kinds={CALLS[crm][0]: 60_000})
        try:
            yield remote
        finally:
            remote.set_latency(0, kinds={})
            remote.freeze(frozen=False)


def in_flight(remote: Any) -> int:
    return int(remote.calls()["in_flight"]["now"])


def written(worker: Installation) -> int:
    """As the runs counted them."""
    with worker.store.reading("acme") as tx:
        return sum(run.counts.written for run in runs.listed(tx))


def test_one_worker_has_as_many_calls_in_flight_as_the_crm_takes(workers: list[Installation], crm: str, crm_url: str) -> None:
    # Given calls whose answers do not come yet
    with ThreadPoolExecutor(1) as thread, held_writes(crm, crm_url) as remote:
        # When a worker pushes, then so many are in flight, and none is settled
        pushing = thread.submit(push, workers[0].tenant("acme"))
        until(lambda: in_flight(remote) == AT_ONCE[crm] or pushing.done())
        assert (in_flight(remote), written(workers[0])) == (AT_ONCE[crm], 0)
        # and when the answers come, then each company was written once, in as many calls as one after the other
        remote.set_latency(0, kinds={})
        assert pushing.result(HANG_S).counts.written == COMPANY_COUNT
        kind, call_count = CALLS[crm]
        assert remote.calls()["kinds"][kind] == call_count
    assert written(workers[0]) == COMPANY_COUNT


def test_a_stop_with_three_calls_in_flight_settles_them_and_begins_no_other(workers: list[Installation], crm: str, crm_url: str) -> None:
    # Given a portal with three calls at once, all of them in flight
    tenant, stopped = workers[0].tenant("acme"), Event()
    tenant.services = replace(tenant.services, is_stopping=stopped.is_set)
    with at_once(tenant.crm, 3), ThreadPoolExecutor(1) as thread, held_writes(crm, crm_url) as remote:
        pushing = thread.submit(push, tenant)
        until(lambda: in_flight(remote) == 3 or pushing.done())
        # When the worker is to stop, and the answers come
        stopped.set()
        remote.set_latency(0, kinds={})
        with pytest.raises(Stopped):
            pushing.result(HANG_S)
    # Then what was in flight is written and counted, and the rest is another worker's
    assert written(workers[0]) == 600
    assert push(workers[1].tenant("acme")).counts.written == COMPANY_COUNT - 600
    with CRMS[crm].controls(crm_url) as remote:
        kind, call_count = CALLS[crm]
        assert remote.calls()["kinds"][kind] == call_count
