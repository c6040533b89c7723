"""PATCH BACK: our id into each company's CRM record, once.

Writing it again is harmless, so nothing is claimed: the missing mark is the outbox.
"""

from __future__ import annotations

from dataclasses import replace

from sync_worker.crm.port import Change, Outcome, Wrote
from sync_worker.errors import WriteRejected
from sync_worker.steps.park import push_failure
from sync_worker.steps.tenant import COMPANY, Tenant
from sync_worker.store import companies, failures, runs
from sync_worker.store.failures import Failure
from sync_worker.store.runs import Counts

BATCH_COUNT = 200  # companies a commit


def patch_back(tenant: Tenant, run_id: str) -> Counts | None:
    """One batch of portal ids. Writing one again is harmless, so nothing is claimed; what the CRM refuses becomes a failure row."""
    with tenant.store.reading(tenant.name) as tx:
        rows = companies.unpatched(tx, BATCH_COUNT)
    if not rows:
        return None
    record = tenant.company_map()
    changes = [Change(ref=company_id, fields={record.key_field: company_id}, crm_id=crm_id) for company_id, crm_id in rows]
    counts = Counts(claimed=len(rows))
    for outcomes in tenant.crm.write(record.native, record.key_field, changes, time_left_s=lambda: float("inf")):
        with tenant.store.transaction(tenant.name) as tx:
            companies.mark_patched(tx, [outcome.ref for outcome in outcomes if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)])
            failures.record(tx, [_refused(tenant, outcome, run_id) for outcome in outcomes if outcome.wrote is Wrote.REJECTED])
        for outcome in outcomes:
            _count_patch(outcome, counts)
    with tenant.store.side_transaction(tenant.name) as tx:
        runs.count(tx, run_id, counts)
    return counts if counts.written or counts.parked else None


def _count_patch(outcome: Outcome, counts: Counts) -> None:
    name = {Wrote.WRITTEN: "written", Wrote.CREATED: "written", Wrote.REJECTED: "parked", Wrote.UNCERTAIN: "uncertain"}.get(
        outcome.wrote, "deferred"
    )
    setattr(counts, name, getattr(counts, name) + 1)


def _refused(tenant: Tenant, outcome: Outcome, run_id: str) -> Failure:
    code = outcome.error.code if isinstance(outcome.error, WriteRejected) else "rejected"
    failure = push_failure(tenant, COMPANY, outcome.ref, code, str(outcome.error), run_id)
    return replace(failure, kind="failure")
