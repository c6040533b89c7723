"""PUSH: the only step that writes records to a CRM. Claim, compute, keep what is about to be sent, send, settle; read back by notice.

A claim that outlives its time is uncertain and is read back before anything else. A known record is read and merged first, then written by
its CRM id; our key is for the first create only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from sync_worker.crm.port import Half, Wrote
from sync_worker.domain.sync.attempts import FIRST_WAIT_S
from sync_worker.errors import OF_THE_CALL, RecordError, Stopped
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import homes
from sync_worker.steps.core.follow_up import Done, FollowUp, Work
from sync_worker.steps.core.park import NOTHING_OWED, close_push_failures, park
from sync_worker.steps.core.tenant import COMPANY, Tenant, going_on
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.breaker import admitted
from sync_worker.steps.sync.push.halves import settle_halves
from sync_worker.steps.sync.push.late_writes import look_for_late_writes
from sync_worker.steps.sync.push.outgoing_writes import Letter, desk_of
from sync_worker.steps.sync.push.patch_back import patch_back
from sync_worker.steps.sync.push.read_back import read_back
from sync_worker.steps.sync.push.settle import settle
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices, outbox, patch_backs, unlearned
from sync_worker.store.sync.outbox import OutboxRow

BATCH_COUNT = 400  # rows a claim: whole calls where a CRM takes 200 or 100 at once, and one more for what goes beside them
READ_COUNT = 2000  # known records read before they are written

Progress = Callable[[int], None]
"""Called after each batch with the number of rows settled so far."""


@going_on
def push(tenant: Tenant, *, on_batch: Progress | None = None) -> Done:
    """Writes everything due. **Raises** the port's errors, StoreDown, Stopped; what was claimed and not begun is released first."""
    tenant.hold_mode()
    if not has_work(tenant):
        return Done("", Counts())
    total, follow_ups, read = Counts(), set[FollowUp](), set[str]()
    with tenant.run("push") as run_id:
        _doubt_expired(tenant)
        follow_ups |= look_for_late_writes(tenant)
        while batch := _batch(tenant, read, run_id, follow_ups):
            object_, counts = batch
            total.add(counts)
            tenant.batch_done(object_, counts)
            if on_batch:
                on_batch(total.claimed)
            if tenant.is_turn_over:
                follow_ups.add(FollowUp(Work.PUSH))
                break
            if tenant.services.is_stopping() and has_work(tenant):
                raise Stopped(f"stopped on request after {total.claimed:,} writes; the next push goes on from there")
    return Done(run_id, total, frozenset(follow_ups))


def has_work(tenant: Tenant) -> bool:
    """Whether a push would find something to do now."""
    with tenant.store.reading(tenant.name) as tx:
        return outbox.has_due(tx) or unlearned.has_due(tx) or patch_backs.is_due(tx)


def _batch(tenant: Tenant, read: set[str], run_id: str, follow_ups: set[FollowUp]) -> tuple[str, Counts] | None:
    """One batch of whatever is due, with what it wrote: uncertain rows first, then deals, then portal ids. `read`: deals merged already."""
    with Claim(tenant, state="uncertain", limit=BATCH_COUNT) as claim:
        if claim.rows:
            return claim.object, read_back(tenant, claim, run_id, follow_ups)
    read |= _read_first(tenant, follow_ups, known=read)
    with Claim(tenant, state="ready", limit=BATCH_COUNT) as claim:
        if claim.rows:
            counts = _write(tenant, claim, read, run_id, follow_ups)
            read -= {row.record_id for row in claim.rows}
            return claim.object, counts
    patched = patch_back(tenant, run_id)
    return None if patched is None else (COMPANY, patched)


def _doubt_expired(tenant: Tenant) -> None:
    with tenant.store.side_transaction(tenant.name) as tx:
        count = outbox.doubt_expired(tx)
    if count:
        tenant.log.warning("claims expired", count=count, next="they are read back before anything is written again")


# ── computing what to write ──────────────────────────────────────────────────────────────────────────────────────────


def _read_first(tenant: Tenant, follow_ups: set[FollowUp], *, known: set[str]) -> set[str]:
    """Reads and merges the known records that are due, so that a value nobody has seen yet is not written over. Returns our ids of them.

    What the CRM says has not changed since the last poll is as we hold it. Where another reader has the lease, its records wait: a create
    never does.
    """
    with tenant.store.reading(tenant.name) as tx:
        if known.issuperset(outbox.due(tx, BATCH_COUNT)):
            return set()
        due = homes(tx, set(outbox.due(tx, READ_COUNT)) - known)
    read: set[str] = set()
    for record_name in sorted({home.object for home in due.values()}):
        mine = {deal_id: home for deal_id, home in due.items() if home.object == record_name}
        untouched = _untouched(tenant, record_name, [home.crm_id for home in mine.values()])
        read |= {deal_id for deal_id, home in mine.items() if home.crm_id in untouched}
        mine = {deal_id: home for deal_id, home in mine.items() if home.crm_id not in untouched}
        if not mine:
            continue
        with tenant.store.side_transaction(tenant.name) as tx:
            notices.add(tx, record_name, [home.crm_id for home in mine.values()])
        with tenant.turn(math.inf):  # what is read by half is not read
            done = refresh(tenant, record_name)
        follow_ups |= done.follow_ups
        if not done.is_busy:
            read |= mine.keys()
    return read


