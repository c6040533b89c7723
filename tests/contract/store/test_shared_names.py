"""What several companies of one name are called by, on each database."""

from __future__ import annotations

import pytest

from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from tests.contract.store.samples import company


def test_all_companies_of_a_name_are_meant_and_a_deleted_one_only_where_no_other_is(store: Store) -> None:
    with store.transaction("acme") as tx:
        gone = [company("c3", crm_id="003", name="Old", is_deleted=True), company("c5", crm_id="005", name="Gone", is_deleted=True)]
        twins = [company("c1", crm_id="001", name="Twin"), company("c2", crm_id="002", name="Twin")]
        companies.save(tx, [*twins, *gone, company("c4", crm_id="004", name="Old")])
        called = {name: [one.id for one in companies.called(tx, name)] for name in ("Twin", "002", "Old", "Gone", "Nobody")}
    assert called == {"Twin": ["c1", "c2"], "002": ["c2"], "Old": ["c4"], "Gone": ["c5"], "Nobody": []}


@pytest.mark.parametrize("name", ["Zo\u00eb Ltd", "ZO\u00cb  LTD", " zoe\u0308\u00a0ltd"])
def test_names_that_differ_by_case_or_spaces_are_one_name(store: Store, name: str) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company("c1", crm_id="001", name="Zo\u00eb Ltd"), company("c2", crm_id="002", name="Zoe Ltd")])
        assert [one.id for one in companies.namesakes(tx, name)] == ["c1"]
