"""The actors on a queue, workers in threads of this process, the database and the sandbox real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dramatiq
import pytest

from crm_sandbox.process import SalesforceOptions, serve_thread
from crm_sandbox.remote import Remote
from sync_worker.actors import Actors, register
from sync_worker.bootstrap import Installation, broker, build
from sync_worker.config.settings import Settings
from sync_worker.crm.faults import Patience
from tests.journey import stage

IMPATIENT = Patience(attempts=1)


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_thread(SalesforceOptions(companies=30, leads=3, opportunities=8)) as address:
        yield address


@pytest.fixture
def remote(base_url: str) -> Iterator[Remote]:
    with Remote(base_url) as controls:
        controls.clear_faults()
        controls.reset()
        controls.reset_calls()
        yield controls


@pytest.fixture
def settings(tmp_path: Path, base_url: str, remote: Remote, sqlite_url: str) -> Settings:
    """Two portals, `acme` and `birch`, on one org and one database."""
    written = stage.Installation(tmp_path, base_url, sqlite_url)
    for name in ("acme", "birch"):
        written.write_portal(name=name)
    return Settings(database_url=sqlite_url, config_dir=tmp_path / "config", mappings_dir=stage.ROOT / "mappings")


Build = Callable[..., Installation]


@pytest.fixture
def build_on(settings: Settings) -> Iterator[Build]:
    """Makes an installation, as a process would; closed at the end. Names given are left out of, or put into, its environment."""
    with ExitStack() as stack:

        def made(**environ: str) -> Installation:
            env = {**os.environ, "ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook", **environ}
            installation = build(settings, environ=env, patience=IMPATIENT)
            stack.callback(installation.close)
            return installation

        yield made


@pytest.fixture(params=["in_process", "redis"])
def queue(request: pytest.FixtureRequest, settings: Settings) -> dramatiq.Broker:
    """Each test runs on the queue of the embedded default, and on Redis."""
    url = request.getfixturevalue("redis_db") if request.param == "redis" else None
    return broker(settings.model_copy(update={"redis_url": url}))


@contextmanager
def working(queue: dramatiq.Broker, *, threads: int = 2) -> Iterator[dramatiq.Worker]:
    """A worker on the queue, stopped at the end."""
    worker = dramatiq.Worker(queue, worker_threads=threads, worker_timeout=10)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


__all__ = ["Actors", "Build", "register", "working"]
