"""REST: the CRM takes no new records, or no writes at all, whichever record it is. People hear of it once; every row stays due."""

from __future__ import annotations

from collections.abc import Sequence

from sync_worker.crm.port import WriteOutcome, Wrote
from sync_worker.errors import WritesRest
from sync_worker.steps.core.park import push_failure
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures
from sync_worker.store.core.engine import Tx

NO_ROOM = "no_room_in_crm"
MAINTENANCE = "crm_in_maintenance"
WHOLE = "push"  # in the place of a record: it is about none


def hear_of_rest(tx: Tx, tenant: Tenant, object_: str, outcomes: Sequence[WriteOutcome], run_id: str, *, is_any_made: bool) -> None:
    """Opens one problem for all records of one call, counts it up, or closes it once a write of its kind has passed.

    **Shapes** `is_any_made`: a new record is among what passed.
    """
    resting = {outcome.error.code: outcome.error for outcome in outcomes if isinstance(outcome.error, WritesRest)}
    failures.record(tx, [push_failure(tenant, object_, WHOLE, code, str(error), run_id) for code, error in sorted(resting.items())])
    over = {MAINTENANCE} if any(outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED) for outcome in outcomes) else set()
    if is_any_made:
        over.add(NO_ROOM)
    rows = failures.open_rows(tx, object_, [WHOLE], "push") if over - resting.keys() else []
    failures.close(tx, [row.id for row in rows if row.code in over - resting.keys()], "written")
