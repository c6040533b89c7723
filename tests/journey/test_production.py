"""Production on two machines: the Procfile under honcho, PostgreSQL, Redis, both CRMs and their webhooks; a worker is killed.

What must hold: both sides tell the same story, everything was done once, and all processes end in order when they are asked to.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import requests

from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.process import serve_process
from crm_sandbox.remote import Remote
from tests.integration.web.conftest import HOOK, installed, message, subscribe_hubspot, subscribe_salesforce
from tests.journey.crms import CRMS
from tests.journey.stage import ROOT, Installation, Process, started, status
from tests.journey.test_processes import _free_ports
from tests.journey.test_two_crms import Side
from tests.patience import HANG_S, until
from tests.servers import PostgreSQL, free_port

DEAL_COUNT = 6


@dataclass
class Production:
    """Everything that runs. **Shapes** `ports`: honcho's first one, on the first machine and on the second."""

    here: Process
    there: Process
    ports: tuple[int, int]
    metrics_port: int
    sides: list[Side]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def lines(self) -> list[dict[str, Any]]:
        """What the first machine's processes logged."""
        found = [re.search(r"\{.*\}", line) for line in list(self.here.lines)]
        return [json.loads(line[0]) for line in found if line]


@pytest.fixture
def installation(tmp_path: Path, postgresql: PostgreSQL, redis_db: str) -> Iterator[Installation]:
    """Two portals on an empty database. Nothing is polled for an hour: whatever is heard was told by a webhook."""
    with ExitStack() as stack:
        urls = {kind: stack.enter_context(serve_process(crm.options)) for kind, crm in CRMS.items()}
        database_url = stack.enter_context(postgresql.database(is_migrated=False))
        metrics_port = str(free_port())
        env = {"SYNC_WORKER_LOG_FORMAT": "json", "SYNC_WORKER_METRICS_PORT": metrics_port, "HUBSPOT_URL": urls["hubspot"]}
        found = installed(tmp_path, urls, database_url, redis_db, **env)
        shutil.copy(ROOT / "Procfile", found.folder)
        yield found


@contextmanager
def honcho(installation: Installation, *words: str) -> Iterator[Process]:
    """The Procfile, as an operator starts it."""
    bin_ = str(Path(sys.executable).parent)
    env = installation.env | {"PATH": f"{bin_}:{installation.env['PATH']}", "PYTHONUNBUFFERED": "1"}
    del env["SYNC_WORKER_HTTP_PORT"]
    process = Process(started([f"{bin_}/honcho", "start", *words], env, installation.folder))
    try:
        yield process
    finally:
        process.close()


@pytest.fixture
def production(installation: Installation) -> Iterator[Production]:
    with honcho(installation, "release") as release:
        assert release.ended(HANG_S) == 0, release.log
    one, two = _free_ports(300), free_port()
    with ExitStack() as stack:
        here = stack.enter_context(honcho(installation, "--port", str(one), "web", "schedule", "worker"))
        there = stack.enter_context(honcho(installation, "--port", str(two), "worker"))
        salesforce = stack.enter_context(Remote(installation.base_url))
        hubspot = stack.enter_context(HubspotRemote(installation.more_env["HUBSPOT_URL"]))
        for address in (one, one + 100, one + 200, two):
            ready = f"http://127.0.0.1:{address}/health/ready"
            until(lambda ready=ready: status(ready) == 200, what=f"{ready}: {here.log}{there.log}")  # type: ignore[misc]
        sides = [Side("acme", CRMS["salesforce"], salesforce, installation), Side("globex", CRMS["hubspot"], hubspot, installation)]
        yield Production(here, there, (one, two), int(installation.more_env["SYNC_WORKER_METRICS_PORT"]), sides)


