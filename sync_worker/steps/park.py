"""PARK: the CRM, or our own mapping, refuses a record. A failure row says why; the row waits for a person or the record's next change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sync_worker.errors import RecordError, SyncError
from sync_worker.steps.claim import Claim
from sync_worker.steps.tenant import DEAL, Tenant
from sync_worker.store import failures, outbox
from sync_worker.store.engine import Tx
from sync_worker.store.failures import Failure
from sync_worker.store.outbox import OutboxRow
from sync_worker.store.runs import Counts


def park(
    tx: Tx,
    tenant: Tenant,
    claim: Claim,
    row: OutboxRow,
    error: SyncError | None,
    counts: Counts,
    run_id: str,
    *,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """The CRM, or our own mapping, refuses this record: a failure row, and the row waits for a person or the record's next change."""
    outbox.park(tx, row, claim.token)
    counts.parked += 1
    code = error.code if isinstance(error, RecordError) else "gave_up"
    field = error.field if isinstance(error, RecordError) else ""
    words = str(error) if error else "the CRM did not take it"
    failure = push_failure(tenant, row.record_id, code, words, run_id)
    close_push_failures(tx, [row.record_id], "tried again, and failed otherwise", but=(code, field))
    failures.record(tx, [replace(failure, kind="failure", field=field, payload=payload)])


def close_push_failures(tx: Tx, record_ids: Collection[str], resolution: str, *, but: tuple[str, str] | None = None) -> None:
    """What was open about these records' writes is no more, but for a (code, field) that was found again."""
    rows = failures.open_rows(tx, DEAL, record_ids, "push")
    failures.close(tx, [row.id for row in rows if (row.code, row.field) != but], resolution)


def push_failure(tenant: Tenant, record_id: str, code: str, message: str, run_id: str) -> Failure:
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=DEAL,
        record=record_id,
        stage="push",
        code=code,
        message=message,
        run_id=run_id,
    )
