"""The least that our tables cost: the rows of a loaded SQLite database, written into an empty one of the same schema, and nothing else.

As many commits as the load had pages of companies, each with its part of every table, by plain executemany. A load that stores these rows
cannot cost less than this; what it costs more is reading, judging and our code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from benchmarks.meter import metered
from sync_worker.services import Services
from sync_worker.store.core.engine import CACHE_KB, Store
from sync_worker.store.operate.migrate import upgrade

PAGE_COUNT = 2000  # companies a commit, as a page of Salesforce


def write_again(source_path: str, target_path: str, companies: int) -> dict[str, Any]:
    """Returns the cost, and the rows by table."""
    with closing(Store(f"sqlite:///{target_path}", clock=Services().clock)) as store:
        upgrade(store)
    with closing(sqlite3.connect(source_path)) as source, closing(sqlite3.connect(target_path, isolation_level=None)) as target:
        for pragma in ("synchronous=NORMAL", f"cache_size=-{CACHE_KB}"):
            target.execute(f"PRAGMA {pragma}")
        tables = {name: _rows(source, name) for name in _tables(source)}
        held = {name: rows for name, rows in tables.items() if rows and not _count(target, name)}
        parts = max(companies // PAGE_COUNT, 1)
        with metered(lambda: 0.0) as cost:
            for part in range(parts):
                target.execute("BEGIN IMMEDIATE")
                for name, rows in held.items():
                    _put(target, name, rows[len(rows) * part // parts : len(rows) * (part + 1) // parts])
                target.execute("COMMIT")
    return {**vars(cost), "rows": {name: len(rows) for name, rows in held.items()}}


def _tables(source: sqlite3.Connection) -> list[str]:
    return [name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]


def _rows(source: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    return source.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608  # the names of our tables


def _count(target: sqlite3.Connection, name: str) -> int:
    count: int = target.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
    return count


def _put(target: sqlite3.Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        target.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608
