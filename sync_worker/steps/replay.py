"""REPLAY: what failed is tried again from both sides as they are now; nothing old is ever sent or applied as it was."""

from __future__ import annotations

from collections.abc import Sequence

from sync_worker.steps.tenant import COMPANY, Tenant, Wake
from sync_worker.store import failures, notices, outbox
from sync_worker.store.failures import FailureRow


def replay(tenant: Tenant, rows: Sequence[FailureRow]) -> frozenset[Wake]:
    """Makes these rows due: records that could not be read are read again, writes that were refused are computed and sent again.

    A row resolves itself when its record passes, and stays open, counted up, when it fails again.
    """
    wakes: set[Wake] = set()
    with tenant.store.side_transaction(tenant.name) as tx:
        for row in rows:
            failure = row.failure
            if failure.stage == "ingest":
                failures.forget_payload(tx, failure.id)
                notices.add(tx, failure.object, [failure.record])
                wakes.add(Wake("refresh", failure.object))
            elif failure.stage == "push":
                if failure.object == COMPANY:
                    failures.close(tx, [failure.id], "replayed")
                outbox.unpark(tx, failure.object, [failure.record])
                wakes.add(Wake("push"))
    return frozenset(wakes)
