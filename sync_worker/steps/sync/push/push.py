"""PUSH: the only step that writes records to a CRM. Claim, compute, keep what is about to be sent, send, settle; read back by notice.

A claim that outlives its time is uncertain and is read back before anything else. A known record is read and merged first, then written by
its CRM id; our key is for the first create only.

Where the CRM takes several calls at once, several claims are in flight. Those of one portal share no owner company, whichever process has
them: the CRM locks it for the length of a call. A record is in one claim only, so that no write overtakes an earlier one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sync_worker.crm.port import Crm
from sync_worker.domain.sync.push.next_batch import WriteBatch, next_batch
from sync_worker.errors import SchemaChanged, Stopped
from sync_worker.steps.core.association_mode import hold_mode
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import homes
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.push.late_writes import look_for_late_writes
from sync_worker.steps.sync.push.patch_several import patch_several
from sync_worker.steps.sync.push.read_back import read_back
from sync_worker.steps.sync.push.read_first import read_first
from sync_worker.steps.sync.push.record_rest import awake, heed, resting
from sync_worker.steps.sync.push.side_by_side import Calling, ClaimQueue, are_several_taken, carried_out, side_by_side
from sync_worker.steps.sync.push.write_claim import writing
from sync_worker.store.core import runs
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import outbox, patch_backs, unlearned

BATCH_COUNT = 400  # rows a claim: whole calls where a CRM takes 200 or 100 at once, and one more for what goes beside them
SEEN_BATCHES = 5  # of what is due, to choose one whose companies are free

Progress = Callable[[int], None]
"""Called after each batch with the number of rows settled so far."""


@dataclass(frozen=True, slots=True)
class PushedBatch:
    """One batch with what became of it.

    **Shapes** `counts` `None`: nothing was due. `read`: records that were read and merged and are not written yet, by our id.
    """

    object: str
    counts: Counts | None
    follow_ups: Set[FollowUp]
    read: frozenset[str]


def push(tenant: Tenant, *, on_batch: Progress | None = None) -> Done:
    """Writes everything due, except record types that rest: where the CRM hides a field of one, the others go on.

    **Raises** the port's errors, StoreDown, Stopped; what was claimed and not begun is released first.
    """
    hold_mode(tenant.store, tenant.portal)
    if not has_work(tenant):
        return Done("", Counts())
    total, follow_ups, read = Counts(), set[FollowUp](), frozenset[str]()
    with tenant.run("push") as run_id:
        _doubt_expired(tenant)
        follow_ups |= _late_writes(tenant)
        while True:
            done_count = total.claimed
            with closing(_round(tenant, read, run_id)) as batches:
                for batch in batches:
                    follow_ups |= batch.follow_ups
                    read = batch.read
                    if batch.counts:
                        total.add(batch.counts)
                        tenant.runs.batch_done(batch.object, batch.counts)
                        if on_batch:
                            on_batch(total.claimed)
            if total.claimed == done_count:
                break
            if tenant.turn.is_over:
                follow_ups.add(FollowUp(Work.PUSH))
                break
            if tenant.services.is_stopping() and has_work(tenant):
                raise Stopped(f"stopped on request after {total.claimed:,} writes; the next push goes on from there")
    return Done(run_id, total, frozenset(follow_ups))


def has_work(tenant: Tenant) -> bool:
    """Whether a push would find something to do now."""
    with tenant.store.reading(tenant.name) as tx:
        return outbox.has_due(tx) or unlearned.has_due(tx) or (patch_backs.is_due(tx) and COMPANY not in resting(tx))


def _round(tenant: Tenant, read: frozenset[str], run_id: str) -> Generator[PushedBatch, None, None]:
    """Rows whose outcome is not known; where there are none, rows that are due; where none are, portal ids.

    One batch of rows, or several in flight at once. `read`: deals merged already.
    """
    with Claim(tenant, state="uncertain", limit=BATCH_COUNT) as claim:
        if claim.rows:
            counts, follow_ups = _read_back(tenant, claim, run_id)
            yield PushedBatch(claim.object, counts, frozenset(follow_ups), read)
            return
    is_any_due = False
    for batch in _several(tenant, run_id) if are_several_taken(tenant) else [_batch(tenant, read, run_id)]:
        is_any_due = is_any_due or batch.counts is not None
        read = batch.read
        yield batch
    if not is_any_due:
        for counts in _patch_back(tenant, run_id):
            yield PushedBatch(COMPANY, counts, frozenset(), read)


def _batch(tenant: Tenant, read: frozenset[str], run_id: str) -> PushedBatch:
    """One batch of rows that are due, its calls made one after the other."""
    with tenant.store.reading(tenant.name) as tx:
        soon = outbox.due(tx, BATCH_COUNT)
    newly_read, follow_ups = read_first(tenant, soon=soon, known=read)
    with Claim(tenant, state="ready", limit=BATCH_COUNT) as claim:
        return carried_out(_written(tenant, tenant.crm, claim, _Reading(read | newly_read, frozenset(follow_ups)), run_id))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Deals that were read and merged, by our ids, and what follows from the reading."""

    read: frozenset[str]
    follow_ups: frozenset[FollowUp]


