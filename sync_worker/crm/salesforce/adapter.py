"""The Salesforce `Crm`: the folders joined behind the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sync_worker.crm import left_out
from sync_worker.crm.port import (
    UNWITNESSED,
    Crm,
    Left,
    NativeRecord,
    Page,
    Range,
    RecordWrite,
    Roll,
    Scan,
    Schema,
    Witness,
    WriteOutcome,
)
from sync_worker.crm.salesforce.connection.ids import canonical
from sync_worker.crm.salesforce.connection.session import SalesforceConnection
from sync_worker.crm.salesforce.reading import bulk, cuts, load, reader
from sync_worker.crm.salesforce.reading import describe as schema
from sync_worker.crm.salesforce.writing import writer
from sync_worker.crm.salesforce.writing.admin import SalesforceSchema
from sync_worker.crm.salesforce.writing.writer import SalesforceDesk
from sync_worker.crm.siblings import described
from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog

CUSTOM = "__c"  # how the name of a field ends that an admin, or a package, made


class SalesforceCrm:
    """One org, one thread. See `crm/port.py` for what each call promises."""

    def __init__(
        self,
        connection: SalesforceConnection,
        *,
        assigns_on_create: bool,
        bulk_above: int | None = None,
    ) -> None:
        self._connection = connection
        self._services = connection.services
        self._bulk_above = bulk_above
        self._assigns_on_create = assigns_on_create

    @property
    def parallel_calls(self) -> int:
        return self._connection.parallel_calls

    @property
    def is_trusted(self) -> bool:
        return self._connection.is_trusted

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        with self._connection.another() as connection:
            yield SalesforceCrm(connection, assigns_on_create=self._assigns_on_create, bulk_above=self._bulk_above)

    @property
    def schema(self) -> Schema:
        return SalesforceSchema(self._connection)

    @property
    def calls(self) -> int:
        return self._connection.calls

    @property
    def write_count(self) -> int:
        return writer.BATCH_COUNT

    @property
    def batch_count(self) -> int:
        return writer.BATCH_COUNT

    def now(self) -> datetime:
        return self._connection.now()

    def canonical_id(self, text: str) -> str:
        return canonical(text) or text

    def hands_on(self, field: str, target: str) -> bool:
        return field.endswith(CUSTOM) and target.endswith(CUSTOM)

    def name_after_conversion(self, native: NativeRecord) -> str:
        company = native.fields.get("Company")
        return f"{company}-" if company else ""

    def describe(self, native: str) -> Catalog:
        return schema.describe(self._connection, native)

    def describe_each(self, natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
        return described(self._connection, schema.describe, natives)

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        def filled(page: Page) -> Page:
            self._fill(scan.native, page.records, scan.fields)
            return page

        pages = load.changed_since(self._connection, self._services, scan, bulk_above=self._bulk_above)
        yield from map(filled, pages)  # a loop would keep each page until the next one has come

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        if place := bulk.JobPlace.of(scan.position):
            return bulk.ranges(self._connection, scan, place, most) if left else [Range(scan.position)]
        is_for_a_job = left is not None and self._bulk_above is not None and left.count > self._bulk_above
        return [Range(scan.position)] if is_for_a_job else cuts.ranges(self._connection, scan, most, left=left.count if left else 0)

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        return self._fill(native, reader.fetch(self._connection, native, crm_ids, fields), fields)

    def rates(self, native: str) -> Rates:
        return Rates(reader.RETRIEVE_COUNT, bulk.PAGE_COUNT, bulk.ANSWER_COUNT, self._bulk_above)

    def count(self, native: str) -> int:
        return reader.count(self._connection, native)

    def untouched(self, native: str, crm_ids: Sequence[str], *, since: datetime) -> set[str]:
        return set()

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        return load.census(self._connection, self._services, native, any_of, bulk_above=self._bulk_above)

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        return self._fill(native, reader.find_by_key(self._connection, native, key_field, keys, fields), fields)

    def _fill(self, native: str, found: list[NativeRecord], fields: Sequence[str]) -> list[NativeRecord]:
        """The same, with the fields that the rows leave out."""
        left_out.fill(found, fields, lambda: schema.types(self._connection, native))
        return found

    def write(
        self,
        native: str,
        key_field: str,
        changes: Sequence[RecordWrite],
        *,
        time_left_s: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> Iterator[list[WriteOutcome]]:
        desk = SalesforceDesk(self._connection, native, key_field, time_left_s, witness.before_send)  # a record is one call here
        return writer.write(desk, changes, assigns_on_create=self._assigns_on_create)
