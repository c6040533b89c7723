"""`python -m benchmarks.comparison`: what the nightly comparison costs in calls, after a first load, on both CRMs.

The figures stand in docs/operations.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.crms import HUBSPOT, PORTAL, SALESFORCE, Crm
from benchmarks.work import installed
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.telemetry import logs


def measured(crm: Crm, companies: int, deals: int) -> dict[str, Any]:
    """A first load on SQLite, then one comparison: its calls, those of the census alone, and its seconds."""
    with (
        crm.serve(companies, deals) as url,
        tempfile.TemporaryDirectory() as folder,
        closing(installed(crm, url, Path(folder), f"sqlite:///{folder}/bench.db")) as installation,
    ):
        tenant = installation.tenant(PORTAL)
        for record in tenant.readable_records():
            pull(tenant, record)
        begun, began_s, before_census = tenant.crm.calls, time.monotonic(), 0

        def note(words: str, _done: int, _total: int | None) -> None:
            nonlocal before_census
            if words == "comparing":
                before_census = tenant.crm.calls

        comparison = compare(tenant, on_page=note)
        calls = {"calls": tenant.crm.calls - begun, "of_the_census": tenant.crm.calls - before_census}
        seconds = round(time.monotonic() - began_s, 1)
        found = {"records": comparison.counts.read, "census": comparison.census_count, "differences": len(comparison.differences)}
        return {"crm": crm.name, **calls, **found, "seconds": seconds}


def main() -> None:
    """Prints one line of JSON for each CRM."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--companies", type=int, default=100_000)
    words.add_argument("--deals", type=int, default=20_000)
    words.add_argument("--crm", choices=["salesforce", "hubspot"])
    wish = words.parse_args()
    logs.set_up(level=30)
    for crm in (SALESFORCE, HUBSPOT):
        if wish.crm in (None, crm.name):
            print(json.dumps(measured(crm, wish.companies, wish.deals)))  # what the command is for


if __name__ == "__main__":
    main()
