"""A CRM that is read for real and never written: what would be written is told, answered as the CRM would, and read back as written.

It stands before the adapter, so that the real steps can run against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

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
    Witness,
    WriteOutcome,
    Wrote,
)
from sync_worker.crm.siblings import CallTally
from sync_worker.domain.sync.ingest.backfill import Rates
from sync_worker.errors import SchemaChanged
from sync_worker.mapping.catalog import Catalog
from sync_worker.services import Services

Told: TypeAlias = Callable[[str, Sequence[RecordWrite]], None]
"""Hears of each batch before its answer: the native type and the changes."""

MADE_UP = "(new) "
"""How the ids of records begin that would be created."""


@dataclass(frozen=True, slots=True)
class _Acted:
    """What was written as if: the records by id, and the calls that it would have cost."""

    records: dict[str, NativeRecord] = field(default_factory=dict)
    calls: CallTally = field(default_factory=CallTally)


class Rehearsal:
    """One `Crm` around another. **Shapes** `write_calls`: those that the writes would have cost."""

    def __init__(self, crm: Crm, *, tell: Told, services: Services, acted: _Acted | None = None) -> None:
        self._crm = crm
        self._tell = tell
        self._services = services
        self._acted = acted or _Acted()

    @property
    def write_calls(self) -> int:
        return self._acted.calls.count

    @property
    def parallel_calls(self) -> int:
        return self._crm.parallel_calls

    @property
    def is_trusted(self) -> bool:
        return self._crm.is_trusted

    @contextmanager
    def another_connection(self) -> Iterator[Crm]:
        """What is written on either is read back on both."""
        with self._crm.another_connection() as crm:
            yield Rehearsal(crm, tell=self._tell, services=self._services, acted=self._acted)

    @property
    def calls(self) -> int:
        return self._crm.calls

    @property
    def write_count(self) -> int:
        return self._crm.write_count

    @property
    def batch_count(self) -> int:
        return self._crm.batch_count

    def now(self) -> datetime:
        return self._crm.now()

    def canonical_id(self, text: str) -> str:
        return self._crm.canonical_id(text)

    def hands_on(self, field: str, target: str) -> bool:
        return self._crm.hands_on(field, target)

    def name_after_conversion(self, native: NativeRecord) -> str:
        return self._crm.name_after_conversion(native)

    def describe(self, native: str) -> Catalog:
        return self._crm.describe(native)

    def describe_each(self, natives: Sequence[str]) -> Mapping[str, Catalog | SchemaChanged]:
        return self._crm.describe_each(natives)

    def changed_since(self, scan: Scan) -> Iterator[Page]:
        return self._crm.changed_since(scan)

    def cuts(self, scan: Scan, most: int, *, left: Left | None) -> Sequence[Range]:
        return self._crm.cuts(scan, most, left=left)

    def rates(self, native: str) -> Rates:
        return self._crm.rates(native)

    def count(self, native: str) -> int:
        return self._crm.count(native)

    def untouched(self, native: str, crm_ids: Sequence[str], *, since: datetime) -> set[str]:
        return self._crm.untouched(native, crm_ids, since=since)

    def census(self, native: str, any_of: Sequence[str]) -> Iterator[Roll]:
        return self._crm.census(native, any_of)

    def find_by_key(self, native: str, key_field: str, keys: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        return self._crm.find_by_key(native, key_field, keys, fields=fields)

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        """As the CRM shows them, with what was written meanwhile; those that were created are ours alone."""
        made = [self._acted.records[crm_id] for crm_id in crm_ids if crm_id.startswith(MADE_UP)]
        real = [crm_id for crm_id in crm_ids if not crm_id.startswith(MADE_UP)]
        return [*(self._as_written(record) for record in self._crm.fetch(native, real, fields=fields)), *made]

    def write(
        self,
        native: str,
        key_field: str,
        changes: Sequence[RecordWrite],
        *,
        time_left_s: Callable[[], float],
        witness: Witness = UNWITNESSED,
    ) -> Iterator[list[WriteOutcome]]:
        """Every change passes: what the CRM would refuse is not known before it is asked."""
        del time_left_s, witness
        ordered = sorted(changes, key=lambda change: change.crm_id is None)
        for start in range(0, len(ordered), self.write_count):
            batch = ordered[start : start + self.write_count]
            self._tell(native, batch)
            self._acted.calls.add(1)
            yield [self._answer(native, key_field, change) for change in batch]

    def _answer(self, native: str, key_field: str, change: RecordWrite) -> WriteOutcome:
        crm_id = change.crm_id or MADE_UP + change.ref
        before = self._acted.records.get(crm_id)
        fields: Mapping[str, Any] = {**(before.fields if before else {}), **change.fields}
        if change.key:
            fields = {**fields, key_field: change.key}
            self._acted.records[crm_id] = NativeRecord(native, crm_id, self._services.clock(), fields)
        shown = NativeRecord(native, crm_id, self._services.clock(), fields)
        return WriteOutcome(change.ref, Wrote.WRITTEN if change.crm_id else Wrote.CREATED, crm_id, record=shown)

    def _as_written(self, record: NativeRecord) -> NativeRecord:
        written = self._acted.records.get(record.crm_id)
        return replace(record, fields={**record.fields, **written.fields}) if written else record
