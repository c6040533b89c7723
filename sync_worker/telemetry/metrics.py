"""What this process counts of its own doings, for Prometheus, on loopback. What the database knows is in gauges.py.

No label grows with the data: verbs, record types as mappings name them, outcomes, portals of the configuration, routes of the application.
A count per portal and record type would be thirty thousand series for a thousand portals; `runs list` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from platform import python_version
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

import dramatiq
from dramatiq.broker import MessageProxy
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

LOOPBACK: Final = "127.0.0.1"
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_ANSWER_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)  # the goals are 0.1 s and, on SQLite, 0.5 s
_APPLIED_S: Final = (0.25, 0.5, 1, 2, 5, 15, 30, 60, 300, 1800)  # the goals: 1 s for half of them, 5 s for 99 of 100
_RUN_S: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)  # a poll takes a second, a first load an hour
_WAIT_S: Final = (0.05, 0.1, 0.5, 1, 5, 15, 35, 60, 300, 1800)  # a killed worker's work is taken up within 35 s

PROCESS: Final = Gauge("sync_worker_process", "1, and which process this is.", ["process"], registry=REGISTRY)
BUILD_INFO: Final = Gauge(
    "sync_worker_build_info",
    "1, and what this process runs; `configuration`: a digest of the portal, price and mapping files it was started with.",
    ["version", "python_version", "configuration"],
    registry=REGISTRY,
)
DISABLED: Final = Gauge("sync_worker_portal_disabled", "1 while this process cannot work for the portal.", ["portal"], registry=REGISTRY)
RUNS: Final = Counter("sync_worker_runs", "Runs that ended.", ["verb", "state"], registry=REGISTRY)
RUN_S: Final = Histogram("sync_worker_run_seconds", "How long runs took.", ["verb"], buckets=_RUN_S, registry=REGISTRY)
RECORDS: Final = Counter("sync_worker_records", "Records by how they ended.", ["verb", "record", "outcome"], registry=REGISTRY)
CALLS: Final = Counter("sync_worker_api_calls", "Data calls made to the portal's CRM.", ["portal", "verb"], registry=REGISTRY)
PARALLEL_CALLS: Final = Gauge(
    "sync_worker_parallel_calls", "Calls of the portal that may be in flight at once, as heard last.", ["portal"], registry=REGISTRY
)
STOPS: Final = Counter("sync_worker_work_stopped", "Pieces of work that an error stopped.", ["verb", "code"], registry=REGISTRY)
APPLIED_S: Final = Histogram(
    "sync_worker_notice_applied_seconds", "From the first notice of a record to its commit.", buckets=_APPLIED_S, registry=REGISTRY
)
WAIT_S: Final = Histogram("sync_worker_message_wait_seconds", "From send to begin.", ["queue"], buckets=_WAIT_S, registry=REGISTRY)
FEED_SENT: Final = Counter(
    "sync_worker_feed_sent", "Events sent to the portal, by how that ended.", ["portal", "ending"], registry=REGISTRY
)
ANSWER_S: Final = Histogram(
    "sync_worker_http_answer_seconds", "From request to answer.", ["route", "method", "status"], buckets=_ANSWER_S, registry=REGISTRY
)
CONNECTIONS_ENDED: Final = Counter(
    "sync_worker_http_connections_ended", "Connections that were ended or not taken, by why.", ["why"], registry=REGISTRY
)


def runs(version: str, configuration: str) -> None:
    """What this process runs, from now on."""
    BUILD_INFO.clear()
    BUILD_INFO.labels(version, python_version(), configuration).set(1)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """What a run came to. **Shapes** `outcomes`: how many records ended how; `calls`: made to the CRM."""

    verb: str
    record: str
    state: str
    duration_s: float
    outcomes: Mapping[str, int]
    calls: int


def run_ended(portal: str, run: EndedRun) -> None:
    """One run, whatever its end."""
    RUNS.labels(run.verb, run.state).inc()
    RUN_S.labels(run.verb).observe(run.duration_s)
    for outcome, count in run.outcomes.items():
        RECORDS.labels(run.verb, run.record, outcome).inc(count)
    CALLS.labels(portal, run.verb).inc(run.calls)


def answered(route: str, method: str, *, status: int, duration_s: float) -> None:
    """One answer over HTTP."""
    ANSWER_S.labels(route, method, str(status)).observe(duration_s)


def noticed_applied(ages_s: Iterable[float]) -> None:
    """Noticed records, read and committed. **Units** seconds since each one's first notice."""
    for age_s in ages_s:
        APPLIED_S.observe(max(age_s, 0))


@contextmanager
def serving(process: str, ports: Sequence[int]) -> Iterator[int]:
    """Shows everything on the first of these ports of loopback that is free; its number. **Raises** OSError where none is."""
    server, thread = _first_free(ports)
    PROCESS.labels(process).set(1)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def showing(collector: Collector) -> Iterator[None]:
    """What else this process knows is shown too, for a while."""
    REGISTRY.register(collector)
    try:
        yield
    finally:
        REGISTRY.unregister(collector)


def _first_free(ports: Sequence[int]) -> tuple[WSGIServer, Thread]:
    for port in ports[:-1]:
        with suppress(OSError):
            return start_http_server(port, addr=LOOPBACK, registry=REGISTRY)
    return start_http_server(ports[-1], addr=LOOPBACK, registry=REGISTRY)


class Waits(dramatiq.Middleware):
    """How long messages wait in their queue."""

    def before_process_message(self, _broker: dramatiq.Broker, message: MessageProxy) -> None:
        sent_at: Any = message.message_datetime
        WAIT_S.labels(message.queue_name).observe(max((datetime.now(UTC) - sent_at).total_seconds(), 0))
