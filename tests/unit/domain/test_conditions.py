"""Conditions: what each operator means, that a blank matches only `is_blank`, and what a person reads who wrote one wrongly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, company_values
from sync_worker.domain.core.conditions.check import MOST_CONDITIONS, check
from sync_worker.domain.core.conditions.condition import (
    MOST_VALUES,
    OPERATORS,
    VALUE_COUNTS,
    Condition,
    ConditionField,
    ConditionKind,
    Operator,
    conditions_of,
    documents_of,
)
from sync_worker.domain.core.conditions.holds import holds

FIELDS = {
    "name": ConditionField("name", "text"),
    "tier": ConditionField("tier", "list", ("Silver", "Gold", "Platinum")),
    "product_lines": ConditionField("product_lines", "set", ("Cloud", "Edge", "On premises")),
    "seats": ConditionField("seats", "integer"),
    "amount": ConditionField("amount", "decimal"),
    "is_strategic": ConditionField("is_strategic", "boolean"),
    "signed_on": ConditionField("signed_on", "date"),
    "owner_company": ConditionField("owner_company", "reference"),
}


def one(field: str, operator: str, *values: str) -> Condition:
    return Condition(field, operator, values)


def is_true(held: Any, operator: str, *values: str) -> bool:
    return holds([one("it", operator, *values)], {"it": held})


# ── what holds ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("held", "operator", "values", "is_held"),
    [
        ("Gold", "is", ["gold"], True),
        ("Gold", "is", ["Golden"], False),
        ("Gold", "is_not", ["Silver"], True),
        ("Gold", "is_not", ["GOLD"], False),
        ("Gold", "one_of", ["Silver", "Gold"], True),
        ("Gold", "one_of", ["Silver"], False),
        ("Gold", "none_of", ["Silver", "Platinum"], True),
        ("Gold", "none_of", ["Silver", "Gold"], False),
        ("Arrow  Electronics", "contains", ["w elec"], True),
        ("Arrow Electronics", "contains", ["Avnet"], False),
        ("Arrow Electronics", "starts_with", ["arrow"], True),
        ("Arrow Electronics", "starts_with", ["Electronics"], False),
        (["Cloud", "Edge"], "contains_any", ["Edge", "On premises"], True),
        (["Cloud"], "contains_any", ["Edge"], False),
        (["Cloud", "Edge"], "contains_all", ["Edge", "Cloud"], True),
        (("Cloud",), "contains_all", ["Edge", "Cloud"], False),
        (["Cloud"], "contains_none", ["Edge"], True),
        (["Cloud", "Edge"], "contains_none", ["Edge"], False),
        (25, "equals", ["25"], True),
        (Decimal("25.50"), "equals", ["25.5"], True),
        ("25.50", "equals", ["25.5"], True),
        (9, "less_than", ["10"], True),
        (10, "less_than", ["10"], False),
        (10, "at_most", ["10"], True),
        (10, "more_than", ["9.99"], True),
        (10, "at_least", ["10"], True),
        (9, "at_least", ["10"], False),
        ("10.00", "between", ["10", "20"], True),
        (Decimal("20.01"), "between", ["10", "20"], False),
        (date(2026, 12, 31), "on", ["2026-12-31"], True),
        ("2026-12-31", "before", ["2027-01-01"], True),
        ("2026-12-31", "after", ["2026-12-31"], False),
        ("2026-12-31", "between", ["2026-12-31", "2027-01-31"], True),
        (True, "is", ["true"], True),
        (False, "is", ["true"], False),
        ("2026-12-31", "at_least", ["10"], False),
        ("a lot", "at_least", ["10"], False),
        ("Gold", "resembles", ["Gold"], False),
    ],
)
def test_an_operator_compares_what_the_record_holds_with_the_values(held: Any, operator: str, values: list[str], *, is_held: bool) -> None:
    assert is_true(held, operator, *values) is is_held


@pytest.mark.parametrize("blank", [None, "", "  ", [], ()])
@pytest.mark.parametrize("operator", list(Operator))
def test_a_blank_matches_only_is_blank(blank: Any, operator: Operator) -> None:
    low, high = VALUE_COUNTS[operator]
    values = ["10", "20"][: max(low, min(high, 1))]

    assert is_true(blank, operator, *values) is (operator is Operator.IS_BLANK)
    assert holds([one("it", operator, *values)], {}) is (operator is Operator.IS_BLANK)


def test_all_conditions_of_a_list_hold_together() -> None:
    gold, emea = one("tier", "is", "Gold"), one("region", "is", "EMEA")

    assert holds([gold, emea], {"tier": "Gold", "region": "EMEA"})
    assert not holds([gold, emea], {"tier": "Gold", "region": "APAC"})
    assert holds([], {})


def test_a_company_is_asked_by_the_names_of_the_mapping() -> None:
    company = Company("1", "001", "Birch", PortalStatus.ACTIVE, AccountType.PARTNER, attributes={"tier": "Gold"})
    company_is = [one("account_type", "is", "partner"), one("portal_status", "is", "active"), one("tier", "is", "Gold")]

    assert holds(company_is, company_values(company))
    assert not holds([one("account_type", "is", "second_partner")], company_values(company))


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


WORDS = st.sampled_from(["Gold", "gold", "Silver", "EMEA", "Cloud", "Edge", " "])
HELD = st.one_of(st.none(), WORDS, st.lists(WORDS, max_size=3), st.booleans(), st.integers(-5, 5), st.decimals(-5, 5, places=2))
NUMBERS = st.integers(-20, 20).map(str)


@given(held=HELD, values=st.lists(WORDS, min_size=1, max_size=3))
def test_law_a_filled_field_fulfils_an_operator_or_its_opposite_and_a_blank_one_neither(held: Any, values: list[str]) -> None:
    is_filled = is_true(held, "is_not_blank")

    assert is_filled is not is_true(held, "is_blank")
    for positive, negative in (("one_of", "none_of"), ("contains_any", "contains_none"), ("is", "is_not")):
        fulfilled = is_true(held, positive, *values), is_true(held, negative, *values)
        assert fulfilled.count(True) == (1 if is_filled else 0)


@given(held=st.integers(-20, 20), low=NUMBERS, high=NUMBERS)
def test_law_the_comparisons_of_numbers_agree_with_each_other(held: int, low: str, high: str) -> None:
    assert is_true(held, "between", low, high) is (is_true(held, "at_least", low) and is_true(held, "at_most", high))
    assert is_true(held, "less_than", low) is not is_true(held, "at_least", low)
    assert is_true(held, "more_than", low) is not is_true(held, "at_most", low)
    assert is_true(held, "equals", low) is (is_true(held, "at_least", low) and is_true(held, "at_most", low))


@given(held=st.dates(), day=st.dates())
def test_law_a_day_is_before_on_or_after_another(held: date, day: date) -> None:
    assert [is_true(held, operator, day.isoformat()) for operator in ("before", "on", "after")].count(True) == 1


def fit_condition(field: ConditionField) -> st.SearchStrategy[Condition]:
    texts: dict[ConditionKind, st.SearchStrategy[str]] = {
        "text": st.text("abc é", min_size=1).filter(str.strip),
        "integer": st.integers(-100, 100).map(str),
        "decimal": st.decimals(-100, 100, places=2).map(str),
        "boolean": st.sampled_from(["true", "false"]),
        "date": st.dates().map(date.isoformat),
        "reference": st.uuids().map(str),
    }
    values = st.sampled_from(field.values) if field.values else texts[field.kind]

    def of(operator: Operator) -> st.SearchStrategy[Condition]:
        low, high = VALUE_COUNTS[operator]
        listed = st.lists(values, min_size=low, max_size=min(high, 5))
        if operator is Operator.BETWEEN:
            listed = listed.map(lambda found: sorted(found, key=lambda text: Decimal(text) if field.kind != "date" else text))
        return listed.map(lambda found: Condition(field.name, operator, tuple(found)))

    return st.sampled_from(field.operators).flatmap(of)


FIT = st.sampled_from(list(FIELDS.values())).flatmap(fit_condition)


@given(conditions=st.lists(FIT, max_size=5))
def test_law_what_the_kinds_allow_passes_the_check_and_survives_its_json_form(conditions: list[Condition]) -> None:
    assert check(conditions, FIELDS) == []
    assert list(conditions_of(documents_of(conditions))) == conditions
    assert isinstance(holds(conditions, {"name": "Birch", "seats": 5, "signed_on": date(2026, 1, 1)}), bool)


@given(conditions=st.lists(st.builds(Condition, st.text(), st.text(), st.lists(st.text(), max_size=3).map(tuple)), max_size=4), held=HELD)
def test_law_any_text_at_all_is_judged_without_an_error(conditions: list[Condition], held: Any) -> None:
    mistakes = check(conditions, FIELDS)

    assert {mistake.index for mistake in mistakes} <= set(range(len(conditions)))
    assert all(mistake.what and mistake.remedy for mistake in mistakes)
    assert not holds([Condition("it", condition.operator, condition.values) for condition in conditions] + [one("it", "?")], {"it": held})


# ── what is wrong, in words ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("condition", "path", "words"),
    [
        (one("teir", "is", "Gold"), "0.field", "there is no field 'teir' here; did you mean 'tier'? allowed: amount, is_strategic, name,"),
        (one("tier", "equals", "Gold"), "0.operator", "tier holds one value of a list, and such a field has no operator 'equals'"),
        (one("seats", "atleast", "5"), "0.operator", "'atleast'; did you mean 'at_least'? allowed: equals, less_than, at_most, more_than"),
        (one("tier", "is", "Godl"), "0.values", "tier has no value 'Godl'; did you mean 'Gold'? allowed: Silver, Gold, Platinum"),
        (one("product_lines", "contains_any", "Cloud", "Egde"), "0.values", "product_lines has no value 'Egde'; did you mean 'Edge'?"),
        (one("seats", "equals", "2.5"), "0.values", "'2.5' is not a whole number; seats holds whole numbers"),
        (one("amount", "at_least", "much"), "0.values", "'much' is not a number; amount holds numbers"),
        (one("amount", "at_least", "NaN"), "0.values", "'NaN' is not a number"),
        (one("signed_on", "on", "31.12.2026"), "0.values", "'31.12.2026' is not a day; signed_on holds days, as 2026-12-31"),
        (one("is_strategic", "is", "yes"), "0.values", "'yes' is not true or false"),
        (one("tier", "is"), "0.values", "is has no value; it takes 1 value"),
        (one("tier", "is_blank", "Gold"), "0.values", "is_blank has 1 value; it takes no value"),
        (one("seats", "between", "5"), "0.values", "between has 1 value; it takes 2 values"),
        (one("seats", "between", "0", "-5"), "0.values", "0 is more than -5; write the lower one first: -5, 0"),
        (one("signed_on", "between", "2027-01-01", "2026-01-01"), "0.values", "write the lower one first: 2026-01-01, 2027-01-01"),
        (one("name", "contains", "\u200b\u00ad"), "0.values", "a value for name is blank; use the operator is_blank for blank fields"),
        (one("tier", "one_of", "Gold", " "), "0.values", "a value for tier is blank; use the operator is_blank for blank fields"),
        (one("name", "is", "x" * 1001), "0.values", "a value for name has 1,001 characters; write at most 1,000"),
        (one("owner_company", "one_of", *map(str, range(201))), "0.values", f"one_of has 201 values; it takes 1 to {MOST_VALUES} values"),
    ],
)
def test_a_mistake_says_what_is_wrong_and_what_would_be_right(condition: Condition, path: str, words: str) -> None:
    [mistake] = check([condition], FIELDS)

    assert mistake.path == path
    assert words in mistake.words


def test_every_mistake_of_a_list_is_told_with_its_place() -> None:
    found = check([one("teir", "is", "Gold"), one("tier", "is", "Gold"), one("seats", "is", "5")], FIELDS)

    assert [(mistake.path, mistake.allowed[:2]) for mistake in found] == [
        ("0.field", ("amount", "is_strategic")),
        ("2.operator", ("equals", "less_than")),
    ]


def test_a_list_of_conditions_has_an_end() -> None:
    [mistake] = check([one("tier", "is", "Gold")] * (MOST_CONDITIONS + 1), FIELDS)

    assert mistake.words == "there are 51 conditions; a list takes at most 50"


def test_a_file_may_write_plain_scalars() -> None:
    assert Condition.from_document({"field": "is_strategic", "operator": "is", "values": [True]}) == one("is_strategic", "is", "true")
    assert Condition.from_document({"field": "seats", "operator": "between", "values": [5, 9.5]}) == one("seats", "between", "5", "9.5")
    assert Condition.from_document({"field": "tier", "operator": "is", "values": "Gold"}) == one("tier", "is", "Gold")
    assert Condition.from_document({"field": "tier", "operator": "is_blank"}) == one("tier", "is_blank")
    assert Condition.from_document({"field": "tier", "operator": "is", "values": [None]}) == one("tier", "is", "")


def test_every_operator_has_a_kind_and_words() -> None:
    assert {operator for operators in OPERATORS.values() for operator in operators} == set(Operator)
    assert one("tier", "one_of", "Gold", "Platinum").words == "tier is one of Gold, Platinum"
    assert one("seats", "between", "5", "9").words == "seats is between 5 and 9"
    assert one("tier", "is_blank").words == "tier is blank"
    assert all("_" not in one("it", operator).words for operator in Operator)
