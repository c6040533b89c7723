"""SETTLE: what becomes of writes once the CRM has answered, all of one call in one commit.

The base becomes what was sent, the link is kept at once, and the record is read back: the vendor may have rewritten it. Where the answer
shows everything as it was sent, the answer is the read-back. Of a write that takes several calls, what the first ones did is settled in a
commit of its own before the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeAlias

from sync_worker.crm.port import WriteOutcome, Wrote
from sync_worker.domain.core.link import KEY, Link
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.sync.push.late_write import Send
from sync_worker.domain.sync.push.unwritten import Again, Ending, ForPerson, InDoubt, Unwritten, after_failure
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import HOMES, owe_deals
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.park import close_push_failures, code_of, park, push_failure
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.echoes import stamp_in
from sync_worker.steps.sync.ingest.facts import agreed
from sync_worker.steps.sync.push.breaker import learn
from sync_worker.steps.sync.push.late_writes import kept
from sync_worker.steps.sync.push.outgoing_writes import OutgoingWrite
from sync_worker.steps.sync.push.rest import hear_of_rest
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices, outbox, own_stamps, unlearned

Answered: TypeAlias = tuple[OutgoingWrite, WriteOutcome]
_ENDINGS: Final[Mapping[Wrote, Ending]] = {Wrote.REJECTED: "rejected", Wrote.LATER: "later", Wrote.NOT_BEGUN: "not_begun"}


@dataclass(frozen=True, slots=True)
class SettledWrites:
    """What became of writes. **Shapes** `passed`: failure code → records that had failed of it and are written now."""

    counts: Counts
    follow_ups: frozenset[FollowUp] = frozenset()
    passed: Counter[str] = field(default_factory=Counter)


def settle(tx: Tx, tenant: Tenant, claim: Claim, answered: Sequence[Answered], run_id: str) -> SettledWrites:
    """The outcomes of one call, writes of one record type."""
    outbox.hold(tx, [write.row for write, _ in answered])
    written = [(write, outcome) for write, outcome in answered if outcome.crm_id and outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)]
    done = {write.row.record_id for write, _ in written}
    refused = Counter(code_of(outcome.error) for _, outcome in answered if outcome.wrote is Wrote.REJECTED)
    settled = [_settle_written(tx, tenant, claim, written, run_id)] if written else []
    settled += [_settle_other(tx, tenant, claim, one, run_id) for one in answered if one[0].row.record_id not in done]
    total = _sum(settled)
    learn(tx, tenant, claim.object, passed=total.passed, failed=refused)
    is_any_made = any(write.link is None for write, _ in written)
    hear_of_rest(tx, tenant, claim.object, [outcome for _, outcome in answered], run_id, is_any_made=is_any_made)
    return total


def _sum(parts: Iterable[SettledWrites]) -> SettledWrites:
    counts, follow_ups, passed = Counts(), frozenset[FollowUp](), Counter[str]()
    for part in parts:
        counts.add(part.counts)
        follow_ups |= part.follow_ups
        passed += part.passed
    return SettledWrites(counts, follow_ups, passed)


def _settle_written(tx: Tx, tenant: Tenant, claim: Claim, written: Sequence[Answered], run_id: str) -> SettledWrites:
    """A row whose claim was lost meanwhile is left to the process that has it now. Our write is a late one: it may be older than theirs."""
    is_owed_again = outbox.done(tx, [write.row for write, _ in written], claim.token)
    lost = [(write, outcome) for write, outcome in written if write.row.record_id not in is_owed_again]
    unlearned.keep(tx, [_late(tx, write) for write, _ in lost])
    mine = [(write, outcome) for write, outcome in written if write.row.record_id in is_owed_again]
    record_name = written[0][0].record.record
    crm_ids = {write.row.record_id: _crm_id(tenant, write, outcome) for write, outcome in mine}
    shown = {write.row.record_id: bases for write, outcome in mine if (bases := _shown(write, outcome))}
    _keep_links(tx, claim, mine, crm_ids, shown, run_id)
    known = {write.row.record_id for write, _ in mine if write.link}  # what a CRM fills in of a new record was never read
    answers = {crm_ids[write.row.record_id]: outcome for write, outcome in mine if write.row.record_id in shown.keys() & known}
    written_ids = [_crm_id(tenant, write, outcome) for write, outcome in written]
    own_stamps.keep(tx, record_name, {crm_id: stamp_in(answers.get(crm_id), crm_id) for crm_id in written_ids})
    to_read = [crm_id for record_id, crm_id in crm_ids.items() if record_id not in shown]
    to_read += [_crm_id(tenant, write, outcome) for write, outcome in lost]
    notices.add(tx, record_name, to_read)
    passed = close_push_failures(tx, claim.object, list(crm_ids), "written")
    warned = [(write.row.record_id, outcome.warning) for write, outcome in mine if outcome.warning]
    failures.record(tx, [push_failure(tenant, claim.object, record_id, "duplicate_in_crm", words, run_id) for record_id, words in warned])
    new = [write.row.record_id for write, _ in mine if write.link is None]
    is_push_due = _follows(tx, claim, new, run_id) or len(mine) < len(written) or any(is_owed_again.values())
    due = {FollowUp(Work.REFRESH, record_name): bool(to_read), FollowUp(Work.PUSH): is_push_due}
    counts = Counts(written=len(mine), uncertain=len(written) - len(mine))
    return SettledWrites(counts, frozenset(follow_up for follow_up, is_due in due.items() if is_due), passed)


def _shown(write: OutgoingWrite, outcome: WriteOutcome) -> Mapping[str, Base] | None:
    """The bases as the answer spells them, where it shows all that was sent, and as it was sent; else None."""
    native = outcome.record
    if native is None or native.fields.get(write.record.key_field, write.change.key) != write.change.key:
        return None
    found = agreed(write.sent, write.record, native)
    return {**found, KEY: write.sent[KEY]} if found.keys() == write.sent.keys() else None


def _follows(tx: Tx, claim: Claim, record_ids: Sequence[str], run_id: str) -> bool:
    """What these records waited for in having none. Whether anything is due."""
    return claim.object == COMPANY and owe_deals(tx, record_ids, run_id)


def _keep_links(
    tx: Tx, claim: Claim, written: Sequence[Answered], crm_ids: Mapping[str, str], shown: Mapping[str, Mapping[str, Base]], run_id: str
) -> None:
    settled_no = portals.draw_read_no(tx)
    found = [
        Link(
            write.record.record,
            crm_ids[write.row.record_id],
            write.row.record_id,
            base=shown.get(write.row.record_id, write.sent),
            settled_no=settled_no,
            written_at=tx.now,
            written_run=run_id,
            written_attempt=write.row.refused + write.row.unanswered + 1,  # the row is as it stood before the claim
        )
        for write, _ in written
    ]
    HOMES[claim.object].agree(tx, found)


def _crm_id(tenant: Tenant, write: OutgoingWrite, outcome: WriteOutcome) -> str:
    return write.link.crm_id if write.link else tenant.crm.canonical_id(outcome.crm_id or "")


def _settle_other(tx: Tx, tenant: Tenant, claim: Claim, answered: Answered, run_id: str) -> SettledWrites:
    """A write that did not go through, or of which that is not known."""
    write, outcome = answered
    unwritten = Unwritten(_ENDINGS.get(outcome.wrote, "unknown"), outcome.error, write.row.refused)
    match after_failure(unwritten, tenant.services.random.random()):
        case InDoubt():
            if not outbox.doubt(tx, write.row, claim.token):
                unlearned.keep(tx, [_late(tx, write)])
            return SettledWrites(Counts(uncertain=1), frozenset({FollowUp(Work.PUSH)}))
        case ForPerson():
            park(tx, tenant, claim, write.row, outcome.error, run_id, payload=write.change.fields)
            return SettledWrites(Counts(parked=1), _look_again(tx, write))
        case Again(wait_s, is_counted):
            due_at = tx.shared_now + timedelta(seconds=wait_s)
            if is_counted:
                outbox.refused(tx, write.row, claim.token, due_at)
            else:
                outbox.put_off(tx, [write.row], claim.token, due_at)
            return SettledWrites(Counts(deferred=1))


def _late(tx: Tx, write: OutgoingWrite) -> Send:
    """A send that ended after its claim did."""
    return kept(write.row.object, write.row.record_id, write.sent, tx.shared_now)


def _look_again(tx: Tx, write: OutgoingWrite) -> frozenset[FollowUp]:
    """A refusal may mean that the record is gone: reading it tells, and takes the write off the person's desk."""
    if write.link is None:
        return frozenset()
    notices.add(tx, write.record.record, [write.link.crm_id])
    return frozenset({FollowUp(Work.REFRESH, write.record.record)})
