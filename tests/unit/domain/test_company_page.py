"""A page of companies is judged: one ruling a record, in order, each in the light of those before it. No database is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.associations.association import FIELD as CONTRACTS
from sync_worker.domain.core.company import AccountType, Company, Mark, PortalStatus, StoredCompany
from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.core.ruling import APPLIED, FAILED, SKIPPED, UNCHANGED, tally
from sync_worker.domain.sync.ingest.companies.key import CompanyKeys, claims
from sync_worker.domain.sync.ingest.companies.merge import WrittenCompany
from sync_worker.domain.sync.ingest.companies.page import (
    OWED,
    STANDS,
    CompanyChange,
    CompanyRuling,
    HeldCompanies,
    judge_companies,
    moved_by,
    owes_id,
)
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord, CompanyRules

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULES = CompanyRules("001V", frozenset({"region"}), has_contracts=True)
MADE_IN_PORTAL = "0b1f6f0e-2a53-4c3e-9d57-7e0a6f5c1b2d"


def company(name: str = "Arrow", crm_id: str | None = "001A", **given: Any) -> Company:
    settings: dict[str, Any] = {"id": name.lower(), "status": PortalStatus.ACTIVE, "account_type": AccountType.PARTNER, **given}
    return Company(crm_id=crm_id, name=name, **settings)


def stored(one: Company, **given: Any) -> StoredCompany:
    return StoredCompany(one, AT, **{"is_patched": True, **given})


def record(name: str | None = "Arrow", crm_id: str = "001A", **given: Any) -> CompanyRecord:
    values = {"name": name, "portal_status": "active", "account_type": "partner", **given.pop("values", {})}
    return CompanyRecord(crm_id, AT, values=values, **{"new_id": f"new-{crm_id}", "digest": 7, "is_key_read": True, **given})


def gone(crm_id: str = "001A", *, becomes: str = "", is_gone: bool = False) -> CompanyRecord:
    return CompanyRecord(crm_id, AT, is_deleted=True, is_gone=is_gone, becomes=becomes)


def held(*known: StoredCompany, homes: dict[str, str | None] | None = None, **given: Any) -> HeldCompanies:
    by_crm_id = {str(one.company.crm_id): one for one in known}
    return HeldCompanies(RULES, CompanyKeys("Portal_Id__c", homes or {}), known=by_crm_id, **given)


def only(records: CompanyRecord, holding: HeldCompanies) -> CompanyRuling:
    (ruling,) = judge_companies([records], holding)
    return ruling


def change_of(ruling: CompanyRuling) -> CompanyChange:
    assert ruling.change is not None
    return ruling.change


def row_of(ruling: CompanyRuling) -> StoredCompany:
    row = change_of(ruling).stored
    assert row is not None
    return row


# ── records that are alive ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_company_is_applied_and_its_id_is_owed() -> None:
    ruling = only(record(), held())
    assert (ruling.outcome, ruling.is_judged, ruling.problems) == (APPLIED, True, ())
    assert row_of(ruling) == StoredCompany(company(id="new-001A"), AT, digest=7)
    assert owes_id(change_of(ruling))


def test_a_company_as_it_was_is_unchanged_and_writes_nothing() -> None:
    ruling = only(record(key="arrow"), held(replace(stored(company()), digest=7)))
    assert (ruling.outcome, ruling.change) == (UNCHANGED, None)


def test_a_record_that_says_in_another_way_what_is_known_is_known_by_its_digest_from_then_on() -> None:
    ruling = only(record(key="arrow"), held(stored(company())))
    assert (ruling.outcome, change_of(ruling).stored, change_of(ruling).learned) == (UNCHANGED, None, 7)


def test_our_id_that_is_seen_on_the_record_need_not_be_written() -> None:
    ruling = only(record(key="arrow"), held(replace(stored(company()), is_patched=False, digest=7)))
    assert (ruling.outcome, change_of(ruling).key, change_of(ruling).learned) == (UNCHANGED, STANDS, None)


def test_a_record_whose_digest_is_known_is_not_read_anew() -> None:
    ruling = only(CompanyRecord("001A", AT, key="arrow"), held(same={"001A": Mark("arrow", 0, is_patched=True, digest=7)}))
    assert (ruling.outcome, ruling.is_judged, ruling.change) == (UNCHANGED, True, None)


def test_a_record_that_was_read_before_our_own_write_is_read_again() -> None:
    ruling = only(record("Old name"), held(stored(company(), settled_no=3), read_no=2))
    assert (ruling.outcome, ruling.why, ruling.read_again) == (SKIPPED, "late", (("company", "001A"),))


def test_a_record_without_a_name_fails_and_leaves_the_company_as_it_is() -> None:
    ruling = only(record(None), held(stored(company())))
    assert (ruling.outcome, ruling.change) == (FAILED, None)
    assert ruling.failure is not None
    assert ruling.failure.code == "name_blank"


def test_a_record_that_failed_as_it_is_fails_no_second_time() -> None:
    assert only(record(None), held(failed_before=frozenset({"001A"})))[1:3] == (SKIPPED, "failed_before")


def test_a_company_with_a_problem_keeps_no_digest_so_it_is_looked_at_again() -> None:
    ruling = only(record(values={"account_type": None}), held())
    assert [problem.code for problem in ruling.problems] == ["account_type_blank"]
    assert row_of(ruling).digest is None


def test_a_key_of_another_system_stays_and_is_told() -> None:
    ruling = only(record(key="SAP-1"), held())
    assert [problem.code for problem in ruling.problems] == ["foreign_key"]
    assert not owes_id(change_of(ruling))


def test_a_key_left_over_from_a_merge_is_replaced_by_the_company_s_own() -> None:
    ruling = only(record(key="loser"), held(stored(company()), homes={"loser": None}))
    assert (ruling.outcome, ruling.problems) == (UNCHANGED, ())
    assert change_of(ruling).key == OWED


def test_what_the_portal_has_changed_stays_and_is_owed() -> None:
    base = {CONTRACTS: Base(["North"], "North")}
    written = {"arrow": WrittenCompany(base, {CONTRACTS: ("North", "South")})}
    rules = {CONTRACTS: FieldRule(CONTRACTS, direction="both", is_set=True)}
    read = record(key="arrow", values={CONTRACTS: ("North",)}, spellings={CONTRACTS: "North"})
    ruling = only(read, held(stored(company(second_partner_values=("North", "South"))), written=written, merged_fields=rules))
    assert ruling.outcome == UNCHANGED
    assert change_of(ruling).is_owed


# ── records that are gone ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_company_is_inactive_and_never_removed() -> None:
    ruling = only(gone(is_gone=True), held(stored(company())))
    assert row_of(ruling).company == company(status=PortalStatus.INACTIVE, is_deleted=True)
    assert [problem.code for problem in ruling.problems] == ["gone_from_crm"]


def test_a_deleted_record_that_was_never_ours_is_skipped() -> None:
    assert only(gone(), held())[1:3] == (SKIPPED, "not_ours")


def test_the_loser_of_a_merge_hands_over_and_tells_which_contract_was_left_behind() -> None:
    loser, survivor = company(second_partner_values=("North", "South")), company("Bolt", "001B", second_partner_values=("North",))
    holding = held(stored(loser), survivors={"001B": stored(survivor)}, news={"001A"}, reports_lost_contracts=True)
    ruling = only(gone(becomes="001B"), holding)
    assert (ruling.outcome, ruling.read_again) == (APPLIED, (("company", "001B"),))
    assert (change_of(ruling).before, change_of(ruling).heir) == (loser, survivor)
    assert [(told.crm_id, told.problems[0].value) for told in ruling.elsewhere] == [("001B", "South")]
    assert [after.id for _, after in moved_by([change_of(ruling)])] == ["bolt", "arrow"]


def test_a_merge_that_was_told_before_is_no_news_in_a_poll_and_is_handed_over_again_when_asked_for() -> None:
    loser, survivor = company(status=PortalStatus.INACTIVE, is_deleted=True), company("Bolt", "001B")
    holding = held(stored(loser), survivors={"001B": stored(survivor)})
    asked, polled = (only(gone(becomes="001B"), replace(holding, is_poll=is_poll)) for is_poll in (False, True))
    assert (asked.outcome, polled.outcome, polled.change) == (UNCHANGED, UNCHANGED, None)
    assert change_of(asked).heir == survivor


def test_a_survivor_that_we_do_not_know_yet_is_the_loser_under_another_id() -> None:
    holding = held(stored(company()), news={"001A"})
    first, second = judge_companies([gone(becomes="001B"), record("Bolt", "001B")], holding)
    assert change_of(first).is_relinked
    assert first.are_contracts_judged
    assert change_of(second).before == company(crm_id="001B")
    assert change_of(second).company_id == "arrow"


def test_two_losers_of_one_merge_find_each_other_in_the_record_that_is_left() -> None:
    holding = held(stored(company()), stored(company("Coil", "001C")), news={"001A", "001C"})
    first, second = judge_companies([gone(becomes="001B"), gone("001C", becomes="001B")], holding)
    assert change_of(first).is_relinked
    assert change_of(second).heir == company(crm_id="001B")


# ── keys that claim ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_record_with_the_id_of_a_company_without_a_record_is_its_record() -> None:
    made = stored(company(crm_id=None, id=MADE_IN_PORTAL))
    found = claims({"001A": MADE_IN_PORTAL, "001B": MADE_IN_PORTAL}, {MADE_IN_PORTAL: None}, {MADE_IN_PORTAL: made}, str)
    assert (found.made_here, found.lost, found.homes) == ({"001A": made}, {}, {MADE_IN_PORTAL: "001A"})


def test_a_lost_id_goes_to_the_record_that_it_was_computed_from() -> None:
    computed = {"001A": "other", "001B": MADE_IN_PORTAL}
    found = claims(dict.fromkeys(computed, MADE_IN_PORTAL), {}, {}, computed.__getitem__)
    assert found.lost == {"001B": MADE_IN_PORTAL}


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

IDS = st.sampled_from(["001A", "001B", "001C", "001D"])
NAMES = st.sampled_from(["Arrow", "Bolt", "", None])
KEYS = st.sampled_from([None, "arrow", "bolt", "SAP-1", MADE_IN_PORTAL])
ALIVE = st.builds(lambda crm_id, name, key, status: record(name, crm_id, key=key, values={"portal_status": status}), IDS, NAMES, KEYS,
                  st.sampled_from(["active", "inactive", "nonsense", None]))  # fmt: skip
GONE = st.builds(lambda crm_id, becomes, is_gone: gone(crm_id, becomes=becomes, is_gone=is_gone), IDS, st.just("") | IDS, st.booleans())
KNOWN = st.builds(
    lambda name, crm_id, is_deleted, settled_no: stored(company(name, crm_id, is_deleted=is_deleted), settled_no=settled_no),
    st.sampled_from(["Arrow", "Bolt", "Coil"]), IDS, st.booleans(), st.integers(0, 2),
)  # fmt: skip
HELD = st.builds(
    lambda known, survivors, is_poll, news: held(
        *known, survivors={str(one.company.crm_id): one for one in survivors}, is_poll=is_poll, news=news, read_no=1,
        homes={"arrow": "001A", "bolt": None}, reports_lost_contracts=True,
    ),
    st.lists(KNOWN, max_size=4), st.lists(KNOWN, max_size=3), st.booleans(), st.sets(IDS),
)  # fmt: skip
PAGES = st.lists(ALIVE | GONE, max_size=6)


@given(page=PAGES, holding=HELD)
def test_every_record_ends_in_exactly_one_way(page: list[CompanyRecord], holding: HeldCompanies) -> None:
    rulings = judge_companies(page, holding)
    ended, skips = tally(rulings)
    assert [ruling.crm_id for ruling in rulings] == [one.crm_id for one in page]
    assert sum(ended[outcome] for outcome in (APPLIED, UNCHANGED, SKIPPED, FAILED)) == len(page)
    assert skips.total() == ended[SKIPPED]
    assert all((ruling.failure is not None) == (ruling.outcome == FAILED) for ruling in rulings)
    assert all(ruling.why for ruling in rulings if ruling.outcome == SKIPPED)


@given(page=PAGES, holding=HELD)
def test_a_page_judged_twice_gives_the_same_rulings(page: list[CompanyRecord], holding: HeldCompanies) -> None:
    assert judge_companies(page, holding) == judge_companies(page, holding)


@given(page=PAGES, holding=HELD)
def test_a_record_that_failed_or_was_skipped_changes_no_company(page: list[CompanyRecord], holding: HeldCompanies) -> None:
    assert all(ruling.change is None for ruling in judge_companies(page, holding) if ruling.outcome in (SKIPPED, FAILED))
