"""The floor: what anyone's best simple script would do with the same pages. It imports nothing of ours.

One keep-alive connection, one SELECT of the same fields with the same filter, following nextRecordsUrl; each page decoded by orjson and
inserted raw, by one executemany, in one transaction, into a table with a primary key and no other index. No normalizing, no domain, no
history, no second run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any, TypedDict

import orjson
import requests

from benchmarks.meter import metered

API_VERSION = "62.0"
TIMEOUT_S = 120


class Query(TypedDict):
    """One record type as the worker's first load reads it. **Shapes** `columns`: every field asked for; `only_with`: must hold a value."""

    native: str
    columns: list[str]
    only_with: str


def load(base_url: str, client: tuple[str, str], database: Path, queries: Sequence[Query]) -> dict[str, Any]:
    """Reads and stores all of it. Returns the cost, and records and pages by record type."""
    records: dict[str, int] = {}
    pages: dict[str, int] = {}
    with metered() as cost, closing(_opened(database)) as store, requests.Session() as http:
        _log_in(http, base_url, client)
        for query in queries:
            records[query["native"]], pages[query["native"]] = _copy(http, base_url, store, query)
    return {**vars(cost), "records": records, "pages": pages}


def _opened(database: Path) -> sqlite3.Connection:
    store = sqlite3.connect(database, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=NORMAL")
    return store


def _log_in(http: requests.Session, base_url: str, client: tuple[str, str]) -> None:
    answer = http.post(f"{base_url}/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=client, timeout=TIMEOUT_S)
    answer.raise_for_status()
    http.headers.update({"Authorization": f"Bearer {answer.json()['access_token']}", "X-PrettyPrint": "0"})


def _copy(http: requests.Session, base_url: str, store: sqlite3.Connection, query: Query) -> tuple[int, int]:
    """(records, pages) of one record type."""
    columns = query["columns"]
    declared = ", ".join(f"{name} PRIMARY KEY" if name == "Id" else name for name in columns)
    store.execute(f"CREATE TABLE {query['native']} ({declared})")
    insert = f"INSERT INTO {query['native']} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608  # names of our own mapping
    values = itemgetter(*columns)
    soql = f"SELECT {', '.join(columns)} FROM {query['native']} WHERE {query['only_with']} != null ORDER BY SystemModstamp, Id"  # noqa: S608
    answer = _page(http, f"{base_url}/services/data/v{API_VERSION}/queryAll", {"q": soql})
    records, pages = 0, 0
    while True:
        store.execute("BEGIN")
        store.executemany(insert, map(values, answer["records"]))
        store.execute("COMMIT")
        records, pages = records + len(answer["records"]), pages + 1
        if "nextRecordsUrl" not in answer:
            return records, pages
        answer = _page(http, f"{base_url}{answer['nextRecordsUrl']}")


def _page(http: requests.Session, url: str, params: dict[str, str] | None = None) -> dict[str, Any]:
    answer = http.get(url, params=params, timeout=TIMEOUT_S)
    answer.raise_for_status()
    decoded: dict[str, Any] = orjson.loads(answer.content)
    return decoded
