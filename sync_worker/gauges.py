"""What the database and the queue know, collected when Prometheus asks the schedule, or `run`. What a process counts: metrics.py.

Only portals of the configuration are shown: one that was taken out does not fall behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sync_worker.bootstrap import Installation, Queue
from sync_worker.errors import StoreDown, TransientError
from sync_worker.store.operate.overview import NOTICED, Overview, overview
from sync_worker.telemetry import logs

MOST_CODES: Final = 50  # causes shown by name, those with the most open rows; the others together are `other`


class Gauges(Collector):
    """Asked again at each scrape. What is out of reach is said to be so, and the rest is shown."""

    def __init__(self, installation: Installation, queue: Queue) -> None:
        self._installation = installation
        self._queue = queue

    def describe(self) -> list[Metric]:
        """Nothing is asked when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            yield from [*self._database(), *self._budgets()]
        except StoreDown as error:
            logs.get().warning("no figures: the database is out of reach", error=str(error))
            yield _gauge("database_up", "Whether the database answers.", [], [((), 0)])
        yield from self._messages()

    def _database(self) -> Iterator[Metric]:
        seen = overview(self._installation.store)
        yield _gauge("database_up", "Whether the database answers.", [], [((), 1)])
        pulls_s = {portal.name: portal.schedule.pull_s for portal in self._installation.portals}
        yield _gauge("pull_interval_seconds", "How often the portal file has it read.", ["portal"], _each(pulls_s))
        for make in (_lags, _pauses, _outboxes, _notices, _feeds, _failures):
            yield from make(seen, pulls_s.keys(), seen.at)
        resting: dict[tuple[str, ...], int] = {(code,): count for code, count in seen.breakers.items()}
        yield _gauge(
            "breakers_open", "Causes that failed too often in a row, so that nothing is tried for now.", ["code"], _named(resting).items()
        )

    def _budgets(self) -> Iterator[Metric]:
        days = self._installation.balances()
        left = {name: float(day.left) for name, day in days.items() if day.left is not None}
        limits = {name: float(day.limit) for name, day in days.items() if day.limit is not None}
        used = {name: float(sum(day.used.values())) for name, day in days.items()}
        yield _gauge("budget_left", "Calls the portal may still make today, where a limit is known.", ["portal"], _each(left))
        yield _gauge("budget_limit", "Calls of a day, its own and those of others, where a limit is known.", ["portal"], _each(limits))
        yield _gauge("budget_used", "Calls it has made today, by all processes.", ["portal"], _each(used))

    def _messages(self) -> Iterator[Metric]:
        try:
            counts = self._queue.message_counts()
        except TransientError as error:
            logs.get().warning("no figures: the queue is out of reach", error=str(error))
            yield _gauge("queue_up", "Whether the queue answers.", [], [((), 0)])
            return
        yield _gauge("queue_up", "Whether the queue answers.", [], [((), 1)])
        yield _gauge("queue_messages", "Messages that wait for a worker.", ["queue"], _each(counts))


# ── from what was seen ───────────────────────────────────────────────────────────────────────────────────────────────


def _lags(seen: Overview, portals: Collection[str], now: datetime) -> Iterator[Metric]:
    samples = [
        ((read.portal, read.record), _age_s(read.high_water_at, now)) for read in seen.reads if read.record and read.portal in portals
    ]
    yield _gauge(
        "lag_seconds", "How far behind the CRM the portal is: since the last moment up to which all is read.", ["portal", "record"], samples
    )


def _pauses(seen: Overview, portals: Collection[str], now: datetime) -> Iterator[Metric]:
    paused = {read.portal for read in seen.reads if read.paused_until_at and read.paused_until_at > now}
    samples = {portal: float(portal in paused) for portal in portals}
    yield _gauge("portal_paused", "1 while the portal rests after an error.", ["portal"], _each(samples))
    halted = {read.portal for read in seen.reads if read.is_halted}
    samples = {portal: float(portal in halted) for portal in portals}
    yield _gauge("portal_halted", "1 while a person has paused the portal.", ["portal"], _each(samples))
    resting = Counter(read.portal for read in seen.reads if read.rests_until_at and read.rests_until_at > now)
    counts = {portal: float(resting[portal]) for portal in portals}
    yield _gauge("records_paused", "Record types that rest alone, while the rest of their portal goes on.", ["portal"], _each(counts))


def _outboxes(seen: Overview, portals: Collection[str], now: datetime) -> Iterator[Metric]:
    ours = [one for one in seen.waiting if one.state != NOTICED and one.portal in portals]
    yield _gauge(
        "outbox_rows", "Deals that owe the CRM a write.", ["portal", "state"], [((one.portal, one.state), one.count) for one in ours]
    )
    late = {one.portal: _age_s(one.since_at, now) for one in ours if one.state == "ready"}
    samples = {portal: late.get(portal, 0.0) for portal in portals}
    yield _gauge("outbox_overdue_seconds", "How long the oldest write has been due.", ["portal"], _each(samples))


def _notices(seen: Overview, portals: Collection[str], now: datetime) -> Iterator[Metric]:
    ours = {one.portal: one for one in seen.waiting if one.state == NOTICED}
    counts = {portal: float(ours[portal].count if portal in ours else 0) for portal in portals}
    ages_s = {portal: _age_s(ours[portal].since_at, now) if portal in ours else 0.0 for portal in portals}
    yield _gauge("notices_waiting", "Records that a notice named and that are not read again yet.", ["portal"], _each(counts))
    yield _gauge("notices_oldest_seconds", "How long the oldest of them waits.", ["portal"], _each(ages_s))


def _feeds(seen: Overview, portals: Collection[str], now: datetime) -> Iterator[Metric]:
    ours = {one.portal: one for one in seen.owed}
    counts = {portal: float(ours[portal].count if portal in ours else 0) for portal in portals}
    ages_s = {portal: _age_s(ours[portal].since_at, now) if portal in ours else 0.0 for portal in portals}
    yield _gauge("feed_owed", "Events the portal has not taken yet.", ["portal"], _each(counts))
    yield _gauge("feed_lag_seconds", "How long the oldest of them waits.", ["portal"], _each(ages_s))


def _failures(seen: Overview, portals: Collection[str], _now: datetime) -> Iterator[Metric]:
    by_portal = Counter[tuple[str, ...]]({(portal, "failure"): 0 for portal in portals})
    by_code = Counter[tuple[str, ...]]()
    for one in seen.opened:
        if one.portal in portals:
            by_portal[one.portal, one.kind] += one.count
            by_code[one.kind, one.code] += one.count
    yield _gauge("failures_open", "Failures and problems that are not resolved.", ["portal", "kind"], by_portal.items())
    yield _gauge("failures_open_by_code", "The same by cause.", ["kind", "code"], _named(by_code).items())


def _named(counts: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """The same with the rarest causes, which stand last in each key, under one name."""
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    shown = Counter({key: counts[key] for key in ranked[:MOST_CODES]})
    for key in ranked[MOST_CODES:]:
        shown[*key[:-1], "other"] += counts[key]
    return shown


def _age_s(since_at: datetime, now: datetime) -> float:
    return max((now - since_at).total_seconds(), 0.0)


def _each(samples: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), value) for name, value in samples.items()]


def _gauge(name: str, words: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(f"sync_worker_{name}", words, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
