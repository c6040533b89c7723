"""STATUS: how processes and portals stand, read from the database and the count of calls alone. No CRM is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from sync_worker.crm.budget import SHARES, Balance, Budget
from sync_worker.domain.core.moments import ago
from sync_worker.domain.operate.status import (
    FEED,
    PORTAL,
    OpenCause,
    PortalStanding,
    Process,
    ReadingProgress,
    Release,
    Rest,
    Status,
    halt_words,
)
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import conflicts
from sync_worker.store.operate import halts, processes
from sync_worker.store.sync import breakers, notices, outbox
from sync_worker.store.tell import deliveries


def status(
    store: Store, release: Release, watched: Iterable[tuple[Tenant, Budget]], unfit: Mapping[str, str] = MappingProxyType({})
) -> Status:
    """Everything there is to say. **Raises** StoreDown. **Shapes** `release`: what the processes should run; `unfit`: as in Status."""
    at, found = _processes(store)
    return Status(at, release, found, [portal_status(tenant, budget) for tenant, budget in watched], unfit)


def portal_status(tenant: Tenant, budget: Budget) -> PortalStanding:
    """How one portal stands. **Raises** StoreDown."""
    _, day = budget.standing()
    with tenant.store.reading(tenant.name) as tx:
        reads = {name: cursors.get(tx, name) for name in tenant.readable_records()}
        owed, since_at = deliveries.owed(tx)
        return PortalStanding(
            portal=tenant.name,
            crm=tenant.portal.crm.kind,
            readings=[_reading(name, cursor, tenant.portal.schedule.pull_s, tx.shared_now) for name, cursor in reads.items()],
            rests=[*_rests(tx, reads), *_waits(budget, day)],
            writes=outbox.counts(tx),
            notices=sum(notices.counts(tx).values()),
            feed_owed=owed,
            feed_since_at=since_at,
            conflicts=conflicts.open_count(tx),
            causes=[OpenCause(row.kind, row.code, row.object, row.records, row.first_seen_at) for row in failures.causes(tx)],
            calls_used=sum(day.used.values()),
            calls_left=day.left,
        )


def _processes(store: Store) -> tuple[datetime, list[Process]]:
    with store.reading("") as tx:
        return tx.shared_now, processes.listed(tx)


def _reading(record: str, cursor: Cursor | None, interval_s: float, now: datetime) -> ReadingProgress:
    read_up_to_at = cursor.high_water_at if cursor else None
    lag_s = max((now - read_up_to_at).total_seconds(), 0.0) if read_up_to_at else None
    return ReadingProgress(record, read_up_to_at, lag_s, interval_s)


def _rests(tx: Tx, reads: dict[str, Cursor | None]) -> Iterator[Rest]:
    """What the database says rests: the portal, one record type, one cause of failures, the feed."""
    now, row, feed, halt = tx.shared_now, portals.get(tx), deliveries.standing(tx), halts.get(tx)
    if halt:
        yield Rest(PORTAL, halt_words(halt.actor, halt.at, halt.reason, tx.now), None)
    if row and row.paused_until_at and row.paused_until_at > now:
        yield Rest(PORTAL, row.paused_because or "", row.paused_until_at)
    for name, cursor in reads.items():
        if cursor and cursor.paused_until_at and cursor.paused_until_at > now:
            yield Rest(name, cursor.paused_because or "", cursor.paused_until_at)
    for cause, until_at in breakers.resting(tx).items():
        if until_at > now:
            yield Rest(f"{cause.code} ({cause.object})", "it failed too often in a row; one record is tried then", until_at)
    if feed.paused_at:
        yield Rest(FEED, f"since {ago(feed.paused_at, tx.now)}: {feed.paused_because or 'no reason was given'}", None)
    elif feed.rests_until_at and feed.rests_until_at > now:
        yield Rest(FEED, "the portal's receiver does not take events", feed.rests_until_at)


def _waits(budget: Budget, day: Balance) -> Iterator[Rest]:
    """Shares of the day's calls that are used up."""
    for share in SHARES:
        if day.room(share) == 0:
            yield Rest(f"{share} calls", "the day's calls of this share are used up", budget.waits_until(share))
