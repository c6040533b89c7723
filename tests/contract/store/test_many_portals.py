"""A tick looks at every portal, and a request at one that is large: no look reads the rows of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.link import Link
from sync_worker.store.associations import associations
from sync_worker.store.associations.associations import ContractRow
from sync_worker.store.core import companies, cursors, failures, portals
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.failures import Failure
from sync_worker.store.deals import links
from sync_worker.store.operate.due import standings
from sync_worker.store.sync import notices, outbox, own_stamps, patch_backs, spread
from tests.servers import Clock, sqlite_store

PORTALS = [f"p{number:02}" for number in range(40)]
LARGE, OWED_COUNT = PORTALS[0], 4_000


@pytest.fixture
def crowded(store: Store) -> Store:
    """Forty portals; one of them holds all notices, all that is owed, and all companies."""
    for portal in PORTALS:
        with store.transaction(portal) as tx:
            portals.enter(tx, "contracts")
            cursors.acquire(tx, "company", "t")
    with store.transaction(LARGE) as tx:
        notices.add(tx, "company", [f"{number:05}" for number in range(OWED_COUNT)])
        outbox.owe(tx, "deal", [f"d{number:05}" for number in range(OWED_COUNT)], "r1")
        companies.save(tx, [StoredCompany(_company(number), tx.now, is_patched=True) for number in range(OWED_COUNT)])
    with store.schema(writes=True) as connection:
        connection.execute(text("ANALYZE"))
    return store


def _company(number: int) -> Company:
    kind = AccountType.VENDOR if number == OWED_COUNT // 2 else AccountType.PARTNER
    owner = f"Owner{number}@Vendor.test" if number % 2 else None
    return Company(f"c{number:05}", f"{number:05}", f"Company {number}", PortalStatus.ACTIVE, kind, account_owner_email=owner)


LOOKS: dict[str, tuple[str, Callable[[Tx], object]]] = {
    "every portal": ("", standings),
    "what is owed, of a portal that owes nothing": (PORTALS[1], outbox.has_due),
    "the oldest notices": (LARGE, lambda tx: notices.oldest(tx, "company", 10)),
    "what is due first": (LARGE, lambda tx: outbox.due(tx, 10)),
    "the vendor's company": (LARGE, companies.vendor),
    "an account owner's companies": (LARGE, lambda tx: companies.ids_by_account_owner(tx, "OWNER7@vendor.test")),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_reads_no_more_rows_than_it_needs(crowded: Store, name: str) -> None:
    # Given a portal that holds nearly all there is; when one look is taken
    portal, look = LOOKS[name]
    with crowded.reading(portal) as tx:
        with statements(tx) as asked:
            assert look(tx) is not None
        plans = [_plan(tx, statement, given) for statement, given in asked]
    # Then no statement of it walks a table that is large, and none sorts what it has found
    large = ("notices", "outbox", "companies")
    assert not [line for plan in plans for line in plan for table in large if line.startswith((f"SCAN {table}", f"Seq Scan on {table}"))]
    assert not [line for plan in plans for line in plan if line.startswith(("USE TEMP B-TREE FOR ORDER", "Sort Method: external"))]


WRITES: dict[str, Callable[[Tx], object]] = {
    "the stamps of our own writes": lambda tx: own_stamps.keep(tx, "company", {"00001": tx.now, "00002": None}),
    "the digests of records": lambda tx: companies.learn(tx, {"c00001": 1, "c00002": 2}),
    "ids that stand in the CRM": lambda tx: companies.mark_patched(tx, ["c00001", "c00002"]),
    "ids that are owed to the CRM": lambda tx: companies.owe_ids(tx, ["c00001", "c00002"]),
    "what may be written beside what is in flight": lambda tx: outbox.beside(tx, 2),
    "calls that begin": lambda tx: outbox.begin(tx, "deal", ["d00001", "d00002"], "t"),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_of_some_records_looks_each_of_them_up(tmp_path: Path, name: str) -> None:
    # Given a SQLite that knows nothing of how its rows are spread, as in a first load; when two records are written
    with closing(sqlite_store(tmp_path)) as store, store.transaction(LARGE) as tx:
        with statements(tx) as asked:
            WRITES[name](tx)
        plans = [_plan(tx, statement, given[0] if isinstance(given, list) else given) for statement, given in asked]
    # Then no statement of it goes through the rows of the table, or of the portal
    tables = [line for plan in plans for line in plan if any(table in line for table in ("notices", "outbox", "companies"))]
    assert tables
    assert not [line for line in tables if line.startswith("SCAN") or line.endswith("(portal=?)")]


@pytest.mark.parametrize("is_analyzed", [False, True], ids=["no statistics", "statistics"])
def test_a_claim_of_portal_ids_looks_at_each_company_of_the_batch_and_at_no_other(store: Store, is_analyzed: bool) -> None:
    # Given a large first load, which left many companies to patch and many open failures, whatever the database knows of their spread
    with store.transaction(LARGE) as tx:
        companies.save(tx, [StoredCompany(_company(number), tx.now) for number in range(OWED_COUNT)])
        failures.record(tx, [_waiting(number) for number in range(OWED_COUNT // 4)])
    if is_analyzed:
        with store.schema(writes=True) as connection:
            connection.execute(text("ANALYZE"))
    # When a worker looks whether companies are due, and claims some of them
    with store.side_transaction(LARGE) as tx:
        with statements(tx) as asked:
            assert patch_backs.is_due(tx)
            assert len(patch_backs.claim(tx, limit=20, token="t", until_at=tx.shared_now, alone_from=2)) == 20
        plans = [_plan(tx, statement, given) for statement, given in asked if statement.startswith("SELECT companies.id")]
        lines = [line for plan in plans for line in plan]
    # Then it goes along the companies to patch in their order, and looks for failures of each by its id
    assert [line for line in lines if "companies_to_patch" in line]
    assert [line for line in lines if "failures_open" in line]
    assert not [line for line in lines if "Sort" in line or "Join" in line or "Seq Scan" in line or "Bitmap" in line]
    assert not [line for line in lines if line.startswith(("SCAN", "USE TEMP B-TREE FOR ORDER"))]


ASKED = [f"{number:05}" for number in range(500)]
LISTS: dict[str, Callable[[Tx], object]] = {
    "companies by CRM id": lambda tx: companies.by_crm_ids(tx, ASKED),
    "marks by CRM id": lambda tx: companies.marks(tx, ASKED),
    "companies by id": lambda tx: companies.by_ids(tx, [f"c{number}" for number in ASKED]),
    "companies by name": lambda tx: companies.by_names(tx, [f"Company {int(number)}" for number in ASKED]),
    "contract values of companies": lambda tx: associations.bindings(tx, [f"c{number}" for number in ASKED]),
    "contract values that name no company": lambda tx: associations.unbound_values(tx, [f"Value {number}" for number in ASKED]),
    "deals by CRM id": lambda tx: links.by_crm_ids(tx, "lead", ASKED),
}


@pytest.fixture
def first_load(postgresql_url: str) -> Iterator[Store]:
    """A PostgreSQL in the middle of a first load; autovacuum, which looks once a minute, has not come yet."""
    with closing(Store(postgresql_url, clock=Clock())) as store:
        with store.transaction(LARGE) as tx:
            companies.save(tx, [StoredCompany(_company(number), tx.now) for number in range(OWED_COUNT)])
            associations.save(tx, [ContractRow(f"c{n:05}", Binding(f"Value {n:05}", None, ""), tx.now, "r1") for n in range(OWED_COUNT)])
            links.save(tx, [Link("lead", f"{number:05}", f"d{number:05}") for number in range(OWED_COUNT)])
            spread.look(tx)
        yield store


@pytest.mark.parametrize("name", LISTS)
def test_in_a_first_load_a_look_up_by_a_list_looks_each_of_it_up(first_load: Store, name: str) -> None:
    # Given PostgreSQL looked at the rows of the load's first page; when something is looked up by a list
    with first_load.reading(LARGE) as tx:
        with statements(tx) as asked:
            assert LISTS[name](tx)
        plans = [_plan(tx, statement, given) for statement, given in asked]
    # Then each of the list is looked up in an index: none goes through the portal's rows
    assert not [line for plan in plans for line in plan if line.startswith(("Filter:", "Seq Scan")) and "ANY" in line]
    assert not [line for plan in plans for line in plan if line == f"Index Cond: (portal = '{LARGE}'::text)"]


def test_what_may_be_written_beside_what_is_in_flight_is_found_without_a_join_of_all_deals(crowded: Store) -> None:
    # Given a large outbox; when the next writes are looked for
    with crowded.reading(LARGE) as tx:
        with statements(tx) as asked:
            assert len(outbox.beside(tx, 10)) == 10
        lines = [line for statement, given in asked for line in _plan(tx, statement, given)]
    # Then its rows are taken in the order in which they are due, and each one's deal is looked up
    assert not [line for line in lines if "Join" in line or line.startswith(("Sort", "SCAN outbox", "USE TEMP B-TREE FOR ORDER"))]


def test_failures_that_wait_for_a_parent_are_looked_up_by_it(store: Store) -> None:
    # Given many failures, few of which wait for the same parent; when those are asked for
    with store.transaction(LARGE) as tx:
        failures.record(tx, [_waiting(number) for number in range(OWED_COUNT // 4)])
        with statements(tx) as asked:
            assert failures.waiting_for(tx, ["parent 7"]) == [("deal", "00007")]
        lines = [line for statement, given in asked for line in _plan(tx, statement, given)]
    # Then their index is used, which holds no other failures
    assert [line for line in lines if "failures_waiting" in line]


def _waiting(number: int) -> Failure:
    """A record that waits for a parent of its own."""
    record, parent = f"{number:05}", f"parent {number}"
    return Failure(record, "failure", "deal", record, "ingest", "waiting_for_parent", "its company is not here yet", "r1", waits_for=parent)


@contextmanager
def statements(tx: Tx) -> Iterator[list[tuple[str, Any]]]:
    """What is asked inside."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(tx.connection, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(tx.connection, "before_cursor_execute", note)


def _plan(tx: Tx, statement: str, given: Any) -> list[str]:
    """How the database comes to the answer, a step a line."""
    explain = "EXPLAIN" if tx.is_postgresql else "EXPLAIN QUERY PLAN"
    return [str(row[-1]).strip().removeprefix("->").strip() for row in tx.connection.exec_driver_sql(f"{explain} {statement}", given)]
