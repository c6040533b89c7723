"""A copy of one portal: every row of it and of no other, twice; what work on it changed is what differs."""

from __future__ import annotations

from sync_worker.store.associations import associations
from sync_worker.store.associations.tables import contract_values
from sync_worker.store.core import companies, cursors
from sync_worker.store.core.engine import Store
from sync_worker.store.core.tables import companies as companies_table
from sync_worker.store.operate.copies import NEEDLESS, copied
from sync_worker.store.sync import patch_backs
from tests.contract.store.samples import company
from tests.contract.store.test_tenants import everything, fill
from tests.servers import Clock


def test_a_copy_holds_every_row_of_the_portal_and_none_of_another(store: Store) -> None:
    fill(store, "acme")
    fill(store, "globex")
    with store.side_transaction("acme") as tx:  # a claim stays behind, as a lease does
        patch_backs.let_go(tx, ["c1", "c2", "c3"], "p")
    here = {table: rows for table, rows in everything(store, "acme").items() if table not in (*NEEDLESS, "cursors")}
    with copied(store, "acme", clock=Clock()) as copy:
        for side in (copy.before, copy.after):
            assert here.items() <= everything(side, "acme").items()
            assert not any(everything(side, "globex").values())
    assert everything(store, "acme")["runs"] != []


def test_nobody_reads_in_a_copy(store: Store) -> None:
    fill(store, "acme")
    with copied(store, "acme", clock=Clock()) as copy, copy.after.side_transaction("acme") as tx:
        assert cursors.acquire(tx, "company", "somebody else") is not None


def test_what_differs_is_what_was_made_changed_or_taken_away_in_the_columns_asked_for(store: Store) -> None:
    fill(store, "acme")
    with copied(store, "acme", clock=Clock()) as copy:
        assert list(copy.differing(companies_table, "name", "status", "attributes", "deleted_at")) == []
        with copy.after.transaction("acme") as tx:
            companies.save(tx, [company(name="Other"), company("c9", crm_id="009")])
            associations.remove(tx, [("c1", "North")])
        assert sorted(copy.differing(companies_table, "name")) == [("c1",), ("c9",)]
        assert sorted(copy.differing(companies_table, "account_type")) == [("c9",)]
        assert list(copy.differing(contract_values, "resolved_id")) == [("c1", "North")]
