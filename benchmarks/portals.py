"""`python -m benchmarks.portals`: what many portals cost: one tick of the schedule, and what is asked of one portal that is large.

One database holds a thousand portals; one of them has 200,000 companies, 100,000 notices, 100,000 writes that are owed, and 200,000
contract values. Each look is made once to warm the database up, and then several times; the median counts. Nothing is tuned.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Table, insert, text

from benchmarks.databases import DATABASES, Database
from sync_worker.domain.core.company import AccountType
from sync_worker.services import Services
from sync_worker.store.associations import associations
from sync_worker.store.associations.tables import contract_values
from sync_worker.store.core import companies, runs
from sync_worker.store.core import tables as core
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.operate.due import standings
from sync_worker.store.operate.migrate import upgrade
from sync_worker.store.sync import notices, outbox, patch_backs
from sync_worker.store.sync import tables as sync
from sync_worker.telemetry import logs

GOALS = {"tick_ms": 100.0}
LARGE = "p0000"
RECORDS = ("company", "opportunity")
CLAIM_COUNT, TRIES = 400, 7
ENOUGH_COUNT = 400  # of what is left, so that the brake lets 60 go
_BATCH = 5_000
_VENDOR = 5  # whose id is neither among the first nor among the last

Row: TypeAlias = dict[str, Any]
Look: TypeAlias = Callable[[Tx], object]


def fill(store: Store, portal_count: int, company_count: int, owed_count: int) -> None:
    """The portals, one of them large. The rows are written as they would stand after a first load and a storm of webhooks."""
    with store.schema(writes=True) as connection:
        now = Services().clock()
        parts: list[tuple[Table, Iterator[Row]]] = [
            (core.portals, _portals(portal_count, now)),
            (core.cursors, _cursors(portal_count, now)),
            (core.companies, _companies(company_count, now)),
            (sync.notices, _notices(owed_count, now)),
            (sync.outbox, _owed(owed_count, now)),
            (contract_values, _contracts(company_count, now)),
        ]
        for table, rows in parts:
            for batch in _batches(rows):
                connection.execute(insert(table), batch)
    with store.schema(writes=True) as connection:
        connection.execute(text("ANALYZE"))


def _portals(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {"portal": f"p{number:04}", "mode": "contracts", "mode_set_at": now}


def _cursors(portal_count: int, now: datetime) -> Iterator[Row]:
    for number in range(portal_count):
        for record in RECORDS:
            yield {"portal": f"p{number:04}", "object": record, "high_water_at": now, "last_pulled_at": now}


def _companies(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {
            "portal": LARGE,
            "id": _company_id(number),
            "crm_id": f"001{number:015}",
            "name": f"Company {number}",
            "status": "active" if number % 50 else "inactive",
            "account_type": _account_type(number),
            "account_owner_email": f"Owner{number % 300}@vendor.test" if number % 3 == 0 else None,
            "attributes": {},
            "second_partner_values": [],
            "crm_modified_at": now - timedelta(seconds=count - number),
            "portal_id_written_at": now,
        }


def _account_type(number: int) -> AccountType:
    if number == _VENDOR:
        return AccountType.VENDOR
    return AccountType.SECOND_PARTNER if number % 10 == 0 else AccountType.PARTNER


def _company_id(number: int) -> str:
    return f"{number * 2654435761 % 2**32:08x}-{number:08}"  # scattered, as the real ones are


def _notices(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        seen_at = now + timedelta(milliseconds=number * 7919 % count)
        yield {
            "portal": LARGE,
            "object": "company",
            "crm_id": f"001{number:015}",
            "first_seen_at": seen_at,
            "last_seen_at": seen_at,
            "count": 1,
        }


def _owed(count: int, now: datetime) -> Iterator[Row]:
    for number in range(count):
        yield {
            "portal": LARGE,
            "object": "deal",
            "record_id": _company_id(number),
            "state": "ready",
            "generation": 1,
            "due_at": now - timedelta(seconds=number % 2),  # two commits owe them all
            "cause_run": "r1",
        }


def _contracts(company_count: int, now: datetime) -> Iterator[Row]:
    for number in range(company_count):
        second = number * 10 % company_count
        yield {
            "portal": LARGE,
            "company_id": _company_id(number),
            "value": f"Company {second}",
            "resolved_id": _company_id(second),
            "how": "name",
            "since_at": now,
            "run_id": "r1",
        }


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


LOOKS: dict[str, tuple[str, Look]] = {
    "tick": ("", lambda tx: (standings(tx), runs.is_any_left(tx))),
    "vendor": (LARGE, companies.vendor),
    "ids_by_account_owner": (LARGE, lambda tx: companies.ids_by_account_owner(tx, "owner3@VENDOR.test")),
    "active_count": (LARGE, lambda tx: companies.active_count(tx, ENOUGH_COUNT)),
    "pair_count": (LARGE, lambda tx: associations.pair_count(tx, ENOUGH_COUNT)),
    "notices_oldest": (LARGE, lambda tx: notices.oldest(tx, "company", CLAIM_COUNT)),
    "notices_counts": (LARGE, notices.counts),
    "outbox_due": (LARGE, lambda tx: outbox.due(tx, CLAIM_COUNT)),
    "outbox_has_due": (LARGE, outbox.has_due),
    "patch_backs_is_due": (LARGE, patch_backs.is_due),
}
"""Name → whose, and what is asked."""


def measure(store: Store) -> dict[str, float]:
    """**Units** milliseconds, the median."""
    found = {f"{name}_ms": _median_ms(store, portal, look) for name, (portal, look) in LOOKS.items()}
    claims = [_claim_ms(store, number) for number in range(TRIES)]
    return {**found, "outbox_claim_ms": round(statistics.median(claims), 2)}


def _median_ms(store: Store, portal: str, look: Look) -> float:
    times_ms = []
    for _ in range(TRIES + 1):
        with store.reading(portal) as tx:
            begun_s = time.perf_counter()
            look(tx)
            times_ms.append((time.perf_counter() - begun_s) * 1000)
    return round(statistics.median(times_ms[1:]), 2)


def _claim_ms(store: Store, number: int) -> float:
    begun_s = time.perf_counter()
    with store.side_transaction(LARGE) as tx:
        outbox.claim(tx, state="ready", limit=CLAIM_COUNT, token=f"t{number}", until_at=tx.now + timedelta(minutes=1))
    return (time.perf_counter() - begun_s) * 1000


def run(databases: Sequence[str], portal_count: int, company_count: int, owed_count: int) -> dict[str, Any]:
    found: dict[str, Any] = {"portals": portal_count, "companies": company_count, "owed": owed_count, "goals": GOALS}
    for name in databases:
        with DATABASES[name]() as fresh, fresh() as database:
            found[name] = _measured(database, portal_count, company_count, owed_count)
    return {**found, "load_average": round(os.getloadavg()[0], 2)}


def _measured(database: Database, portal_count: int, company_count: int, owed_count: int) -> dict[str, float]:
    with closing(Store(database.url, clock=Services().clock)) as store:
        upgrade(store)
        fill(store, portal_count, company_count, owed_count)
        return measure(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portals", type=int, default=1_000)
    parser.add_argument("--companies", type=int, default=200_000)
    parser.add_argument("--owed", type=int, default=100_000, help="notices, and as many writes")
    parser.add_argument("--database", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    wish = parser.parse_args()
    logs.set_up(level=30)
    found = run(wish.database, wish.portals, wish.companies, wish.owed)
    print(json.dumps(found, indent=1))
    if wish.out:
        wish.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
