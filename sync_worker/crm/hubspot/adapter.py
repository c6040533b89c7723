"""The HubSpot `Crm`: the folders joined behind the port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sync_worker.crm.budget import UNMETERED, Purse
from sync_worker.crm.faults import Patience
from sync_worker.crm.hubspot.associations.associations import AssociationCalls
from sync_worker.crm.hubspot.connection.faults import WAIT_S_BY_POLICY
from sync_worker.crm.hubspot.connection.session import Access, HubspotConnection
from sync_worker.crm.hubspot.reading.describe import describe
from sync_worker.crm.hubspot.reading.reader import READ_COUNT, RecordReader
from sync_worker.crm.hubspot.writing import writer
from sync_worker.crm.hubspot.writing.admin import HubspotSchema
from sync_worker.crm.hubspot.writing.writer import HubspotDesk
from sync_worker.crm.port import UNWITNESSED, Crm, Left, NativeRecord, Page, Range, RecordWrite, Roll, Scan, Witness, WriteOutcome
from sync_worker.crm.siblings import described
from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog
from sync_worker.services import Services


class HubspotCrm:
    """One account, one thread. See `crm/port.py` for what each call promises."""

    def __init__(self, access: Access, *, services: Services, patience: Patience, purse: Purse = UNMETERED) -> None:
        longest_s = max(patience.wait.ceiling_s, *WAIT_S_BY_POLICY.values())  # the vendor's windows are short: a read outlasts one
        patience = replace(patience, wait=replace(patience.wait, ceiling_s=longest_s))
        connection = HubspotConnection(access, services, patience, purse)
        self._services = services
        self._join(connection, AssociationCalls(connection, services))

    def _join(self, connection: HubspotConnection, associations: AssociationCalls) -> None:
        self._connection = connection
        self._associations = associations
        self._reader = RecordReader(connection, associations)
        self.schema = HubspotSchema(connection, associations, self._services)

    @property
    def parallel_calls(self) -> int:
        return self._connection.parallel_calls

    @property
    def is_trusted(self) -> bool:
        return self._connection.is_trusted

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        with self._connection.another() as connection:
            yield HubspotSibling(connection, self._associations.on(connection), self._services)

    @property
    def calls(self) -> int:
        return self._connection.calls

    @property
    def write_count(self) -> int:
        return writer.ROW_COUNT

    @property
    def batch_count(self) -> int:
        return writer.BATCH_COUNT

    def now(self) -> datetime:
        return self._connection.now()

    def canonical_id(self, text: str) -> str:
        return text

    def hands_on(self, field: str, target: str) -> bool:
        return False

    def name_after_conversion(self, native: NativeRecord) -> str:
        return ""

    def describe(self, native: str) -> Catalog:
        return describe(self._connection, self._associations, native)

    def describe_each(self, natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
        return described(self._connection, lambda one, native: describe(one, self._associations.on(one), native), natives)

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        return self._reader.changed_since(scan)

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        return self._reader.cuts(scan, most, left=left)

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        return self._reader.fetch(native, crm_ids, fields)

    def rates(self, native: str) -> Rates:
        return Rates(READ_COUNT, READ_COUNT)

    def count(self, native: str) -> int:
        return self._reader.count(native, None)

    def untouched(self, native: str, crm_ids: Sequence[str], *, since: datetime) -> set[str]:
        return self._reader.untouched(native, crm_ids, since)

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        return self._reader.census(native, any_of)

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        return self._reader.find_by_key(native, key_field, keys, fields)

    def write(
        self,
        native: str,
        key_field: str,
        changes: Sequence[RecordWrite],
        *,
        time_left_s: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> Iterator[list[WriteOutcome]]:
        return writer.write(HubspotDesk(self._connection, self._associations, native, key_field, time_left_s, witness), changes)


class HubspotSibling(HubspotCrm):
    """The same account on another connection, for another thread."""

    def __init__(self, connection: HubspotConnection, associations: AssociationCalls, services: Services) -> None:
        self._services = services
        self._join(connection, associations)
