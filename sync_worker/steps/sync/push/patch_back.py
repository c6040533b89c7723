"""PATCH BACK: our id into each company's CRM record, once. Claim, send, settle; what the CRM refuses becomes a failure row.

Writing an id again is harmless, so nothing is read back: what may not have been written is written again, at most ten times.
`patch_several.py` has several claims in flight at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sync_worker.crm.faults import RecordLocked
from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome, Wrote
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import OF_THE_CALL, SyncError, WritesRest
from sync_worker.steps.core.keeper import CLAIM_S, Hold
from sync_worker.steps.core.park import code_of, push_failure
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.echoes import stamp_in
from sync_worker.steps.sync.push.record_rest import not_blamed
from sync_worker.steps.sync.push.rest import hear_of_rest
from sync_worker.steps.sync.push.side_by_side import Calling, carried_out
from sync_worker.store.core import failures, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import own_stamps, patch_backs
from sync_worker.store.sync.patch_backs import PatchBack, PatchRest

BATCH_COUNT = 200  # companies a commit
ALONE_FROM, MOST_TRIES = 2, 10  # after two tries it goes alone, so that what is wrong with it befalls no other; after ten a person looks


@dataclass(frozen=True, slots=True)
class PatchClaim:
    """Companies that are this worker's alone. **Shapes** `hold`: renews the claim while it is entered."""

    rows: Sequence[PatchBack]
    token: str
    hold: Hold

    @property
    def tries(self) -> Mapping[str, int]:
        """How often each was tried before, by our id."""
        return {row.company_id: row.tries for row in self.rows}

    @property
    def repeats(self) -> bool:
        """Whether one of them was tried before."""
        return any(row.tries for row in self.rows)


def patch_back(tenant: Tenant, run_id: str) -> Counts | None:
    """One batch of portal ids, which are this worker's alone meanwhile. None: nothing could be written."""
    claim = claimed(tenant)
    if not claim:
        return None
    counts = carried_out(patching(tenant, tenant.crm, claim, run_id))
    return counts if is_progress(counts) else None


def patching(tenant: Tenant, crm: Crm, claim: PatchClaim, run_id: str) -> Calling[Counts]:
    """The work at one claim."""
    counts = Counts()
    with claim.hold:
        answers = _answers(tenant, crm, claim)
        try:
            while (answered := (yield partial(next, answers, None))) is not None:
                counts.add(_settled(tenant, claim, answered, run_id))
        except OF_THE_CALL as error:  # after any other error the claim ends by itself
            _let_go(tenant, claim, error)
            raise
    return counts


def is_progress(counts: Counts) -> bool:
    """Whether something became of a batch, so that the next one is worth a call."""
    return bool(counts.written or counts.parked)


def claimed(tenant: Tenant, *, most_tries: int | None = None) -> PatchClaim | None:
    """The next companies, of those that were tried so often at most. None: there are none."""
    token = tenant.services.new_id()
    rows: list[PatchBack] = []
    hold = Hold(tenant.services, lambda: _renew(tenant, rows, token))
    with tenant.store.side_transaction(tenant.name) as tx:
        until_at = tx.shared_now + timedelta(seconds=CLAIM_S)
        rows += patch_backs.claim(tx, limit=BATCH_COUNT, token=token, until_at=until_at, alone_from=ALONE_FROM, most_tries=most_tries)
    return PatchClaim(rows, token, hold) if rows else None


def _answers(tenant: Tenant, crm: Crm, claim: PatchClaim) -> Iterator[list[WriteOutcome]]:
    """The answers of its calls, which are made as the answers are asked for."""
    record = tenant.company_map()
    changes = [RecordWrite(ref=row.company_id, fields={record.key_field: row.company_id}, crm_id=row.crm_id) for row in claim.rows]
    return crm.write(record.native, record.key_field, changes, time_left_s=claim.hold.time_left_s)


def _settled(tenant: Tenant, claim: PatchClaim, answered: Sequence[WriteOutcome], run_id: str) -> Counts:
    """What became of one call, kept and counted in one commit."""
    outcomes = not_blamed(tenant, tenant.company_map(), answered)
    with tenant.store.transaction(tenant.name) as tx:
        counts = _settle(tx, tenant, outcomes, claim, run_id)
        runs.count(tx, run_id, counts)
    return counts


