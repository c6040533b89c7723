"""A database that can be kept as it stands, and put back: the rows of SQLite's file in memory, or a template of PostgreSQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import ClassVar

from sync_worker.store.core.engine import Store
from tests.servers import PostgreSQL
from tests.simulation import database
from tests.simulation.gate import Gate, GatedStore
from tests.simulation.time import Time

_numbers = count(1)


class Database(ABC):
    """**Shapes** `url`: the address of the one that is worked on. Where it is kept or put back, every store on it is closed."""

    name: ClassVar[str]
    url: str

    @abstractmethod
    @contextmanager
    def opened(self) -> Iterator[None]:
        """A fresh, migrated one, and its end."""

    @abstractmethod
    def keep(self) -> None:
        """It is put back from now on to what it is now."""

    @abstractmethod
    def put_back(self) -> None:
        """It is what was kept."""

    def store(self, time: Time) -> Store:
        """A store of who looks on."""
        return Store(self.url, clock=time.clock, shared_clock=time.clock)

    def process_store(self, time: Time, gate: Gate) -> GatedStore:
        """The store of a process that may die."""
        return GatedStore(self.url, clock=time.clock, shared_clock=time.clock, gate=gate)


class SqliteFile(Database):
    """The file that all seeds of this process share, too: its connections stay open, and each statement is prepared once."""

    name = "sqlite"

    @contextmanager
    def opened(self) -> Iterator[None]:
        self.url = database.emptied()
        yield

    def keep(self) -> None:
        self._kept = database.rows(self.url)

    def put_back(self) -> None:
        database.put_back(self.url, self._kept)

    def store(self, time: Time) -> Store:
        return database.OpenStore(self.url, clock=time.clock, shared_clock=time.clock)

    def process_store(self, time: Time, gate: Gate) -> GatedStore:
        return database.GatedOpenStore(self.url, clock=time.clock, shared_clock=time.clock, gate=gate)


class PostgresqlDatabase(Database):
    name = "postgresql"

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._name = f"sync_worker_test_crash_{id(self)}_{next(_numbers)}"

    @contextmanager
    def opened(self) -> Iterator[None]:
        self._copy(self._server._migrated(), self._name)
        self.url = self._server.url_of(self._name)
        try:
            yield
        finally:
            self._drop(self._name)
            self._drop(self._kept)

    @property
    def _kept(self) -> str:
        return f"{self._name}_kept"

    def keep(self) -> None:
        self._drop(self._kept)
        self._copy(self._name, self._kept)

    def put_back(self) -> None:
        self._drop(self._name)
        self._copy(self._kept, self._name)

    def _copy(self, source: str, name: str) -> None:
        self._server._admin(f'CREATE DATABASE "{name}" TEMPLATE "{source}" {self._server._strategy}')

    def _drop(self, name: str) -> None:
        self._server._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
