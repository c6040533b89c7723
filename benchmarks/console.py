"""`python -m benchmarks.console`: how soon each page of the console is there, in a portal with 5,000 open failures and 20,000 deals.

Every page goes over HTTP to the server of the product, on SQLite, one after the other, as an operator asks for it. The goal is 300 ms at
p95 by the clock. The CRM is asked once which fields it has; no page asks it for a record before a person presses a button.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import requests

from benchmarks.crms import PORTAL, SALESFORCE
from benchmarks.databases import sqlite
from benchmarks.pipeline import filled
from benchmarks.work import installed
from sync_worker.bootstrap import Installation
from sync_worker.domain.core.deal import Lifecycle
from sync_worker.domain.people.console import EVERY_PORTAL, ConsoleRole
from sync_worker.steps.people.console import Invited, enter, invite
from sync_worker.store.core import failures
from sync_worker.store.core.failures import Failure
from sync_worker.store.deals import deals
from sync_worker.telemetry import logs
from sync_worker.web import server
from sync_worker.web.app import serving
from sync_worker.web.console.core.door import COOKIE, sealed
from sync_worker.web.limits import ConnectionLimits

GOAL_MS: Final = 300.0
CODES: Final = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "unlisted_value", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG")
PAGES: Final = (
    "", "/failures", "/failures?code=unlisted_value", "/failures/f0", "/replays", "/brake", "/conflicts", "/runs", "/check", "/plan",
    "/compare", "/feed", "/mail", "/connection", "/configuration", "/configuration/files/portal", "/configuration/files/mapping",
    "/companies", "/companies?text=Company 12", "/companies/{company}", "/contract-values", "/rules", "/distributors",
    "/distributors/{second}", "/deals", "/deals?sort=-amount", "/deals/{deal}", "/deals/{deal}/correct",
    "/insights?by=registered_month", "/insights?by=owner_company", "/prices", "/journeys", "/new-journey", "/groups",
)  # fmt: skip


@contextmanager
def _portal(failure_count: int, deal_count: int) -> Iterator[tuple[str, requests.Session, dict[str, str]]]:
    """The address of the console, a session of an operator, and what stands in braces in the pages' addresses."""
    with ExitStack() as stack:
        fresh = stack.enter_context(sqlite())
        database, folder = stack.enter_context(fresh()), stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        os.environ["SYNC_WORKER_CONSOLE"] = "true"  # `installed` leaves the other settings to the environment
        crm = stack.enter_context(SALESFORCE.serve(200, 0))  # asked once for its fields; what is measured stands in the database
        ours = stack.enter_context(closing(installed(SALESFORCE, crm, Path(folder), database.url)))
        cast = filled(ours, deal_count)
        deal_id = _fail(ours, failure_count)
        url = stack.enter_context(server.listening(serving(ours, lambda *_: None), "127.0.0.1", 0, ConnectionLimits()))
        session = stack.enter_context(closing(requests.Session()))
        session.trust_env = False
        session.headers["Cookie"] = f"{COOKIE}={sealed(EVERY_PORTAL, _entered(ours))}"
        yield f"{url}/console", session, {"company": cast.partners[0], "second": cast.seconds[0], "deal": deal_id}


def _entered(ours: Installation) -> str:
    text = invite(ours.store, Invited(EVERY_PORTAL, ConsoleRole.OPERATOR, "Ann", "bench"), timedelta(minutes=10))
    return enter(ours.store, EVERY_PORTAL, text) or ""


def _fail(ours: Installation, count: int) -> str:
    """So many deals are refused, for four causes. The id of one that may be corrected."""
    with ours.store.transaction(PORTAL) as tx:
        refused = [stored.deal for stored in deals.page(tx, after="", limit=count)]
        failures.record(
            tx,
            [
                Failure(
                    f"f{number}", "failure", "deal", id_, "push", CODES[number % len(CODES)], "ask finance first", "r1", field="amount",
                    payload={"Amount": 9000, "Name": f"Deal {number}"},
                )
                for number, id_ in enumerate(deal.id for deal in refused)
            ],
        )  # fmt: skip
    return next(deal.id for deal in refused if deal.lifecycle is Lifecycle.SUBMITTED)


def measure(failure_count: int, deal_count: int, times: int) -> dict[str, dict[str, Any]]:
    """Page → how long it took. **Raises** HTTPError for a page that is not there."""
    found = {}
    with _portal(failure_count, deal_count) as (url, session, named):
        for page in ("/", *(f"/portals/{PORTAL}{one.format(**named)}" for one in PAGES)):
            _asked_ms(session, url + page)  # reads the templates
            took_ms = [_asked_ms(session, url + page) for _ in range(times)]
            p95 = statistics.quantiles(took_ms, n=20)[-1]
            found[page] = {"p50_ms": round(statistics.median(took_ms), 1), "p95_ms": round(p95, 1), "is_reached": p95 <= GOAL_MS}
    return found


def _asked_ms(session: requests.Session, address: str) -> float:
    begun_s = time.perf_counter()
    session.get(address, timeout=60).raise_for_status()
    return (time.perf_counter() - begun_s) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", type=int, default=5_000)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for")
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    wish = parser.parse_args()
    logs.set_up(level=30)
    load = os.getloadavg()[0]
    found = {"goal_p95_ms": GOAL_MS, "load_at_start": round(load, 1), "pages": measure(wish.failures, wish.deals, wish.times)}
    print(json.dumps(found, indent=1))
    if wish.out:
        wish.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
