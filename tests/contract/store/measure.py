"""What the statements of a first load cost: `python -m tests.contract.store.measure [rows]`. CPU of this process, and wall-clock."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.store.associations import associations
from sync_worker.store.core import companies, portals
from sync_worker.store.core.engine import Store, Tx
from tests.servers import MONDAY, Clock, Unavailable, postgresql, sqlite_store

PAGE = 2000  # Salesforce's largest


def main() -> None:
    row_count = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    with tempfile.TemporaryDirectory() as folder, closing(sqlite_store(Path(folder))) as store:
        measure("sqlite", store, row_count)
    try:
        with postgresql() as server, server.database() as url, closing(Store(url, clock=Clock())) as store:
            measure("postgresql", store, row_count)
    except Unavailable as reason:
        print(reason)


def measure(name: str, store: Store, row_count: int) -> None:
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
    rows = [_company(number) for number in range(row_count)]
    contracts = [_contract(row.company.id) for row in rows]
    steps: dict[str, Callable[[Tx, Sequence[int]], object]] = {
        "companies.by_crm_ids, none known": lambda tx, page: companies.by_crm_ids(tx, [rows[i].company.crm_id or "" for i in page]),
        "companies.save, new": lambda tx, page: companies.save(tx, [rows[i] for i in page]),
        "companies.save, known": lambda tx, page: companies.save(tx, [rows[i] for i in page]),
        "companies.by_crm_ids, all known": lambda tx, page: companies.by_crm_ids(tx, [rows[i].company.crm_id or "" for i in page]),
        "associations.save": lambda tx, page: associations.save(tx, [contracts[i] for i in page]),
        "associations.bindings": lambda tx, page: associations.bindings(tx, [rows[i].company.id for i in page]),
        "companies.mark_patched": lambda tx, page: companies.mark_patched(tx, [rows[i].company.id for i in page]),
    }
    for step, act in steps.items():
        with _clocked(f"{name:<11}{step:<34}", row_count):
            for start in range(0, row_count, PAGE):
                with store.transaction("acme") as tx:
                    act(tx, range(start, min(start + PAGE, row_count)))


@contextmanager
def _clocked(what: str, row_count: int) -> Iterator[None]:
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{what} {cpu / row_count * 1e6:6.1f} µs CPU a row  {wall / row_count * 1e6:6.1f} µs wall")


def _company(number: int) -> StoredCompany:
    company = Company(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
        crm_id=f"001{number:015d}",
        name=f"Company {number}",
        status=PortalStatus.ACTIVE,
        account_type=AccountType.PARTNER,
        account_owner_email="owner@example.com",
        attributes={"region": "EMEA", "country": "DE", "tier": "Gold"},
        second_partner_values=("North", "South"),
    )
    return StoredCompany(company, MONDAY)


def _contract(company_id: str) -> associations.ContractRow:
    return associations.ContractRow(company_id, Binding("North", company_id, "name"), MONDAY, "run")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
