"""Names that look the same are found by an index on each database."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import event

from sync_worker.domain.associations.association import Binding
from sync_worker.store.associations import associations
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from tests.contract.store.samples import company, contract
from tests.servers import sqlite_store

COMPOSED, DECOMPOSED, NO_BREAK = "Zo\u00eb Ltd", "Zoe\u0308 Ltd", "Zo\u00eb\u00a0Ltd"


def test_companies_are_found_by_what_their_names_look_like(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company("c1", crm_id="1", name=NO_BREAK), company("c2", crm_id="2", name="Other")])
        named = companies.by_names(tx, [DECOMPOSED])
        assert {name: [one.id for one in found] for name, found in named.alike.items()} == {COMPOSED: ["c1"]}
        assert named.exact == {}
        assert [one and one.id for one in (companies.find(tx, COMPOSED), companies.find(tx, "Zoe Ltd"))] == ["c1", None]
        # and after a rename only by the new name
        companies.save(tx, [company("c1", crm_id="1", name="Plain")])
        assert companies.by_names(tx, [COMPOSED]).alike == {}


def test_contract_values_are_found_by_what_they_look_like(store: Store) -> None:
    with store.transaction("acme") as tx:
        waiting, plain = contract("c1", NO_BREAK, None), contract("c2", COMPOSED, None)
        by_person = contract("c3", DECOMPOSED)
        by_person.binding = Binding(DECOMPOSED, "c9", "person")
        associations.save(tx, [waiting, plain, by_person])
        assert associations.unbound_values(tx, [DECOMPOSED]) == sorted([NO_BREAK, COMPOSED])
        assert associations.by_person(tx, [COMPOSED]) == {DECOMPOSED: by_person.binding}
        assert [row.company_id for row in associations.holding(tx, COMPOSED)] == ["c2"]
        assert associations.holding(tx, "Zo\u00eb  Ltd") == []  # three spellings look so: which one is meant, nobody knows


def test_no_look_up_by_name_walks_the_table(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []
    with closing(sqlite_store(tmp_path)) as store, store.transaction("acme") as tx:

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        event.listen(tx.connection, "before_cursor_execute", note)
        companies.by_names(tx, [COMPOSED])
        companies.find(tx, COMPOSED)
        associations.unbound_values(tx, [COMPOSED])
        associations.by_person(tx, [COMPOSED])
        associations.carriers(tx, ["c1"])
        associations.bound_by_name(tx, "c1")
        event.remove(tx.connection, "before_cursor_execute", note)
        plans = [row[-1] for statement, given in asked for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
    tables = [plan for plan in plans if "companies" in plan or "contract_values" in plan]
    assert tables
    assert all("SEARCH" in plan and "(portal=?)" not in plan for plan in tables), tables
