"""Ingest jobs: one CSV in, written row by row when the job is worked off, and the rows out again with what became of them.

Source: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/upload_job_data.htm
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from crm_sandbox.salesforce.bulk import cells, csv_text
from crm_sandbox.salesforce.bulk.jobs import DELIMITERS, LINE_ENDINGS, PREFIX, Book, Job, Shape, choice, invalid_state
from crm_sandbox.salesforce.data.lifecycle import SalesforceLifecycle
from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.records import PassedWrite, RecordWriter, SalesforceAuthor
from crm_sandbox.salesforce.schema.schema import Field, SObject
from crm_sandbox.salesforce.wire import stamps
from crm_sandbox.salesforce.wire.errors import SalesforceRefusal

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MAX_BYTES = 100 * 1024 * 1024  # of one upload
ROWS_A_SLICE = 10  # written before other calls are answered
RESULTS = {name.lower(): name for name in ("successfulResults", "failedResults", "unprocessedRecords")}  # as addresses spell them
Row = list[str]
RefuseRecord = Callable[[str, str], SalesforceRefusal | None]


@dataclass(slots=True)
class IngestJob(Job):
    """Rows on their way in, and what became of them."""

    key: Field | None = None
    data: bytes | None = None
    header: Row = field(default_factory=list)
    unprocessed: deque[Row] = field(default_factory=deque)
    successful: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)

    def created(self) -> Shape:
        """The answer to its making."""
        named = {"externalIdFieldName": self.key.name} if self.key is not None else {}
        url = {"contentUrl": f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"}
        return self.shape() | named | url | self.ending()

    def told(self) -> Shape:
        """The answer to a poll."""
        told = self.created() | {"jobType": "V2Ingest"} | self.timing()
        told |= {"apiActiveProcessingTime": 0, "apexProcessingTime": 0}
        told |= {"numberRecordsProcessed": self.processed, "numberRecordsFailed": self.failed}
        return told | ({} if self.error is None else {"errorMessage": self.error})


class Loads:
    """The ingest jobs of an org. `refuse_record` asks the fault orders about each row."""

    def __init__(self, org: Org, refuse_record: RefuseRecord) -> None:
        self._org, self._refuse_record = org, refuse_record
        self.book: Book[IngestJob] = Book(org)

    def create(self, body: Shape, *, user_id: str, version: str) -> IngestJob:
        """A new job, open for its data.

        Raises: Refusal.
        """
        operation = body.get("operation")
        if operation not in OPERATIONS:
            raise SalesforceRefusal("API_ERROR", f"operation must be one of {', '.join(OPERATIONS)}")
        sobject = self._org.objects.get(str(body.get("object", "")).lower())
        if sobject is None:
            raise SalesforceRefusal("INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
        job = IngestJob(
            id=self._org.store.next_id(PREFIX),
            operation=operation,
            object=sobject.name,
            created_by=user_id,
            created_at=stamps.write(self._org.clock.now()),
            version=version,
            delimiter=choice(body, "columnDelimiter", DELIMITERS, "COMMA"),
            line_ending=choice(body, "lineEnding", LINE_ENDINGS, "LF"),
            state="Open",
            polls_left=self.book.polls,
            key=self._key(sobject, operation, body.get("externalIdFieldName")),
        )
        return self.book.add(job)

    def _key(self, sobject: SObject, operation: str, name: str | None) -> Field | None:
        if operation != "upsert":
            return None
        field = self._org.field(sobject, name or "")
        if field is None or not field.is_upsert_key:
            words = f"Field name provided, {name} is not an External ID or indexed field for {sobject.name}"
            raise SalesforceRefusal("InvalidBatch", words)
        return field

    def upload(self, job_id: str, data: bytes) -> None:
        """The job's data, whole and once.

        Raises: Refusal NOT_FOUND, INVALIDJOBSTATE.
        """
        job = self.book.get(job_id)
        if job.data is not None:
            words = (
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job "
                "and make sure you only do 'PUT' once on a given Job."
            )
            raise invalid_state(words)
        if job.state != "Open":
            raise invalid_state(f"Uploading data to a Job that is {job.state} is not allowed")
        if len(data) > MAX_BYTES:
            raise SalesforceRefusal(
                "EXCEEDED_MAX_SIZE_REQUEST", "Maximum size of request reached. Maximum size of request is 104857600 bytes"
            )
        job.data = data

    def close(self, job: IngestJob) -> None:
        """No more data comes.

        Raises: Refusal INVALIDJOBSTATE.
        """
        if job.state != "Open":
            raise invalid_state(f"Closing a Job that is {job.state} is not allowed")
        self.book.enter(job, "UploadComplete")

    async def poll(self, job_id: str) -> IngestJob:
        """One job, asked for.

        Raises: Refusal NOT_FOUND.
        """
        return await self.book.poll(self.book.get(job_id), self._work)

    def results(self, job_id: str, which: str) -> bytes:
        """The rows that went in, that were refused, or that were never looked at.

        Raises: Refusal NOT_FOUND, INVALIDJOBSTATE.
        """
        job = self.book.get(job_id)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise invalid_state(f"Job is not complete: its state is {job.state}")
        header, rows = {
            "successfulResults": (["sf__Id", "sf__Created", *job.header], job.successful),
            "failedResults": (["sf__Id", "sf__Error", *job.header], job.refused),
            "unprocessedRecords": (job.header, job.unprocessed),
        }[which]
        return csv_text.written(header, rows, delimiter=DELIMITERS[job.delimiter], line_ending=LINE_ENDINGS[job.line_ending])

    def _work(self, job: IngestJob) -> Iterator[None]:
        delimiter, line_ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
        job.header, rows = csv_text.read(job.data or b"", delimiter=delimiter, line_ending=line_ending)
        job.unprocessed = deque(rows)
        sobject = self._org.sobject(job.object)
        self._check_header(job, sobject)
        author = SalesforceAuthor(job.created_by, url_prefix=f"/services/data/v{job.version}")
        while job.unprocessed:
            for _ in range(min(ROWS_A_SLICE, len(job.unprocessed))):
                self._write(job, sobject, job.unprocessed.popleft(), author)
            yield

    def _check_header(self, job: IngestJob, sobject: SObject) -> None:
        small = [name.lower() for name in job.header]
        if job.operation in ("delete", "hardDelete"):
            if small not in (["id"], []):
                raise SalesforceRefusal("InvalidBatch", f"The '{job.operation}' batch must contain only ids")
            return
        cells.checked_header(self._org, sobject, job.header)
        wanted = {"update": "Id", "upsert": job.key.name if job.key else None}.get(job.operation)
        if wanted is not None and small and wanted.lower() not in small:
            raise SalesforceRefusal("InvalidBatch", f"Field name not found : {wanted}")

    def _write(self, job: IngestJob, sobject: SObject, row: Row, author: SalesforceAuthor) -> None:
        job.processed += 1
        try:
            with self._org.store.transaction():
                if ordered := self._refuse_record("bulk_ingest_state", sobject.name):
                    raise ordered
                saved = self._saved(job, sobject, row, author)
        except SalesforceRefusal as refusal:
            job.failed += 1
            given_id = next((cell for name, cell in zip(job.header, row, strict=True) if name.lower() == "id"), "")
            job.refused.append([given_id, _as_error(refusal), *row])
        else:
            job.successful.append([saved.record_id, str(saved.created).lower(), *row])

    def _saved(self, job: IngestJob, sobject: SObject, row: Row, author: SalesforceAuthor) -> PassedWrite:
        records, body = RecordWriter(self._org, author), cells.body(sobject, job.header, row)
        given_id = str(body.get("Id") or body.get("id") or "")
        if job.operation == "insert":
            return records.create(sobject, body)
        if job.operation == "upsert" and job.key is not None:
            value = next((value for name, value in body.items() if name.lower() == job.key.name.lower()), None)
            rest = {name: other for name, other in body.items() if name.lower() not in (job.key.name.lower(), "id")}
            if value is None and job.key.kind == "id":
                return records.create(sobject, rest)
            return records.upsert(sobject, job.key, value, rest)
        if not given_id:
            raise SalesforceRefusal("MISSING_ARGUMENT", f"Id not specified in {job.operation} call")
        if job.operation == "update":
            return records.update(sobject, given_id, {name: value for name, value in body.items() if name.lower() != "id"})
        if job.operation == "delete":
            return PassedWrite(records.delete(sobject, given_id), created=False)
        return PassedWrite(SalesforceLifecycle(self._org, author).hard_delete([given_id])[0], created=False)


def _as_error(refusal: SalesforceRefusal) -> str:
    """`CODE:message:fields --`, the vendor's cell."""
    fields = ", ".join(refusal.fields or ())
    return f"{refusal.code}:{refusal.message}:{f'{fields} ' if fields else ''}--"
