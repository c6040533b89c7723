"""SETTLE: what becomes of writes once the CRM has answered, all of one call in one commit.

The base becomes what was sent, the link is kept at once, and the record is read back: the vendor may have rewritten it. Where the answer
shows everything as it was sent, the answer is the read-back. Of a write that takes several calls, what the first ones did is settled in a
commit of its own before the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from sync_worker.crm.port import Outcome, Wrote
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.deals.link import KEY, Link
from sync_worker.domain.sync.attempts import MOST_REFUSED, refused_wait_s
from sync_worker.domain.sync.late_write import Send
from sync_worker.errors import OF_THE_CALL, WritesRest
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.crm_links import HOMES, owe_deals
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.park import close_push_failures, code_of, park, push_failure
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.facts import agreed
from sync_worker.steps.sync.push.breaker import learn
from sync_worker.steps.sync.push.late_writes import kept
from sync_worker.steps.sync.push.outgoing_writes import Letter
from sync_worker.steps.sync.push.rest import hear_of_rest
from sync_worker.store.core import failures, portals
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import notices, outbox, unlearned

Answered: TypeAlias = tuple[Letter, Outcome]


def settle(tx: Tx, tenant: Tenant, claim: Claim, answered: Sequence[Answered], counts: Counts, run_id: str) -> set[FollowUp]:
    """The outcomes of one call, letters of one record type. Returns what follows."""
    outbox.hold(tx, [letter.row for letter, _ in answered])
    written = [(letter, outcome) for letter, outcome in answered if outcome.crm_id and outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)]
    done = {letter.row.record_id for letter, _ in written}
    refused = Counter(code_of(outcome.error) for _, outcome in answered if outcome.wrote is Wrote.REJECTED)
    passed: Counter[str] = Counter()
    follow_ups = _settle_written(tx, tenant, claim, written, counts, run_id, passed) if written else set()
    for letter, outcome in answered:
        if letter.row.record_id not in done:
            follow_ups |= _settle_other(tx, tenant, claim, letter, outcome, counts, run_id)
    learn(tx, tenant, claim.object, passed=passed, failed=refused)
    is_any_made = any(letter.link is None for letter, _ in written)
    hear_of_rest(tx, tenant, claim.object, [outcome for _, outcome in answered], run_id, is_any_made=is_any_made)
    return follow_ups


def _settle_written(
    tx: Tx, tenant: Tenant, claim: Claim, written: Sequence[Answered], counts: Counts, run_id: str, passed: Counter[str]
) -> set[FollowUp]:
    """A row whose claim was lost meanwhile is left to whoever has it now; our write, which may be older than theirs, is a late one."""
    is_owed_again = outbox.done(tx, [letter.row for letter, _ in written], claim.token)
    lost = [(letter, outcome) for letter, outcome in written if letter.row.record_id not in is_owed_again]
    unlearned.keep(tx, [_late(tx, letter) for letter, _ in lost])
    mine = [(letter, outcome) for letter, outcome in written if letter.row.record_id in is_owed_again]
    counts.uncertain += len(written) - len(mine)
    counts.written += len(mine)
    record_name = written[0][0].record.record
    crm_ids = {letter.row.record_id: _crm_id(tenant, letter, outcome) for letter, outcome in mine}
    shown = {letter.row.record_id: bases for letter, outcome in mine if (bases := _shown(letter, outcome))}
    _keep_links(tx, claim, record_name, mine, crm_ids, shown, run_id)
    to_read = [crm_id for record_id, crm_id in crm_ids.items() if record_id not in shown]
    to_read += [_crm_id(tenant, letter, outcome) for letter, outcome in lost]
    notices.add(tx, record_name, to_read)
    passed.update(close_push_failures(tx, claim.object, list(crm_ids), "written"))
    warned = [(letter.row.record_id, outcome.warning) for letter, outcome in mine if outcome.warning]
    failures.record(tx, [push_failure(tenant, claim.object, record_id, "duplicate_in_crm", words, run_id) for record_id, words in warned])
    new = [letter.row.record_id for letter, _ in mine if letter.link is None]
    is_push_due = _follows(tx, claim, new, run_id) or len(mine) < len(written) or any(is_owed_again.values())
    return ({FollowUp(Work.REFRESH, record_name)} if to_read else set()) | ({FollowUp(Work.PUSH)} if is_push_due else set())


def _shown(letter: Letter, outcome: Outcome) -> Mapping[str, Base] | None:
    """The bases as the answer spells them, where it shows all that was sent, and as it was sent; else None."""
    native = outcome.record
    if native is None or native.fields.get(letter.record.key_field, letter.change.key) != letter.change.key:
        return None
    found = agreed(letter.sent, letter.record, native)
    return {**found, KEY: letter.sent[KEY]} if found.keys() == letter.sent.keys() else None


def _follows(tx: Tx, claim: Claim, record_ids: Sequence[str], run_id: str) -> bool:
    """What these records waited for in having none. Whether anything is due."""
    return claim.object == COMPANY and owe_deals(tx, record_ids, run_id)


def _keep_links(
    tx: Tx,
    claim: Claim,
    record_name: str,
    written: Sequence[Answered],
    crm_ids: Mapping[str, str],
    shown: Mapping[str, Mapping[str, Base]],
    run_id: str,
) -> None:
    settled_no = portals.draw_read_no(tx)
    found = [
        Link(
            record_name,
            crm_ids[letter.row.record_id],
            letter.row.record_id,
            base=shown.get(letter.row.record_id, letter.sent),
            settled_no=settled_no,
            written_at=tx.now,
            written_run=run_id,
            written_attempt=letter.row.refused + letter.row.unanswered + 1,  # the row is as it stood before the claim
        )
        for letter, _ in written
    ]
    HOMES[claim.object].agree(tx, found)


def _crm_id(tenant: Tenant, letter: Letter, outcome: Outcome) -> str:
    return letter.link.crm_id if letter.link else tenant.crm.canonical_id(outcome.crm_id or "")


def _settle_other(tx: Tx, tenant: Tenant, claim: Claim, letter: Letter, outcome: Outcome, counts: Counts, run_id: str) -> set[FollowUp]:
    """A write that did not go through, or of which nobody knows."""
    row = letter.row
    if outcome.wrote in (Wrote.UNCERTAIN, Wrote.WRITTEN, Wrote.CREATED):
        if not outbox.doubt(tx, row, claim.token):
            unlearned.keep(tx, [_late(tx, letter)])
        counts.uncertain += 1
        return {FollowUp(Work.PUSH)}
    if outcome.wrote is Wrote.REJECTED or (_is_refused_for_now(outcome) and row.refused + 1 >= MOST_REFUSED):
        park(tx, tenant, claim, row, outcome.error, counts, run_id, payload=letter.change.fields)
        return _look_again(tx, letter)
    rest_s = 0.0 if outcome.wrote is Wrote.NOT_BEGUN else refused_wait_s(row.refused + 1, tenant.services.random.random())
    if isinstance(outcome.error, WritesRest):
        rest_s = outcome.error.rest_s
    due_at = tx.shared_now + timedelta(seconds=rest_s)
    if _is_refused_for_now(outcome):
        outbox.refused(tx, row, claim.token, due_at)
    else:
        outbox.put_off(tx, [row], claim.token, due_at)
    counts.deferred += 1
    return set()


def _late(tx: Tx, letter: Letter) -> Send:
    """A send that ended after its claim did."""
    return kept(letter.row.object, letter.row.record_id, letter.sent, tx.shared_now)


def _is_refused_for_now(outcome: Outcome) -> bool:
    """Whether the CRM was asked for this record. A connection that is down, or an org that takes no writes, says nothing of it."""
    return outcome.wrote is Wrote.LATER and not isinstance(outcome.error, (*OF_THE_CALL, WritesRest))


def _look_again(tx: Tx, letter: Letter) -> set[FollowUp]:
    """A refusal may mean that the record is gone: reading it tells, and takes the write off the person's desk."""
    if letter.link is None:
        return set()
    notices.add(tx, letter.record.record, [letter.link.crm_id])
    return {FollowUp(Work.REFRESH, letter.record.record)}
