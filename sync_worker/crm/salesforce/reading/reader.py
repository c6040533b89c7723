"""Reading: a keyset scan over (SystemModstamp, Id), and records by id or by our key.

SystemModstamp, not LastModifiedDate: automation bumps only the former. Whole seconds, so ties are normal and the position is a pair.
A query locator carries a scan from page to page and is never relied on: it dies with its session, and the scan goes on from the position.
Source: REST API Developer Guide, "Get Records With a Request Body Using sObject Collections" (2,000 ids) and "Query Options Header" (200 to
2,000 rows a page).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sync_worker.crm.blame import halves
from sync_worker.crm.faults import BadAnswer
from sync_worker.crm.port import Left, NativeRecord, Page, Scan
from sync_worker.crm.salesforce.connection.faults import LocatorLost
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.crm.salesforce.connection.session import Client, SalesforceConnection
from sync_worker.crm.salesforce.connection.wire import API_VERSION
from sync_worker.crm.salesforce.reading import soql
from sync_worker.crm.salesforce.reading.records import identity, record_of
from sync_worker.crm.siblings import side_by_side
from sync_worker.errors import TooLarge, TransientError

RETRIEVE_COUNT = 2000  # ids per retrieve call; the vendor's limit
FIRST_LIMIT = 1000  # rows asked for after the vendor gave up on a whole window; halved while it goes on giving up …
LEAST_LIMIT = 125  # … down to this
SMALLEST_BATCH = 200  # rows a page; the vendor ignores a smaller wish
MOST_RESTARTS = 3  # in a row without a record between them


def changed_since(connection: SalesforceConnection, scan: Scan) -> Iterator[Page]:
    """Pages of up to 2,000 records (fewer where long text is asked for), oldest first, deleted ones marked."""
    return _Walk(connection, scan).pages()


class _Walk:
    """One scan under way: where it stands, by which locator it goes on, and how much it dares to ask for.

    A lost locator starts again from the position, with all the rest. A query that takes the vendor too long does so with a LIMIT,
    which the index on the stamp serves without sorting the window.
    """

    def __init__(self, connection: SalesforceConnection, scan: Scan) -> None:
        self._connection = connection
        self._scan = scan
        self._position = scan.position
        self._locator = ""
        self._limit: int | None = None
        self._restarts = 0
        self._is_over = False

    def pages(self) -> Iterator[Page]:
        """Each as it is asked for. None is kept here: while the next one is on its way, the reader alone has the one before."""
        yield self._asked(is_first=True)
        while not self._is_over:
            yield self._asked()

    def _asked(self, *, is_first: bool = False) -> Page:
        answer = self._next()
        page = self._page(answer)
        page.total = _total(answer) if is_first and self._limit is None else None
        page.left = None if page.total is None else Left(max(0, page.total - len(page.records)))
        self._is_over = page.is_last
        return page

    def _page(self, answer: Mapping[str, Any]) -> Page:
        user_id = self._connection.user_id
        found = [record_of(self._scan.native, row, user_id) for row in answer["records"]]
        before, asked = self._position, self._locator
        self._locator = _following(answer)
        is_last = not self._locator and not self._is_cut_short(answer)
        if found:
            self._position = soql.position_of(found[-1].crm_id, found[-1].modified_at)
        if self._position != before:
            self._restarts = 0
        elif not is_last:
            stuck = TransientError(f"Salesforce sent a page of {self._scan.native} that is not the last one and has nothing new")
            self._restart(stuck, self._locator if self._locator != asked else "")
        return Page(found, self._position, is_last)

    def _is_cut_short(self, answer: Mapping[str, Any]) -> bool:
        """Whether more follows without a locator: a LIMIT of ours was reached, or the answer itself says that it is not all."""
        if answer.get("done") is False:
            return True
        size = answer.get("totalSize")
        return self._limit is not None and (len(answer["records"]) if size is None else size) >= self._limit

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

    def _restart(self, error: TransientError, locator: str = "") -> None:
        """**Raises** TransientError where one restart after the other brings nothing."""
        self._restarts += 1
        self._locator = locator
        if self._restarts > MOST_RESTARTS:
            raise TransientError(f"{error}; starting again from {self._position or 'the beginning'} did not help") from error

    def _ask_for_less(self, error: TooLarge) -> None:
        """**Raises** TooLarge where the least is still too much."""
        if self._limit is not None and self._limit // 2 < LEAST_LIMIT:
            raise error
        self._limit = FIRST_LIMIT if self._limit is None else self._limit // 2
        self._locator = ""


def _total(answer: Mapping[str, Any]) -> int | None:
    """How many records a query finds, where its answer says so."""
    found = answer.get("totalSize")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def fetch(connection: SalesforceConnection, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The records of these ids, each once; those in the recycle bin come marked as deleted. What is not an id at all is absent."""
    wanted = list(dict.fromkeys(found_id for crm_id in crm_ids if (found_id := canonical(crm_id))))
    parts = [wanted[start : start + RETRIEVE_COUNT] for start in range(0, len(wanted), RETRIEVE_COUNT)]
    answers = side_by_side(connection, lambda one, part: _fetched(one, native, part, fields), parts)
    return [record for answer in answers for record in answer]


