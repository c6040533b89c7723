"""INGEST: native records become what the portal holds: normalized, linked, reconciled, associated, stored with the outbox in one commit.

Pull and refresh both end here. Whether a record is late, the same, ours or broken is decided per record; each has exactly one outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sync_worker.crm.port import NativeRecord
from sync_worker.domain.sync.backfill import Part
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.brake import brake
from sync_worker.steps.core.chunk import Chunk, Effects
from sync_worker.steps.core.findings import Findings
from sync_worker.steps.core.tenant import COMPANY, Tenant, Wake
from sync_worker.steps.sync.ingest.companies.fill import fill_companies
from sync_worker.steps.sync.ingest.companies.ingest import ingest_companies
from sync_worker.steps.sync.ingest.deals.fill import fill_deals
from sync_worker.steps.sync.ingest.deals.ingest import ingest_deals
from sync_worker.store.core import runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices

CHUNK_COUNT = 2000  # records a commit: the portal's lock is held for 0.1 to 0.2 s; halves of it cost a third more


def ingest(
    tenant: Tenant,
    record: RecordMap,
    natives: Sequence[NativeRecord],
    *,
    read_no: int,
    run_id: str,
    finish: Callable[[Tx, bool], None],
    is_filling: bool = False,
    is_poll: bool = False,
    part: Part | None = None,
) -> tuple[Counts, set[Wake]]:
    """Stores the records of one answer, chunk by chunk.

    **Shapes** `part`: where nothing but these fields was read.
    `finish(tx, is_last)` is called inside each chunk's commit: there the caller compares its fence and moves its cursor.
    **Raises** HeldForReview where a chunk would take too much away: that chunk is not stored, and `finish` has moved nothing.
    """
    total, wakes = Counts(), set[Wake]()
    for some, is_last in _parts(natives):
        chunk = Chunk(tenant, record, some, read_no, run_id, is_filling, is_poll, part)
        counts = Counts(read=len(some))
        with tenant.store.transaction(tenant.name) as tx:
            finish(tx, is_last)
            effects = store_chunk(tx, chunk, counts)
            brake(tx, tenant, effects.loss, run_id)
            runs.count(tx, run_id, counts)
        wakes |= effects.wakes
        if some:
            tenant.batch_done(record.record, counts)
        total.add(counts)
    return total, wakes


def store_chunk(tx: Tx, chunk: Chunk, counts: Counts) -> Effects:
    """What one commit stores of an answer, each record with its outcome; and what follows from it."""
    findings = Findings(
        tx,
        chunk.record.record,
        chunk.crm_ids,
        run_id=chunk.run_id,
        mapping_hash=chunk.tenant.mapping.hash,
        services=chunk.tenant.services,
        leaves_contracts=chunk.is_filling,
        only=chunk.part.fields if chunk.part else None,
    )
    effects = _stored(tx, chunk, findings, counts)
    findings.settle()
    for object_, crm_ids in effects.reread.items():
        notices.add(tx, object_, crm_ids)
    effects.wakes |= {Wake("refresh", object_) for object_, crm_ids in effects.reread.items() if crm_ids}
    return effects


def _stored(tx: Tx, chunk: Chunk, findings: Findings, counts: Counts) -> Effects:
    is_company = chunk.record.record == COMPANY
    if chunk.part:
        return (fill_companies if is_company else fill_deals)(tx, chunk, chunk.part, findings, counts)
    return (ingest_companies if is_company else ingest_deals)(tx, chunk, findings, counts)


def _parts(natives: Sequence[NativeRecord]) -> Iterator[tuple[Sequence[NativeRecord], bool]]:
    """Chunks, the last one marked; an empty answer is one empty chunk, so that its cursor moves too."""
    for start in range(0, max(len(natives), 1), CHUNK_COUNT):
        yield natives[start : start + CHUNK_COUNT], start + CHUNK_COUNT >= len(natives)
