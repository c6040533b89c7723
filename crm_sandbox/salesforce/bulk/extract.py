"""Query jobs. The rows are fixed when the work begins, and their values are kept as the work comes to them: pages show no later edit.

Source: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
"""

from __future__ import annotations  # array[int] has no run-time form yet

import base64
import binascii
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import orjson

from crm_sandbox.salesforce.bulk import csv_text
from crm_sandbox.salesforce.bulk.jobs import DELIMITERS, LINE_ENDINGS, PREFIX, Book, Job, Shape, choice, invalid_state
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.schema.schema import Field
from crm_sandbox.salesforce.soql.names import SoqlColumn
from crm_sandbox.salesforce.soql.parser import parse
from crm_sandbox.salesforce.soql.queries import Queries
from crm_sandbox.salesforce.soql.result import Row, row_numbers, rows
from crm_sandbox.salesforce.soql.sql import SqlPlan
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal, not_found

PAGE_SIZE = 50_000  # rows of a page when the client does not say
RESULT_PAGE_SIZE = 10_000  # rows of a page that resultPages names
MAX_PAGES = 5  # named in one answer of resultPages
FIRST_RESULT_PAGES = 58  # the API version that has them first
_CHUNK = 2_000  # rows read from the store at once


@dataclass(slots=True)
class QueryJob(Job):
    """A query on its way, or its result."""

    plan: SqlPlan | None = None
    blocks: list[bytes] = field(default_factory=list)  # of _CHUNK rows each, and of the rest; packed

    def keep(self, found: Sequence[Row]) -> None:
        """The next rows of the result."""
        self.blocks.append(zlib.compress(orjson.dumps(found), 1))
        self.processed += len(found)

    def created(self) -> Shape:
        """The answer to its making."""
        return self.shape() | self.ending()

    def told(self) -> Shape:
        """The answer to a poll."""
        told = self.shape() | {"jobType": "V2Query"} | self.ending() | self.timing()
        told |= {"numberRecordsProcessed": self.processed, "isPkChunkingSupported": True}
        return told | ({} if self.error is None else {"errorMessage": self.error})


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of a result; `locator` is null when it is the last."""

    csv: bytes
    locator: str
    count: int


class Extracts:
    """The query jobs of an org."""

    def __init__(self, org: Org, queries: Queries) -> None:
        self._org, self._queries = org, queries
        self.book: Book[QueryJob] = Book(org)

    def create(self, body: Shape, *, user_id: str, version: str) -> QueryJob:
        """A new job.

        Raises: Refusal for a query that does not hold, or not in bulk.
        """
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            raise SalesforceRefusal("API_ERROR", f"operation must be query or queryAll, not {operation!r}")
        text = str(body.get("query") or "")
        plan = self._queries.plan(text, include_deleted=operation == "queryAll")
        _refuse_what_bulk_cannot(plan, text)
        job = QueryJob(
            id=self._org.store.next_id(PREFIX),
            operation=operation,
            object=plan.sobject.name,
            created_by=user_id,
            created_at=stamps.write(self._org.clock.now()),
            version=version,
            delimiter=choice(body, "columnDelimiter", DELIMITERS, "COMMA"),
            line_ending=choice(body, "lineEnding", LINE_ENDINGS, "LF"),
            state="UploadComplete",
            polls_left=self.book.polls,
            plan=plan,
        )
        return self.book.add(job)

    async def poll(self, job_id: str) -> QueryJob:
        """One job, asked for.

        Raises: Refusal NOT_FOUND.
        """
        return await self.book.poll(self.book.get(job_id), self._work)

    def _work(self, job: QueryJob) -> Iterator[None]:
        assert job.plan is not None  # noqa: S101 - a job is made with its plan
        columns = [_as_text(column) for column in job.plan.columns]
        numbers, read = row_numbers(self._org, job.plan), list[Row]()
        for start in range(0, len(numbers), _CHUNK):
            read += [row[1:] for row in rows(self._org, job.plan, numbers[start : start + _CHUNK], columns)]
            if len(read) >= _CHUNK:  # fewer, where rows have gone since the numbers were taken
                job.keep(read[:_CHUNK])
                del read[:_CHUNK]
            yield
        job.keep(read)

    def page(self, job_id: str, locator: str | None, max_records: int | None) -> ResultPage:
        """A page of a result, from the beginning or from a locator.

        Raises: Refusal NOT_FOUND, INVALIDJOBSTATE, API_ERROR for a malformed locator.
        """
        job = self._complete(job_id)
        start, size = (0, None) if locator is None else _place(locator)
        if start > job.processed or (start and start == job.processed):
            raise _bad_locator(locator)
        count = max_records or size or PAGE_SIZE
        end = min(start + count, job.processed)
        assert job.plan is not None  # noqa: S101 - a job is made with its plan
        csv = csv_text.written(
            [column.dotted for column in job.plan.columns],
            _kept(job, start, end),
            delimiter=DELIMITERS[job.delimiter],
            line_ending=LINE_ENDINGS[job.line_ending],
        )
        return ResultPage(csv, "null" if end >= job.processed else _locator(end, size), end - start)

    def pages(self, job_id: str, locator: str | None, version: str) -> Shape:
        """Where the pages of a result are, so that they can be fetched side by side.

        Raises: Refusal NOT_FOUND (before API 58, too), INVALIDJOBSTATE.
        """
        if float(version) < FIRST_RESULT_PAGES:
            raise not_found()
        job = self._complete(job_id)
        first, _ = (0, None) if locator is None else _place(locator)
        starts = list(range(first, max(job.processed, 1), RESULT_PAGE_SIZE))
        root = f"/services/data/v{version}/jobs/query/{job.id}"
        named = [{"resultUrl": f"{root}/results?locator={_locator(start, RESULT_PAGE_SIZE)}"} for start in starts[:MAX_PAGES]]
        rest = starts[MAX_PAGES:]
        following = f"{root}/resultPages?locator={_locator(rest[0], RESULT_PAGE_SIZE)}" if rest else None
        return {"resultPages": named, "nextRecordUrl": following, "done": not rest}

    def _complete(self, job_id: str) -> QueryJob:
        job = self.book.get(job_id)
        if job.state != "JobComplete":
            raise invalid_state(f"Job is not complete: its state is {job.state}")
        return job


def _kept(job: QueryJob, start: int, end: int) -> islice[Row]:
    """The result's rows from one place to another."""
    first = start // _CHUNK
    blocks = (orjson.loads(zlib.decompress(block)) for block in job.blocks[first : -(-end // _CHUNK)])
    return islice(chain.from_iterable(blocks), start - first * _CHUNK, end - first * _CHUNK)


def _as_text(column: SoqlColumn) -> str:
    """SQL for a cell: true and false in words, moments with a Z."""
    field: Field = column.field
    if field.kind == "boolean":
        return f"CASE {column.sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
    if field.kind == "datetime":
        return f"replace({column.sql}, '+0000', 'Z')"
    return column.sql


def _refuse_what_bulk_cannot(plan: SqlPlan, text: str) -> None:
    """Raises: Refusal in the vendor's words."""
    query = parse(text)
    if plan.keys or plan.is_count:
        raise SalesforceRefusal("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
    if query.offset:
        raise SalesforceRefusal("API_ERROR", "OFFSET clause not supported in Bulk Query")
    if any(item.function == "FIELDS" and item.name.text.upper() != "STANDARD" for item in query.items):
        raise SalesforceRefusal("MALFORMED_QUERY", "The SOQL FIELDS function is not supported in this API")
    if any(field.kind == "address" for field in plan.fields):
        raise SalesforceRefusal("FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")


def _locator(start: int, size: int | None) -> str:
    text = str(start) if size is None else f"{start}:{size}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(locator: str) -> tuple[int, int | None]:
    try:
        padded = locator + "=" * (-len(locator) % 4)
        start, _, size = base64.urlsafe_b64decode(padded.encode()).decode().partition(":")
        return int(start), int(size) if size else None
    except (ValueError, binascii.Error):
        raise _bad_locator(locator) from None


def _bad_locator(locator: Any) -> SalesforceRefusal:
    return SalesforceRefusal("INVALID_QUERY_LOCATOR", f"invalid locator: {locator}")
