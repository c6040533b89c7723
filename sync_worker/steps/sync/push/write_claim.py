"""WRITE CLAIM: the rows of one claim are decided, sent, and settled answer by answer.

The step's own thread makes the calls, or one beside it (`side_by_side.py`). In a thread beside it, `before_send` and the halves are
heard there, and use only the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from datetime import timedelta
from functools import partial

from sync_worker.crm.port import Crm, Half, Witness, WriteOutcome, Wrote
from sync_worker.domain.sync.push.attempts import FIRST_WAIT_S
from sync_worker.domain.sync.push.outgoing import Nothing, Park
from sync_worker.errors import OF_THE_CALL, SchemaChanged
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.park import NOTHING_OWED, close_push_failures, park
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.sync.push.breaker import admitted
from sync_worker.steps.sync.push.halves import settle_halves
from sync_worker.steps.sync.push.outgoing_writes import OutgoingWrite, desk_of
from sync_worker.steps.sync.push.record_rest import awake, heed, not_blamed, resting, types_of
from sync_worker.steps.sync.push.settle import Answered, SettledWrites, settle
from sync_worker.steps.sync.push.side_by_side import Calling
from sync_worker.store.core import runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow


def writing(tenant: Tenant, crm: Crm, claim: Claim, read: Set[str], run_id: str) -> Calling[SettledWrites]:
    """Decides on the claimed rows, sends what is to be written, and settles each answer. **Shapes** `crm`: the connection of its calls."""
    _look(tenant, claim)
    counts, left = _decide(tenant, claim, read, run_id)
    follow_ups = set[FollowUp]()
    try:
        for record_name in sorted({write.record.record for write in left.values()}):
            writes = {ref: write for ref, write in left.items() if write.record.record == record_name}
            record = next(iter(writes.values())).record
            try:
                answers = _answers(tenant, crm, claim, writes, run_id)
                while (told := (yield partial(next, answers, None))) is not None:
                    outcomes = {outcome.ref: outcome for outcome in not_blamed(tenant, record, told)}
                    settled = _settled(tenant, claim, [(writes[ref], outcome) for ref, outcome in outcomes.items()], run_id)
                    left = {ref: write for ref, write in left.items() if ref not in outcomes}
                    counts.add(settled.counts)
                    follow_ups |= settled.follow_ups
                    tenant.lists.hear_refusals(record, [one.error for one in outcomes.values() if one.wrote is Wrote.REJECTED])
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


def _answers(tenant: Tenant, crm: Crm, claim: Claim, writes: Mapping[str, OutgoingWrite], run_id: str) -> Iterator[list[WriteOutcome]]:
    """The answers of the calls for these writes of one record type; the calls are made as the answers are asked for.

    What is known between two calls of the same write is settled before the second one.
    """
    record = next(iter(writes.values())).record

    def on_half(halves: Sequence[Half]) -> None:
        with tenant.store.transaction(tenant.name) as tx:
            settle_halves(tx, tenant, claim, [(writes[half.ref], half) for half in halves], run_id)

    changes = [write.change for write in writes.values()]
    witness = Witness(claim.before_send, on_half)
    return crm.write(record.native, record.key_field, changes, time_left_s=claim.time_left_s, witness=witness)


def _settled(tenant: Tenant, claim: Claim, answered: Sequence[Answered], run_id: str) -> SettledWrites:
    """What became of one call, kept and counted in one commit."""
    with tenant.store.transaction(tenant.name) as tx:
        settled = settle(tx, tenant, claim, answered, run_id)
        runs.count(tx, run_id, settled.counts)
    return settled


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
