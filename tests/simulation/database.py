"""The database of a process's seeds, and of its stories of crashes: one file in memory, emptied before each of them.

Its connections stay open, so that statements are prepared once and not for each seed: a seed makes some nine stores, and SQLite prepared
each statement anew in each of them.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine

from sync_worker.store.core.engine import Store
from sync_worker.store.core.trouble import down
from sync_worker.store.operate import schema
from tests.servers import Clock, sqlite_store
from tests.simulation.gate import GatedStore

Rows: TypeAlias = Mapping[str, list[tuple[Any, ...]]]

KEPT_STATEMENTS = 2000  # all that a connection prepares; Python's own limit is 128


class OpenStore(Store):
    """A store on that database. Closed, it leaves the connections to the next one."""

    def _engines(self) -> tuple[Engine, Engine]:
        return _engines(self.url)

    def close(self) -> None:
        """Nothing is held by it alone."""

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Connection]:
        """As in the product, on a connection that no pool takes back."""
        engine = self.writers if writes else self.engine
        idle = _idle[engine]
        connection = idle.pop() if idle else engine.connect()
        try:
            with down(is_reading=not writes), connection.begin():
                yield connection
        finally:
            idle.append(connection)


_idle: defaultdict[Engine, list[Connection]] = defaultdict(list)


class GatedOpenStore(OpenStore, GatedStore):
    """A process's store on that database."""


def emptied() -> str:
    """The database's address; no portal has a row in it."""
    url = _made(os.getpid())
    put_back(url, {})
    return url


def rows(url: str) -> Rows:
    """All that stands in it, as SQLite holds it."""
    with _driver(url) as driver:
        found = {name: driver.execute(f"SELECT * FROM {name}").fetchall() for name in _TABLES}
    return {name: rows for name, rows in found.items() if rows}


def put_back(url: str, rows: Rows) -> None:
    """These rows stand in it, and no others."""
    with _driver(url) as driver:
        for name in reversed(_TABLES):
            driver.execute(f"DELETE FROM {name}")
        for name in (name for name in _TABLES if name in rows):
            driver.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[name][0]))})", rows[name])


@contextmanager
def _driver(url: str) -> Iterator[Any]:
    """The driver's own connection, in one transaction."""
    store = OpenStore(url, clock=Clock())
    with store.schema(writes=True) as connection:
        yield connection.connection.driver_connection


_TABLES = tuple(table.name for table in schema.metadata.sorted_tables)  # names of our own


@cache
def _made(_process_id: int) -> str:
    """A migrated file; it goes with its process."""
    directory = Path(mkdtemp(prefix="sync-worker-seeds-", dir=fast_directory()))
    Finalize(None, _given_up, args=(directory,), exitpriority=1)  # a worker of a pool ends without `atexit`
    with closing(sqlite_store(directory)) as migrated:
        return f"{migrated.url}?cached_statements={KEPT_STATEMENTS}"


def _given_up(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


@cache
def _engines(url: str) -> tuple[Engine, Engine]:
    with closing(Store(url, clock=Clock())) as store:
        return store.engine, store.writers


def fast_directory() -> str | None:
    """A file system in memory, where there is one."""
    memory = Path("/dev/shm")  # noqa: S108  # mkdtemp makes the name
    return str(memory) if memory.is_dir() else None