def _let_go(tenant: Tenant, claim: PatchClaim, error: SyncError) -> None:
    """The call was refused as a whole: its companies are free at once. Where records were locked, they rest, and count as tried."""
    is_locked = isinstance(error.__cause__, RecordLocked)
    with tenant.store.transaction(tenant.name) as tx:
        if is_locked:
            until_at = tx.shared_now + timedelta(seconds=BETWEEN_TRIES.wait_s(1))
            patch_backs.put_off(tx, {ref: PatchRest(until_at, max(1, tries)) for ref, tries in claim.tries.items()}, claim.token)
        else:
            patch_backs.let_go(tx, claim.tries, claim.token)


def _renew(tenant: Tenant, rows: Sequence[PatchBack], token: str) -> bool:
    with tenant.store.transaction(tenant.name) as tx:
        return patch_backs.renew(tx, [row.company_id for row in rows], token, tx.shared_now + timedelta(seconds=CLAIM_S))


def _settle(tx: Tx, tenant: Tenant, outcomes: Sequence[WriteOutcome], claim: PatchClaim, run_id: str) -> Counts:
    """What became of one call. One that was not begun stays claimed for the little time that is left of the claim."""
    tries, token = claim.tries, claim.token
    written = {outcome.ref for outcome in outcomes if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)}
    parked = [outcome for outcome in outcomes if _is_parked(outcome, tries[outcome.ref])]
    over = {*written, *(outcome.ref for outcome in parked)}
    unsure = [outcome for outcome in outcomes if outcome.wrote in (Wrote.LATER, Wrote.UNCERTAIN) and outcome.ref not in over]
    patch_backs.done(tx, written, token)
    own_stamps.keep(tx, COMPANY, _stamps(tenant, outcomes, claim, written))
    patch_backs.let_go(tx, [outcome.ref for outcome in parked], token)
    patch_backs.put_off(tx, {outcome.ref: _rest(tx, outcome, tries[outcome.ref]) for outcome in unsure}, token)
    failures.record(tx, [_refused(tenant, outcome, run_id) for outcome in parked])
    hear_of_rest(tx, tenant, COMPANY, outcomes, run_id, is_any_made=False)
    uncertain_count = sum(outcome.wrote is Wrote.UNCERTAIN for outcome in unsure)
    return Counts(
        claimed=len(outcomes),
        written=len(written),
        parked=len(parked),
        uncertain=uncertain_count,
        deferred=len(outcomes) - len(over) - uncertain_count,
    )


def _stamps(tenant: Tenant, outcomes: Sequence[WriteOutcome], claim: PatchClaim, written: Collection[str]) -> Mapping[str, datetime | None]:
    """The records' stamps in the answers, by CRM id; none where the answer does not show the id as it was sent.

    Those written without one are left out: they have lost their last stamp as they were settled.
    """
    key_field, crm_ids = tenant.company_map().key_field, {row.company_id: row.crm_id for row in claim.rows}
    shown = {one.ref: one for one in outcomes if one.record and one.record.fields.get(key_field) == one.ref}
    stamps = {ref: stamp_in(shown.get(ref), crm_ids[ref]) for ref in (one.ref for one in outcomes)}
    return {crm_ids[ref]: stamp for ref, stamp in stamps.items() if stamp or ref not in written}


def _is_parked(outcome: WriteOutcome, tries: int) -> bool:
    """Whether a person has to look: the CRM refused it, or did not take it after so many tries."""
    return outcome.wrote is Wrote.REJECTED or (_is_try(outcome) and tries + 1 >= MOST_TRIES)


def _is_try(outcome: WriteOutcome) -> bool:
    """Whether it says something of this company. A connection that is down, or an org that takes no writes, does not."""
    is_refused_for_now = outcome.wrote is Wrote.LATER and not isinstance(outcome.error, (*OF_THE_CALL, WritesRest))
    return outcome.wrote is Wrote.UNCERTAIN or is_refused_for_now


BETWEEN_TRIES: Final = Backoff(first_s=2, factor=2, ceiling_s=600)
"""Two seconds after a try that is not known to have written, then twice as long each time, ten minutes at most."""


def _rest(tx: Tx, outcome: WriteOutcome, tries: int) -> PatchRest:
    if _is_try(outcome):
        return PatchRest(tx.shared_now + timedelta(seconds=BETWEEN_TRIES.wait_s(tries + 1)), tries + 1)
    rest_s = outcome.error.rest_s if isinstance(outcome.error, WritesRest) else 0.0
    return PatchRest(tx.shared_now + timedelta(seconds=rest_s), tries)


def _refused(tenant: Tenant, outcome: WriteOutcome, run_id: str) -> Failure:
    words = str(outcome.error) if outcome.error else "the CRM did not take the portal id"
    return replace(push_failure(tenant, COMPANY, outcome.ref, code_of(outcome.error), words, run_id), kind="failure")