def _fetched(connection: SalesforceConnection, native: str, crm_ids: Sequence[str], fields: Sequence[str]) -> list[NativeRecord]:
    """The records of as many ids as one call takes; a further call looks for those that it leaves out."""
    live = {record.crm_id: record for record in _retrieve(connection, native, crm_ids, soql.columns(native, fields))}
    missing = [crm_id for crm_id in crm_ids if crm_id not in live]
    texts = soql.having(native, fields, "Id", missing, is_deleted=True)
    return [*live.values(), *_having(connection, native, texts, doing=f"looking for deleted {native}")]


def find_by_key(
    connection: SalesforceConnection, native: str, key_field: str, keys: Sequence[str], fields: Sequence[str]
) -> list[NativeRecord]:
    """The live records that carry one of our keys."""
    texts = soql.having(native, fields, key_field, list(dict.fromkeys(keys)), is_deleted=False)
    return _having(connection, native, texts, doing=f"looking for {native} by {key_field}")


def count(connection: SalesforceConnection, native: str) -> int:
    """How many live records there are."""
    answer = _rows(connection, lambda client: client.query(soql.count_of(native)), doing=f"counting {native}")
    return int(answer.get("totalSize") or 0)


def size(connection: SalesforceConnection, scan: Scan, position: str) -> int:
    """How many records of a scan lie after the position, the deleted ones among them."""
    answer = _rows(connection, _query(soql.how_many(scan, position)), doing=f"counting {scan.native}")
    return int(answer.get("totalSize") or 0)


def outermost(connection: SalesforceConnection, scan: Scan, position: str, *, direction: str) -> tuple[datetime, str] | None:
    """Stamp and id of the first (ASC) or the last (DESC) record of a scan after the position; None where there is none."""
    answer = _rows(connection, _query(soql.outermost(scan, position, direction=direction)), doing=f"looking for an end of {scan.native}")
    found = [identity(scan.native, row) for row in answer["records"]]
    return (found[0][1], found[0][0]) if found else None


def _retrieve(connection: SalesforceConnection, native: str, ids: Sequence[str], columns: Sequence[str]) -> list[NativeRecord]:
    def ask(client: Client) -> list[Any]:
        rows = client.retrieve(native, ids, columns)
        if not isinstance(rows, list) or not all(row is None or isinstance(row, dict) for row in rows):
            raise BadAnswer("no list of records")
        return rows

    try:
        rows = connection.read(ask, doing=f"fetching {len(ids)} {native} by id")
    except TooLarge:
        if len(ids) == 1:
            raise
        return [record for half in halves(ids) for record in _retrieve(connection, native, half, columns)]
    user_id = connection.user_id
    return [record_of(native, row, user_id) for row in rows if row]


def _having(connection: SalesforceConnection, native: str, texts: Iterable[str], *, doing: str) -> list[NativeRecord]:
    """Every row of these queries, in their order."""
    answers = side_by_side(connection, lambda one, text: _all(one, native, text, doing=doing), list(texts))
    return [record for answer in answers for record in answer]


def _all(connection: SalesforceConnection, native: str, text: str, *, doing: str) -> list[NativeRecord]:
    """Every row of a query; begun again where its locator is lost on the way. **Raises** TransientError when it is lost again and again."""
    for _ in range(MOST_RESTARTS):
        try:
            answer = _rows(connection, _query(text), doing=doing)
            rows = list(answer["records"])
            locator = _following(answer)
            while locator:
                answer = _rows(connection, _more(locator), doing=doing)
                rows += answer["records"]
                before, locator = locator, _following(answer)
                if locator == before:
                    break
            if answer.get("done") is False:
                raise LocatorLost(f"Salesforce did not send all of what it has found while {doing}")
            user_id = connection.user_id
            return [record_of(native, row, user_id) for row in rows]
        except LocatorLost as error:
            lost = error
    raise TransientError(f"{lost}; beginning again did not help") from lost


def _rows(connection: SalesforceConnection, ask: Callable[[Client], Any], *, doing: str) -> Mapping[str, Any]:
    """The answer to a query, once it has the shape of one."""

    def checked(client: Client) -> Mapping[str, Any]:
        answer = ask(client)
        rows = answer.get("records") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadAnswer("no page of records")
        return answer  # type: ignore[no-any-return]

    return connection.read(checked, doing=doing)


def _query(text: str, *, batch_count: int | None = None) -> Callable[[Client], Any]:
    headers = {"Sforce-Query-Options": f"batchSize={max(batch_count, SMALLEST_BATCH)}"} if batch_count else {}
    return lambda client: client.query(text, include_deleted=True, headers=headers)


def _following(answer: Mapping[str, Any]) -> str:
    """The address of the next page, without its host; "" after the last. **Shapes** from a whole address, a path, or a locator alone."""
    told = "" if answer.get("done") is True else str(answer.get("nextRecordsUrl") or "")
    path = urlsplit(told).path
    return path if not path or path.startswith("/") else f"/services/data/v{API_VERSION}/query/{path.rpartition('/')[2]}"


def _more(locator: str) -> Callable[[Client], Any]:
    return lambda client: client.query_more(locator, identifier_is_url=True)
