"""Reading: a keyset scan over (SystemModstamp, Id), and records by id or by our key.

SystemModstamp, not LastModifiedDate: automation bumps only the former. Whole seconds, so ties are normal and the position is a pair.
A query locator carries a scan from page to page and is never relied on: it dies with its session, and the scan goes on from the position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sync_worker.crm.port import NativeRecord, Page, Scan
from sync_worker.crm.salesforce import soql
from sync_worker.crm.salesforce.faults import BadAnswer, LocatorLost
from sync_worker.crm.salesforce.ids import canonical
from sync_worker.crm.salesforce.records import record_of
from sync_worker.crm.salesforce.session import Client, Connection
from sync_worker.errors import TooLarge, TransientError

RETRIEVE_COUNT = 2000  # ids per retrieve call; the vendor's limit
FIRST_LIMIT = 1000  # rows asked for after the vendor gave up on a whole window; halved while it goes on giving up …
LEAST_LIMIT = 125  # … down to this
SMALLEST_BATCH = 200  # rows a page, below which the vendor takes no wish
MOST_RESTARTS = 3  # in a row without a page between them


def changed_since(connection: Connection, scan: Scan) -> Iterator[Page]:
    """Pages of up to 2,000 records (fewer where long text is asked for), oldest first, deleted ones marked."""
    return _Walk(connection, scan).pages()


class _Walk:
    """One scan under way: where it stands, by which locator it goes on, and how much it dares to ask for.

    A lost locator starts again from the position, with all the rest. A query that takes the vendor too long does so with a LIMIT,
    which the index on the stamp serves without sorting the window.
    """

    def __init__(self, connection: Connection, scan: Scan) -> None:
        self._connection = connection
        self._scan = scan
        self._position = scan.position
        self._locator = ""
        self._limit: int | None = None
        self._restarts = 0

    def pages(self) -> Iterator[Page]:
        is_first = True
        while True:
            answer = self._next()
            page = self._page(answer)
            page.total = answer.get("totalSize") if is_first and self._limit is None else None
            yield page
            if page.is_last:
                return
            is_first = False

    def _page(self, answer: Mapping[str, Any]) -> Page:
        rows = answer["records"]
        self._locator = answer.get("nextRecordsUrl") or ""
        if rows:
            self._position = soql.position_of(rows[-1])
            self._restarts = 0
        is_cut_short = self._limit is not None and answer.get("totalSize", self._limit) >= self._limit
        return Page([record_of(self._scan.native, row) for row in rows], self._position, is_last=not self._locator and not is_cut_short)

    def _next(self) -> Mapping[str, Any]:
        while True:
            try:
                return self._ask()
            except LocatorLost as lost:
                self._restart(lost)
            except TooLarge as error:
                self._ask_for_less(error)

    def _ask(self) -> Mapping[str, Any]:
        doing = f"reading {self._scan.native}"
        if self._locator:
            return _rows(self._connection, _more(self._locator), doing=doing)
        text = soql.scan_after(self._scan, self._position, limit=self._limit)
        return _rows(self._connection, _query(text, batch_count=self._limit), doing=doing)

    def _restart(self, error: TransientError) -> None:
        """**Raises** TransientError where one restart after the other brings nothing."""
        self._restarts += 1
        self._locator = ""
        if self._restarts > MOST_RESTARTS:
            raise TransientError(f"{error}; starting again from {self._position or 'the beginning'} did not help") from error

    def _ask_for_less(self, error: TooLarge) -> None:
        """**Raises** TooLarge where the least is still too much."""
        if self._limit is not None and self._limit // 2 < LEAST_LIMIT:
            raise error
        self._limit = FIRST_LIMIT if self._limit is None else self._limit // 2
        self._locator = ""


def fetch(connection: Connection, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The records of these ids, each once; those in the recycle bin come marked as deleted. What is no id at all is absent."""
    found: list[NativeRecord] = []
    wanted = list(dict.fromkeys(found_id for crm_id in crm_ids if (found_id := canonical(crm_id))))
    for start in range(0, len(wanted), RETRIEVE_COUNT):
        chunk = wanted[start : start + RETRIEVE_COUNT]
        live = _retrieve(connection, native, chunk, soql.columns(native, fields))
        found += live
        seen = {record.crm_id for record in live}
        missing = [crm_id for crm_id in chunk if crm_id not in seen]
        for text in soql.having(native, fields, "Id", missing, is_deleted=True):
            found += _all(connection, native, text, doing=f"looking for deleted {native}")
    return found


def find_by_key(connection: Connection, native: str, key_field: str, keys: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The live records that carry one of our keys."""
    wanted = list(dict.fromkeys(keys))
    found: list[NativeRecord] = []
    for text in soql.having(native, fields, key_field, wanted, is_deleted=False):
        found += _all(connection, native, text, doing=f"looking for {native} by {key_field}")
    return found


def _retrieve(connection: Connection, native: str, ids: Sequence[str], columns: Sequence[str]) -> list[NativeRecord]:
    def ask(client: Client) -> list[Any]:
        path = f"composite/sobjects/{native}"
        rows = client.restful(path, method="POST", json={"ids": list(ids), "fields": list(columns)}) or []
        if not isinstance(rows, list):
            raise BadAnswer("no list of records")
        return rows

    rows = connection.read(ask, doing=f"fetching {len(ids)} {native} by id")
    return [record_of(native, row) for row in rows if row]


def _all(connection: Connection, native: str, text: str, *, doing: str) -> list[NativeRecord]:
    """Every row of a query; begun anew where its locator is lost on the way. **Raises** TransientError when it is lost again and again."""
    for _ in range(MOST_RESTARTS):
        try:
            answer = _rows(connection, _query(text), doing=doing)
            rows = list(answer["records"])
            while locator := answer.get("nextRecordsUrl"):
                answer = _rows(connection, _more(locator), doing=doing)
                rows += answer["records"]
            return [record_of(native, row) for row in rows]
        except LocatorLost as error:
            lost = error
    raise TransientError(f"{lost}; beginning anew did not help") from lost


def _rows(connection: Connection, ask: Callable[[Client], Any], *, doing: str) -> Mapping[str, Any]:
    """The answer to a query, once it has the shape of one."""

    def checked(client: Client) -> Mapping[str, Any]:
        answer = ask(client)
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            raise BadAnswer("no page of records")
        return answer

    return connection.read(checked, doing=doing)


def _query(text: str, *, batch_count: int | None = None) -> Callable[[Client], Any]:
    headers = {"Sforce-Query-Options": f"batchSize={max(batch_count, SMALLEST_BATCH)}"} if batch_count else {}
    return lambda client: client.query(text, include_deleted=True, headers=headers)


def _more(locator: str) -> Callable[[Client], Any]:
    return lambda client: client.query_more(locator, identifier_is_url=True)
