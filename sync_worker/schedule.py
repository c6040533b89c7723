"""When to look for what is due. APScheduler ticks; the database says what is due, so a second scheduler or a missed tick is harmless."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from sync_worker import logs
from sync_worker.actors import Actors
from sync_worker.bootstrap import Installation
from sync_worker.errors import SyncError
from sync_worker.steps.push import has_work
from sync_worker.steps.tenant import Tenant, Wake
from sync_worker.store import cursors, notices, portals, runs
from sync_worker.store.engine import Tx

TICK_S = 2  # how late due work may be noticed: a killed worker's claim ends after 30 s, and its work goes on within 35
AGAIN_S = 60  # work that stays due so long after it was sent is sent again: its message was lost
COMPARE_AGAIN_S = 3600  # a nightly comparison that was begun and did not end well is begun again, the same night


class Schedule:
    """Sends what is due to the actors: once when it becomes due, and once a minute while it stays so. Ticks inside its `with` block."""

    def __init__(self, installation: Installation, actors: Actors) -> None:
        self._installation = installation
        self._actors = actors
        self._sent_at: dict[str, dict[Wake, datetime]] = {}
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def __enter__(self) -> Self:
        """Begins to tick, at once and then every few seconds, in a thread of its own."""
        now = self._installation.services.clock()
        self._scheduler.add_job(self.tick, "interval", seconds=TICK_S, next_run_time=now, coalesce=True, max_instances=1)
        self._scheduler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Waits for the tick under way."""
        self._scheduler.shutdown(wait=True)

    def tick(self) -> None:
        """One look at every portal. A portal that cannot be looked at does not keep the others waiting."""
        for portal in self._installation.portals:
            try:
                self._look(portal.name)
            except SyncError as error:
                logs.get().warning("could not look for due work", portal=portal.name, error=str(error))

    def _look(self, portal: str) -> None:
        now = self._installation.services.clock()
        before, sent = self._sent_at.get(portal, {}), {}
        for wake in due(self._installation.tenant(portal), now):
            last = before.get(wake)
            if last and now - last < timedelta(seconds=AGAIN_S):
                sent[wake] = last
            elif self._actors.send(portal, wake.verb, wake.record):
                sent[wake] = now
        self._sent_at[portal] = sent  # what is due no longer is forgotten, so that it is sent at once when it is due again


def due(tenant: Tenant, now: datetime) -> Iterator[Wake]:
    """What the database says is due for one portal; nothing while it is paused."""
    with tenant.store.reading(tenant.name) as tx:
        row = portals.get(tx)
        if row and row.paused_until_at and row.paused_until_at > now:
            return
        noticed = notices.counts(tx)
        is_compare_due = row is not None and _is_compare_due(tx, tenant, row.mode_set_at, now)
        pulled_at = {name: cursor.last_pulled_at for name in tenant.readable_records() if (cursor := cursors.get(tx, name))}
    for name in tenant.readable_records():
        last = pulled_at.get(name)
        if last is None or now - last >= timedelta(seconds=tenant.portal.schedule.pull_s):
            yield Wake("pull", name)
    for object_ in sorted(noticed):
        yield Wake("refresh", object_)
    if has_work(tenant):
        yield Wake("push")
    if is_compare_due:
        yield Wake("compare")


def last_moment(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """When that time of day last was in the zone; UTC. One that a change of clocks leaves out is counted by the clock before it."""
    day = now.astimezone(zone).date()
    today = datetime.combine(day, at, zone).astimezone(UTC)
    return today if today <= now else datetime.combine(day - timedelta(days=1), at, zone).astimezone(UTC)


def _is_compare_due(tx: Tx, tenant: Tenant, begun_at: datetime, now: datetime) -> bool:
    """Whether the nightly comparison's hour has passed since the portal began, and no comparison has gone through since."""
    at = tenant.portal.schedule.full_compare
    if at is None:
        return False
    since_at = last_moment(at, ZoneInfo(tenant.portal.time_zone), now)
    if begun_at >= since_at:
        return False
    last = runs.latest(tx, "compare", since_at=since_at)
    return last is None or (last.state != "done" and now - last.started_at >= timedelta(seconds=COMPARE_AGAIN_S))
