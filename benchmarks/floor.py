"""The floor: what anyone's best simple script would do with the same pages. It imports nothing of ours.

Each page goes, raw and in one commit, into a table with a primary key and no other index: by executemany on SQLite, by binary COPY on
PostgreSQL. No normalizing, no domain, no history, no second run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import psycopg

from benchmarks.meter import ServerCpu, metered
from benchmarks.readers import READERS, Query, Reader, Row

Insert = Callable[[list[Row]], None]
"""Stores one page, committed."""
Tables = Callable[[Query, str], Insert]
"""Makes the table of a record type with this primary key."""


def load(
    crm: str, base_url: str, client: tuple[str, str], database_url: str, queries: Sequence[Query], server: ServerCpu
) -> dict[str, Any]:
    """Reads and stores all of it. Returns the cost, and records and pages by record type."""
    records: dict[str, int] = {}
    pages: dict[str, int] = {}
    with metered(server) as cost, _tables(database_url) as tables:
        reader = READERS[crm](base_url, client)
        for query in queries:
            records[query["native"]], pages[query["native"]] = _copy(reader, tables(query, reader.key), query)
    return {**vars(cost), "records": records, "pages": pages}


def _copy(reader: Reader, insert: Insert, query: Query) -> tuple[int, int]:
    """(records, pages) of one record type."""
    records, pages = 0, 0
    for rows in reader.pages(query):
        insert(rows)
        records, pages = records + len(rows), pages + 1
    return records, pages


def _tables(database_url: str) -> AbstractContextManager[Tables]:
    path = database_url.removeprefix("sqlite:///")
    return _postgresql(database_url) if path == database_url else _sqlite(path)


@contextmanager
def _sqlite(path: str) -> Iterator[Tables]:
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("PRAGMA synchronous=NORMAL")

        def table(query: Query, key: str) -> Insert:
            columns = ", ".join(f'"{name}"{" PRIMARY KEY" * (name == key)}' for name in query["columns"])
            store.execute(f"CREATE TABLE {query['native']} ({columns})")
            statement = f"INSERT INTO {query['native']} VALUES ({', '.join('?' * len(query['columns']))})"  # noqa: S608  # our own mapping's names

            def insert(rows: list[Row]) -> None:
                store.execute("BEGIN")
                store.executemany(statement, rows)
                store.execute("COMMIT")

            return insert

        yield table


@contextmanager
def _postgresql(url: str) -> Iterator[Tables]:
    with psycopg.connect(url, autocommit=True) as store:

        def table(query: Query, key: str) -> Insert:
            kinds = query["columns"]
            columns = ", ".join(f'"{name}" {kind}{" PRIMARY KEY" * (name == key)}' for name, kind in kinds.items())
            store.execute(f"CREATE TABLE {query['native']} ({columns})".encode())
            statement = f"COPY {query['native']} FROM STDIN (FORMAT BINARY)".encode()

            def insert(rows: list[Row]) -> None:
                with store.cursor() as cursor, cursor.copy(statement) as copy:
                    copy.set_types(list(kinds.values()))
                    for row in rows:
                        copy.write_row(row)

            return insert

        yield table
