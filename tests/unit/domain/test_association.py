"""Contracts: which company a value stands for, who may work with whom, and why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.associations.association import (
    Binding,
    Contract,
    Explanation,
    Nameable,
    associates,
    bind,
    exclusion,
    explain,
    missing_contract,
)
from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.problem import Problem

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make(id: str, kind: AccountType = AccountType.SECOND_PARTNER, **given: object) -> Company:  # noqa: A002  # the field's name
    return replace(Company(id, f"crm-{id}", id.title(), PortalStatus.ACTIVE, kind), **given)  # type: ignore[arg-type]  # any field


ARROW, INGRAM = make("arrow"), make("ingram")
ACME, BETA = make("acme", AccountType.PARTNER), make("beta", AccountType.PARTNER)
VENDOR = make("vendor", AccountType.VENDOR)
EVERYBODY = {company.id: company for company in (ARROW, INGRAM, ACME, BETA, VENDOR)}


def bound_by(
    values: Sequence[str],
    companies: Sequence[Company] = (ARROW, INGRAM, ACME),
    bound: Sequence[Binding] = (),
    explicit: dict[str, str] | None = None,
) -> tuple[tuple[Binding, ...], tuple[Problem, ...]]:
    names: dict[str, list[Company]] = {}
    for company in companies:
        names.setdefault(company.name, []).append(company)
    return bind(
        values,
        Nameable(explicit=explicit or {}, by_crm_id={company.crm_id or "": company for company in companies}, by_name=names),
        bound={binding.value: binding for binding in bound},
        companies_by_id={company.id: company for company in companies},
    )


def only_problem(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1
    return problems[0]


@pytest.mark.parametrize(
    ("value", "explicit", "expected"),
    [
        ("Arrow", {}, Binding("Arrow", "arrow", "name")),
        ("crm-arrow", {}, Binding("crm-arrow", "arrow", "crm_id")),
        ("Arrow", {"Arrow": "crm-ingram"}, Binding("Arrow", "ingram", "map")),
    ],
)
def test_a_value_resolves_by_map_then_id_then_name(value: str, explicit: dict[str, str], expected: Binding) -> None:
    assert bound_by([value], explicit=explicit) == ((expected,), ())


@pytest.mark.parametrize(
    ("value", "explicit", "code"),
    [
        ("Nobody", {}, "contract_value_unresolved"),
        ("Arrow", {"Arrow": "crm-nobody"}, "contract_value_unresolved"),
        ("Acme", {}, "contract_not_a_second_partner"),
        ("arrow", {}, "contract_value_unresolved"),  # the exact name
    ],
)
def test_a_value_that_names_no_second_partner_is_a_problem_of_that_value_only(value: str, explicit: dict[str, str], code: str) -> None:
    bindings, problems = bound_by([value, "Ingram"], explicit=explicit)
    assert bindings == (Binding(value, None, ""), Binding("Ingram", "ingram", "name"))
    assert (only_problem(problems).code, only_problem(problems).value) == (code, value)


def test_an_ambiguous_name_says_who_is_meant() -> None:
    twin = replace(make("twin"), name="Arrow")
    bindings, problems = bound_by(["Arrow"], (ARROW, twin))
    assert bindings == (Binding("Arrow", None, ""),)
    assert only_problem(problems).code == "contract_value_ambiguous"
    assert "crm-arrow" in problems[0].message
    assert "crm-twin" in problems[0].message


def test_a_namesake_that_is_a_partner_or_deleted_makes_nothing_ambiguous() -> None:
    others = (replace(ACME, name="Arrow"), replace(make("old"), name="Arrow", is_deleted=True))
    assert bound_by(["Arrow"], (ARROW, *others))[0] == (Binding("Arrow", "arrow", "name"),)


def test_a_bound_value_survives_the_renaming_of_its_company() -> None:
    # Given "Arrow" bound by name; when that company is renamed, and even when another takes the name
    prior = Binding("Arrow", "arrow", "name")
    renamed, usurper = replace(ARROW, name="Arrow Electronics"), replace(make("usurper"), name="Arrow")
    for companies in ((renamed,), (renamed, usurper)):
        bindings, problems = bound_by(["Arrow"], companies, [prior])
        # Then it stays bound, and the drift is said
        assert bindings == (prior,)
        assert only_problem(problems).code == "contract_value_renamed"
        assert "Arrow Electronics" in problems[0].message


def test_what_was_not_bound_by_name_does_not_drift() -> None:
    prior = Binding("crm-arrow", "arrow", "crm_id")
    assert bound_by(["crm-arrow"], (replace(ARROW, name="New"),), [prior]) == ((prior,), ())


def test_the_portal_file_rebinds_but_not_what_a_person_bound() -> None:
    explicit = {"Arrow": "crm-ingram"}
    by_name, by_person = Binding("Arrow", "arrow", "name"), Binding("Arrow", "arrow", "person")
    assert bound_by(["Arrow"], bound=[by_name], explicit=explicit)[0] == (Binding("Arrow", "ingram", "map"),)
    assert bound_by(["Arrow"], bound=[by_person], explicit=explicit)[0] == (by_person,)


def test_a_map_that_leads_nowhere_keeps_what_was_bound() -> None:
    prior = Binding("Arrow", "arrow", "name")
    bindings, problems = bound_by(["Arrow"], bound=[prior], explicit={"Arrow": "crm-nobody"})
    assert bindings == (prior,)
    assert only_problem(problems).code == "contract_value_unresolved"


def test_an_unresolved_value_heals_when_its_company_appears() -> None:
    assert bound_by(["Arrow"], bound=[Binding("Arrow", None, "")]) == ((Binding("Arrow", "arrow", "name"),), ())


@given(values=st.lists(st.sampled_from(["Arrow", "Ingram", "Acme", "crm-arrow", "?"])))
def test_law_binding_again_changes_nothing(values: list[str]) -> None:
    once, _ = bound_by(values)
    assert bound_by(values, bound=once)[0] == once
    assert [binding.value for binding in once] == list(dict.fromkeys(values))


@pytest.mark.parametrize(
    ("partner", "second", "code", "words"),
    [
        (ACME, ACME, "self", "itself"),
        (VENDOR, ARROW, "vendor", "vendor"),
        (ACME, VENDOR, "vendor", "vendor"),
        (ACME, BETA, "same_type", "both of type partner"),
        (ARROW, INGRAM, "same_type", "both of type second_partner"),
        (ARROW, ACME, "wrong_sides", "record of Arrow"),
        (replace(ACME, status=PortalStatus.INACTIVE), ARROW, "company_inactive", "inactive"),
        (ACME, replace(ARROW, is_deleted=True), "company_inactive", "deleted"),
        (ACME, replace(ARROW, status=PortalStatus.PENDING), "company_pending", "pending"),
    ],
)
def test_who_may_not_work_together(partner: Company, second: Company, code: str, words: str) -> None:
    found, (excluded,) = associates(partner, [contract(partner, second)], companies={second.id: second})
    assert (found, excluded.code, excluded.why) == ((), code, exclusion(partner, second))
    assert words in excluded.why


def test_who_may() -> None:
    assert exclusion(ACME, ARROW) is None


def contract(partner: Company, company: Company | None, days: int = 0) -> Contract:
    binding = Binding(company.name, company.id, "name") if company else Binding("Nobody", None, "")
    return Contract(partner.id, binding, NOW + timedelta(days=days))


def explained(one: Company, other: Company, contracts: list[Contract]) -> Explanation:
    return explain(one, other, candidates=contracts, missing=missing_contract(contracts))


def test_both_kinds_of_company_see_the_same_pair() -> None:
    contracts = [contract(ACME, ARROW), contract(BETA, ARROW), contract(ACME, INGRAM)]
    (one, two), _ = associates(ACME, contracts, companies=EVERYBODY)
    (mine, other), _ = associates(ARROW, contracts, companies=EVERYBODY)
    assert [one.second_partner_id, two.second_partner_id] == ["arrow", "ingram"]
    assert [mine.partner_id, other.partner_id] == ["acme", "beta"]
    assert mine == one
    assert one.reason == 'second_partners of Acme (crm-acme) holds "Arrow": it is the company\'s name (Arrow)'


def test_what_did_not_resolve_or_was_excluded_stands_beside_them() -> None:
    companies = {**EVERYBODY, "arrow": replace(ARROW, status=PortalStatus.INACTIVE)}
    missing = Contract("acme", Binding("Gone", "gone", "name"), NOW)
    contracts = [contract(ACME, ARROW), contract(ACME, None), missing, contract(ACME, INGRAM)]
    found, excluded = associates(ACME, contracts, companies=companies)
    assert [association.second_partner_id for association in found] == ["ingram"]
    assert [(item.company_id, item.code) for item in excluded] == [
        ("arrow", "company_inactive"),
        (None, "contract_value_unresolved"),
        ("gone", "company_unknown"),
    ]


def test_two_values_for_one_company_make_one_association_with_both_reasons() -> None:
    twice = Contract("acme", Binding("crm-arrow", "arrow", "crm_id"), NOW - timedelta(days=3), "r1")
    (found,), _ = associates(ACME, [contract(ACME, ARROW), twice], companies=EVERYBODY)
    assert [(reason.name, reason.since, reason.run_id) for reason in found.reasons] == [
        ("crm-arrow", twice.since, "r1"),
        ("Arrow", NOW, ""),
    ]
    assert found.since == NOW - timedelta(days=3)
    assert "it is the CRM id" in found.reason
    assert "it is the company's name" in found.reason


@given(data=st.data())
def test_law_an_association_is_always_one_active_partner_and_one_active_second_partner(data: st.DataObject) -> None:
    kinds, states = st.sampled_from(AccountType), st.sampled_from(PortalStatus)
    ids = ["a", "b", "c", "d"]
    companies = {id_: make(id_, data.draw(kinds), status=data.draw(states)) for id_ in ids}
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids))))
    contracts = [contract(companies[one], companies[two]) for one, two in pairs]
    seen = {id_: associates(companies[id_], contracts, companies=companies)[0] for id_ in ids}
    for association in (found for list_ in seen.values() for found in list_):
        partner, second = companies[association.partner_id], companies[association.second_partner_id]
        assert (partner.account_type, second.account_type) == (AccountType.PARTNER, AccountType.SECOND_PARTNER)
        assert partner.status is second.status is PortalStatus.ACTIVE
        assert association in seen[partner.id]  # both sides say the same
        assert association in seen[second.id]
        assert explained(second, partner, contracts).is_associated


def test_explain_gives_the_reason_in_either_order() -> None:
    contracts = [contract(ACME, ARROW)]
    assert explained(ACME, ARROW, contracts) == explained(ARROW, ACME, contracts)
    assert explained(ACME, ARROW, contracts).since == NOW


def test_explain_says_what_is_missing() -> None:
    nothing = explained(ACME, ARROW, [])
    assert nothing.words == "no contract: second_partners of Acme (crm-acme) is empty, so it does not name Arrow"
    unresolved = explained(ARROW, ACME, [contract(ACME, None)])
    assert unresolved.code == "contract_value_unresolved"
    assert '"Nobody" (unresolved)' in unresolved.words


@pytest.mark.parametrize("contracts", [[], [contract(ACME, ARROW)]])
def test_explain_says_what_bars_the_pair(contracts: list[Contract]) -> None:
    found = explained(ACME, replace(ARROW, status=PortalStatus.INACTIVE), contracts)
    assert (found.is_associated, found.code) == (False, "company_inactive")
    assert explained(ACME, BETA, contracts).code == "same_type"
