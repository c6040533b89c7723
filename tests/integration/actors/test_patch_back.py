"""Several workers, and several calls of one worker, write portal ids and deals into the CRM together: nothing is written twice, and no call
more is made than one call after the other would need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from crm_sandbox.process import serve_thread
from sync_worker.bootstrap import Installation, build
from sync_worker.config.settings import Settings
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.errors import ConnectionDown, Stopped
from sync_worker.steps.core.tenant import COMPANY, DEAL
from sync_worker.steps.sync.push import push as push_step
from sync_worker.steps.sync.push import write_claim
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import companies, portals, runs
from sync_worker.store.core.tables import companies as company_rows
from sync_worker.store.deals import deals
from sync_worker.store.sync import outbox, patch_backs
from sync_worker.store.sync.tables import outbox as outbox_rows
from tests.contract.crm.test_side_by_side import at_once
from tests.contract.store.samples import company
from tests.journey import stage
from tests.journey.crms import CRMS
from tests.patience import HANG_S, until

COMPANY_COUNT, WORKER_COUNT = 2000, 3
DEAL_CALLS = {"salesforce": "collections_write", "hubspot": "batch_upsert"}
FORBIDDEN: Mapping[str, dict[str, Any]] = {"salesforce": {"status": 403, "error_code": "FORBIDDEN"}, "hubspot": {"status": 403}}
DEAL_COUNT, DEAL_BATCH = 240, 20
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
def held_writes(crm: str, crm_url: str, kinds: Mapping[str, str] | None = None) -> Iterator[Any]:
    """Every call that writes companies, or is of this kind, stays in flight until the latency is taken away."""
    with CRMS[crm].controls(crm_url) as remote:
        remote.freeze()
        remote.set_latency(0, kinds={kinds[crm] if kinds else CALLS[crm][0]: 60_000})
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


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def owed(workers: list[Installation], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of 240 new deals, each of another company; 20 go in one call. No portal id is due."""
    monkeypatch.setattr(push_step, "BATCH_COUNT", DEAL_BATCH)
    values = {"name": "A deal", "prospect_name": "Globex", "contact_last_name": "Doe", "lifecycle": "submitted"}
    with workers[0].store.transaction("acme") as tx:
        tx.connection.execute(company_rows.update().values(portal_id_written_at=tx.now))
        owners = tx.connection.execute(select(company_rows.c.id).order_by(company_rows.c.id).limit(DEAL_COUNT)).scalars().all()
        made = [Deal(str(uuid4()), {**values, "owner_company": owner}) for owner in owners]
        deals.save(tx, [StoredDeal(deal, 1, tx.now, tx.now) for deal in made])
        outbox.owe(tx, DEAL, [deal.id for deal in made], "r1")
    return [deal.id for deal in made]


def in_crm(crm: str, crm_url: str, owed: list[str]) -> Counter[str]:
    """How many records each of these deals has there."""
    with CRMS[crm].controls(crm_url) as remote:
        keys = Counter(str(record[CRMS[crm].key]) for record in remote.records(CRMS[crm].deal))
    return Counter({deal_id: keys[deal_id] for deal_id in owed if deal_id in keys})


def rows(worker: Installation) -> Counter[str]:
    """How many rows of the outbox are in which state."""
    with worker.store.reading("acme") as tx:
        return Counter(outbox.counts(tx))


def let_expire(worker: Installation) -> None:
    """Every claim has ended, and everything is due."""
    with worker.store.transaction("acme") as tx:
        before = tx.shared_now - timedelta(seconds=1)
        tx.connection.execute(outbox_rows.update().values(due_at=before))
        tx.connection.execute(outbox_rows.update().where(outbox_rows.c.state == "claimed").values(claim_until_at=before))


