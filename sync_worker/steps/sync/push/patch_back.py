"""PATCH BACK: our id into each company's CRM record, once. Claim, send, settle; what the CRM refuses becomes a failure row.

Writing an id again is harmless, so nothing is read back: what may not have been written is written again, at most ten times.
As many batches are sent side by side as calls may be in flight, each under a claim of its own; this thread claims and settles all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome, Wrote
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import OF_THE_CALL, SyncError, WritesRest
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.keeper import CLAIM_S, Hold
from sync_worker.steps.core.park import code_of, push_failure
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.push.record_rest import not_blamed
from sync_worker.steps.sync.push.rest import hear_of_rest
from sync_worker.store.core import failures, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.core.runs import Counts
from sync_worker.store.sync import patch_backs
from sync_worker.store.sync.patch_backs import PatchBack, PatchRest

BATCH_COUNT = 200  # companies a commit
ALONE_FROM, MOST_TRIES = 2, 10  # after two tries it goes alone, so that what is wrong with it befalls no other; after ten a person looks


@dataclass(frozen=True, slots=True)
class _ClaimedIds:
    """Companies whose ids are this worker's to write."""

    token: str
    hold: Hold
    rows: Sequence[PatchBack]

    @property
    def tries(self) -> Mapping[str, int]:
        return {row.company_id: row.tries for row in self.rows}


def patch_back(tenant: Tenant, run_id: str) -> Counts | None:
    """Portal ids, as many batches side by side as calls may be in flight. None: nothing could be written."""
    counts = Counts()
    with ExitStack() as holds:
        batches: list[_ClaimedIds] = []
        while len(batches) < tenant.crm.parallel_calls and (batch := _claimed(tenant)):
            holds.enter_context(batch.hold)
            batches.append(batch)
        for batch, answered in _answers(tenant, tenant.company_map(), batches):
            outcomes = not_blamed(tenant, tenant.company_map(), answered)
            with tenant.store.transaction(tenant.name) as tx:
                settled = _settle(tx, tenant, batch, outcomes, run_id)
                runs.count(tx, run_id, settled)
            counts.add(settled)
    return counts if counts.written or counts.parked else None


def _claimed(tenant: Tenant) -> _ClaimedIds | None:
    """One batch; None where no id is due."""
    token, rows = tenant.services.new_id(), list[PatchBack]()
    hold = Hold(tenant.services, lambda: _renew(tenant, rows, token))
    with tenant.store.side_transaction(tenant.name) as tx:
        until_at = tx.shared_now + timedelta(seconds=CLAIM_S)
        rows += patch_backs.claim(tx, limit=BATCH_COUNT, token=token, until_at=until_at, alone_from=ALONE_FROM)
    return _ClaimedIds(token, hold, rows) if rows else None


def _renew(tenant: Tenant, rows: Sequence[PatchBack], token: str) -> bool:
    with tenant.store.transaction(tenant.name) as tx:
        return patch_backs.renew(tx, [row.company_id for row in rows], token, tx.shared_now + timedelta(seconds=CLAIM_S))


def _answers(tenant: Tenant, record: RecordMap, batches: Sequence[_ClaimedIds]) -> Iterator[tuple[_ClaimedIds, list[WriteOutcome]]]:
    """The outcomes of every batch as its calls are answered. **Raises** the first error of a batch once all of them have ended."""
    if len(batches) < 2:
        for batch in batches:
            try:
                for answered in _written(tenant.crm, record, batch):
                    yield batch, answered
            except OF_THE_CALL:  # after any other error the claim ends by itself
                _let_go(tenant, batch)
                raise
        return
    failed: list[SyncError] = []
    with ExitStack() as stack:  # left once no call is under way any more
        coming = {
            stack.enter_context(tenant.services.beside()).submit(
                _all_written, stack.enter_context(tenant.crm.another_connection()), record, batch
            ): batch
            for batch in batches
        }
        for one in as_completed(coming):
            told, error = one.result()
            for answered in told:
                yield coming[one], answered
            if error:
                _let_go(tenant, coming[one])
                failed.append(error)
    if failed:
        raise failed[0]


def _written(crm: Crm, record: RecordMap, batch: _ClaimedIds) -> Iterator[list[WriteOutcome]]:
    changes = [RecordWrite(ref=row.company_id, fields={record.key_field: row.company_id}, crm_id=row.crm_id) for row in batch.rows]
    return crm.write(record.native, record.key_field, changes, time_left_s=batch.hold.time_left_s)


def _all_written(crm: Crm, record: RecordMap, batch: _ClaimedIds) -> tuple[list[list[WriteOutcome]], SyncError | None]:
    """The outcomes of a batch, and the error of the call that ended it. **Raises** any other error."""
    told: list[list[WriteOutcome]] = []
    try:
        for answered in _written(crm, record, batch):
            told.append(answered)  # noqa: PERF402  # what was answered before an error is kept
    except OF_THE_CALL as error:
        return told, error
    return told, None


def _let_go(tenant: Tenant, batch: _ClaimedIds) -> None:
    with tenant.store.transaction(tenant.name) as tx:
        patch_backs.let_go(tx, batch.tries.keys(), batch.token)


def _settle(tx: Tx, tenant: Tenant, batch: _ClaimedIds, outcomes: Sequence[WriteOutcome], run_id: str) -> Counts:
    """What became of one call. One that was not begun stays claimed for the little time that is left of the claim."""
    tries, token = batch.tries, batch.token
    written = [outcome.ref for outcome in outcomes if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)]
    parked = [outcome for outcome in outcomes if _is_parked(outcome, tries[outcome.ref])]
    over = {*written, *(outcome.ref for outcome in parked)}
    unsure = [outcome for outcome in outcomes if outcome.wrote in (Wrote.LATER, Wrote.UNCERTAIN) and outcome.ref not in over]
    patch_backs.done(tx, written, token)
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
