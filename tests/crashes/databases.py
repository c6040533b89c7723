"""A database that can be kept as it stands, and put back: a file of SQLite, or a template of PostgreSQL. Nothing may be connected then."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import ClassVar

from tests.servers import PostgreSQL, sqlite_store

_numbers = count(1)


class Database(ABC):
    """**Shapes** `url`: the address of the one that is worked on."""

    name: ClassVar[str]
    url: str

    @abstractmethod
    @contextmanager
    def opened(self, directory: Path) -> Iterator[None]:
        """A fresh, migrated one, and its end."""

    @abstractmethod
    def keep(self) -> None:
        """It is put back from now on to what it is now."""

    @abstractmethod
    def put_back(self) -> None:
        """It is what was kept."""


class SqliteFile(Database):
    name = "sqlite"

    @contextmanager
    def opened(self, directory: Path) -> Iterator[None]:
        with closing(sqlite_store(directory)) as migrated:
            self.url = migrated.url
        self._path = directory / "sync-worker.db"
        yield

    def keep(self) -> None:
        self._kept = self._path.read_bytes()

    def put_back(self) -> None:
        for path in self._path.parent.glob(f"{self._path.name}-*"):
            path.unlink()
        self._path.write_bytes(self._kept)


class PostgresqlDatabase(Database):
    name = "postgresql"

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._name = f"sync_worker_test_crash_{id(self)}_{next(_numbers)}"

    @contextmanager
    def opened(self, directory: Path) -> Iterator[None]:
        del directory
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
