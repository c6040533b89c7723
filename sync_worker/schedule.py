"""When to look for what is due. APScheduler ticks; the database says what is due, so a second scheduler or a missed tick is harmless."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from sync_worker import logs
from sync_worker.actors import Actors
from sync_worker.bootstrap import Installation
from sync_worker.errors import SyncError
from sync_worker.steps.push import has_work
from sync_worker.steps.tenant import COMPANY, Tenant, Wake
from sync_worker.store import cursors, notices, portals

TICK_S = 5  # how late a due piece of work may be noticed
AGAIN_S = 15  # a message lost on the way is sent again after this long


class Schedule:
    """Sends what is due to the actors, each piece at most four times a minute."""

    def __init__(self, installation: Installation, actors: Actors) -> None:
        self._installation = installation
        self._actors = actors
        self._sent_at: dict[tuple[str, Wake], datetime] = {}
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def start(self) -> None:
        """Begins to tick, at once and then every few seconds, in a thread of its own."""
        now = self._installation.services.clock()
        self._scheduler.add_job(self.tick, "interval", seconds=TICK_S, next_run_time=now, coalesce=True, max_instances=1)
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for the tick under way."""
        self._scheduler.shutdown(wait=True)

    def tick(self) -> None:
        """One look at every portal. A portal that cannot be looked at does not keep the others waiting."""
        now = self._installation.services.clock()
        for portal in self._installation.portals:
            try:
                for wake in due(self._installation.tenant(portal.name), now):
                    self._send(portal.name, wake, now)
            except SyncError as error:
                logs.get().warning("could not look for due work", portal=portal.name, error=str(error))

    def _send(self, portal: str, wake: Wake, now: datetime) -> None:
        last = self._sent_at.get((portal, wake))
        if last and now - last < timedelta(seconds=AGAIN_S):
            return
        self._sent_at[portal, wake] = now
        self._actors.send(portal, wake.verb, wake.record)


def due(tenant: Tenant, now: datetime) -> Iterator[Wake]:
    """What the database says is due for one portal; nothing while it is paused."""
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
        if row and row.paused_until_at and row.paused_until_at > now:
            return
        noticed = notices.counts(tx)
        pulled_at = {name: cursor.last_pulled_at for name in tenant.readable_records() if (cursor := cursors.get(tx, name))}
    for name in tenant.readable_records() if pulled_at.get(COMPANY) else (COMPANY,):  # deals wait for the first load of companies
        last = pulled_at.get(name)
        if last is None or now - last >= timedelta(seconds=tenant.portal.schedule.pull_s):
            yield Wake("pull", name)
    for object_ in sorted(noticed):
        yield Wake("refresh", object_)
    if has_work(tenant):
        yield Wake("push")
