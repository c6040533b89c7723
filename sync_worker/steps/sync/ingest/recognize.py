"""RECOGNIZE: what a record shows of our own sends whose outcome was never learned. Each is agreed on; what is newer here is owed again.

Associations are written by calls of their own, so what a send says of them is recognized by itself. domain/sync/push/late_write.py decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.core.link import KEY
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.sync.push.late_write import Recognized, Send, Shown, Sighting, Undone
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.park import push_failure
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.ingest.facts import agreed
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync import unlearned


def shown(chunk: Chunk, sends: Iterable[Send], native: NativeRecord) -> tuple[Shown, ...]:
    """What a record of the chunk shows of these sends of ours."""
    return tuple(Shown(send, tuple(_sighting(chunk, send, call, native) for call in _calls(send.sent, chunk.record))) for send in sends)


def _sighting(chunk: Chunk, send: Send, call: Mapping[str, Base], native: NativeRecord) -> Sighting:
    standing = {name: pair for name, pair in agreed(call, chunk.record, native).items() if name != KEY or pair.crm == send.record_id}
    changed_at = native.modified_at - (chunk.tenant.crm_clock_ahead or timedelta(0))
    return Sighting(call, standing, changed_at, send.until_at, native.is_ours)


def settle_recognized(tx: Tx, tenant: Tenant, found: Sequence[Recognized], run_id: str) -> None:
    """Sends that were recognized are no longer kept, except what may still come; each newer value that one has put back is told."""
    for learned in (learned for one in found for learned in one.learned):
        unlearned.drop(tx, [learned.send])
        unlearned.keep(tx, [replace(learned.send, sent=learned.left)] if learned.left.keys() - {KEY} else [])
        for one in learned.undone:
            _tell(tx, tenant, learned.send, one, run_id)


def _tell(tx: Tx, tenant: Tenant, send: Send, one: Undone, run_id: str) -> None:
    words = (
        f"a write of ours of {send.sent_at:%Y-%m-%d %H:%M:%S} UTC, whose answer was lost, was committed late and put {one.field} back "
        f"to {one.late!r}; the portal's newer {one.newer!r} is written again"
    )
    told = push_failure(tenant, send.object, send.record_id, "late_write_undone", words, run_id)
    failures.record(tx, [replace(told, field=one.field)])


def _calls(sent: Mapping[str, Base], record: RecordMap) -> Iterator[Mapping[str, Base]]:
    """What each call of a send has carried."""
    associations = {name for name in sent if name in record.fields and record.fields[name].is_association}
    yield {name: pair for name, pair in sent.items() if name not in associations}
    yield {name: pair for name, pair in sent.items() if name in associations}
