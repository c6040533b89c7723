"""The merges of one chunk: what each record became in the end, whatever the order and the length of the chain.

A chain may stand in one answer or be spread over several: what earlier answers told stands in `aliases`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.sync.ingest.succession import chain
from sync_worker.steps.core.chunk import Chunk
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import links

MERGED, DELETED, LIVE = range(3)


class Succession:
    """What this chunk and those before it tell of merges.

    **Shapes** `ours`: our id by CRM id, of the records that we know. `natives`: the chunk's records, each id once, in the order in which
    to take them: what lost a merge hands over before its survivor arrives. `repeated`: those that were left out. `news`: the merges of
    which no earlier answer told, as old id → the id that it was merged into.
    """

    def __init__(self, tx: Tx, chunk: Chunk, ours: Mapping[str, str]) -> None:
        self._record = chunk.record
        self._ours = ours
        self._told = _told(chunk)
        canonical = chunk.tenant.crm.canonical_id
        self._lost = {crm_id: canonical(native.merged_into) for crm_id, native in self._told.items() if native.merged_into is not None}
        self._alive = {crm_id for crm_id, native in self._told.items() if not native.is_deleted}
        self._known = links.merges(tx, self._record.record, {*self._lost, *self._lost.values(), *self._alive})
        self._became = {old: new for old, new in {**self._known, **self._lost}.items() if old not in self._alive}
        self.news = {old: new for old, new in self._lost.items() if self._known.get(old) != new}
        self.natives = sorted(self._told.values(), key=self._turn)
        self.repeated = [native for native in chunk.natives if self._told[native.crm_id] is not native]

    def end(self, crm_id: str) -> str:
        """The record that lives on in the place of this one; itself where it lost no merge."""
        return chain(self._became, crm_id)[-1]

    def living(self, crm_id: str) -> NativeRecord | None:
        """What the chunk says of that record, where it is alive."""
        return self._told[crm_id] if crm_id in self._alive else None

    def settle(self, tx: Tx) -> None:
        """Keeps the merges that are news, and forgets those of records that live again."""
        links.add_aliases(tx, self._record.record, self.news)
        links.forget_aliases(tx, self._record.record, self._known.keys() & self._alive)

    def _turn(self, native: NativeRecord) -> tuple[int, int, bool]:
        """Nearest to the live end first, as separate answers would have told it; of those, first the one whose key the survivor carries."""
        if native.merged_into is None:
            return (DELETED if native.is_deleted else LIVE), 0, False
        passed = chain(self._became, native.crm_id)
        survivor = self._told.get(passed[-1])
        key = survivor.fields.get(self._record.key_field) if survivor else None
        return MERGED, len(passed), key is None or self._ours.get(native.crm_id) != key


def _told(chunk: Chunk) -> dict[str, NativeRecord]:
    """One record for each id: a merge is the last word about its loser, else the newer stamp counts."""
    found: dict[str, NativeRecord] = {}
    for native in chunk.natives:
        before = found.get(native.crm_id)
        if before is None or (native.merged_into is not None, native.modified_at) >= (before.merged_into is not None, before.modified_at):
            found[native.crm_id] = native
    return found
