"""`python -m benchmarks.replays`: five thousand failures of one cause — how long they take to come, to be listed, previewed and replayed.

A validation rule of the CRM refuses the edits of so many deals; the rule is lifted; what is timed is what an operator waits for.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.crms import CRMS, PORTAL, Crm
from benchmarks.databases import Fresh, postgresql, sqlite
from benchmarks.edits import edit
from benchmarks.work import installed
from crm_sandbox.hubspot.remote import HubspotRemote
from crm_sandbox.remote import Remote
from sync_worker.steps.core.tenant import Tenant
from sync_worker.steps.operate.intervene import begin_replay, go_on
from sync_worker.steps.operate.preview import preview
from sync_worker.steps.operate.replay import work_off
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import failures
from sync_worker.store.core.failures import FailureFilter, FailureRow
from sync_worker.telemetry import logs

COUNT = 5000
GOAL_S = 120.0  # from the command to the last record written
RULES = {"salesforce": ("Opportunity", "Amount", Remote), "hubspot": ("deals", "amount", HubspotRemote)}
DATABASES: dict[str, Callable[[], AbstractContextManager[Fresh]]] = {"sqlite": sqlite, "postgresql": postgresql}


@dataclass
class Watch:
    """How long each part took, and the calls it made. **Units** seconds."""

    tenant: Tenant
    figures: dict[str, Any]

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        begun_s, calls = time.monotonic(), self.tenant.crm.calls
        yield
        self.figures[name] = {"seconds": round(time.monotonic() - begun_s, 1), "calls": self.tenant.crm.calls - calls}


def measure(crm: Crm, fresh: Fresh, count: int) -> dict[str, Any]:
    """So many deals refused, listed, previewed and replayed. **Raises** RuntimeError where one of them is not as it should be."""
    object_name, field, controls = RULES[crm.name]
    with crm.serve(200, int(count * 1.6)) as base_url, controls(base_url) as remote, fresh() as database:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, closing(installed(crm, base_url, Path(folder), database.url)) as ours:
            tenant = ours.tenant(PORTAL)
            watch = Watch(tenant, {"crm": crm.name, "failures": count, "goal_s": GOAL_S})
            for name in tenant.readable_records():
                work_off(tenant, pull(tenant, name).follow_ups)
            work_off(tenant, push(tenant).follow_ups)
            edit(tenant, count)
            remote.add_validation_rule(object_name, field, "gt", 0, message="not today")
            with watch.over("refuse"):
                push(tenant)
            _tell(watch, count, remote)
            return watch.figures


def _tell(watch: Watch, count: int, remote: Remote) -> None:
    with watch.over("list"):
        rows = _open(watch.tenant)
    _expect(len(rows), count, "refused")
    remote.clear_validation_rules()
    with watch.over("preview"):
        found = preview(watch.tenant, rows)
    _expect(found.written, count, "previewed")
    with watch.over("replay"):
        result = go_on(watch.tenant, begin_replay(watch.tenant, rows, selection="benchmark", actor="benchmark"))
    _expect(result.outcomes.get("passed", 0), count, "replayed")
    _expect(len(_open(watch.tenant)), 0, "left")


def _open(tenant: Tenant) -> list[FailureRow]:
    with tenant.store.reading(tenant.name) as tx:
        return failures.listed(tx, FailureFilter(stage="push", kind="failure"))


def _expect(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise RuntimeError(f"{what}: {found}, not {wanted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crm", nargs="+", choices=CRMS, default=list(CRMS))
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    wish = parser.parse_args()
    logs.set_up(level=30)
    found = []
    for crm, database in product(wish.crm, wish.database):
        with DATABASES[database]() as fresh:
            found.append({"crm": crm, "database": database, **measure(CRMS[crm], fresh, wish.count)})
        print(json.dumps(found[-1]), flush=True)
    if wish.out:
        wish.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
