"""PUSH: the only step that writes records to a CRM. Claim, compute, keep what is about to be sent, send, settle; read back by notice.

A claim that outlives its time is uncertain and is read back before anything else. A known record is read and merged first, then written by
its CRM id; our key is for the first create only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from sync_worker.crm.port import Half, Witness, Wrote
from sync_worker.domain.core.link import Home
from sync_worker.domain.sync.push.attempts import FIRST_WAIT_S
from sync_worker.domain.sync.push.outgoing import Nothing, Park
from sync_worker.errors import OF_THE_CALL, SchemaChanged, Stopped
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.association_mode import hold_mode
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import homes
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.park import NOTHING_OWED, close_push_failures, park
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.breaker import admitted
from sync_worker.steps.sync.push.halves import settle_halves
from sync_worker.steps.sync.push.late_writes import look_for_late_writes
from sync_worker.steps.sync.push.outgoing_writes import OutgoingWrite, desk_of
from sync_worker.steps.sync.push.patch_several import patch_several
from sync_worker.steps.sync.push.read_back import read_back
from sync_worker.steps.sync.push.record_rest import awake, heed, not_blamed, resting, types_of
from sync_worker.steps.sync.push.settle import SettledWrites, settle
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices, outbox, patch_backs, unlearned
from sync_worker.store.sync.outbox import OutboxRow

BATCH_COUNT = 400  # rows a claim: whole calls where a CRM takes 200 or 100 at once, and one more for what goes beside them
READ_COUNT = 2000  # known records read before they are written

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
    """One batch of rows that are due; where none are, portal ids, of which several batches may be in flight at once."""
    batch = _batch(tenant, read, run_id)
    yield batch
    if batch.counts is None:
        for counts in _patch_back(tenant, run_id):
            yield PushedBatch(COMPANY, counts, frozenset(), batch.read)


def _batch(tenant: Tenant, read: frozenset[str], run_id: str) -> PushedBatch:
    """One batch of the outbox: uncertain rows first, then deals. `read`: deals merged already."""
    with Claim(tenant, state="uncertain", limit=BATCH_COUNT) as claim:
        if claim.rows:
            counts, follow_ups = _read_back(tenant, claim, run_id)
            return PushedBatch(claim.object, counts, follow_ups, read)
    newly_read, follow_ups = _read_first(tenant, known=read)
    read |= newly_read
    with Claim(tenant, state="ready", limit=BATCH_COUNT) as claim:
        if claim.rows:
            settled = _write(tenant, claim, read, run_id)
            left = read - {row.record_id for row in claim.rows}
            return PushedBatch(claim.object, settled.counts, follow_ups | settled.follow_ups, left)
    return PushedBatch("", None, follow_ups, read)


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


# ── computing what to write ──────────────────────────────────────────────────────────────────────────────────────────


def _read_first(tenant: Tenant, *, known: frozenset[str]) -> tuple[set[str], set[FollowUp]]:
    """Reads and merges the known records that are due, so that a value that was not seen yet is not written over.

    Returns our ids of them, and what follows from the reading.

    What the CRM says has not changed since the last poll is as we hold it. Where another reader has the lease, its records wait: a create
    never does.
    """
    with tenant.store.reading(tenant.name) as tx:
        if known.issuperset(outbox.due(tx, BATCH_COUNT)):
            return set(), set()
        due, asleep = homes(tx, set(outbox.due(tx, READ_COUNT)) - known), resting(tx)
    read, follow_ups = set[str](), set[FollowUp]()
    for record_name in sorted({home.object for home in due.values()} - asleep.keys()):
        mine = {deal_id: home for deal_id, home in due.items() if home.object == record_name}
        record = tenant.mapping.records[record_name]
        try:
            found, following = _read(tenant, record_name, mine)
        except SchemaChanged as refused:
            heed(tenant, record, refused)
        else:
            read |= found
            follow_ups |= following
    return read, follow_ups


def _read(tenant: Tenant, record_name: str, mine: Mapping[str, Home]) -> tuple[set[str], Set[FollowUp]]:
    """Those of these records of one type that are as the CRM has them now, and what follows from the reading."""
    untouched = _untouched(tenant, record_name, [home.crm_id for home in mine.values()])
    read = {deal_id for deal_id, home in mine.items() if home.crm_id in untouched}
    touched = {deal_id: home.crm_id for deal_id, home in mine.items() if home.crm_id not in untouched}
    if not touched:
        return read, set()
    with tenant.store.side_transaction(tenant.name) as tx:
        notices.add(tx, record_name, touched.values())
    with tenant.turn.lasting(math.inf):  # what is read by half is not read
        done = refresh(tenant, record_name)
    return read if done.is_busy else read | touched.keys(), done.follow_ups


def _untouched(tenant: Tenant, record_name: str, crm_ids: Sequence[str]) -> set[str]:
    """Those that were not changed since the last poll, and that no notice names."""
    with tenant.store.reading(tenant.name) as tx:
        cursor = cursors.get(tx, record_name)
        noticed = notices.oldest(tx, record_name, READ_COUNT)
    if cursor is None or cursor.high_water_at is None or len(noticed) == READ_COUNT:
        return set()
    untouched = tenant.crm.untouched(tenant.mapping.records[record_name].native, crm_ids, since=cursor.high_water_at)
    return untouched - {notice.crm_id for notice in noticed}


def _write(tenant: Tenant, claim: Claim, read: Set[str], run_id: str) -> SettledWrites:
    """Decides on the claimed rows, sends what is to be written, and settles each answer."""
    _look(tenant, claim)
    counts, left = _decide(tenant, claim, read, run_id)
    follow_ups = set[FollowUp]()
    try:
        for record_name in sorted({write.record.record for write in left.values()}):
            writes = {ref: write for ref, write in left.items() if write.record.record == record_name}
            record = next(iter(writes.values())).record
            try:
                for answered, settled in _sent(tenant, claim, record_name, writes, run_id):
                    left = {ref: write for ref, write in left.items() if ref not in answered}
                    counts.add(settled.counts)
                    follow_ups |= settled.follow_ups
            except SchemaChanged as refused:
                heed(tenant, record, refused)
                refused_writes = {ref: write for ref, write in left.items() if ref in writes}
                counts.add(_let_go(tenant, claim, refused_writes.values(), run_id))
                left = {ref: write for ref, write in left.items() if ref not in refused_writes}
    except OF_THE_CALL:
        _release(tenant, claim, left.values(), run_id)
        raise  # after any other error it is not known what was written: the claim expires, and its rows are read back
    return SettledWrites(counts, frozenset(follow_ups))


def _look(tenant: Tenant, claim: Claim) -> None:
    """Record types that lacked a field when they were described last are described again before anything of them is written."""
    unfit = tenant.described.unfit
    if not unfit:
        return
    with tenant.store.reading(tenant.name) as tx:
        names = unfit.intersection(types_of(tx, tenant, claim.rows).values()) - resting(tx).keys()
    for name in sorted(names):
        record = tenant.mapping.records[name]
        try:
            tenant.described.looked_at(name)
        except SchemaChanged as lacking:
            heed(tenant, record, lacking)


def _let_go(tenant: Tenant, claim: Claim, writes: Collection[OutgoingWrite], run_id: str) -> Counts:
    """The call was refused for a field of their record type: these rows are due at once, and are composed again or rest with the type."""
    counts = Counts(deferred=len(writes))
    with tenant.store.side_transaction(tenant.name) as tx:
        outbox.put_off(tx, [write.row for write in writes], claim.token, tx.shared_now)
        runs.count(tx, run_id, counts)
    return counts


def _sent(
    tenant: Tenant, claim: Claim, record_name: str, writes: Mapping[str, OutgoingWrite], run_id: str
) -> Iterator[tuple[set[str], SettledWrites]]:
    """Sends the writes of one record type. Each answer is settled in one commit and yielded with the records it was about.

    What is known between two calls of the same write is settled before the second one.
    """
    record = tenant.mapping.records[record_name]
    changes = [write.change for write in writes.values()]

    def on_half(halves: Sequence[Half]) -> None:
        with tenant.store.transaction(tenant.name) as tx:
            settle_halves(tx, tenant, claim, [(writes[half.ref], half) for half in halves], run_id)

    witness = Witness(claim.before_send, on_half)
    batches = tenant.crm.write(record.native, record.key_field, changes, time_left_s=claim.time_left_s, witness=witness)
    composed: RecordMap = next(iter(writes.values())).record
    for told in batches:
        outcomes = not_blamed(tenant, composed, told)
        answered = [(writes[outcome.ref], outcome) for outcome in outcomes]
        with tenant.store.transaction(tenant.name) as tx:
            settled = settle(tx, tenant, claim, answered, run_id)
            runs.count(tx, run_id, settled.counts)
        yield {outcome.ref for outcome in outcomes}, settled
        tenant.lists.hear_refusals(record, [outcome.error for outcome in outcomes if outcome.wrote is Wrote.REJECTED])


def _release(tenant: Tenant, claim: Claim, writes: Collection[OutgoingWrite], run_id: str) -> None:
    """The call failed before anything of it was written: these rows are due again."""
    with tenant.store.side_transaction(tenant.name) as tx:
        outbox.put_off(tx, [write.row for write in writes], claim.token, tx.shared_now + timedelta(seconds=FIRST_WAIT_S))
        runs.count(tx, run_id, Counts(deferred=len(writes)))


def _decide(tenant: Tenant, claim: Claim, read: Set[str], run_id: str) -> tuple[Counts, Mapping[str, OutgoingWrite]]:
    """Decides on every row, and keeps each write with its row in the commit before the call. Returns the writes that may be sent."""
    with tenant.store.transaction(tenant.name) as tx:
        outbox.hold(tx, claim.rows)
        asleep_count = claim.keep(awake(tx, tenant, claim))
        rows = admitted(tx, claim) if claim.rows else []
        desk = desk_of(tx, tenant, claim.object, [row.record_id for row in rows])
        unread = [row for row in rows if row.record_id in desk.links and row.record_id not in read]
        outbox.put_off(tx, unread, claim.token, tx.shared_now + timedelta(seconds=FIRST_WAIT_S))
        decided = [(row, desk.outgoing(row)) for row in rows if row not in unread]
        parked = [(row, found) for row, found in decided if isinstance(found, Park)]
        idle = [row for row, found in decided if isinstance(found, Nothing)]
        writes = {row.record_id: found for row, found in decided if isinstance(found, OutgoingWrite)}
        for row, found in parked:
            _park(tx, tenant, claim, row, found, run_id)
        _finish(tx, claim, idle)
        held = _prepared(tx, claim, writes)
        counts = Counts(
            claimed=len(claim.rows) + asleep_count,
            deferred=len(claim.rows) + asleep_count - len(decided),
            parked=len(parked),
            unchanged=len(idle),
            uncertain=len(writes) - len(held),
        )
        runs.count(tx, run_id, counts)
    return counts, held


def _park(tx: Tx, tenant: Tenant, claim: Claim, row: OutboxRow, found: Park, run_id: str) -> None:
    if found.error:
        park(tx, tenant, claim, row, found.error, run_id)
    else:
        outbox.park(tx, row, claim.token)


def _finish(tx: Tx, claim: Claim, idle: Sequence[OutboxRow]) -> None:
    """These rows owe nothing."""
    if idle:
        outbox.done(tx, idle, claim.token)
        close_push_failures(tx, claim.object, [row.record_id for row in idle], NOTHING_OWED)


def _prepared(tx: Tx, claim: Claim, writes: Mapping[str, OutgoingWrite]) -> Mapping[str, OutgoingWrite]:
    """Writes that may be sent. Where the claim was lost before, the worker that has the row now goes on."""
    rows = [write.row for write in writes.values()]
    held = outbox.prepare(tx, rows, claim.token, {record_id: write.sent for record_id, write in writes.items()})
    return {record_id: write for record_id, write in writes.items() if record_id in held}
