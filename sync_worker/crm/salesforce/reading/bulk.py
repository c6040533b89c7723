"""Bulk API 2.0: a query as a job of the org's own, its result fetched as CSV. For many records: a few calls instead of one per 2,000.

    order ──▶ UploadComplete ─▶ InProgress ─▶ JobComplete ──▶ answers of 20,000 records, each with the locator of the next
                                            └▶ Failed, Aborted: JobLost

Where several calls may be made at once, the job itself says where its answers are (`resultPages`), and each lane fetches some of them.

The vendor keeps a job for seven days, so its id and a locator are a position that outlives a token and a process. The values are those of
the moment when the job ran, in no order. A job is never deleted: a crash before the last commit would lose it.
**Source** https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_parallel_job_results.htm
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import chain, count, islice, pairwise
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import orjson
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from sync_worker.boundary import text
from sync_worker.crm.faults import BadAnswer
from sync_worker.crm.port import Left, Page, Range, Scan
from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.faults import JobLost
from sync_worker.crm.salesforce.connection.session import BLOCK_BYTES, Client, SalesforceConnection
from sync_worker.crm.salesforce.reading import cells, describe, soql
from sync_worker.crm.salesforce.reading.records import record_of
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import RateLimited, SyncError, TransientError
from sync_worker.services import Services
from sync_worker.telemetry import logs

PAGE_COUNT = 2_000  # records a page of ours, as by REST
ANSWER_COUNT = 20_000  # records a call; they wait in a file, so that memory stays that of a page
SPOOL_BYTES = 4_000_000  # of an answer are kept in memory before the file is one on disk
BETWEEN_QUESTIONS = Backoff(first_s=2, factor=2, ceiling_s=30)  # whether the job is done
TIMEOUT_S = 3600.0  # a job that takes longer is given up
PART = "part"  # where a range of answers ends: behind the last of those that its position names

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobPlace:
    """Where a scan by job stands.

    **Shapes** `query`: a digest of what the job was ordered with; `after`: the position that it began after; `read_no`: the number drawn
    before that, which its values are as old as; `locator` "" = the first answer; `done`: its records that are behind us; `ahead`: in a
    lane, the locators of its answers after this one.
    """

    job: str
    query: str
    after: str
    read_no: int
    locator: str = ""
    done: int = 0
    ahead: tuple[str, ...] = ()

    @classmethod
    def of(cls, position: str) -> JobPlace | None:
        """The place that a position spells; None for one of a scan without job."""
        if not position.startswith("{"):
            return None
        told = orjson.loads(position)
        return cls(**{**told, "ahead": tuple(told.get("ahead", ()))})

    def behind(self, count: int) -> JobPlace:
        """The place after so many more records of this answer."""
        return replace(self, done=self.done + count)

    def at(self, locator: str) -> JobPlace:
        """The place where that answer begins, which is the next one."""
        return replace(self, locator=locator, done=0, ahead=self.ahead[1:])

    @property
    def is_begin(self) -> bool:
        """Whether the whole result lies ahead."""
        return not (self.locator or self.done or self.ahead)

    @property
    def position(self) -> str:
        return orjson.dumps(asdict(self)).decode()


def pages(connection: SalesforceConnection, services: Services, scan: Scan, position: str) -> Iterator[Page]:
    """What lies after the position, by a new job or by the one that the position names; without records while the job is not done.

    **Raises** JobLost where no result is to be had.
    """
    columns, types = soql.columns(scan.native, scan.fields), describe.types(connection, scan.native)
    if odd := cells.unreadable(columns, types):
        raise JobLost(f"a bulk job cannot read {', '.join(odd)} of {scan.native}")
    place = JobPlace.of(position)
    if place is None:
        place = _ordered(connection, scan, position)
        yield _waiting(place)
    if place.query != _digest(soql.matching(replace(scan, up_to=""), place.after)):
        raise JobLost(f"bulk job {place.job} was ordered for other fields of {scan.native} than the mapping names now")
    if not scan.up_to:
        in_all = yield from _awaited(connection, services, scan, place)
        if place.is_begin and connection.parallel_calls > 1:
            yield _waiting(place, Left(in_all))
    with SpooledTemporaryFile(SPOOL_BYTES) as file:
        user_id = connection.user_id
        while True:
            following = _fetch(connection, scan, place, file)
            is_fit = text.is_fit(_blocks(file))
            with _as_text(file, place) as written:
                found = cells.rows(written, columns, types)
                rows = islice(found if is_fit else map(text.mended, found), place.done, None)
                for chunk, is_end in _chunks(rows):
                    place = place.behind(len(chunk)) if not (is_end and following) else place.at(following)
                    records = [record_of(scan.native, row, user_id) for row in chunk]
                    yield Page(records, place.position, is_last=is_end and not following, read_no=place.read_no)
                    del chunk, records  # gone before the next are read
            if not following:
                return


def ranges(connection: SalesforceConnection, scan: Scan, place: JobPlace, most: int) -> Sequence[Range]:
    """The answers of a job that is done, dealt out in order. One range where it does not name them, or where it was begun already."""
    whole = [Range(scan.position)]
    if not place.is_begin:
        return whole
    try:
        locators = _locators(connection, scan, place)
    except RateLimited:
        raise
    except (JobLost, TransientError):
        return whole
    parts = max(1, min(most, len(locators)))
    ends = [len(locators) * no // parts for no in range(parts + 1)]
    dealt = [locators[begin:end] for begin, end in pairwise(ends)]
    return [Range(replace(place, locator=first, ahead=tuple(rest)).position, PART) for first, *rest in dealt] if parts > 1 else whole


def _locators(connection: SalesforceConnection, scan: Scan, place: JobPlace) -> list[str]:
    """Where each answer of the job is, in their order; five of them a call."""
    found, path = list[str](), f"jobs/query/{place.job}/resultPages"
    while path:
        told = _asked(connection, partial(_result_pages, path), doing=f"asking where the answers of bulk job {place.job} are")
        found += [_locator_of(str(one["resultUrl"])) for one in told["resultPages"]]
        following = "" if told.get("done") is True else _locator_of(str(told.get("nextRecordUrl") or ""))
        path = f"jobs/query/{place.job}/resultPages?locator={quote(following)}" if following else ""
    if not all(found) or len(set(found)) < len(found):
        raise JobLost(f"bulk job {place.job} for {scan.native} does not say where each of its answers is")
    return found


def _result_pages(path: str, client: Client) -> Mapping[str, Any]:
    answer = client.restful(path)
    rows = answer.get("resultPages") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("resultUrl") for row in rows):
        raise BadAnswer("no list of result pages")
    return answer or {}


def _locator_of(url: str) -> str:
    return next(iter(parse_qs(urlsplit(url).query).get("locator", [])), "")


def _ordered(connection: SalesforceConnection, scan: Scan, position: str) -> JobPlace:
    """A new job. An order whose answer is lost is repeated: a job that is not fetched does no harm."""
    query = soql.matching(scan, position)
    wish = {"operation": "queryAll", "query": query}

    def ask(client: Client) -> str:
        answer = client.restful("jobs/query", method="POST", json=wish)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise BadAnswer("no job")
        return str(answer["id"])

    job = _asked(connection, ask, doing=f"ordering a bulk job for {scan.native}")
    logs.get().info("a bulk job reads the rest", record=scan.native, job=job)
    return JobPlace(job, _digest(query), position, scan.read_no)


def _digest(query: str) -> str:
    return blake2b(query.encode(), digest_size=8).hexdigest()


def _waiting(place: JobPlace, left: Left | None = None) -> Page:
    return Page([], place.position, is_last=False, left=left, read_no=place.read_no)


def _awaited(connection: SalesforceConnection, services: Services, scan: Scan, place: JobPlace) -> Generator[Page, None, int]:
    """A page without records after each wait, so that the reader can do other things meanwhile. Returns how many records there are.

    **Raises** JobLost.
    """
    began_s = services.monotonic()
    for asked_count in count(1):
        told = _asked(connection, lambda client: client.restful(f"jobs/query/{place.job}"), doing=f"waiting for bulk job {place.job}") or {}
        state = told.get("state")
        if state == "JobComplete":
            return int(told.get("numberRecordsProcessed") or 0)
        if state in ("Failed", "Aborted"):
            why = told.get("errorMessage") or "no reason given"
            raise JobLost(f"Salesforce's bulk job {place.job} for {scan.native} has ended as {state}: {why}")
        if services.monotonic() - began_s >= TIMEOUT_S:
            _abort(connection, place)
            raise JobLost(f"Salesforce's bulk job {place.job} for {scan.native} was not done after {TIMEOUT_S / 60:.0f} minutes ({state})")
        services.sleep(BETWEEN_QUESTIONS.wait_s(asked_count))
        yield _waiting(place)
    raise AssertionError("counted to the end")


def _abort(connection: SalesforceConnection, place: JobPlace) -> None:
    """Spares the org the work; a job that cannot be aborted does no harm."""
    with suppress(SyncError):
        connection.read(
            lambda client: client.restful(f"jobs/query/{place.job}", method="PATCH", json={"state": "Aborted"}),
            doing=f"aborting bulk job {place.job}",
        )


def _fetch(connection: SalesforceConnection, scan: Scan, place: JobPlace, file: IO[bytes]) -> str:
    """One answer into the file. Returns the locator of the next one, "" after the last. In a lane an answer is as large as the job says."""

    def ask(client: Client) -> str | None:
        file.seek(0)
        file.truncate()
        return client.bulk_answer(place.job, place.locator, None if scan.up_to else ANSWER_COUNT, into=file)

    following = _asked(connection, ask, doing=f"reading {scan.native} from bulk job {place.job}")
    if scan.up_to:
        return place.ahead[0] if place.ahead else ""
    if following is None:
        raise JobLost(f"an answer of bulk job {place.job} does not say where it goes on (a proxy may have taken Sforce-Locator away)")
    return "" if following == "null" else following


def _asked(connection: SalesforceConnection, ask: Callable[[Client], T], *, doing: str) -> T:
    """The answer of a call about a job. **Raises** JobLost where the vendor does not know the job, or refuses it."""

    def checked(client: Client) -> T:
        try:
            return ask(client)
        except (SalesforceMalformedRequest, SalesforceResourceNotFound) as error:
            if faults.is_dead_address(error):
                raise
            raise JobLost(str(faults.of_call(error, doing=doing))) from error

    return connection.read(checked, doing=doing)


@contextmanager
def _as_text(file: IO[bytes], place: JobPlace) -> Iterator[IO[str]]:
    """The file from its beginning; it stays open. **Raises** JobLost where it is not a CSV of what we asked for."""
    file.seek(0)
    written = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield written
    except csv.Error as error:
        raise JobLost(f"what bulk job {place.job} gave is not the CSV it should be: {error}") from error
    finally:
        written.detach()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The file from its beginning."""
    file.seek(0)
    return iter(lambda: file.read(BLOCK_BYTES), b"")


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[tuple[Sequence[dict[str, Any]], bool]]:
    """Pages of rows, the last one marked; no rows are one empty page."""
    chunk = list(islice(rows, PAGE_COUNT))
    while True:
        following = list(islice(rows, 1))
        yield chunk, not following
        del chunk
        if not following:
            return
        chunk = list(chain(following, islice(rows, PAGE_COUNT - 1)))
