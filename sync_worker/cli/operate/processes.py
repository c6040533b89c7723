"""`run`, `web`, `schedule`, `worker`: the processes. Each answers /health/live and stops on SIGTERM, finishing what it has in hand.

A long pull ends after its page: it is committed, the lease is let go, and the next pull goes on from there.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import dramatiq
import typer

from sync_worker.actors import register, threads_by_share
from sync_worker.bootstrap import Installation, Queue, broker, build
from sync_worker.cli.core.output import err
from sync_worker.config.settings import Settings, read_settings
from sync_worker.errors import ConfigError
from sync_worker.heartbeat import Heartbeat
from sync_worker.services import Services, set_from_signal, wait_for_signal
from sync_worker.steps.operate.halt import try_again
from sync_worker.steps.sync.push import record_rest
from sync_worker.store.core.engine import Store
from sync_worker.telemetry import logs, metrics

if TYPE_CHECKING:
    from starlette.applications import Starlette

WORKER_TIMEOUT_MS = 100  # how long an idle worker thread waits before it looks again
METRICS_OFFSET = {"run": 0, "web": 0, "schedule": 10, "worker": 20}  # from SYNC_WORKER_METRICS_PORT: one setting for a whole machine
METRICS_PORTS = {"run": 10, "web": 10, "schedule": 10, "worker": 80}  # processes of a kind on one machine
Port = Annotated[
    int | None,
    typer.Option(help="The HTTP port; 0 takes any free one. Without it: SYNC_WORKER_HTTP_PORT.", min=0, max=65535, show_default=False),
]
HealthPort = Annotated[
    int | None,
    typer.Option(help="The port of /health/live; 0 takes any free one. Without it there is none.", min=0, max=65535, show_default=False),
]
Threads = Annotated[int, typer.Option(help="How many pieces of work it does at the same time. Each queue has one at least.", min=1, max=64)]


def run(port: Port = None, threads: Threads = 4) -> None:
    """Runs web, schedule and workers in one process, without Redis. It first brings the database to this version.

    Example: sync-worker run
    """
    from sync_worker.gauges import Gauges
    from sync_worker.schedule import Scheduler
    from sync_worker.web.app import serving

    with _started("run") as (settings, stopped):
        _upgrade(settings)
        settings = settings.model_copy(update={"redis_url": None})
        with closing(build(settings, services=Services.until(stopped))) as installation:
            installation.begin()
            _try_again(installation)
            queue = broker(settings)
            actors = register(queue, installation)
            app = serving(installation, actors.send)
            with (
                _serving(app, settings, _port(settings, port)),
                metrics.showing(Gauges(installation, queue)),
                _working(queue, threads),
                Scheduler(installation, actors),
                Heartbeat(installation, "run"),
            ):
                wait_for_signal(stopped)


def web(port: Port = None) -> None:
    """Runs the web process: the API, the webhooks, the console and health.

    Example: sync-worker web --port 8080
    """
    with _started("web") as (settings, stopped):
        from sync_worker.web.app import create_app

        with _serving(create_app(), settings, _port(settings, port)):
            wait_for_signal(stopped)


def schedule(health_port: HealthPort = None) -> None:
    """Runs the schedule: it looks in the database for what is due, and sends it to the workers. A second one does no harm.

    Example: sync-worker schedule --health-port 8082
    """
    from sync_worker.gauges import Gauges
    from sync_worker.schedule import Scheduler

    with _started("schedule") as (settings, stopped), closing(_built(settings, stopped, "schedule")) as installation:
        queue = broker(settings).reached()
        actors = register(queue, installation)
        with (
            _answering_health(installation, queue, health_port),
            metrics.showing(Gauges(installation, queue)),
            Scheduler(installation, actors),
            Heartbeat(installation, "schedule"),
        ):
            wait_for_signal(stopped)


def worker(threads: Threads = 4, health_port: HealthPort = None) -> None:
    """Runs a worker process. You may start as many as you need, on as many machines.

    Example: sync-worker worker --threads 8 --health-port 8083
    """
    with _started("worker") as (settings, stopped), closing(_built(settings, stopped, "worker")) as installation:
        queue = broker(settings).reached()
        register(queue, installation)
        with _answering_health(installation, queue, health_port), _working(queue, threads), Heartbeat(installation, "worker"):
            wait_for_signal(stopped)


@contextmanager
def _started(name: str) -> Iterator[tuple[Settings, threading.Event]]:
    """The settings, and the event that SIGTERM and SIGINT set; from here on they end the process in order, whatever it is doing."""
    stopped = threading.Event()
    settings = read_settings()
    logs.set_up(settings.log_format, level=logging.DEBUG if "--debug" in sys.argv else logging.INFO)
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda _kind, _frame: set_from_signal(stopped))
    logs.get().info("starting", process=name)
    with _watched(settings, name):
        yield settings, stopped
    logs.get().info("stopped", process=name)


@contextmanager
def _watched(settings: Settings, name: str) -> Iterator[None]:
    """Metrics on loopback, where a port is set: each kind of process has its ports, and takes the first that is free."""
    with ExitStack() as stack:
        if settings.metrics_port is not None:
            first = settings.metrics_port + METRICS_OFFSET[name]
            try:
                port = stack.enter_context(metrics.serving(name, range(first, first + METRICS_PORTS[name])))
            except OSError as error:
                said = f"no port from {first} on is free for metrics ({error.strerror})"
                raise ConfigError(f"{said} — choose another SYNC_WORKER_METRICS_PORT") from None
            logs.get().info("metrics", address=f"http://{metrics.LOOPBACK}:{port}/metrics")
        yield


def _upgrade(settings: Settings) -> None:
    from sync_worker.store.operate.migrate import upgrade  # Alembic

    with closing(Store(settings.database_url, clock=Services().clock)) as store:
        upgrade(store)


def _built(settings: Settings, stopped: threading.Event, name: str) -> Installation:
    """What a process beside others works with. **Raises** ConfigError where no Redis joins them, or no portal can work."""
    if settings.redis_url is None:
        raise ConfigError(f"`sync-worker {name}` needs SYNC_WORKER_REDIS_URL — without Redis, `sync-worker run` does it all in one process")
    installation = build(settings, services=Services.until(stopped))
    installation.begin()
    _try_again(installation)
    return installation


def _try_again(installation: Installation) -> None:
    """The credentials and the mappings may be others than those that a CRM refused."""
    for portal in installation.working:
        try_again(installation.store, portal.name)
        record_rest.try_again(installation.store, portal.name)


@contextmanager
def _working(queue: dramatiq.Broker, threads: int) -> Iterator[None]:
    """Workers with threads of their own for each queue, stopped at the end all at once."""
    logging.getLogger("dramatiq.broker").setLevel(logging.ERROR)  # it warns of more than one worker on a broker
    workers = [
        dramatiq.Worker(queue, queues={share}, worker_threads=count, worker_timeout=WORKER_TIMEOUT_MS)
        for share, count in threads_by_share(threads).items()
    ]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        with ThreadPoolExecutor(len(workers)) as stopping:
            list(stopping.map(dramatiq.Worker.stop, workers))


def _port(settings: Settings, port: int | None) -> int:
    return settings.http_port if port is None else port


@contextmanager
def _answering_health(installation: Installation, queue: Queue, port: int | None) -> Iterator[None]:
    """/health/live and /health/ready, where a port is named."""
    if port is None:
        yield
        return
    from sync_worker.web.health import health_door

    with _serving(health_door(installation.store, queue), installation.settings, port):
        yield


@contextmanager
def _serving(app: Starlette, settings: Settings, port: int) -> Iterator[None]:
    from sync_worker.web.limits import ConnectionLimits
    from sync_worker.web.server import listening

    with listening(app, settings.http_host, port, ConnectionLimits.of(settings)) as address:
        err.print(f"listening on {address}", markup=False)
        yield
