"""RECOGNIZE: what a record shows of our own sends whose outcome was never learned. Each is agreed on; what is newer here is owed again.

Associations are written by calls of their own, so what a send says of them is recognized by itself. domain/sync/late_write.py decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.late_write import Sighting, Undone, base_after, has_moved, is_late_write, undone
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.park import push_failure
from sync_worker.steps.sync.ingest.facts import agreed
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.links import KEY
from sync_worker.store.sync import unlearned
from sync_worker.store.sync.unlearned import Send


@dataclass(frozen=True, slots=True)
class Recognized:
    """A record's base after the sends that were recognized, and the newer values they have put back."""

    base: Mapping[str, Base]
    undone: tuple[Undone, ...] = ()


class LateWrites:
    """What is kept of the records of one chunk; whatever is recognized is kept no more."""

    def __init__(self, tx: Tx, chunk: Chunk, object_: str, record_ids: Collection[str]) -> None:
        self._tx = tx
        self._tenant = chunk.tenant
        self._record = chunk.record
        self._run_id = chunk.run_id
        self._sends = unlearned.of(tx, object_, record_ids)

    def recognized(self, record_id: str, native: NativeRecord, base: Mapping[str, Base], portal: Mapping[str, Value]) -> Recognized:
        """How the record is to be read, where it shows a send of ours; each newer value that it has put back is told."""
        found = Recognized(base)
        for send in self._sends.get(record_id, ()):
            found = self._with(send, native, found, portal)
        return found

    def _with(self, send: Send, native: NativeRecord, before: Recognized, portal: Mapping[str, Value]) -> Recognized:
        after, left = before, dict(send.sent)
        for part in _calls(send.sent, self._record):
            seen = self._sighting(send, part, native)
            if is_late_write(seen) and has_moved(after.base, seen):
                back = undone(after.base, portal, seen)
                after = Recognized(base_after(after.base, seen), (*after.undone, *back))
                left = {name: pair for name, pair in left.items() if name not in part}
                self._tell(send, back)
        if len(left) < len(send.sent):
            unlearned.drop(self._tx, [send])
            unlearned.keep(self._tx, [replace(send, sent=left)] if left.keys() - {KEY} else [])
        return after

    def _sighting(self, send: Send, part: Mapping[str, Base], native: NativeRecord) -> Sighting:
        standing = {name: pair for name, pair in agreed(part, self._record, native).items() if name != KEY or pair.crm == send.record_id}
        changed_at = native.modified_at - (self._tenant.crm_clock_ahead or timedelta(0))
        return Sighting(part, standing, changed_at, send.until_at, native.is_ours)

    def _tell(self, send: Send, back: Sequence[Undone]) -> None:
        when = f"{send.sent_at:%Y-%m-%d %H:%M:%S} UTC"
        for one in back:
            words = (
                f"a write of ours of {when}, whose answer was lost, was committed late and put {one.field} back to {one.late!r}; "
                f"the portal's newer {one.newer!r} is written again"
            )
            told = push_failure(self._tenant, send.object, send.record_id, "late_write_undone", words, self._run_id)
            failures.record(self._tx, [replace(told, field=one.field)])


def _calls(sent: Mapping[str, Base], record: RecordMap) -> Iterator[Mapping[str, Base]]:
    """What each call of a send has carried."""
    associations = {name for name in sent if name in record.fields and record.fields[name].is_association}
    yield {name: pair for name, pair in sent.items() if name not in associations}
    yield {name: pair for name, pair in sent.items() if name in associations}
