"""A whole installation as Prometheus sees it: real processes' `/metrics`, and the troubles of a night, each made for real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from prometheus_client import generate_latest

from sync_worker.actors import Actors, attempt, register
from sync_worker.bootstrap import Installation, Queue, broker
from sync_worker.domain.sync.push.breaker import Breaker, Cause
from sync_worker.domain.tell.event import KINDS
from sync_worker.gauges import Gauges
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import Work
from sync_worker.store.core import companies, cursors, failures, portals
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.operate import halts
from sync_worker.store.sync import breakers, notices, outbox
from sync_worker.telemetry import metrics
from sync_worker.web.answers import WebhookTally
from tests.contract.store.samples import company
from tests.servers import free_port
from tests.watching.series import Shown, shown

READ = ("company", "lead")
HOUR_S = 3600.0


@dataclass
class Site:
    """Two portals, `acme` and `birch`, read a moment ago.

    **Shapes** `lacking`: a process without the secret of `birch`; `tally`: what the webhooks have counted.
    """

    lacking: Installation
    installation: Installation
    queue: Queue
    actors: Actors
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)

    def scrape(self, process: str = "run") -> Shown:
        """What `/metrics` of such a process shows, without the half second that its server needs to end."""
        metrics.PROCESS.clear()
        metrics.PROCESS.labels(process).set(1)
        with ExitStack() as stack:
            if process in ("run", "schedule"):
                stack.enter_context(metrics.showing(Gauges(self.installation, self.queue)))
            if process in ("run", "web"):
                stack.enter_context(metrics.showing(WebhookTally(self.tally)))
            text = generate_latest(metrics.REGISTRY).decode()
        return shown(text, job="sync-worker", instance=f"{process}:9100")

    @contextmanager
    def earlier(self, by_s: float, portal: str = "acme") -> Iterator[Tx]:
        """A commit of so long ago."""
        clock = Services().clock
        store = Store(self.installation.store.url, clock=lambda: clock() - timedelta(seconds=by_s), events={"acme": frozenset(KINDS)})
        with closing(store), store.transaction(portal) as tx:
            yield tx


def site_of(installation: Installation, lacking: Installation) -> Site:
    """All is well."""
    metrics.DISABLED.clear()
    installation.begin()
    queue = broker(installation.settings)
    site = Site(lacking, installation, queue, register(queue, installation))
    for portal in ("acme", "birch"):
        with installation.store.transaction(portal) as tx:
            portals.enter(tx, "contracts")
        read(site, portal, behind_s=0)
    return site


def read(site: Site, portal: str, *, behind_s: float) -> None:
    with site.installation.store.transaction(portal) as tx:
        for record in READ:
            cursor = cursors.acquire(tx, record, "t")
            assert cursor
            cursors.close_window(tx, cursor, tx.shared_now - timedelta(seconds=behind_s))
            cursors.release(tx, replace(cursor, last_pulled_at=tx.now))


# ── troubles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def database_away(site: Site) -> None:
    there = site.installation
    nowhere = Store("sqlite:////no/such/folder/at/all.db", clock=there.services.clock)
    site.installation = Installation(there.settings, there._offices, nowhere, there.services)


def queue_away(site: Site) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    site.queue = broker(site.installation.settings.model_copy(update={"redis_url": url}))
    register(site.queue, site.installation)


def behind(seconds: float, site: Site) -> None:
    read(site, "acme", behind_s=seconds)


def disabled(site: Site) -> None:
    site.lacking.begin()


def paused(site: Site) -> None:
    with site.installation.store.transaction("acme") as tx:
        portals.pause(tx, tx.shared_now + timedelta(hours=1), "the log-in was refused")


def halted(site: Site) -> None:
    with site.installation.store.transaction("acme") as tx:
        halts.begin(tx, actor="Ann", reason="they move")


def record_paused(until: timedelta, site: Site) -> None:
    with site.installation.store.transaction("acme") as tx:
        cursors.pause(tx, "company", tx.shared_now + until, code="held_for_review", because="too much would go")


def failed(count: int, kind: Any, site: Site) -> None:
    found = [Failure(f"{kind}{number}", kind, "company", str(number), "ingest", "unlisted_value", "words", "") for number in range(count)]
    with site.installation.store.transaction("acme") as tx:
        failures.record(tx, found)


def breaker(is_open: bool, site: Site) -> None:
    with site.installation.store.transaction("acme") as tx:
        until_at = tx.now + timedelta(minutes=9) if is_open else None
        breakers.save(tx, Cause("deal", "push", "INVALID_EMAIL"), Breaker(19, 600.0, until_at))


def stopped(count: int, site: Site) -> None:
    """Work comes to a process in which its portal is disabled."""
    for _ in range(count):
        attempt(site.lacking, "birch", Work.PULL, "company")


def messages(count: int, site: Site) -> None:
    for _ in range(count):
        site.actors.send("acme", Work.PUSH)


def waited(seconds: float, _site: Site) -> None:
    for _ in range(20):
        metrics.WAIT_S.labels("live").observe(seconds)


def noticed(since_s: float, site: Site) -> None:
    with site.earlier(since_s) as tx:
        notices.add(tx, "lead", ["00Q1"])


def owed(since_s: float, site: Site) -> None:
    with site.earlier(since_s) as tx:
        outbox.owe(tx, "deal", ["d1"], "r1")


def uncertain(site: Site) -> None:
    """A worker was killed in the middle of a call."""
    owed(60, site)
    with site.earlier(50) as tx:
        rows = outbox.claim(tx, state="ready", limit=9, token="t", until_at=tx.shared_now + timedelta(seconds=30))
        outbox.prepare(tx, rows, "t", {"d1": {}})
        outbox.begin(tx, "deal", ["d1"], "t")
    with site.installation.store.transaction("acme") as tx:
        outbox.doubt_expired(tx)


def untold(since_s: float, site: Site) -> None:
    with site.earlier(since_s) as tx:
        companies.save(tx, [company("c1", crm_id="001")])


def called(used: int, site: Site) -> None:
    site.installation.budget("acme").hear(used, 15_000)


def answered(seconds: float, route: str, _site: Site) -> None:
    for _ in range(20):
        metrics.answered(route, "POST", status=200, duration_s=seconds)


def refused(count: int, site: Site) -> None:
    site.tally["acme", "refused"] += count


def ended(count: int, _site: Site) -> None:
    metrics.CONNECTIONS_ENDED.labels("slow head").inc(count)


def applied(seconds: float, _site: Site) -> None:
    metrics.noticed_applied([seconds] * 20)


def both(first: Callable[[Site], None], second: Callable[[Site], None]) -> Callable[[Site], None]:
    def make(site: Site) -> None:
        first(site)
        second(site)

    return make


def with_(make: Callable[..., None], *values: Any) -> Callable[[Site], None]:
    return partial(make, *values)
