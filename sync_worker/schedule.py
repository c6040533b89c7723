"""When to look for what is due. APScheduler ticks; the database says what is due, so a second scheduler or a missed tick is harmless.

What time it is says the clock that all processes share (`Tx.shared_now`): due times, pauses and runs were written by it, elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler

from sync_worker.actors import Actors
from sync_worker.bootstrap import Installation
from sync_worker.config.portal import Portal
from sync_worker.errors import SyncError
from sync_worker.steps.associations.evaluate import EVALUATE, is_by_rules
from sync_worker.steps.associations.evaluate import is_due as is_evaluation_due
from sync_worker.steps.associations.mode import DERIVE
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.deals.complete import COMPLETE
from sync_worker.steps.operate.inquire import INQUIRIES
from sync_worker.steps.operate.intervene import REPLAY
from sync_worker.steps.operate.sweep import SWEEP
from sync_worker.steps.people.regroup import REGROUP
from sync_worker.steps.tell.deliver import DELIVER
from sync_worker.steps.tell.mail import MAIL
from sync_worker.store.core import runs
from sync_worker.store.operate.due import PortalDue, ReadingDue, standings
from sync_worker.telemetry import logs

TICK_S = 2  # how late due work may be noticed: a killed worker's claim ends after 30 s, and its work goes on within 35
AGAIN_S = 60  # work that stays due so long after it was sent is sent again: its message was lost
COMPARE = FollowUp(Work.COMPARE, share="backfill")
EXPIRE = FollowUp(Work.EXPIRE)
REMIND = FollowUp(Work.REMIND)
REMIND_AT = time(7)  # of the portal's day, when letters are read
SWEEP_AT = time(1)
AGAIN_AFTER_S = 3600  # a night's work that was begun and did not end well is begun again, the same night


class Scheduler:
    """Sends what is due to the actors: once when it becomes due, and once a minute while it stays so. Ticks inside its `with` block."""

    def __init__(self, installation: Installation, actors: Actors) -> None:
        self._installation = installation
        self._actors = actors
        self._sent_at: dict[str, dict[FollowUp, datetime]] = {}
        self._records: dict[str, tuple[str, ...]] = {}
        self._nights: dict[tuple[str, FollowUp], datetime] = {}
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
        """One look at every portal. Whatever ends it, the next tick looks again."""
        with _surviving():
            self._look_at_all()

    def _look_at_all(self) -> None:
        """One portal that cannot be looked at does not keep the others waiting. **Raises** SyncError."""
        with self._installation.store.reading("") as tx:
            found, is_any_left, now = standings(tx), runs.is_any_left(tx), tx.shared_now
        if is_any_left:
            with self._installation.store.side_transaction("") as tx:
                runs.close_left(tx)
        for portal in self._installation.working:
            with _surviving(portal=portal.name):
                self._look(portal, found.get(portal.name), now)

    def _look(self, portal: Portal, standing: PortalDue | None, now: datetime) -> None:
        before, sent = self._sent_at.get(portal.name, {}), {}
        for follow_up in self._due(portal, standing, now):
            last = before.get(follow_up)
            if last and now - last < timedelta(seconds=AGAIN_S) and not _is_anew(follow_up, standing, last):
                sent[follow_up] = last
            elif self._actors.send(portal.name, follow_up.work, follow_up.record, follow_up.share):
                sent[follow_up] = now
        self._sent_at[portal.name] = sent  # what is due no longer is forgotten, so that it is sent at once when it is due again

    def _due(self, portal: Portal, standing: PortalDue | None, now: datetime) -> Iterator[FollowUp]:
        look = PortalLook(portal, standing, now, lambda: self._installation.tenant(portal.name))
        if standing:
            yield from self._without_crm(portal, standing, now)
        yield from look.without_crm()
        if look.rests:
            return
        if portal.name not in self._records:
            self._records[portal.name] = look.tenant().readable_records()
        yield from look.by_day(self._records[portal.name], slowness=self._slowness(portal, standing, now))
        if standing:
            nights = ((EXPIRE, time()), (REMIND, REMIND_AT), (COMPARE, portal.schedule.full_compare))
            for follow_up in self._open(portal, _nightly(portal, standing, now, nights), now):
                if follow_up != REMIND or self._installation.settings.smtp_url:
                    yield follow_up

    def _without_crm(self, portal: Portal, standing: PortalDue, now: datetime) -> Iterator[FollowUp]:
        """What goes on while the CRM rests."""
        if standing.is_feed_due and portal.feed:
            yield DELIVER
        if standing.is_mail_due and not standing.is_halted and self._installation.settings.smtp_url:
            yield MAIL
        yield from self._open(portal, _nightly(portal, standing, now, ((SWEEP, SWEEP_AT),)), now)

    def _slowness(self, portal: Portal, standing: PortalDue | None, now: datetime) -> int:
        """How many times slower than it is written this portal is polled; asked of the budget only where a poll would be due."""
        readings = standing.readings.values() if standing else ()
        is_any_due = any(reading.pulled_at and _is_past(reading.pulled_at, portal.schedule.pull_s, now) for reading in readings)
        return self._installation.budget(portal.name).slowness() if is_any_due else 1

    def _open(self, portal: Portal, nights: Iterable[tuple[FollowUp, datetime]], now: datetime) -> Iterator[FollowUp]:
        return (follow_up for follow_up, since_at in nights if self._is_open(portal, follow_up, since_at, now))

    def _is_open(self, portal: Portal, follow_up: FollowUp, since_at: datetime, now: datetime) -> bool:
        """Whether the night's work has yet to go through; no longer asked once it has."""
        if self._nights.get((portal.name, follow_up)) == since_at:
            return False
        with self._installation.store.reading(portal.name) as tx:
            last = runs.latest(tx, follow_up.work, since_at=since_at)
        if last and last.state == "done":
            self._nights[portal.name, follow_up] = since_at
            return False
        return last is None or _is_past(last.started_at, AGAIN_AFTER_S, now)