def _untouched(tenant: Tenant, record_name: str, crm_ids: Sequence[str]) -> set[str]:
    """Those that nobody has changed since the last poll, which nobody has noticed either."""
    with tenant.store.reading(tenant.name) as tx:
        cursor = cursors.get(tx, record_name)
        noticed = notices.oldest(tx, record_name, READ_COUNT)
    if cursor is None or cursor.high_water_at is None or len(noticed) == READ_COUNT:
        return set()
    untouched = tenant.crm.untouched(tenant.mapping.records[record_name].native, crm_ids, since=cursor.high_water_at)
    return untouched - {notice.crm_id for notice in noticed}


def _write(tenant: Tenant, claim: Claim, read: set[str], run_id: str, follow_ups: set[FollowUp]) -> Counts:
    counts = Counts(claimed=len(claim.rows))
    letters = _compose(tenant, claim, read, counts, run_id)
    try:
        for record_name in sorted({letter.record.record for letter in letters.values()}):
            _send(tenant, claim, record_name, letters, counts, run_id, follow_ups)
    except OF_THE_CALL:
        _release(tenant, claim, letters, run_id)
        raise  # after any other error nobody knows what was written: the claim expires, and its rows are read back
    return counts


def _send(
    tenant: Tenant, claim: Claim, record_name: str, letters: dict[str, Letter], counts: Counts, run_id: str, follow_ups: set[FollowUp]
) -> None:
    """Sends the letters of one record type; each answer is settled in one commit, and its letters are taken off the list.

    What is known between two calls of the same write is settled before the second one.
    """
    record = tenant.mapping.records[record_name]
    changes = [letter.change for letter in letters.values() if letter.record.record == record_name]

    def on_half(halves: Sequence[Half]) -> None:
        with tenant.store.transaction(tenant.name) as tx:
            settle_halves(tx, tenant, claim, [(letters[half.ref], half) for half in halves], run_id)

    left_s, begin = claim.time_left_s, claim.before_send
    batches = tenant.crm.write(record.native, record.key_field, changes, time_left_s=left_s, before_send=begin, on_half=on_half)
    for outcomes in batches:
        settled = Counts()
        answered = [(letters[outcome.ref], outcome) for outcome in outcomes]
        with tenant.store.transaction(tenant.name) as tx:
            follow_ups |= settle(tx, tenant, claim, answered, settled, run_id)
            runs.count(tx, run_id, settled)
        for outcome in outcomes:
            del letters[outcome.ref]
        counts.add(settled)
        tenant.hear_refusals(record, [outcome.error for outcome in outcomes if outcome.wrote is Wrote.REJECTED])


def _release(tenant: Tenant, claim: Claim, letters: Mapping[str, Letter], run_id: str) -> None:
    """The call failed before anything of it was written: these rows are due again."""
    with tenant.store.side_transaction(tenant.name) as tx:
        outbox.put_off(tx, [letter.row for letter in letters.values()], claim.token, tx.shared_now + timedelta(seconds=FIRST_WAIT_S))
        runs.count(tx, run_id, Counts(deferred=len(letters)))


def _compose(tenant: Tenant, claim: Claim, read: set[str], counts: Counts, run_id: str) -> dict[str, Letter]:
    """Computes the writes, by record, and keeps them with their rows in the commit before the call. Rows that owe nothing are done."""
    letters: dict[str, Letter] = {}
    idle: list[OutboxRow] = []
    with tenant.store.transaction(tenant.name) as tx:
        outbox.hold(tx, claim.rows)
        rows = admitted(tx, claim, counts)
        desk = desk_of(tx, tenant, claim.object, [row.record_id for row in rows])
        unread = [row for row in rows if row.record_id in desk.links and row.record_id not in read]
        outbox.put_off(tx, unread, claim.token, tx.shared_now + timedelta(seconds=FIRST_WAIT_S))
        counts.deferred += len(unread)
        for row in [row for row in rows if row not in unread]:
            if row.record_id in desk.unread:
                outbox.park(tx, row, claim.token)
                counts.parked += 1
                continue
            try:
                letter = desk.letter(row)
            except RecordError as error:
                park(tx, tenant, claim, row, error, counts, run_id)
                continue
            if letter is None:
                idle.append(row)
            else:
                letters[row.record_id] = letter
        if idle:
            _finish(tx, claim, idle, counts)
        held = _prepare(tx, claim, letters, counts)
        runs.count(tx, run_id, counts)
    return held


def _finish(tx: Tx, claim: Claim, idle: Sequence[OutboxRow], counts: Counts) -> None:
    """These rows owe nothing."""
    outbox.done(tx, idle, claim.token)
    close_push_failures(tx, claim.object, [row.record_id for row in idle], NOTHING_OWED)
    counts.unchanged += len(idle)


def _prepare(tx: Tx, claim: Claim, letters: Mapping[str, Letter], counts: Counts) -> dict[str, Letter]:
    """Letters that may be sent. Where the claim was lost before, whoever has the row now goes on."""
    rows = [letter.row for letter in letters.values()]
    held = outbox.prepare(tx, rows, claim.token, {deal_id: letter.sent for deal_id, letter in letters.items()})
    counts.uncertain += len(letters) - len(held)
    return {deal_id: letter for deal_id, letter in letters.items() if deal_id in held}
