"""PARK: the CRM, or our own mapping, refuses a record. A failure row says why; the row waits for a person or the record's next change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sync_worker.errors import RecordError, SyncError
from sync_worker.steps.core.claim import Claim
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.sync import outbox
from sync_worker.store.sync.outbox import OutboxRow

GAVE_UP = "gave_up"
OTHERWISE = "tried again, and failed otherwise"  # resolutions, as they stand in closed rows
TOLD = frozenset({"late_write_undone"})  # stays until a person has read it, whatever is written next
NOTHING_OWED = "nothing is owed any more"


def park(
    tx: Tx,
    tenant: Tenant,
    claim: Claim,
    row: OutboxRow,
    error: SyncError | None,
    run_id: str,
    *,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """The CRM, or our own mapping, refuses this record: a failure row, and the row waits for a person or the record's next change."""
    outbox.park(tx, row, claim.token)
    code = code_of(error)
    field = error.field if isinstance(error, RecordError) else ""
    words = str(error) if error else "the CRM did not take it"
    failure = push_failure(tenant, row.object, row.record_id, code, words, run_id)
    close_push_failures(tx, row.object, [row.record_id], OTHERWISE, but=(code, field))
    failures.record(tx, [replace(failure, kind="failure", field=field, payload=payload)])


def code_of(error: SyncError | None) -> str:
    """The code under which a refused write is kept."""
    return error.code if isinstance(error, RecordError) else GAVE_UP


def close_push_failures(
    tx: Tx, object_: str, record_ids: Collection[str], resolution: str, *, but: tuple[str, str] | None = None
) -> Counter[str]:
    """What was open about these records' writes is closed, except a (code, field) that was found again. Returns records by code."""
    open_rows = failures.open_rows(tx, object_, record_ids, "push")
    rows = [row for row in open_rows if (row.code, row.field) != but and row.code not in TOLD]
    failures.close(tx, [row.id for row in rows], resolution)
    return Counter(code for _, code in {(row.record, row.code) for row in rows})


def push_failure(tenant: Tenant, object_: str, record_id: str, code: str, message: str, run_id: str) -> Failure:
    return Failure(
        id=tenant.services.new_id(),
        kind="problem",
        object=object_,
        record=record_id,
        stage="push",
        code=code,
        message=message,
        run_id=run_id,
    )