def test_both_sides_tell_one_story_though_a_worker_is_killed(production: Production) -> None:
    # Given both portals' first load, our ids in both CRMs, and CRMs that tell us of changes by themselves
    acme, globex = production.sides
    for side in production.sides:
        until(side.companies, what=f"{side.portal}'s companies came in")
        until(partial(owes_nothing, side), what=f"{side.portal} owes nothing")
    door: Any = SimpleNamespace(url=production.url)
    subscribe_salesforce(acme.remote, door, auto=True)
    assert isinstance(globex.remote, HubspotRemote)
    subscribe_hubspot(globex.remote, door, auto=True)

    # When partners register deals, people rename companies, and a worker dies with writes in flight
    for side, call in ((acme, "collections_write"), (globex, "batch_upsert")):
        side.remote.fault(call, when="after_commit", hold=True, times=2)
    ids = {side.portal: [side.register(prospect_name=f"Prospect {nth}") for nth in range(DEAL_COUNT)] for side in production.sides}
    until(lambda: [one for side in production.sides for one in side.remote.faults() if one["hits"]], what="a write is in flight")
    for victim in production.there.children():
        victim.send_signal(signal.SIGKILL)
    for side in production.sides:
        side.remote.clear_faults()
        for nth in range(3):
            side.remote.edit(side.crm.company, side.crm.id_named(side.remote, "Dogwood Networks"), {side.crm.name: "Dogwood Networks"})
            renamed = side.crm.id_named(side.remote, "Birch Systems" if nth == 0 else f"Birch & Sons {nth - 1}")
            side.remote.edit(side.crm.company, renamed, {side.crm.name: f"Birch & Sons {nth}"})

    # Then every rename is here, every deal is in its CRM once, and nothing is owed
    for side in production.sides:
        until(partial(side.has, "Birch & Sons 2"), what=f"{side.portal} heard of it")
        until(partial(is_written_once, side, ids[side.portal]), what=f"{side.portal}'s deals are written")
        until(partial(owes_nothing, side), what=f"{side.portal} owes nothing")
        until(partial(is_equal, side), what=f"{side.portal} tells what its CRM tells")
        assert len({company["crm_id"] for company in side.companies()}) == len(side.companies())

    # And when they are asked to, all processes end in order
    children = production.here.children()
    began_s = time.monotonic()
    assert production.here.stop() in (0, -signal.SIGTERM, 143), production.here.log
    _, alive = psutil.wait_procs(children, timeout=HANG_S)
    print(f"all processes ended within {time.monotonic() - began_s:.1f} s")
    assert not alive
    assert "Traceback" not in production.here.log


def test_a_webhook_s_request_is_on_the_line_of_the_push_it_caused_and_is_counted(production: Production) -> None:
    # Given a portal that owes nothing, and one worker, so that there is one log to read
    acme, _ = production.sides
    until(acme.companies, what="companies came in")
    until(partial(owes_nothing, acme), what="acme owes nothing")
    production.there.stop()

    # When somebody makes a company a partner in the CRM, and its webhook comes with an id of its own
    tries = (told(production, f"hook-{nth}") for nth in count())
    found = until(lambda: next(tries), what="a refresh that is a webhook's, not the schedule's")
    assert found
    made, refresh = found

    # Then the push that followed has that id too, and our id stands in the CRM
    request = refresh["request"]
    pushes = until(partial(runs_of, production, "push", request), what=f"{request} went on to a push")
    assert refresh["run"] in {push["cause"] for push in pushes}
    until(lambda: acme.remote.record("Account", made)["Portal_Company_Id__c"], what="our id is in the CRM")

    # And whoever watches sees it: web and schedule on their ports, the worker on one of two
    first = production.metrics_port
    web, schedule = metrics_of(first), metrics_of(first + 10)
    worker = metrics_of(first + 20) or metrics_of(first + 21)
    assert 'sync_worker_webhooks_total{portal="acme",what="taken"}' in web
    assert 'sync_worker_lag_seconds{portal="acme",record="company"}' in schedule
    assert 'sync_worker_process{process="worker"} 1.0' in worker
    assert HOOK not in web + schedule + worker + production.here.log


def told(production: Production, request: str) -> tuple[str, dict[str, Any]] | None:
    """A new partner of the CRM and the refresh that its webhook made due; None where the schedule's look came first."""
    wish = {"Name": f"Yew {request}", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Partner"}
    made = production.sides[0].remote.create("Account", wish)
    url = f"{production.url}/webhooks/salesforce/acme/{HOOK}"
    answer = requests.post(url, data=message(made), headers={"X-Request-ID": request, "Content-Type": "text/xml"}, timeout=HANG_S)
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, request)
    until(lambda: f"Yew {request}" in {company["name"] for company in production.sides[0].companies()}, what="it came in")
    found = runs_of(production, "refresh", request)
    return (made, found[0]) if found else None


def metrics_of(port: int) -> str:
    try:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S).text
    except requests.ConnectionError:
        return ""


def owes_nothing(side: Side) -> bool:
    standing = side.standing()
    return not [name for name, count in standing.items() if name.startswith(("outbox", "noticed", "notices")) and count]


def is_written_once(side: Side, ids: list[str]) -> bool:
    counts = [len(side.crm.deals_with(side.remote, deal_id)) for deal_id in ids]
    assert max(counts) <= 1, counts
    return min(counts) == 1


def is_equal(side: Side) -> bool:
    return side.installation.command("compare", side.portal, code=None).code == 0


def runs_of(production: Production, verb: str, request: str) -> list[dict[str, Any]]:
    return [line for line in production.lines() if line.get("verb") == verb and line.get("request") == request and line["event"] == "run"]
