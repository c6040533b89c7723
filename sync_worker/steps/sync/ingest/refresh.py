"""REFRESH: records that a notice named are read back by id, in batches, and ingested. Order and repetition of notices do not matter.

Webhooks, read-backs of our own writes, merges and waiting deals all come through here. It takes turns with PULL under the same lease.
Where a batch is one call, several are asked for side by side (`steps/sync/read_by_id.py`).
An id that the CRM no longer shows is ingested as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from sync_worker.crm.port import NativeRecord
from sync_worker.errors import Stopped
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import kept
from sync_worker.steps.core.chunk import Chunk
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.lease import leased, turned_away
from sync_worker.steps.core.tenant import Tenant, going_on
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.steps.sync.read_by_id import ReadBatch, batches_at_once, read_each
from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices
from sync_worker.store.sync.notices import Notice
from sync_worker.telemetry import metrics

BATCH_COUNT = 2000  # ids of a batch
FORGET_COUNT = 250  # notices settled in one commit: a webhook about one of them waits for it


@going_on
def refresh(tenant: Tenant, record_name: str) -> Done:
    """Reads every noticed record of one type. **Raises** the port's errors, StaleRead, HeldForReview, StoreDown, Stopped."""
    if not _is_any_waiting(tenant, record_name):
        return Done("", Counts())
    with leased(tenant, record_name) as cursor:
        if cursor is None:
            return Done("", Counts(), is_busy=True)
        with tenant.run("refresh", record_name) as run_id, kept(tenant, "refresh", record_name, run_id):
            done = _read_all(tenant, record_name, cursor, run_id)
    return replace(done, follow_ups=done.follow_ups | turned_away(tenant, record_name))


def between_pages(tenant: Tenant, record_name: str, cursor: Cursor) -> frozenset[FollowUp]:
    """The same for a reader that gives way to it, under its own lease. Returns what follows."""
    with tenant.run("refresh", record_name) as run_id, kept(tenant, "refresh", record_name, run_id):
        done = _read_all(tenant, record_name, cursor, run_id)
    return done.follow_ups


def _read_all(tenant: Tenant, record_name: str, cursor: Cursor, run_id: str) -> Done:
    """Batches until nothing waits, each notice at most once a run: one that is renewed meanwhile is the next run's.

    Batches that were asked for side by side are all stored before the turn ends.
    """
    record = tenant.described.looked_at(record_name)
    if tenant.crm_clock_ahead is None:
        tenant.crm_now()
    total, follow_ups, seen = Counts(), set[FollowUp](), set[str]()
    while taken := [notice for notice in _waiting(tenant, record) if notice.crm_id not in seen]:
        if seen and tenant.services.is_stopping():
            raise Stopped(f"stopped on request after {len(seen):,} {record_name} records; the next refresh reads the others")
        seen |= {notice.crm_id for notice in taken}
        batches = [taken[start : start + BATCH_COUNT] for start in range(0, len(taken), BATCH_COUNT)]
        with closing(read_each(tenant, record, [[notice.crm_id for notice in batch] for batch in batches])) as answers:
            for batch, answer in zip(batches, answers, strict=True):
                counts, due = _stored(tenant, record_name, batch, answer, _Turn(cursor, run_id))
                total.add(counts)
                follow_ups |= due
        record = tenant.mapping.records[record_name]
        if tenant.turn.is_over:
            return Done(run_id, total, frozenset(follow_ups | {FollowUp(Work.REFRESH, record_name)}))
    return Done(run_id, total, frozenset(follow_ups))


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a reader holds while it is its turn."""

    cursor: Cursor
    run_id: str


def _stored(tenant: Tenant, record_name: str, batch: Sequence[Notice], answer: ReadBatch, turn: _Turn) -> tuple[Counts, set[FollowUp]]:
    """What the CRM shows of one batch is ingested, and its notices are settled. Returns what follows."""
    record = tenant.lists.judged(record_name, answer.found)
    crm_ids = [notice.crm_id for notice in batch]
    natives = [*_in_order(answer.found), *gone(tenant, record.native, crm_ids, answer.found)]
    counts, due = ingest(Chunk(tenant, record, natives, answer.read_no, turn.run_id), _holder(turn.cursor))
    _forget(tenant, record_name, batch)
    _measure(tenant, batch)
    return counts, due


def _is_any_waiting(tenant: Tenant, record_name: str) -> bool:
    with tenant.store.reading(tenant.name) as tx:
        return bool(notices.oldest(tx, record_name, 1))


def _waiting(tenant: Tenant, record: RecordMap) -> list[Notice]:
    """The oldest notices, as many batches as are read side by side."""
    limit = BATCH_COUNT * batches_at_once(tenant, record.native, BATCH_COUNT)
    with tenant.store.reading(tenant.name) as tx:
        return notices.oldest(tx, record.record, limit)


def _measure(tenant: Tenant, taken: Sequence[Notice]) -> None:
    """How long these notices took to be applied."""
    now = tenant.services.clock()
    metrics.noticed_applied((now - notice.first_seen_at).total_seconds() for notice in taken if notice.first_seen_at)


def _in_order(found: Sequence[NativeRecord]) -> list[NativeRecord]:
    return sorted(found, key=lambda native: (native.modified_at, native.crm_id))


def gone(tenant: Tenant, native: str, crm_ids: Iterable[str], found: Sequence[NativeRecord]) -> list[NativeRecord]:
    """Ids that were asked for and are not in the answer."""
    shown = {one.crm_id for one in found}
    wanted = {tenant.crm.canonical_id(crm_id) for crm_id in crm_ids}
    now = tenant.services.clock()
    return [NativeRecord(native, crm_id, now, {}, is_deleted=True, is_gone=True) for crm_id in sorted(wanted - shown)]


def _holder(cursor: Cursor) -> Callable[[Tx, bool], None]:
    """Compares the fence in each commit."""

    def finish(tx: Tx, _is_last_chunk: bool) -> None:
        cursors.hold(tx, cursor)

    return finish


def _forget(tenant: Tenant, record_name: str, taken: Sequence[Notice]) -> None:
    """What was read and stored. Apart from the page: a process that notices these records meanwhile would wait for all of it. A crash
    before this reads them again.
    """
    for start in range(0, len(taken), FORGET_COUNT):
        with tenant.store.side_transaction(tenant.name) as tx:
            notices.settle(tx, record_name, taken[start : start + FORGET_COUNT])