@contextmanager
def _surviving(**where: str) -> Iterator[None]:
    """What goes wrong is logged, a bug with its traceback, and ends this look alone."""
    log = logs.get()
    try:
        yield
    except SyncError as error:
        log.warning("could not look for due work", error=str(error), **where)
    except Exception as bug:
        log.exception("a bug ended a look for due work", error=str(bug), **where)


@dataclass(frozen=True, slots=True)
class PortalLook:
    """One look at one portal. **Shapes** `standing` None: it has no row yet."""

    portal: Portal
    standing: PortalDue | None
    now: datetime
    tenant: Callable[[], Tenant]

    @property
    def rests(self) -> bool:
        """Whether an error or a person has paused the portal."""
        return self.standing is not None and self.standing.rests(self.now)

    def without_crm(self) -> Iterator[FollowUp]:
        """What is due and goes on while the CRM rests."""
        if self.standing and self.standing.is_regrouping and not self.standing.is_halted:
            yield REGROUP
        if self.standing and self.standing.is_inquiring and not self.standing.is_halted:
            yield from INQUIRIES

    def by_day(self, records: Iterable[str], *, slowness: int = 1) -> Iterator[FollowUp]:
        """What is due of the CRM, except the night's work; nothing while the portal rests.

        **Shapes** `records`: those that are read, companies first. `slowness`: so many times slower they are polled.
        """
        if self.rests:
            return
        yield from _reads(self.portal, records, self.standing, self.now, slowness=slowness)
        if self.standing:
            yield from _writes(self.portal, self.standing)
            yield from _evaluations(self.portal, self.standing, self.tenant)


def _evaluations(portal: Portal, standing: PortalDue, tenant: Callable[[], Tenant]) -> Iterator[FollowUp]:
    """Rules that do not stand yet, once there are companies to hold them against; one look more for a portal that has rules."""
    companies = standing.readings.get(COMPANY)
    if is_by_rules(portal) and companies and companies.pulled_at and is_evaluation_due(tenant()):
        yield EVALUATE


def _reads(portal: Portal, records: Iterable[str], standing: PortalDue | None, now: datetime, *, slowness: int = 1) -> Iterator[FollowUp]:
    """Pulls and refreshes, companies first. A first load is a backfill."""
    readings: Mapping[str, ReadingDue] = {} if standing is None else standing.readings
    resting = {name for name, reading in readings.items() if reading.rests(now)}
    for name in records:
        if name in resting:
            continue
        last = readings[name].pulled_at if name in readings else None
        if last is None:
            yield FollowUp(Work.PULL, name, share="backfill")
        elif _is_past(last, portal.schedule.pull_s * slowness, now):
            yield FollowUp(Work.PULL, name)
    for name, reading in sorted(readings.items()):
        if reading.is_noticed and name not in resting:
            yield FollowUp(Work.REFRESH, name)
        if reading.is_filling and reading.pulled_at and name not in resting:
            yield FollowUp(Work.BACKFILL, name, share="backfill")


def _writes(portal: Portal, standing: PortalDue) -> Iterator[FollowUp]:
    """A push of deals is live; where portal ids alone are owed it belongs to the load that brought their companies."""
    if standing.is_deriving and portal.two_tier:
        yield DERIVE
    if standing.is_replaying:
        yield REPLAY
    if standing.is_completing:
        yield COMPLETE
    if standing.owes:
        yield FollowUp(Work.PUSH)
    elif standing.is_unpatched:
        yield FollowUp(Work.PUSH, share="backfill")


def _is_anew(follow_up: FollowUp, standing: PortalDue | None, sent_at: datetime) -> bool:
    """Whether a pull that was sent then is done and due once more, without anybody having looked in between."""
    reading = standing.readings.get(follow_up.record) if standing and follow_up.work == Work.PULL else None
    return reading is not None and reading.pulled_at is not None and reading.pulled_at > sent_at


def _is_past(moment: datetime, seconds: float, now: datetime) -> bool:
    return now - moment >= timedelta(seconds=seconds)


def last_moment(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """When that time of day last was in the zone; UTC. One that a change of clocks leaves out is counted by the clock before it."""
    day = now.astimezone(zone).date()
    today = datetime.combine(day, at, zone).astimezone(UTC)
    return today if today <= now else datetime.combine(day - timedelta(days=1), at, zone).astimezone(UTC)


def _nightly(
    portal: Portal, standing: PortalDue, now: datetime, nights: Iterable[tuple[FollowUp, time | None]]
) -> Iterator[tuple[FollowUp, datetime]]:
    """A night's work, and since when it must have gone through; nothing for a night before the portal began."""
    for follow_up, at in nights:
        if at is None:
            continue
        since_at = last_moment(at, ZoneInfo(portal.time_zone), now)
        if standing.mode_set_at < since_at:
            yield follow_up, since_at
