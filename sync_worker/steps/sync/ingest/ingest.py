"""INGEST: native records become what the portal holds: normalized, linked, reconciled, associated, stored with the outbox in one commit.

Pull and refresh both end here. A *native* record is one as the CRM sends it. A chunk of them takes one way, here shown for deals; companies
have the same files in `companies/`:

    normalize   the mapping puts each native record into our words              deals/reader.py
    prefetch    what the portal holds of these records is looked up at once     deals/prefetch.py
    judge       one *ruling* for each record: what becomes of it; pure          domain/sync/ingest/deals/page.py
                functions; the fields are merged on the way                     domain/sync/ingest/deals/merge.py,
                                                                                domain/core/reconcile.py
    apply       what the rulings say is written, the outbox last                deals/write.py
    derive      from the rulings: counts, findings (problems that open and      steps/core/findings.py
                close), follow-ups (steps that now have work)                   steps/core/follow_up.py

Read `store_chunk` first, then `ingest_deals` (deals/ingest.py), then `judge_deals`. A backfill reads one field only (`Chunk.part`) and
takes the shorter way of `fill.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sync_worker.crm.port import NativeRecord
from sync_worker.steps.core.brake import Loss, brake
from sync_worker.steps.core.chunk import Chunk, Consequences, read_again
from sync_worker.steps.core.findings import Findings, OpenFindings
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.companies.fill import fill_companies
from sync_worker.steps.sync.ingest.companies.ingest import ingest_companies
from sync_worker.steps.sync.ingest.deals.fill import fill_deals
from sync_worker.steps.sync.ingest.deals.ingest import ingest_deals
from sync_worker.store.core import runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts

CHUNK_COUNT = 2000  # records a commit: the portal's lock is held for 0.1 to 0.2 s; halves of it cost a third more


def ingest(answer: Chunk, finish: Callable[[Tx, bool], None]) -> tuple[Counts, set[FollowUp]]:
    """Stores the records of one answer, a smaller chunk a commit.

    `finish(tx, is_last)` is called inside each commit: there the caller makes sure that it still is the one reader, and moves its cursor.
    **Raises** HeldForReview if a chunk would take too much away (the brake): that chunk is not stored, and the cursor stays.
    """
    tenant, total, follow_ups = answer.tenant, Counts(), set[FollowUp]()
    for natives, is_last in _parts(answer.natives):
        chunk = replace(answer, natives=natives)
        with tenant.store.transaction(tenant.name) as tx:
            finish(tx, is_last)
            stored = store_chunk(tx, chunk)
            brake(tx, tenant, stored.loss, chunk.run_id)
            runs.count(tx, chunk.run_id, stored.counts)
        follow_ups |= stored.follow_ups
        if natives:
            tenant.runs.batch_done(chunk.record.record, stored.counts)
        total.add(stored.counts)
    return total, follow_ups


class Stored(NamedTuple):
    """What one commit has stored. **Shapes** `loss`: what it takes away, for the brake; `follow_ups`: steps that have work afterwards."""

    counts: Counts
    loss: Loss
    follow_ups: frozenset[FollowUp]


def store_chunk(tx: Tx, chunk: Chunk) -> Stored:
    """What one commit stores of an answer: each record is ruled on once, and counts, findings and follow-up work come from its ruling."""
    before = OpenFindings(tx, chunk.record.record, chunk.crm_ids)
    found = _ingested(tx, chunk, before)
    _settle_findings(tx, chunk, before, found)
    follow_ups = read_again(tx, [*found.read_again, *(place for _, ruling in found.ruled for place in ruling.read_again)])
    follow_ups |= {FollowUp(Work.PUSH)} if found.is_owing else set()
    return Stored(found.counts, found.loss, follow_ups)


def _ingested(tx: Tx, chunk: Chunk, before: OpenFindings) -> Consequences:
    is_company = chunk.record.record == COMPANY
    if chunk.part:
        return (fill_companies if is_company else fill_deals)(tx, chunk, chunk.part, before)
    return (ingest_companies if is_company else ingest_deals)(tx, chunk, before)


def _settle_findings(tx: Tx, chunk: Chunk, before: OpenFindings, found: Consequences) -> None:
    only = chunk.part.fields if chunk.part else None
    findings = Findings(chunk.tenant, chunk.record.record, chunk.run_id, before, leaves_contracts=chunk.is_filling, only=only)
    for native, ruling in found.ruled:
        findings.take(native, ruling)
    findings.take_contracts(found.contracts)
    findings.settle(tx)


def _parts(natives: Sequence[NativeRecord]) -> Iterator[tuple[Sequence[NativeRecord], bool]]:
    """Chunks, the last one marked; an empty answer is one empty chunk, so that its cursor moves too."""
    for start in range(0, max(len(natives), 1), CHUNK_COUNT):
        yield natives[start : start + CHUNK_COUNT], start + CHUNK_COUNT >= len(natives)
