"""Two workers whose clocks are five minutes apart: neither takes over what the other one is just sending, so no newer value is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_sandbox.process import serve_thread
from sync_worker.bootstrap import Installation, build
from sync_worker.config.settings import Settings
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Work
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.deals import deals
from tests.journey import stage
from tests.journey.crms import CRMS
from tests.patience import HANG_S
from tests.stand_in import StandIn

ANN = Actor("Ann", None, "portal")
DEAL = {"owner_company": "Birch Systems", "second_partner": "Arrow Electronics", "prospect_name": "Harbor Freight Lines"}


class Slow(StandIn):
    """A connection whose writes wait until they are told to go on."""

    def __init__(self, crm: Any) -> None:
        super().__init__(crm)
        self.is_sending, self.may_go_on = threading.Event(), threading.Event()

    def write(self, *given: Any, **words: Any) -> Iterator[Any]:
        self.is_sending.set()
        assert self.may_go_on.wait(HANG_S)
        yield from self._crm.write(*given, **words)


@pytest.fixture(scope="module", params=CRMS)
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def crm_url(crm: str) -> Iterator[str]:
    with serve_thread(CRMS[crm].options) as address:
        yield address


def ahead(seconds: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.fixture(params=[(0, 45), (-300, 300), (300, -300)], ids=lambda apart: "{:+}s and {:+}s".format(*apart))
def workers(request: pytest.FixtureRequest, crm: str, crm_url: str, postgresql_url: str, tmp_path: Path) -> Iterator[list[Tenant]]:
    """Two processes of one portal on one PostgreSQL; each with a clock so far off."""
    stage.Installation(tmp_path, crm_url, postgresql_url, crm=CRMS[crm]).write_portal()
    settings = Settings(database_url=postgresql_url, config_dir=tmp_path / "config", mappings_dir=stage.ROOT / "mappings")
    environ: Mapping[str, str] = {name: value for one in CRMS.values() for name, value in one.environ.items()}
    with ExitStack() as stack:
        stack.enter_context(CRMS[crm].controls(crm_url)).reset()
        found: list[Installation] = [
            stack.enter_context(closing(build(settings, environ=environ, services=Services(clock=ahead(seconds)))))
            for seconds in request.param
        ]
        tenants = [one.tenant("acme") for one in found]
        for record in tenants[0].readable_records():
            pull(tenants[0], record)
        push(tenants[0])
        yield tenants


def edited(tenant: Tenant, deal_id: str, name: str) -> None:
    assert not isinstance(change(tenant, deal_id, {"prospect_name": name}, MoveRequest(ANN)), Refusal)


def registered(tenant: Tenant) -> Deal:
    done = register(tenant, DEAL, actor=ANN)
    assert not isinstance(done, Refusal), done
    return done[0]


def settled(tenant: Tenant) -> None:
    """What is due is pushed, and what was written is read back."""
    for follow_up in push(tenant).follow_ups:
        if follow_up.work == Work.REFRESH:
            refresh(tenant, follow_up.record)


def test_what_one_worker_sends_no_other_takes_over_and_the_newer_value_wins(workers: list[Tenant], crm: str, crm_url: str) -> None:
    # Given a deal in the CRM, and a worker that is just sending an edit of it
    one, other = workers
    deal = registered(one)
    settled(one)
    edited(one, deal.id, "Older Name")
    one.crm = slow = Slow(one.crm)
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(push, one)
        assert slow.is_sending.wait(HANG_S)
        # When the deal is edited again, and the other worker, whose clock is far off, pushes what it finds due
        edited(other, deal.id, "Newer Name")
        taken = push(other).counts
        slow.may_go_on.set()
        sending.result(HANG_S)
    # Then it has left the row to the first one
    assert (taken.written, taken.uncertain) == (0, 0)
    # and when everything due is worked off, then the newer value stands on both sides
    for tenant in (other, one):
        settled(tenant)
    with CRMS[crm].controls(crm_url) as remote:
        (record,) = CRMS[crm].deals_with(remote, deal.id)
    native = other.mapping.records[other.portal.deals.record].fields["prospect_name"].native
    assert record[native] == "Newer Name"
    with other.store.reading("acme") as tx:
        assert deals.by_ids(tx, [deal.id])[deal.id].deal.values["prospect_name"] == "Newer Name"
