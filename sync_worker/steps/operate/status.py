"""STATUS: how processes and portals stand, read from the database and the count of calls alone. No CRM is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sync_worker.crm.budget import SHARES, Balance, Budget
from sync_worker.domain.core.moments import ago
from sync_worker.domain.operate.status import (
    FEED,
    PORTAL,
    WEBHOOKS_LATE_S,
    LastWebhook,
    OpenCause,
    PortalStanding,
    ReadingProgress,
    Release,
    Rest,
    Status,
    halt_words,
)
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import processes, standings
from sync_worker.store.operate.standings import PortalFacts, ReadRow


def status(
    store: Store, release: Release, watched: Iterable[tuple[Tenant, Budget]], unfit: Mapping[str, str] = MappingProxyType({})
) -> Status:
    """Everything there is to say, in as many statements for a hundred portals as for one.

    **Raises** StoreDown. **Shapes** `release`: what the processes should run; `unfit`: as in Status.
    """
    portals = list(watched)
    with store.reading("") as tx:
        at, now, found = tx.shared_now, tx.now, processes.listed(tx)
        facts = standings.facts(tx, [tenant.name for tenant, _ in portals], polls_after=timedelta(seconds=WEBHOOKS_LATE_S))
    return Status(at, release, found, [_standing(tenant, budget, facts[tenant.name], at, now) for tenant, budget in portals], unfit)


def _standing(tenant: Tenant, budget: Budget, facts: PortalFacts, at: datetime, now: datetime) -> PortalStanding:
    """How one portal stands. **Shapes** `at`: by the clock that all processes share; `now`: by this machine's."""
    (_, day), (owed, since_at) = budget.standing(), facts.owed
    takes_webhooks = tenant.portal.crm.webhooks.secret is not None
    return PortalStanding(
        portal=tenant.name,
        crm=tenant.portal.crm.kind,
        readings=[_reading(name, facts.reads.get(name), tenant.portal.schedule.pull_s, at) for name in tenant.readable_records()],
        rests=[*_rests(tenant, facts, at, now), *_waits(budget, day)],
        writes=facts.writes,
        notices=facts.notices,
        takes_webhooks=takes_webhooks,
        webhooks=[LastWebhook(name, one.last_at, one.found_polls) for name, one in sorted(facts.webhooks.items()) if takes_webhooks],
        feed_owed=owed,
        feed_since_at=since_at,
        conflicts=facts.conflicts,
        causes=[OpenCause(row.kind, row.code, row.object, row.records, row.first_seen_at) for row in facts.causes],
        calls_used=sum(day.used.values()),
        calls_left=day.left,
    )


def _reading(record: str, read: ReadRow | None, interval_s: float, at: datetime) -> ReadingProgress:
    read_up_to_at = read.read_up_to_at if read else None
    lag_s = max((at - read_up_to_at).total_seconds(), 0.0) if read_up_to_at else None
    return ReadingProgress(record, read_up_to_at, lag_s, interval_s)


def _rests(tenant: Tenant, facts: PortalFacts, at: datetime, now: datetime) -> Iterator[Rest]:
    """What the database says rests: the portal, one record type, one cause of failures, the feed."""
    halt, feed, (rests_until_at, because) = facts.halt, facts.feed, facts.rest
    if halt:
        yield Rest(PORTAL, halt_words(halt.actor, halt.at, halt.reason, now), None)
    if rests_until_at and rests_until_at > at:
        yield Rest(PORTAL, because, rests_until_at)
    for name in tenant.readable_records():
        read = facts.reads.get(name)
        if read and read.rests_until_at and read.rests_until_at > at:
            yield Rest(name, read.rests_because or "", read.rests_until_at)
    for cause, until_at in facts.resting.items():
        if until_at > at:
            yield Rest(f"{cause.code} ({cause.object})", "it failed too often in a row; one record is tried then", until_at)
    if feed.paused_at:
        yield Rest(FEED, f"since {ago(feed.paused_at, now)}: {feed.paused_because or 'no reason was given'}", None)
    elif feed.rests_until_at and feed.rests_until_at > at:
        yield Rest(FEED, "the portal's receiver does not take events", feed.rests_until_at)


def _waits(budget: Budget, day: Balance) -> Iterator[Rest]:
    """Shares of the day's calls that are used up."""
    for share in SHARES:
        if day.room(share) == 0:
            yield Rest(f"{share} calls", "the day's calls of this share are used up", budget.waits_until(share))
