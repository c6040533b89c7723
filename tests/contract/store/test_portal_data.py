"""What the portal holds: companies, contracts, deals and their links. What was saved is what is read, in the order that was promised."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from sync_worker.domain.associations.association import Binding
from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.store.associations import associations
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.deals import deals, links
from tests.contract.store.samples import change, company, contract, deal, link
from tests.servers import MONDAY, Clock, sqlite_store

# ── companies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_company_comes_back_as_it_was_saved(store: Store) -> None:
    stored = company()
    deleted = company("c2", crm_id=None, is_deleted=True, attributes={}, second_partner_values=(), account_owner_email=None)
    with store.transaction("acme") as tx:
        companies.save(tx, [])
        companies.save(tx, [stored, deleted])
        assert companies.by_crm_ids(tx, ["001", "002"]) == {"001": stored}
        assert companies.by_ids(tx, ["c2", "c3"]) == {"c2": deleted.company}
        assert companies.ids_by_crm_id(tx, ["001", "002"]) == {"001": "c1"}
        assert companies.crm_ids_by_id(tx, ["c1", "c2"]) == {"c1": "001"}


def test_a_saved_company_replaces_the_old_one_but_not_the_mark_of_its_patch_back(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company(), company("c2", crm_id="002")])
        companies.mark_patched(tx, [])
        companies.mark_patched(tx, ["c1"])
        companies.save(tx, [company("c2", crm_id="002", name="New two"), company(name="New one")])
        found = companies.by_crm_ids(tx, ["001", "002"])
    assert {crm_id: (stored.company.name, stored.is_patched) for crm_id, stored in found.items()} == {
        "001": ("New one", True),
        "002": ("New two", False),
    }


def test_a_company_is_found_by_our_id_its_crm_id_or_a_name_only_it_has(store: Store) -> None:
    with store.transaction("acme") as tx:
        twins = [company("c2", crm_id="002", name="Twin"), company("c3", crm_id="003", name="Twin")]
        companies.save(tx, [company(), *twins])
        found = [companies.find(tx, reference) for reference in ("c1", "001", "Acme", "acme", "Twin", "")]
        assert [one and one.id for one in found] == ["c1", "c1", "c1", None, None, None]
        assert companies.by_names(tx, ["Twin", "Acme", "Nobody"]).exact == {
            "Twin": [twin.company for twin in twins],
            "Acme": [company().company],
        }


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(["Acme", "acme", "Ärzte", "Zeta", "a b"]), max_size=12), limit=st.integers(1, 5))
def test_paging_shows_every_company_once_whatever_they_are_called(store: Store, names: list[str], limit: int) -> None:
    portal = f"p{hash((tuple(names), limit))}"
    with store.transaction(portal) as tx:
        companies.save(tx, [company(f"c{number:02}", crm_id=str(number), name=name) for number, name in enumerate(names)])
        seen: list[str] = []
        after = ("", "")
        while page := companies.listed(tx, after=after, limit=limit):
            seen += [stored.company.id for stored in page]
            after = (page[-1].company.name, page[-1].company.id)
    assert sorted(seen) == [f"c{number:02}" for number in range(len(names))]


def test_the_vendor_and_the_counts_of_active_companies(store: Store) -> None:
    with store.transaction("acme") as tx:
        assert companies.vendor(tx) is None
        vendor = company("c2", crm_id="002", account_type=AccountType.VENDOR)
        companies.save(tx, [company(), vendor, company("c3", crm_id="003", status=PortalStatus.INACTIVE)])
        assert companies.vendor(tx) == vendor.company
        assert companies.count_by_type(tx) == {"partner": 1, "vendor": 1}


def test_one_crm_record_is_one_company(store: Store) -> None:
    with store.transaction("acme") as tx:
        companies.save(tx, [company()])
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        companies.save(tx, [company("c2")])


# ── contracts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_contract_values_come_back_by_company_and_by_value(store: Store) -> None:
    rows = [contract(), contract("c1", "South", None), contract("c3", "North", "c2", since_at=MONDAY - timedelta(days=1))]
    with store.transaction("acme") as tx:
        associations.save(tx, [])
        associations.save(tx, rows)
        assert associations.bindings(tx, ["c1", "c9"]) == {"c1": {"North": rows[0], "South": rows[1]}}
        assert associations.listed(tx) == rows
        assert associations.involving(tx, "c2") == [rows[0], rows[2]]
        assert associations.involving(tx, "c1") == rows[:2]
        assert associations.bound_by_name(tx, "c2") == [rows[0], rows[2]]
        assert associations.counts(tx) == (2, 1)
        assert associations.unbound_values(tx, ["North", "South", "West"]) == ["South"]


def test_the_contract_values_of_a_company_are_looked_up_on_either_side(tmp_path: Path) -> None:
    # Given SQLite, which walks a whole table rather than sort what an index finds
    asked: list[tuple[str, Any]] = []
    with closing(sqlite_store(tmp_path)) as store, store.transaction("acme") as tx:

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        event.listen(tx.connection, "before_cursor_execute", note)
        # When they are asked for
        associations.involving(tx, "c1")
        event.remove(tx.connection, "before_cursor_execute", note)
        # Then each look-up names the company to an index
        plans = [str(tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()) for statement, given in asked]
    assert ["company_id=?" in plans[0], "resolved_id=?" in plans[1]] == [True, True]


def test_contract_values_are_replaced_removed_and_bound_to_a_survivor(store: Store) -> None:
    with store.transaction("acme") as tx:
        associations.save(tx, [contract(), contract("c1", "South", None), contract("c3")])
        associations.save(tx, [contract("c1", "North", "c7")])
        associations.rebind(tx, "c2", "c8")
        associations.remove(tx, [])
        associations.remove(tx, [("c1", "South"), ("c9", "none")])
        assert [(row.company_id, row.binding.value, row.binding.company_id) for row in associations.listed(tx)] == [
            ("c1", "North", "c7"),
            ("c3", "North", "c8"),
        ]


def test_a_value_is_bound_wherever_it_named_nobody_and_nowhere_else(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        kept = contract("c1", "North", "c2")
        associations.save(tx, [kept, contract("c3", "North", None), contract("c3", "South", None)])
    clock.forward(hours=1)
    with store.transaction("acme") as tx:
        binding = Binding("North", "c9", "name")
        associations.bind_everywhere(tx, [binding], "r2")
        healed = associations.ContractRow("c3", binding, clock.now, "r2")
        assert associations.listed(tx) == [kept, healed, contract("c3", "South", None)]


# ── deals ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_comes_back_as_it_was_saved_with_columns_and_attributes(store: Store, clock: Clock) -> None:
    stored = deal(tags=("a", "b"), cleared=None, amount=Decimal("10.00"))
    with store.transaction("acme") as tx:
        deals.save(tx, [])
        deals.save(tx, [stored])
        found = deals.get(tx, "d1")
        assert deals.by_ids(tx, ["d1", "d9"]) == {"d1": found}
        assert deals.get(tx, "d9") is None
    assert found is not None
    assert {name: value for name, value in found.deal.values.items() if value is not None} == {
        name: value for name, value in stored.deal.values.items() if value is not None
    }
    assert "cleared" in found.deal.values
    assert str(found.deal.values["amount"]) == "10.00"
    assert (found.version, found.created_at, found.updated_at) == (1, MONDAY, clock.now)


def test_a_saved_deal_keeps_the_day_it_was_made(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, [deal()])
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        deals.save(tx, [StoredDeal(Deal("d1", {"name": "New"}), 2, clock.now, clock.now)])
        found = deals.get(tx, "d1")
    assert found is not None
    assert (found.version, found.created_at, found.updated_at) == (2, MONDAY, clock.now)
    assert (found.deal.values["name"], found.deal.values["amount"]) == ("New", None)


def test_deals_are_listed_latest_first_and_found_by_either_company(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, [deal("d1"), deal("d2", owner_company="c2", second_partner=None, lifecycle="won")])
    clock.forward(seconds=1)
    with store.transaction("acme") as tx:
        deals.save(tx, [deal("d3", owner_company="c5", second_partner="c6")])
        assert [stored.deal.id for stored in deals.listed(tx)] == ["d3", "d1", "d2"]
        assert [stored.deal.id for stored in deals.listed(tx, limit=1)] == ["d3"]
        assert [stored.deal.id for stored in deals.naming(tx, "c2")] == ["d1", "d2"]
        assert deals.count_by_lifecycle(tx) == {"submitted": 2, "won": 1}


def test_deals_of_a_company_that_lost_a_merge_move_to_the_survivor(store: Store) -> None:
    with store.transaction("acme") as tx:
        deals.save(
            tx, [deal("d1"), deal("d2", owner_company="c2", second_partner=None), deal("d3", owner_company="c5", second_partner="c6")]
        )
        deals.move_company(tx, "c2", "c9")
        found = deals.by_ids(tx, ["d1", "d2", "d3"])
        history = [row for deal_id in found for row in deals.history(tx, deal_id)]
    companies_of = {id_: (stored.deal.owner_company, stored.deal.second_partner, stored.version) for id_, stored in found.items()}
    assert companies_of == {"d1": ("c1", "c9", 2), "d2": ("c9", None, 2), "d3": ("c5", "c6", 1)}
    # and each version it made has its history
    changed = [tuple(row[name] for name in ("deal_id", "version", "field", "side", "actor", "old", "new")) for row in history]
    assert sorted(changed) == [("d1", 2, "second_partner", "crm", "CRM", "c2", "c9"), ("d2", 2, "owner_company", "crm", "CRM", "c2", "c9")]
    assert {row["note"] for row in history} == {"its company lost a merge in the CRM"}


def test_history_is_kept_in_order_and_never_rewritten(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        deals.record_changes(tx, [])
        deals.record_changes(tx, [change(version=1, field="", old=None, new={"amount": Decimal("1.50"), "tags": ("a",)}, side="crm")])
    clock.forward(minutes=5)
    with store.transaction("acme") as tx:
        deals.record_changes(
            tx,
            [change(version=2, field="expires_on", old=None, new=date(2026, 1, 31)), change(version=2, field="name", new=True, note="why")],
        )
        rows = deals.history(tx, "d1")
    assert [(row["version"], row["field"], row["old"], row["new"], row["note"]) for row in rows] == [
        (1, "", None, {"amount": "1.50", "tags": ["a"]}, ""),
        (2, "expires_on", None, "2026-01-31", ""),
        (2, "name", "1", True, "why"),
    ]
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        deals.record_changes(tx, [change(version=2, field="name")])


def test_when_the_portal_last_edited_a_field(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        deals.record_changes(tx, [change(version=1), change(version=1, field="name", side="crm")])
    later = clock.forward(minutes=5)
    with store.transaction("acme") as tx:
        deals.record_changes(tx, [change(version=2), change("d2", 1, "stage")])
        assert deals.edited_at(tx, ["d1", "d2", "d3"]) == {"d1": {"amount": later}, "d2": {"stage": later}}


# ── links and aliases ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_comes_back_as_it_was_saved(store: Store) -> None:
    old = link(is_current=False, crm_modified_at=MONDAY, settled_no=7, deleted_at=MONDAY)
    new = link("006", object_="opportunity")
    with store.transaction("acme") as tx:
        links.save(tx, [])
        links.save(tx, [old, new])
        assert links.by_crm_ids(tx, "lead", ["00Q1", "006"]) == {"00Q1": old}
        assert links.current(tx, ["d1", "d2"]) == {"d1": new}


def test_what_was_written_is_added_to_a_base_and_changes_nothing_else_of_its_link(store: Store) -> None:
    # Given a link that was superseded, and knows an amount and a stage
    before = link(is_current=False, crm_modified_at=MONDAY, settled_no=3, base={"amount": Base("1", 1.0), "stage": Base("Won", "Closed")})
    written = {"amount": Base(None, None, is_awaited=True), "crm": Base(["a"], {"x": None})}
    with store.transaction("acme") as tx:
        links.save(tx, [before])
        # When the CRM took other fields, of it and of a record nobody knew
        links.agree(tx, [link(base=written, settled_no=9), link("00Q2", "d2", base=written, settled_no=9)])
        links.agree(tx, [])
        # Then the one learned them, and the other is there
        known = replace(before, base={"stage": Base("Won", "Closed"), **written}, settled_no=9)
        assert links.by_crm_ids(tx, "lead", ["00Q1"]) == {"00Q1": known}
        assert links.current(tx, ["d2"]) == {"d2": link("00Q2", "d2", base=written, settled_no=9)}


def test_live_records_of_deals_between_two_companies_are_found_by_either_side_each_once(store: Store) -> None:
    # Given deals of one owner: with a second partner, without one, won, with a record in the bin, with a record that was left
    with store.transaction("acme") as tx:
        deals.save(tx, [deal("d1"), deal("d2", second_partner=None), deal("d3", lifecycle="won"), deal("d4"), deal("d5")])
        deals.save(tx, [deal("d6", owner_company="c3", second_partner="c4")])
        links.save(tx, [link(f"00Q{number}", f"d{number}") for number in (1, 2, 3, 6)])
        links.save(tx, [link("00Q4", "d4", deleted_at=MONDAY), link("00Q5", "d5", is_current=False)])
        # When they are asked for by the owner, the second partner, or both
        found = [links.of_pairs(tx, ids, but=["won"]) for ids in (["c1"], ["c2"], ["c1", "c2"], ["c9"])]
    # Then the one that counts is found each time
    assert found == [[("lead", "00Q1", "c1", "c2")]] * 3 + [[]]


@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("b", "a")])
def test_the_current_record_changes_in_one_save_whatever_the_ids(store: Store, old: str, new: str) -> None:
    with store.transaction("acme") as tx:
        links.save(tx, [link(old)])
        links.save(tx, [link(new), link(old, is_current=False)])
        assert links.current(tx, ["d1"]) == {"d1": link(new)}


def test_a_deal_has_one_current_record(store: Store) -> None:
    with pytest.raises(StatementRefused), store.transaction("acme") as tx:
        links.save(tx, [link("a"), link("b")])


def test_a_chain_of_merges_is_followed_to_its_end_and_a_loop_is_left(store: Store) -> None:
    with store.transaction("acme") as tx:
        for old, new in (("a", "b"), ("b", "c"), ("c", "d"), ("x", "x"), ("p", "q"), ("q", "p")):
            links.add_aliases(tx, "company", {old: new})
        assert links.survivors(tx, "company", ["a", "c", "z"]).items() >= {"a": "d", "c": "d"}.items()
        assert "z" not in links.survivors(tx, "company", ["z"])
        assert links.survivors(tx, "deal", ["a"]) == {}
        assert links.survivors(tx, "company", []) == {}
        assert links.survivors(tx, "company", ["x"])["x"] == "x"
        assert set(links.survivors(tx, "company", ["p"])) == {"p", "q"}
        links.add_aliases(tx, "company", {"c": "e"})
        assert links.survivors(tx, "company", ["a"])["a"] == "e"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"), max_size=7), asked=st.sets(st.sampled_from("abcdefg")))
def test_survivors_of_any_tangle_end_and_are_those_of_following_step_by_step(store: Store, steps: dict[str, str], asked: set[str]) -> None:
    object_ = f"company {sorted(steps.items())}"
    with store.transaction("acme") as tx:
        for old, new in steps.items():
            links.add_aliases(tx, object_, {old: new})
        found = links.survivors(tx, object_, asked)
    for start in asked & steps.keys():
        seen, here = {start}, start
        while (following := steps.get(here)) and following not in seen:
            here = following
            seen.add(here)
        assert found[start] == here
    assert not found.keys() & (asked - steps.keys())
