"""A page of deals' records is judged: one ruling a record, in order, each in the light of those before it. No database is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Deal, Lifecycle
from sync_worker.domain.core.link import CONVERSION, CONVERTED, KEY, Home, Link
from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, tally
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.sync.ingest.backfill import Part
from sync_worker.domain.sync.ingest.deals.change import DealChange, DealRuling, HeldDeals
from sync_worker.domain.sync.ingest.deals.fill import DealFill, judge_filled_deals
from sync_worker.domain.sync.ingest.deals.page import judge_deals
from sync_worker.domain.sync.ingest.deals.record import DealRecord, DealSides
from tests.unit.domain.stage import COMPANIES, POLICY, TODAY, submitted

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULES = {
    "name": FieldRule("name", direction="both"),
    "amount": FieldRule("amount", direction="both", conflict="newest"),
    "owner_company": FieldRule("owner_company", direction="both"),
    "second_partner": FieldRule("second_partner", direction="both"),
}
SIDES = DealSides(POLICY, {"1": "acme", "2": "arrow"}, known=COMPANIES, pairs=frozenset({("acme", "arrow")}))
MADE_HERE = "0b1f6f0e-2a53-4c3e-9d57-7e0a6f5c1b2d"


def record(crm_id: str = "006A", **given: Any) -> DealRecord:
    values = {"name": "Deal", "owner_company": "1", "second_partner": "2", **given.pop("values", {})}
    settings = {"key": "d1", "name": "Deal", "new_id": f"new-{crm_id}", "spellings": dict(values), "names_owner": True, **given}
    return DealRecord("Opportunity", crm_id, AT, TODAY, values=values, **settings)


def gone(crm_id: str = "006A", **given: Any) -> DealRecord:
    return DealRecord("Opportunity", crm_id, AT, TODAY, name=crm_id, is_deleted=True, **given)


def link(crm_id: str = "006A", **given: Any) -> Link:
    base = {"name": Base("Deal", "Deal"), "owner_company": Base("acme", "1"), "second_partner": Base("arrow", "2"), KEY: Base(None, "d1")}
    return Link("opportunity", crm_id, "d1", base={**base, **given.pop("base", {})}, crm_modified_at=AT, **given)


def stored(deal: Deal | None = None) -> StoredDeal:
    return StoredDeal(deal or submitted(), 1, AT, AT)


def held(*links: Link, **given: Any) -> HeldDeals:
    settings: dict[str, Any] = {"deals": {"d1": stored()}, "rules": RULES, "companies": SIDES, **given}
    return HeldDeals(
        "opportunity", "Portal_Id__c", policy=POLICY, now=AT, today=TODAY, links={one.crm_id: one for one in links}, **settings
    )


def only(one: DealRecord, holding: HeldDeals) -> DealRuling:
    (ruling,) = judge_deals([one], holding)
    return ruling


def change_of(ruling: DealRuling) -> DealChange:
    assert ruling.change is not None
    return ruling.change


# ── records whose deal is known ──────────────────────────────────────────────────────────────────────────────────────


def test_a_record_as_it_was_changes_nothing() -> None:
    ruling = only(record(), held(link()))
    assert (ruling.outcome, ruling.problems) == (UNCHANGED, ())
    assert [edit.history for edit in change_of(ruling).edits] == [()]
    assert change_of(ruling).links == ()


def test_a_change_in_the_crm_is_a_new_version_with_its_history() -> None:
    change = change_of(only(record(values={"name": "Bigger deal"}), held(link())))
    (edit,) = change.edits
    assert (edit.deal.values["name"], edit.stored.version) == ("Bigger deal", 2)
    assert [(one.field, one.side, one.old, one.new) for one in edit.history] == [("name", "crm", "Deal", "Bigger deal")]
    assert change.links[0].base["name"] == Base("Bigger deal", "Bigger deal")


def test_a_record_that_is_back_is_owed_what_the_portal_has_changed_meanwhile() -> None:
    ruling = only(record(), held(link(deleted_at=AT), deals={"d1": stored(submitted(name="New here"))}))
    assert ruling.outcome == APPLIED
    assert change_of(ruling).is_owed


def test_a_record_that_was_read_before_our_own_write_is_read_again() -> None:
    ruling = only(record(), held(link(settled_no=3), read_no=2))
    assert (ruling.outcome, ruling.why, ruling.read_again) == (SKIPPED, "late", (("opportunity", "006A"),))


def test_a_record_of_an_unknown_owner_fails_and_names_whom_it_waits_for() -> None:
    ruling = only(record(values={"owner_company": "9"}), held(link()))
    assert ruling.outcome == FAILED
    assert ruling.failure is not None
    assert (ruling.failure.code, ruling.failure.waits_for) == ("waiting_for_parent", "9")


def test_an_unknown_second_partner_concerns_that_field_alone() -> None:
    ruling = only(record(values={"second_partner": "9"}), held(link()))
    assert ruling.outcome == UNCHANGED
    assert [(problem.code, problem.field) for problem in ruling.problems] == [("waiting_for_parent", "second_partner")]


def test_the_newest_edit_counts_only_once_it_was_looked_up() -> None:
    holding = held(link(base={"amount": Base("1", "1")}), deals={"d1": stored(submitted(amount="2"))})
    read = record(values={"amount": "3"})
    asked = change_of(only(read, holding))
    assert asked.asks_edits
    told = change_of(only(read, held(*holding.links.values(), deals=holding.deals, edited_at={"d1": {"amount": AT + timedelta(hours=1)}})))
    assert not told.asks_edits
    assert [edit.deal.values["amount"] for edit in told.edits] == ["2"]


# ── records that go, and records that come ───────────────────────────────────────────────────────────────────────────


def test_a_deleted_record_leaves_its_deal_here_and_says_so() -> None:
    ruling = only(gone(), held(link()))
    assert [problem.code for problem in ruling.problems] == ["deleted_in_crm"]
    assert change_of(ruling).links[0].deleted_at == AT
    assert change_of(ruling).edits == ()


def test_a_deal_goes_on_with_the_survivor_of_a_merge_on_the_same_page() -> None:
    first, second = judge_deals([gone(becomes="006B"), record("006B", values={"name": None})], held(link()))
    assert [(one.crm_id, one.is_current) for one in change_of(first).links] == [("006A", False), ("006B", True)]
    assert second.outcome == UNCHANGED
    assert change_of(second).deal_id == "d1"
    assert change_of(second).is_owed  # what is empty there was not copied


def test_a_survivor_that_has_a_deal_keeps_it() -> None:
    ruling = only(gone(becomes="006B"), held(link(), taken=frozenset({"006B"})))
    assert ruling.outcome == APPLIED
    assert ruling.problems[0].message.startswith("the record was merged into 006B")


def test_a_conversion_moves_the_link_once_and_ends_the_twin_that_began_with_the_new_record() -> None:
    twin = StoredDeal(Deal("d2", {**submitted().values}), 4, AT, AT)
    holding = held(link(), turns_into="deal", twins={"007": twin})
    change = change_of(only(record(is_converted=True, converted_to="007", converted_name="Lead Co-"), holding))
    assert [(one.object, one.crm_id, one.is_current) for one in change.links] == [("opportunity", "006A", False), ("deal", "007", True)]
    assert change.links[1].base[CONVERTED] == Base("Lead Co-", CONVERSION)
    assert [(edit.deal.id, edit.deal.lifecycle) for edit in change.edits if edit.history] == [("d2", Lifecycle.WITHDRAWN)]


def test_a_twin_that_the_first_of_two_conversions_has_ended_ends_once() -> None:
    # Given two leads that became one record, with which a deal had begun
    twin = StoredDeal(Deal("d2", {**submitted().values}), 4, AT, AT)
    other = replace(link("006B"), deal_id="d3")
    deals = {"d1": stored(), "d3": stored(Deal("d3", submitted().values))}
    holding = held(link(), other, deals=deals, turns_into="deal", twins={"007": twin})
    # When both stand on one page, then that deal is withdrawn by the first
    first, second = judge_deals([record(one, is_converted=True, converted_to="007") for one in ("006A", "006B")], holding)
    assert [edit.deal.id for edit in change_of(first).edits if edit.history] == ["d2"]
    assert [edit.deal.id for edit in change_of(second).edits if edit.history] == []


def test_a_copy_that_carries_the_id_with_which_another_record_begins_is_no_second_deal() -> None:
    _, copy = judge_deals([record("006N", key=None, new_id=MADE_HERE), record("006O", key=MADE_HERE)], held())
    assert (copy.outcome, copy.why, copy.problems[0].code) == (SKIPPED, "lives_elsewhere", "key_taken")


def test_a_deal_begins_with_a_record_that_names_its_owner() -> None:
    ruling = only(record("006N", key=None), held())
    (edit,) = change_of(ruling).edits
    assert (ruling.outcome, edit.before, edit.deal.id) == (APPLIED, None, "new-006N")
    assert change_of(ruling).is_owed  # our key is to be written there


def test_a_deal_that_the_database_lost_comes_back_under_its_id_and_its_people_are_not_told_again() -> None:
    change = change_of(only(record("006N", key=MADE_HERE), held()))
    assert (change.deal_id, change.edits[0].is_known) == (MADE_HERE, True)
    assert [one.problem.code for one in change.standing] == ["came_back"]


def test_a_copy_of_a_record_is_no_second_deal() -> None:
    ruling = only(record("006C"), held(link(), homes={"d1": Home("opportunity", "006A")}))
    assert (ruling.outcome, ruling.why, [problem.code for problem in ruling.problems]) == (SKIPPED, "lives_elsewhere", ["key_taken"])


def test_the_first_of_two_records_with_one_key_is_the_deal_s() -> None:
    adoptable = {crm_id: link(crm_id) for crm_id in ("006A", "006B")}
    first, second = judge_deals([record("006A"), record("006B")], held(adoptable=adoptable))
    assert change_of(first).links[0].crm_id == "006A"
    assert second.why == "lives_elsewhere"


def test_a_field_that_is_read_twice_of_one_record_changes_its_deal_once() -> None:
    earlier, later = (record(values={"amount": amount}) for amount in (7, 9))
    first, second = judge_filled_deals([earlier, later], held(link()), DealFill(Part("amount"), RULES))
    assert (first.why, second.outcome) == ("repeated", APPLIED)
    assert change_of(second).edits[0].deal.values["amount"] == 9


def test_a_record_that_would_be_ours_is_remembered() -> None:
    ruling = only(record("006S", key=None, names_owner=False, is_marked=True), held())
    assert (ruling.why, change_of(ruling).stranger_at) == ("not_ours", AT)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

IDS = st.sampled_from(["006A", "006B", "006C"])
ALIVE = st.builds(
    lambda crm_id, key, name, owner, amount: record(crm_id, key=key, values={"name": name, "owner_company": owner, "amount": amount}),
    IDS, st.sampled_from([None, "d1", "SAP-1", MADE_HERE]), st.sampled_from(["Deal", "Other", None]), st.sampled_from(["1", "9", None]),
    st.sampled_from(["1", "2", None]),
)  # fmt: skip
GONE = st.builds(lambda crm_id, becomes, is_gone: gone(crm_id, becomes=becomes, is_gone=is_gone), IDS, st.just("") | IDS, st.booleans())
HELD = st.builds(
    lambda crm_id, deleted_at, settled_no, taken, failed: held(
        link(crm_id, deleted_at=deleted_at, settled_no=settled_no), taken=taken, failed=failed, read_no=1, edited_at={"d1": {}},
    ),
    IDS, st.none() | st.just(AT), st.integers(0, 2), st.frozensets(IDS), st.frozensets(IDS),
)  # fmt: skip
PAGES = st.lists(ALIVE | GONE, max_size=5)


@given(page=PAGES, holding=HELD)
def test_every_record_ends_in_exactly_one_way(page: list[DealRecord], holding: HeldDeals) -> None:
    rulings = judge_deals(page, holding)
    ended, skips = tally(rulings)
    assert [ruling.crm_id for ruling in rulings] == [one.crm_id for one in page]
    assert sum(ended[outcome] for outcome in (APPLIED, UNCHANGED, SKIPPED, FAILED)) == len(page)
    assert skips.total() == ended[SKIPPED]
    assert all((ruling.failure is not None) == (ruling.outcome == FAILED) for ruling in rulings)


@given(page=PAGES, holding=HELD)
def test_a_page_judged_twice_gives_the_same_rulings(page: list[DealRecord], holding: HeldDeals) -> None:
    assert judge_deals(page, holding) == judge_deals(page, holding)
