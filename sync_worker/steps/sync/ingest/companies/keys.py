"""Keys on the records of one chunk of companies: which companies they bring back, and what to say of those that are not ours."""

from __future__ import annotations

from collections.abc import Sequence

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.problem import Problem
from sync_worker.domain.sync.own_key import foreign_key, has_our_form, key_of, key_taken
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.store.core import companies
from sync_worker.store.core.companies import StoredCompany
from sync_worker.store.core.engine import Tx


class CompanyKeys:
    """The chunk's keys.

    **Shapes** `made_here`: by CRM id, companies made in the portal whose record carries our id and is not linked yet: our own create, whose
    answer was lost. `taken_back`: the ids of companies that the database had lost and that come in with this chunk.
    """

    def __init__(self, tx: Tx, chunk: Chunk, strangers: Sequence[NativeRecord]) -> None:
        self._tx = tx
        self._chunk = chunk
        self._field = chunk.record.key_field
        self._homes: dict[str, str | None] = companies.places(tx, {key for native in chunk.natives if (key := self._key(native))})
        self._lost: dict[str, str] = {}
        keyed = [native for native in strangers if self._key(native) and not native.is_deleted]
        self.made_here = self._claim_homeless(keyed)
        self._claim_lost([native for native in keyed if native.crm_id not in self.made_here])
        self.taken_back: set[str] = set(self._lost.values())

    def lost(self, native: NativeRecord) -> str:
        """The id of the company that the database lost and this record has kept; "" where there is none."""
        return self._lost.get(native.crm_id, "")

    def has_room(self, native: NativeRecord, company_id: str) -> bool:
        """Whether the record was read, and carries no key, or one left over from a merge: the company's own is to be written."""
        is_other = self._field in native.fields and self._key(native) != company_id
        return is_other and self.problem(native, company_id) is None

    def problem(self, native: NativeRecord, company_id: str) -> Problem | None:
        """A key that stands on the company's record, is not its own, and stays where it is."""
        key = self._key(native)
        if key in ("", company_id):
            return None
        if key not in self._homes:
            return foreign_key(self._field, key, company_id)
        home = self._homes[key]
        return key_taken(self._field, key, home) if home and home != native.crm_id else None

    def _key(self, native: NativeRecord) -> str:
        return key_of(native.fields.get(self._field))

    def _claim_homeless(self, keyed: Sequence[NativeRecord]) -> dict[str, StoredCompany]:
        """The first record that carries the id of a company without one is its record."""
        found = companies.homeless(self._tx, {self._key(native) for native in keyed})
        claimed: dict[str, StoredCompany] = {}
        for native in keyed:
            if stored := found.pop(self._key(native), None):
                claimed[native.crm_id] = stored
                self._homes[stored.company.id] = native.crm_id
        return claimed

    def _claim_lost(self, keyed: Sequence[NativeRecord]) -> None:
        """A key of ours that nobody knows is claimed by one record: by that from which it was computed, else by the first."""
        identity = self._chunk.tenant.identity
        ours = [native for native in keyed if has_our_form(self._key(native)) and self._key(native) not in self._homes]
        for native in sorted(ours, key=lambda native: identity(COMPANY, native.crm_id) != self._key(native)):
            if self._key(native) not in self._homes:
                self._homes[self._key(native)] = native.crm_id
                self._lost[native.crm_id] = self._key(native)
