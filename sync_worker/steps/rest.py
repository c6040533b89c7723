"""REST: the CRM takes no new records, or no writes at all, whichever record it is. People hear of it once; every row stays due."""

from __future__ import annotations

from collections.abc import Sequence

from sync_worker.crm.port import Outcome, Wrote
from sync_worker.errors import WritesRest
from sync_worker.steps.letters import Letter
from sync_worker.steps.park import push_failure
from sync_worker.steps.tenant import Tenant
from sync_worker.store import failures
from sync_worker.store.engine import Tx

NO_ROOM = "no_room_in_crm"
MAINTENANCE = "crm_in_maintenance"
WHOLE = "push"  # in the place of a record: it is about none


def hear_of_rest(tx: Tx, tenant: Tenant, object_: str, answered: Sequence[tuple[Letter, Outcome]], run_id: str) -> None:
    """Opens one problem for all records of one call, counts it up, or closes it once a write of its kind has passed."""
    resting = {outcome.error.code: outcome.error for _, outcome in answered if isinstance(outcome.error, WritesRest)}
    failures.record(tx, [push_failure(tenant, object_, WHOLE, code, str(error), run_id) for code, error in sorted(resting.items())])
    passed = [letter for letter, outcome in answered if outcome.wrote in (Wrote.WRITTEN, Wrote.CREATED)]
    over = {MAINTENANCE} if passed else set()
    if any(letter.link is None for letter in passed):
        over.add(NO_ROOM)
    rows = failures.open_rows(tx, object_, [WHOLE], "push") if over - resting.keys() else []
    failures.close(tx, [row.id for row in rows if row.code in over - resting.keys()], "written")
