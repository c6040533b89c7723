"""`run`, `web`, `schedule`, `worker`: the processes. Each answers /health/live and stops on SIGTERM, finishing what it has in hand."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import dramatiq
import typer
import uvicorn

from sync_worker import logs
from sync_worker.actors import register
from sync_worker.bootstrap import broker, build
from sync_worker.errors import ConfigError
from sync_worker.schedule import Schedule
from sync_worker.services import Services
from sync_worker.settings import Settings, read_settings
from sync_worker.store.engine import Store
from sync_worker.store.migrate import upgrade
from sync_worker.web.app import create_app

WORKER_TIMEOUT_MS = 100  # how long an idle worker thread waits before it looks again
Port = Annotated[int | None, typer.Option(help="Port of /health/live; none where it is left out.", min=0, max=65535, show_default=False)]
Threads = Annotated[int, typer.Option(help="Pieces of work at the same time.", min=1, max=64)]


def run(
    port: Annotated[int | None, typer.Option(help="HTTP port; SYNC_WORKER_HTTP_PORT where it is left out.", show_default=False)] = None,
    threads: Threads = 4,
) -> None:
    """Everything in one process: web, schedule and workers on SQLite, without Redis. Brings the database to this version first.

    Example: sync-worker run
    """
    settings = _begin()
    _upgrade(settings)
    installation = build(settings)
    queue = broker(settings.model_copy(update={"redis_url": None}))
    schedule = Schedule(installation, register(queue, installation))
    with _serving(settings, settings.http_port if port is None else port), _working(queue, threads):
        schedule.start()
        _until_stopped("run")
        schedule.stop()
    installation.close()


def web() -> None:
    """The web process.

    Example: SYNC_WORKER_HTTP_PORT=8080 sync-worker web
    """
    settings = _begin()
    with _serving(settings, settings.http_port):
        _until_stopped("web")


def schedule(health_port: Port = None) -> None:
    """The schedule process: looks in the database for what is due and sends it to the workers. A second one is harmless.

    Example: sync-worker schedule --health-port 8082
    """
    settings = _begin()
    installation = build(_with_redis(settings, "schedule"))
    ticking = Schedule(installation, register(broker(settings), installation))
    with _serving(settings, health_port):
        ticking.start()
        _until_stopped("schedule")
        ticking.stop()
    installation.close()


def worker(threads: Threads = 4, health_port: Port = None) -> None:
    """A worker process; any number of them, on any number of machines.

    Example: sync-worker worker --threads 8 --health-port 8083
    """
    settings = _begin()
    installation = build(_with_redis(settings, "worker"))
    queue = broker(settings)
    register(queue, installation)
    with _serving(settings, health_port), _working(queue, threads):
        _until_stopped("worker")
    installation.close()


def _begin() -> Settings:
    settings = read_settings()
    logs.set_up(settings.log_format)
    return settings


def _upgrade(settings: Settings) -> None:
    store = Store(settings.database_url, clock=Services().clock)
    upgrade(store)
    store.close()


def _with_redis(settings: Settings, name: str) -> Settings:
    if settings.redis_url is None:
        raise ConfigError(f"`sync-worker {name}` needs SYNC_WORKER_REDIS_URL — without Redis, `sync-worker run` does it all in one process")
    return settings


@contextmanager
def _working(queue: dramatiq.Broker, threads: int) -> Iterator[None]:
    worker = dramatiq.Worker(queue, worker_threads=threads, worker_timeout=WORKER_TIMEOUT_MS)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


@contextmanager
def _serving(settings: Settings, port: int | None) -> Iterator[None]:
    """The web application in a thread; the main thread keeps the signals."""
    if port is None:
        yield
        return
    server = uvicorn.Server(uvicorn.Config(create_app(), host=settings.http_host, port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    if not server.started:
        raise ConfigError(f"{settings.http_host}:{port} cannot be listened on — choose another port")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _until_stopped(name: str) -> None:
    """Waits for SIGTERM or SIGINT."""
    stopped = threading.Event()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda _kind, _frame: stopped.set())
    logs.get().info("started", process=name)
    stopped.wait()
    logs.get().info("stopping", process=name)
