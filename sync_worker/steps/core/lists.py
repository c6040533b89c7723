"""LISTS: the values that the CRM offers in its lists, read again when a person or a record names a value that we do not know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.errors import FieldRefused, RecordError, SyncError
from sync_worker.mapping.compile import CompiledMapping, RecordMap
from sync_worker.services import Services
from sync_worker.steps.core.described import Described
from sync_worker.store.operate.halts import Halt

OFFER_AGAIN_S = 60.0  # between two describes for what a person typed


class Lists:
    """The lists of one tenant's CRM. A record type is described again only for a value or a refusal that is new in this run."""

    def __init__(
        self, described: Described, services: Services, halted: Callable[[], Halt | None], mapping: Callable[[], CompiledMapping]
    ) -> None:
        self._described = described
        self._services = services
        self._mapping = mapping
        self._halted = halted
        self._unlisted: frozenset[tuple[str, str, str]] = frozenset()  # (native, field, value) that this run's describe has not either
        self._relisted: set[str] = set()  # record types that were described in this run because a write was refused
        self._offered_at_s = -math.inf

    def begin(self) -> None:
        """A run begins: what the run before it found out is forgotten."""
        self._unlisted = frozenset()
        self._relisted.clear()

    def judged(self, record_name: str, natives: Iterable[NativeRecord]) -> RecordMap:
        """How to read these records. One describe, where one of them holds a value that no list had: an admin may have just added it.

        A value that the describe does not show either is not asked for again in this run. Never called inside a transaction: the catalog
        is kept in one of its own. **Raises** SchemaChanged as `Described.again` does.
        """
        record = self._mapping().records[record_name]
        if _unlisted(record, natives) <= self._unlisted:
            return record
        record = self._described.again(record_name)
        self._unlisted |= _unlisted(record, natives)
        return record

    def offering(self, record_name: str, written: Mapping[str, Any]) -> RecordMap:
        """How to take what people wrote. One describe, at most once a minute, where they chose what the CRM's list did not offer so far.

        If the CRM does not answer, or a person has paused the portal, the list of before decides. An attribute that rests is still theirs
        to write: its value is owed until the CRM shows the field again.
        """
        record = self._mapping().records[record_name]
        rested = self._services.monotonic() - self._offered_at_s >= OFFER_AGAIN_S
        if rested and record.is_news(written) and self._halted() is None:
            self._offered_at_s = self._services.monotonic()
            with suppress(SyncError):
                record = self._described.again(record_name)
        return record.in_portal

    def is_field_lost(self, record: RecordMap, errors: Sequence[SyncError | None]) -> bool:
        """Whether the CRM refused fields of these writes because it does not show them any more. One describe a run and record type.

        **Shapes** `record`: as the writes were composed by. Never called inside a transaction.
        """
        if not any(isinstance(error, FieldRefused) for error in errors):
            return False
        self._describe_once(record.record)
        return record.record in self._described.unfit or self._mapping().records[record.record].native_fields != record.native_fields

    def hear_refusals(self, record: RecordMap, errors: Sequence[SyncError | None]) -> None:
        """Where the CRM refused a value of one of its own lists, what we know of that list is old: one describe a run and record type.

        Never called inside a transaction. A describe that fails changes nothing: the refusals stand as they are.
        """
        lists = {field.native for field in record.fields.values() if field.known is not None}
        if any(isinstance(error, RecordError) and error.field in lists for error in errors):
            self._describe_once(record.record)

    def _describe_once(self, record_name: str) -> None:
        """One describe a run and record type. A CRM that does not answer changes nothing."""
        if record_name not in self._relisted:
            self._relisted.add(record_name)
            with suppress(SyncError):
                self._described.again(record_name)


def _unlisted(record: RecordMap, natives: Iterable[NativeRecord]) -> frozenset[tuple[str, str, str]]:
    """The values of these records that the CRM has on no list of its own, as last described."""
    found = record.all_unlisted([native.fields for native in natives if not native.is_deleted])
    return frozenset((record.native, field, value) for field, value in found)
