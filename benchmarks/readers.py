"""How the best simple script reads a CRM: one keep-alive connection, the same fields with the same filter, each page decoded by orjson.

It imports nothing of ours. A reader makes each record a tuple of the fields asked for, in their order, by one closure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, Protocol, TypedDict

import orjson
import requests

TIMEOUT_S = 300  # a first page of a million records is long in coming

Row = tuple[Any, ...]


class Query(TypedDict):
    """One record type as the worker's first load reads it.

    **Shapes** `columns`: every field asked for, and what it holds: text, float8 or bool; `only_with`: must hold a value.
    """

    native: str
    columns: dict[str, str]
    only_with: str


class Reader(Protocol):
    """Logged in where that is needed. **Shapes** `key`: the field that names a record."""

    key: str

    def __init__(self, http: requests.Session, base_url: str, client: tuple[str, str]) -> None: ...

    def pages(self, query: Query) -> Iterator[list[Row]]:
        """Every page of a record type, an empty one too."""
        ...


class Salesforce:
    """One SELECT a record type, following nextRecordsUrl."""

    key = "Id"
    version = "62.0"

    def __init__(self, http: requests.Session, base_url: str, client: tuple[str, str]) -> None:
        self._http, self._base_url = http, base_url
        answer = http.post(f"{base_url}/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=client, timeout=TIMEOUT_S)
        answer.raise_for_status()
        http.headers.update({"Authorization": f"Bearer {answer.json()['access_token']}", "X-PrettyPrint": "0"})

    def pages(self, query: Query) -> Iterator[list[Row]]:
        values = itemgetter(*query["columns"])
        fields, native, only_with = ", ".join(query["columns"]), query["native"], query["only_with"]
        soql = f"SELECT {fields} FROM {native} WHERE {only_with} != null ORDER BY SystemModstamp, Id"  # noqa: S608  # our own mapping's names
        answer = self._page(f"/services/data/v{self.version}/queryAll", {"q": soql})
        while True:
            yield list(map(values, answer["records"]))
            if "nextRecordsUrl" not in answer:
                return
            answer = self._page(answer["nextRecordsUrl"])

    def _page(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        answer = self._http.get(f"{self._base_url}{path}", params=params, timeout=TIMEOUT_S)
        answer.raise_for_status()
        decoded: dict[str, Any] = orjson.loads(answer.content)
        return decoded


READERS: Mapping[str, type[Reader]] = {"salesforce": Salesforce}