def _written(tenant: Tenant, crm: Crm, claim: Claim, reading: _Reading, run_id: str) -> Calling[PushedBatch]:
    """The rows of a claim, if it has any. What is written is to be read again before it is written once more."""
    if not claim.rows:
        return PushedBatch("", None, reading.follow_ups, reading.read)
    left = reading.read - {row.record_id for row in claim.rows}
    settled = yield from writing(tenant, crm, claim, reading.read, run_id)
    return PushedBatch(claim.object, settled.counts, reading.follow_ups | settled.follow_ups, left)


# ── several batches in flight ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A batch that is claimed once the work at it begins."""

    batch: WriteBatch
    reading: _Reading


def _several(tenant: Tenant, run_id: str) -> Iterator[PushedBatch]:
    """Batches that are due, as many in flight as the CRM takes calls at once."""
    choosing = _choosing(tenant)
    queue = ClaimQueue(
        claimed=lambda _in_flight: next(choosing),
        work=lambda crm, chosen: _claimed(tenant, crm, chosen, run_id),
        is_last=lambda chosen: len(chosen.batch.record_ids) < _most(tenant),
        is_over=partial(_comes_first, tenant),
        goes_on=lambda _batch: True,
    )
    return side_by_side(tenant, queue)


def _choosing(tenant: Tenant) -> Iterator[_Chosen | None]:
    """The next batch, each time one is asked for. A record counts as read until it is chosen."""
    read = frozenset[str]()
    while True:
        with tenant.store.reading(tenant.name) as tx:
            batch = next_batch(outbox.beside(tx, SEEN_BATCHES * _most(tenant)), _most(tenant))
            unread = homes(tx, set(batch.record_ids) - read) if batch else {}
        newly_read, follow_ups = read_first(tenant, soon=unread, known=read)
        read |= newly_read
        yield _Chosen(batch, _Reading(read.intersection(batch.record_ids), frozenset(follow_ups))) if batch else None
        read = read.difference(batch.record_ids) if batch else read


def _claimed(tenant: Tenant, crm: Crm, chosen: _Chosen, run_id: str) -> Calling[PushedBatch]:
    """The rows of the batch, except those that another process has claimed meanwhile."""
    with Claim(tenant, state="ready", limit=BATCH_COUNT, only=chosen.batch) as claim:
        return (yield from _written(tenant, crm, claim, chosen.reading, run_id))


def _most(tenant: Tenant) -> int:
    """How many records one claim holds, of several."""
    return min(BATCH_COUNT, tenant.crm.batch_count)


def _comes_first(tenant: Tenant) -> bool:
    """Whether others have waited long enough, the process is to stop, or a send without answer is to be looked for."""
    if tenant.turn.is_over or tenant.services.is_stopping():
        return True
    with tenant.store.reading(tenant.name) as tx:
        return outbox.is_any_uncertain(tx)


# ── what comes before and after ──────────────────────────────────────────────────────────────────────────────────────


def _patch_back(tenant: Tenant, run_id: str) -> Iterator[Counts]:
    """As `patch_several`; nothing while companies rest."""
    with tenant.store.reading(tenant.name) as tx:
        if COMPANY in resting(tx):
            return
    try:
        yield from patch_several(tenant, run_id)
    except SchemaChanged as refused:
        heed(tenant, tenant.company_map(), refused)


def _late_writes(tenant: Tenant) -> set[FollowUp]:
    try:
        return look_for_late_writes(tenant)
    except SchemaChanged as refused:
        heed(tenant, tenant.mapping.records[refused.record], refused)
        return set()


def _read_back(tenant: Tenant, claim: Claim, run_id: str) -> tuple[Counts, set[FollowUp]]:
    """As `read_back`. What cannot be looked for, because its record type rests, stays uncertain."""
    with tenant.store.transaction(tenant.name) as tx:
        outbox.hold(tx, claim.rows)
        left_count = claim.keep(awake(tx, tenant, claim))
        total = Counts(claimed=left_count, deferred=left_count)
        runs.count(tx, run_id, total)
    if not claim.rows:
        return total, set()
    try:
        counts, follow_ups = read_back(tenant, claim, run_id)
    except SchemaChanged as refused:
        heed(tenant, tenant.mapping.records[refused.record], refused)
        counts, follow_ups = Counts(claimed=len(claim.rows), deferred=len(claim.rows)), set()
        with tenant.store.side_transaction(tenant.name) as tx:
            outbox.leave(tx, claim.rows, claim.token, tx.shared_now)
            runs.count(tx, run_id, counts)
    total.add(counts)
    return total, follow_ups


def _doubt_expired(tenant: Tenant) -> None:
    with tenant.store.side_transaction(tenant.name) as tx:
        count = outbox.doubt_expired(tx)
    if count:
        tenant.log.warning("claims expired", count=count, next="they are read back before anything is written again")
