"""Runs: what was done, with the sums that must come out."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from sync_worker.store.core import runs
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import Operating
from sync_worker.web.console.core.route import console_router

router = console_router()

SHOWN_COUNT = 50


@router.get("/runs")
def show_runs(request: Request, visit: Operating) -> Response:
    """The latest runs."""

    def look() -> dict[str, Any]:
        with visit.tenant.store.reading(visit.portal) as tx:
            return visit.context(here="Runs", runs=runs.listed(tx, limit=SHOWN_COUNT))

    return visit.console.pages.show_live(request, "operate/runs", look)


@router.get("/runs/{run_id}")
def show_run(visit: Operating, run_id: str) -> Response:
    """One run whole."""
    with visit.tenant.store.reading(visit.portal) as tx:
        found = runs.get(tx, run_id)
    if found is None:
        raise TurnedAway(404, "There is no such run", "A run that no history names is deleted after some time.")
    counts = [(name, getattr(found.counts, name)) for name in runs.NUMBERS]
    parts = [(name, count) for name, count in counts if name in ("applied", "unchanged", "skipped", "failed")]
    return visit.console.pages.show("operate/run.html", visit.context(here="Runs", run=found, counts=counts, parts=parts))
