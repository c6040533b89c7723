"""What a CRM record makes of a company: rules 1 to 5 and 13, one by one, and what holds for any record at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, depart
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.ingest.companies.arrival import NOT_OURS, Arrival, arrive
from sync_worker.domain.sync.ingest.companies.record import CompanyRecord, CompanyRules
from sync_worker.errors import InvalidRecord

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ATTRIBUTES = frozenset({"region", "tier"})
ARROW = Company("c1", "001A", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER, attributes={"region": "EMEA"})
VENDOR = Company("c0", "001V", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)


def arrival(values: dict[str, Value], known: Company | None = None, **given: Any) -> Arrival:
    rules = CompanyRules("001A" if given.pop("is_vendor", False) else None, ATTRIBUTES, given.pop("rule_fields", frozenset()))
    settings: dict[str, Any] = {"crm_id": "001A", "new_id": "new", **given}
    return arrive(CompanyRecord(modified_at=AT, values=values, **settings), known, rules)


def company(values: dict[str, Value], known: Company | None = None, **given: Any) -> Company:
    result = arrival(values, known, **given).company
    assert result is not None
    return result


def codes(result: Arrival) -> list[str]:
    return [problem.code for problem in result.problems]


def test_a_new_company_enters_by_its_status() -> None:
    # Given a record with a status, when it arrives, then it is a company as written
    result = arrival({"name": "Arrow", "portal_status": "pending", "account_type": "second_partner", "region": "EMEA"})
    expected = Company("new", "001A", "Arrow", PortalStatus.PENDING, AccountType.SECOND_PARTNER, attributes={"region": "EMEA"})
    assert result == Arrival(expected)


@pytest.mark.parametrize("values", [{"name": "X"}, {"name": "X", "portal_status": None}, {"portal_status": None}])
def test_a_new_record_without_status_is_not_ours(values: dict[str, Value]) -> None:
    assert arrival(values) is NOT_OURS


def test_a_new_record_of_unknown_status_stays_out_and_is_reported() -> None:
    result = arrival({"name": "X"}, unreadable={"portal_status": "Aktiv"})
    assert (result.company, result.skipped, codes(result)) == (None, "status_unknown", ["status_unknown"])


def test_an_unknown_status_keeps_the_last_one_and_is_reported() -> None:
    result = arrival({"name": "Arrow", "account_type": "second_partner"}, ARROW, unreadable={"portal_status": "Aktiv"})
    assert result.company == ARROW
    assert codes(result) == ["status_unknown"]
    assert result.problems[0].value == "Aktiv"


def test_a_cleared_status_deactivates() -> None:
    assert company({"portal_status": None, "account_type": "second_partner"}, ARROW).status is PortalStatus.INACTIVE


def test_a_status_the_read_did_not_bring_stays() -> None:
    assert company({"account_type": "second_partner"}, ARROW) == ARROW


@pytest.mark.parametrize(
    ("values", "unreadable", "code"),
    [
        ({"account_type": None}, {}, "account_type_blank"),
        ({}, {"account_type": "Disti"}, "account_type_unknown"),
        ({"account_type": "vendor"}, {}, "vendor_type_elsewhere"),
    ],
)
def test_a_type_that_says_nothing_good_is_partner_for_the_new_and_the_last_for_the_known(
    values: dict[str, Value], unreadable: dict[str, str], code: str
) -> None:
    values = {"name": "Arrow", "portal_status": "active", **values}
    new, known = arrival(values, unreadable=unreadable), arrival(values, ARROW, unreadable=unreadable)
    assert new.company is not None
    assert known.company is not None
    assert new.company.account_type is AccountType.PARTNER
    assert known.company.account_type is AccountType.SECOND_PARTNER
    assert codes(new) == codes(known) == [code]


def test_the_former_vendor_company_becomes_a_partner_not_a_second_vendor() -> None:
    result = arrival({"account_type": "vendor"}, VENDOR)
    assert result.company is not None
    assert result.company.account_type is AccountType.PARTNER


def test_the_vendor_needs_neither_status_nor_type() -> None:
    result = arrival({"name": "Vendor"}, is_vendor=True, rule_fields=ATTRIBUTES)
    assert result == Arrival(Company("new", "001A", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR))
    assert company({"portal_status": None}, VENDOR, is_vendor=True).status is PortalStatus.ACTIVE


@pytest.mark.parametrize(("values", "unreadable"), [({"account_type": "partner"}, {}), ({}, {"account_type": "Disti"})])
def test_the_vendor_stays_the_vendor_whatever_the_crm_says(values: dict[str, Value], unreadable: dict[str, str]) -> None:
    result = arrival(values, VENDOR, is_vendor=True, unreadable=unreadable)
    assert result.company is not None
    assert result.company.account_type is AccountType.VENDOR
    assert codes(result) == ["vendor_type_ignored"]


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_company_of_ours_without_a_name_cannot_pass(name: str | None) -> None:
    with pytest.raises(InvalidRecord) as caught:
        arrival({"name": name, "portal_status": "active", "account_type": "partner"})
    assert (caught.value.code, caught.value.field) == ("name_blank", "name")


def test_attributes_are_kept_cleared_and_set() -> None:
    base = {"account_type": "second_partner"}
    assert company({**base}, ARROW).attributes == {"region": "EMEA"}
    assert company({**base, "region": None, "tier": "Gold"}, ARROW).attributes == {"tier": "Gold"}
    assert company({**base, "tier": ("a", "b"), "region": ""}, ARROW).attributes == {"tier": ["a", "b"]}


@pytest.mark.parametrize("status", ["active", "inactive", "pending"])
def test_blank_and_unlisted_rule_fields_are_reported_whatever_the_status(status: str) -> None:
    values: dict[str, Value] = {"name": "X", "portal_status": status, "account_type": "partner"}
    result = arrival(values, unreadable={"tier": "Platin"}, rule_fields=ATTRIBUTES)
    assert codes(result) == ["rule_field_blank", "rule_field_unlisted"]
    assert [problem.field for problem in result.problems] == ["region", "tier"]


def test_false_is_not_blank() -> None:
    values: dict[str, Value] = {"name": "X", "portal_status": "active", "account_type": "partner", "tier": False}
    assert codes(arrival(values, rule_fields=frozenset({"tier"}))) == []


def test_whatever_else_cannot_be_read_is_reported_and_kept() -> None:
    result = arrival({"account_type": "second_partner"}, ARROW, unreadable={"region": "Mars"})
    assert result.company == ARROW
    assert codes(result) == ["value_unreadable"]


def test_a_survivor_of_a_merge_keeps_our_id() -> None:
    assert company({"account_type": "second_partner"}, ARROW, crm_id="001B").crm_id == "001B"
    assert company({"account_type": "second_partner"}, ARROW, crm_id="001B").id == "c1"


def test_a_deleted_record_deactivates_and_an_undeleted_one_comes_back() -> None:
    gone = depart(ARROW)
    assert (gone.status, gone.is_deleted) == (PortalStatus.INACTIVE, True)
    back = company({"portal_status": "active", "account_type": "second_partner"}, gone)
    assert back == ARROW


def test_the_vendor_outlives_its_crm_record() -> None:
    assert depart(VENDOR).status is PortalStatus.ACTIVE


SOME = st.none() | st.text("abc ", max_size=4)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("Arrow"),
        "portal_status": st.sampled_from(["active", "inactive", "pending", None]),
        "account_type": st.sampled_from(["partner", "second_partner", "vendor", None]),
        "account_owner_email": SOME,
        "region": SOME,
        "tier": SOME,
        "second_partners": st.none() | st.tuples(st.text("ab")),
    },
)


@given(values=RECORDS, known=st.sampled_from([ARROW, depart(ARROW)]), is_vendor=st.booleans())
def test_law_the_same_record_twice_is_once(values: dict[str, Value], known: Company, is_vendor: bool) -> None:
    once = company(values, known, is_vendor=is_vendor, rule_fields=ATTRIBUTES)
    again = arrival(values, once, is_vendor=is_vendor, rule_fields=ATTRIBUTES)
    assert again.company == once


@given(values=RECORDS, is_vendor=st.booleans())
def test_law_nothing_disappears_silently_and_only_the_vendor_is_vendor(values: dict[str, Value], is_vendor: bool) -> None:
    result = arrival({"name": "X", **values}, is_vendor=is_vendor)
    assert (result.company is None) == bool(result.skipped)
    if result.company:
        assert (result.company.account_type is AccountType.VENDOR) == is_vendor
