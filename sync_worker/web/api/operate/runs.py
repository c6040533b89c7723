"""Runs: what was done, with the sums that must come out."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path

from sync_worker.domain.core.deal import Refusal
from sync_worker.store.core import runs
from sync_worker.store.core.runs import NUMBERS, Run
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import PRINTABLE, Operating
from sync_worker.web.api.core.paging import PageOf
from sync_worker.web.api.core.problems import Refused
from sync_worker.web.api.core.route import portal_router, problems
from sync_worker.web.api.operate.halt_shapes import RunView

router = portal_router("operator")

RunId: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=PRINTABLE)]


@router.get("/operate/runs")
def list_runs(visit: Operating, page: PageOf) -> shapes.PageView[RunView]:
    """Lists the runs, the latest first. What was read is the sum of what was applied, unchanged, skipped and failed."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = runs.listed(tx, limit=page.looked_for, after=page.moment())
    some = page.cut(found, lambda one: (one.started_at.isoformat(), one.id))
    return shapes.PageView(items=[_run(one) for one in some.items], next=some.next)


@router.get("/operate/runs/{run_id}", responses=problems(404))
def get_run(visit: Operating, run_id: RunId) -> RunView:
    """Returns one run whole, with why records were skipped."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = runs.get(tx, run_id)
    if found is None or found.id != run_id:
        raise Refused(Refusal("run_unknown", f"there is no run {run_id}", "an id from GET /operate/runs"))
    return _run(found)


def _run(one: Run) -> RunView:
    named = {name: getattr(one, name) for name in ("id", "verb", "object", "started_at", "finished_at", "state", "error")}
    return RunView(**named, **{name: getattr(one.counts, name) for name in NUMBERS}, skips=dict(one.counts.skips))
