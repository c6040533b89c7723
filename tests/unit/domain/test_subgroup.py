"""Subgroups: who may make one, of which company, and what stays when it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.deal import Actor, Deal, Refusal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.distributors.parenthood import names_parent
from sync_worker.domain.distributors.subgroup import (
    add_member_refusal,
    create_refusal,
    disassociate_refusal,
    left_behind,
    promotable,
    promote_refusal,
    remove_member_refusal,
)

BIRCH = Company("birch", "1", "Birch", PortalStatus.ACTIVE, AccountType.PARTNER)
ARROW = Company("arrow", "2", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
INGRAM = Company("ingram", "3", "Ingram", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER)
VENDOR = Company("vendor", "4", "Vendor", PortalStatus.ACTIVE, AccountType.VENDOR)
COMPANIES = (BIRCH, ARROW, INGRAM, VENDOR, replace(BIRCH, id="gone", is_deleted=True))


def person(name: str, *companies: str) -> Actor:
    """A user of these companies."""
    user = User(name, f"{name}@example.com", name, Role.SALES, next(iter(companies), None), frozenset(companies[1:]))
    return Actor(name, user.primary_company, "portal", user)


ANN = person("Ann", "arrow", "birch")
BO = person("Bo", "birch")
CY = person("Cy", "arrow")


def code_of(result: Refusal | None) -> str:
    return result.code if result else ""


# ── create ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_of_the_parent_creates_a_subgroup() -> None:
    assert create_refusal("Cedar", parent=ARROW, actor=CY, namesakes=[]) is None


@pytest.mark.parametrize(
    ("name", "parent", "actor", "namesakes", "code"),
    [
        ("Cedar", ARROW, BO, [], "not_a_member"),
        ("Cedar", BIRCH, BO, [], "parent_not_a_second_partner"),
        ("Cedar", VENDOR, person("V", "vendor"), [], "parent_not_a_second_partner"),
        ("Cedar", replace(ARROW, status=PortalStatus.PENDING), CY, [], "company_inactive"),
        ("Cedar", replace(ARROW, is_deleted=True), CY, [], "company_inactive"),
        (" ", ARROW, CY, [], "subgroup_name_missing"),
        ("Birch", ARROW, CY, [BIRCH], "company_exists"),
    ],
)
def test_who_may_not_create_is_told_why(name: str, parent: Company, actor: Actor, namesakes: list[Company], code: str) -> None:
    assert code_of(create_refusal(name, parent=parent, actor=actor, namesakes=namesakes)) == code


def test_two_companies_of_one_name_are_both_named() -> None:
    refusal = create_refusal("Birch", parent=ARROW, actor=CY, namesakes=[BIRCH, replace(BIRCH, id="b2")])
    assert refusal
    assert BIRCH.id in refusal.why
    assert "b2" in refusal.why


# ── promote ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_of_both_promotes() -> None:
    assert promote_refusal(BIRCH, parent=ARROW, actor=ANN, its_parent=None) is None


def test_a_company_with_a_parent_is_refused_with_the_parents_name() -> None:
    refused = promote_refusal(BIRCH, parent=ARROW, actor=ANN, its_parent=INGRAM)
    assert refused is not None
    assert refused.code == "has_parent"
    assert "Ingram" in refused.why
    assert "Ingram" in refused.who_may


@pytest.mark.parametrize(
    ("company", "actor", "code"),
    [
        (BIRCH, CY, "not_a_member"),
        (BIRCH, BO, "not_a_member"),
        (INGRAM, person("D", "arrow", "ingram"), "subgroup_not_a_partner"),
        (replace(BIRCH, status=PortalStatus.INACTIVE), ANN, "company_inactive"),
    ],
)
def test_what_may_not_be_promoted_is_told_why(company: Company, actor: Actor, code: str) -> None:
    assert code_of(promote_refusal(company, parent=ARROW, actor=actor, its_parent=None)) == code


@given(
    st.sets(st.sampled_from([company.id for company in COMPANIES])),
    st.dictionaries(st.sampled_from([company.id for company in COMPANIES]), st.sampled_from([ARROW, INGRAM])),
    st.permutations(COMPANIES),
)
def test_the_list_shows_exactly_what_may_be_promoted(mine: set[str], parents: dict[str, Company], companies: list[Company]) -> None:
    actor = person("Ann", *mine)
    listed = promotable(companies, parent=ARROW, actor=actor, parents=parents)
    assert {company.id for company in listed} == ({"birch"} & mine - parents.keys() if "arrow" in mine else set())
    for company in companies:
        refused = promote_refusal(company, parent=ARROW, actor=actor, its_parent=parents.get(company.id))
        assert (refused is None) == (company in listed)


# ── disassociate ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_of_the_parent_lets_its_subgroup_go_and_nobody_elses() -> None:
    assert disassociate_refusal(BIRCH, parent=ARROW, actor=CY, its_parent=ARROW) is None
    assert code_of(disassociate_refusal(BIRCH, parent=ARROW, actor=BO, its_parent=ARROW)) == "not_a_member"
    assert code_of(disassociate_refusal(BIRCH, parent=ARROW, actor=CY, its_parent=None)) == "not_a_subgroup"
    refused = disassociate_refusal(BIRCH, parent=ARROW, actor=CY, its_parent=INGRAM)
    assert refused is not None
    assert "Ingram" in refused.why


def test_an_inactive_parent_may_still_let_a_subgroup_go() -> None:
    assert disassociate_refusal(BIRCH, parent=replace(ARROW, status=PortalStatus.INACTIVE), actor=CY, its_parent=ARROW) is None


def test_pending_deals_are_flagged_and_those_that_are_over_keep_their_peace() -> None:
    # Given deals of the company with this parent and another, under way and over
    def deal(id_: str, lifecycle: str, second_partner: str = "arrow") -> Deal:
        return Deal(id_, {"owner_company": "birch", "second_partner": second_partner, "lifecycle": lifecycle})

    deals = [deal("a", "submitted"), deal("b", "finalize_requested"), deal("c", "completed"), deal("d", "submitted", "ingram")]

    # When the company leaves its parent
    flagged = left_behind(BIRCH, ARROW, deals)

    # Then those under way with that parent are flagged, with both names
    assert set(flagged) == {"a", "b"}
    assert {problem.code for problem in flagged.values()} == {"parent_gone"}
    assert all("Birch" in problem.message and "Arrow" in problem.message for problem in flagged.values())


# ── deals and members ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subgroups_deal_names_its_parent_by_itself_and_no_other_is_overwritten() -> None:
    assert names_parent({"name": "Harbor"}, ARROW) == {"name": "Harbor", "second_partner": "arrow"}
    assert names_parent({"second_partner": None}, ARROW) == {"second_partner": "arrow"}
    assert names_parent({"second_partner": "ingram"}, ARROW) == {"second_partner": "ingram"}
    assert names_parent({"name": "Harbor"}, None) == {"name": "Harbor"}


def test_members_add_members_and_the_parent_only_the_first() -> None:
    assert add_member_refusal(BIRCH, parent=ARROW, actor=BO, member_ids=["u1"]) is None
    assert add_member_refusal(BIRCH, parent=ARROW, actor=CY, member_ids=[]) is None
    assert code_of(add_member_refusal(BIRCH, parent=ARROW, actor=CY, member_ids=["u1"])) == "not_a_member"
    assert code_of(add_member_refusal(BIRCH, parent=ARROW, actor=person("X"), member_ids=[])) == "not_a_member"


def test_members_let_members_go_but_nobody_from_the_company_they_belong_to_first() -> None:
    assert remove_member_refusal(BIRCH, parent=ARROW, actor=BO, user=ANN.user) is None
    assert code_of(remove_member_refusal(BIRCH, parent=ARROW, actor=BO, user=BO.user)) == "primary_member"
    assert code_of(remove_member_refusal(BIRCH, parent=ARROW, actor=BO, user=None)) == "user_unknown"
    assert code_of(remove_member_refusal(BIRCH, parent=ARROW, actor=CY, user=ANN.user)) == "not_a_member"