def test_one_worker_has_as_many_calls_with_deals_in_flight_as_the_crm_takes(
    workers: list[Installation], crm: str, crm_url: str, owed: list[str]
) -> None:
    # Given calls whose answers do not come yet
    with ThreadPoolExecutor(1) as thread, held_writes(crm, crm_url, DEAL_CALLS) as remote:
        # When a worker pushes, then so many are in flight, none is settled, and another worker has the rest
        pushing = thread.submit(push, workers[0].tenant("acme"))
        until(lambda: in_flight(remote) == AT_ONCE[crm] or pushing.done())
        assert (in_flight(remote), written(workers[0])) == (AT_ONCE[crm], 0)
        assert rows(workers[0])["claimed"] == AT_ONCE[crm] * DEAL_BATCH
        # and when the answers come, then each deal is there once, in as many calls as one after the other
        remote.set_latency(0, kinds={})
        assert pushing.result(HANG_S).counts.written == DEAL_COUNT
        assert remote.calls()["kinds"][DEAL_CALLS[crm]] == DEAL_COUNT / DEAL_BATCH
    assert (in_crm(crm, crm_url, owed), rows(workers[0])) == (Counter(owed), Counter())


def test_a_stop_with_three_calls_with_deals_in_flight_settles_them_and_begins_no_other(
    workers: list[Installation], crm: str, crm_url: str, owed: list[str]
) -> None:
    tenant, stopped = workers[0].tenant("acme"), Event()
    tenant.services = replace(tenant.services, is_stopping=stopped.is_set)
    with at_once(tenant.crm, 3), ThreadPoolExecutor(1) as thread, held_writes(crm, crm_url, DEAL_CALLS) as remote:
        pushing = thread.submit(push, tenant)
        until(lambda: in_flight(remote) == 3 or pushing.done())
        stopped.set()
        remote.set_latency(0, kinds={})
        with pytest.raises(Stopped):
            pushing.result(HANG_S)
    # Then what was in flight is written and counted, and the rest is another worker's
    assert (written(workers[0]), rows(workers[0])) == (3 * DEAL_BATCH, Counter(ready=DEAL_COUNT - 3 * DEAL_BATCH))
    push(workers[1].tenant("acme"))
    assert (in_crm(crm, crm_url, owed), rows(workers[0])) == (Counter(owed), Counter())


def test_a_worker_killed_with_three_calls_with_deals_in_flight_leaves_each_deal_to_be_made_once(
    workers: list[Installation], crm: str, crm_url: str, owed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that dies when the first of three answers has come
    tenant = workers[0].tenant("acme")

    def dies(*_given: Any) -> Any:
        raise KeyboardInterrupt  # as a kill: nothing in its way

    with at_once(tenant.crm, 3), ThreadPoolExecutor(1) as thread, held_writes(crm, crm_url, DEAL_CALLS) as remote:
        with monkeypatch.context() as patch:
            patch.setattr(write_claim, "_settled", dies)
            pushing = thread.submit(push, tenant)
            until(lambda: in_flight(remote) == 3 or pushing.done())
            remote.set_latency(0, kinds={})
            with pytest.raises(KeyboardInterrupt):
                pushing.result(HANG_S)
    assert rows(workers[0]) == Counter(claimed=3 * DEAL_BATCH, ready=DEAL_COUNT - 3 * DEAL_BATCH)
    # When another one comes once the claims have ended, then it reads back what was sent, and makes the others
    let_expire(workers[0])
    push(workers[1].tenant("acme"))
    assert (in_crm(crm, crm_url, owed), rows(workers[0])) == (Counter(owed), Counter())


def test_where_one_of_several_calls_with_deals_is_refused_the_others_stand_and_its_deals_are_due_again(
    workers: list[Installation], crm: str, crm_url: str, owed: list[str]
) -> None:
    # Given three calls at once, one of which the CRM refuses as a whole
    tenant = workers[0].tenant("acme")
    with at_once(tenant.crm, 3), CRMS[crm].controls(crm_url) as remote:
        remote.fault(DEAL_CALLS[crm], after=1, **FORBIDDEN[crm])
        with pytest.raises(ConnectionDown):
            push(tenant)
        remote.clear_faults()
    there = in_crm(crm, crm_url, owed)
    assert set(there.values()) == {1}
    assert rows(workers[0]) == Counter(ready=DEAL_COUNT - len(there))
    # and when they are due again, then each deal is made once
    let_expire(workers[0])
    push(workers[1].tenant("acme"))
    assert (in_crm(crm, crm_url, owed), rows(workers[0])) == (Counter(owed), Counter())
