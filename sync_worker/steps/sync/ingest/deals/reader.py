"""Native records of deals in our words, by one portal's file and mapping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.sync.ingest.deals.plain import DealColumns
from sync_worker.domain.sync.ingest.deals.record import DealRecord
from sync_worker.mapping.compile import Reading
from sync_worker.mapping.fields import UNLISTED
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.findings import text_problem, value_problems
from sync_worker.steps.sync.ingest.facts import associations_shown
from sync_worker.steps.sync.ingest.ours import is_marked


class DealReader:
    """Reads the native records of one chunk."""

    def __init__(self, chunk: Chunk) -> None:
        self._record = chunk.record
        self._tenant = chunk.tenant
        owner = chunk.record.fields.get("owner_company")
        self._owner = owner.native if owner and chunk.tenant.portal.deals.from_crm else None

    def read(self, native: NativeRecord, *, new_id: str = "", becomes: str = "") -> DealRecord:
        """The record in our words. Of one that was deleted only that, and its key. **Shapes** as in `DealRecord`."""
        key, changed_on = self.key_on(native), native.modified_at.astimezone(self._tenant.portal.zone).date()
        known = (native.native, native.crm_id, native.modified_at, changed_on, key)
        if native.is_deleted:
            return DealRecord(*known, native.crm_id, new_id, is_deleted=True, is_gone=native.is_gone, becomes=becomes)
        reading = self._record.normalize(native.fields)
        return DealRecord(
            *known,
            str(reading.values.get("name") or reading.values.get("prospect_name") or native.crm_id),
            new_id,
            is_converted=native.is_converted,
            is_marked=is_marked(self._tenant.portal, self._record, native),
            names_owner=self.names_owner(native),
            converted_to=self._converted_to(native),
            converted_name=self._tenant.crm.name_after_conversion(native) if native.is_converted else "",
            values=reading.values,
            spellings=reading.spellings,
            unread=_unread(reading) if reading.mistakes else (),
            refused=tuple(value_problems(reading)) if reading.mistakes or reading.unlisted else (),
            text=text_problem(native),
            associations=associations_shown(self._record, native.fields),
        )

    def names_owner(self, native: NativeRecord) -> bool:
        """Whether a deal may begin with it."""
        return bool(self._owner and native.fields.get(self._owner))

    def key_on(self, native: NativeRecord) -> Any:
        """What stands in our key field, as the CRM spells it."""
        return native.fields.get(self._record.key_field)

    def columns(self, natives: Sequence[tuple[NativeRecord, str]]) -> DealColumns:
        """Live records, each with the id of the deal that begins with it, field by field."""
        read = self._record.columns([native.fields for native, _ in natives])
        return DealColumns(
            [id_ for _, id_ in natives],
            [native.crm_id for native, _ in natives],
            [native.modified_at for native, _ in natives],
            [self.key_on(native) for native, _ in natives],
            read.values,
            read.spellings,
            read.odd,
        )

    def _converted_to(self, native: NativeRecord) -> str:
        turns = bool(native.converted_to and self._record.converts_to)
        return self._tenant.crm.canonical_id(native.converted_to) if turns and native.converted_to else ""


def _unread(reading: Reading) -> tuple[Problem, ...]:
    """Values that hold the whole record back."""
    unread = (mistake for mistake in reading.mistakes if mistake.code != UNLISTED)
    return tuple(Problem(one.code, one.field, f"{one.native}: {one.what} — {one.hint}") for one in unread)
