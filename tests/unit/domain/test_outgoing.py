"""What a record owes the CRM, decided without a database: a write, nothing, or a record that waits for a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.reconcile import Base, FieldRule
from sync_worker.domain.core.values import Value
from sync_worker.domain.sync.push.outgoing import Nothing, Owing, Park, WriteFields, decide

RULES = {
    "name": FieldRule("name", direction="both"),
    "amount": FieldRule("amount", direction="both"),
    "stage": FieldRule("stage", direction="push"),
    "owner_company": FieldRule("owner_company", direction="push"),
    "crm_owner": FieldRule("crm_owner"),
}
HELD: dict[str, Value] = {"name": "Harbor", "amount": 7, "stage": "open", "owner_company": "c1", "crm_owner": "Ann"}
AGREED = {
    "name": Base("Harbor", "Harbor"),
    "amount": Base(7, 7),
    "stage": Base("open", "Open"),
    "owner_company": Base("c1", "001"),
}
KNOWN = Owing(record_id="d1", held=HELD, base=AGREED, companies={"owner_company": "001"}, key="d1")
NEW = replace(KNOWN, base=None, key=None)


def test_a_record_that_both_sides_agree_on_owes_nothing() -> None:
    assert decide(KNOWN, RULES) == Nothing()


def test_a_known_record_owes_the_fields_that_differ_from_what_was_agreed_and_no_other() -> None:
    edited = replace(KNOWN, held={**HELD, "amount": 9, "crm_owner": "Bob"})
    assert decide(edited, RULES) == WriteFields({"amount": 9})


def test_a_new_record_owes_every_field_that_is_set_and_names_companies_by_their_crm_ids() -> None:
    assert decide(replace(NEW, held={**HELD, "amount": None}), RULES) == WriteFields(
        {"name": "Harbor", "stage": "open", "owner_company": "001"}
    )


def test_a_new_record_is_written_even_where_no_field_of_it_is_set() -> None:
    assert decide(replace(NEW, held={}), RULES) == WriteFields({})


def test_a_field_that_is_emptied_is_written_empty_where_the_crm_record_is_known() -> None:
    assert decide(replace(KNOWN, held={**HELD, "amount": None}), RULES) == WriteFields({"amount": None})


def test_a_field_that_waits_is_not_written() -> None:
    edited = replace(KNOWN, held={**HELD, "name": "Pier", "amount": 9}, waiting={"name"})
    assert decide(edited, RULES) == WriteFields({"amount": 9})


@pytest.mark.parametrize("owing", [KNOWN, NEW], ids=["known", "new"])
def test_what_the_crm_is_to_hear_nothing_of_owes_nothing(owing: Owing) -> None:
    assert decide(replace(owing, held=None), RULES) == Nothing()


def test_a_record_whose_crm_record_could_not_be_read_is_parked_without_a_failure_of_its_own() -> None:
    assert decide(replace(KNOWN, held={**HELD, "amount": 9}, is_unread=True), RULES) == Park()


@pytest.mark.parametrize("owing", [NEW, replace(KNOWN, held={**HELD, "owner_company": "c2"})], ids=["new", "known"])
def test_a_deal_whose_company_has_no_crm_record_is_parked_and_the_field_is_named(owing: Owing) -> None:
    found = decide(replace(owing, companies={"owner_company": None}), RULES)
    assert isinstance(found, Park)
    assert found.error is not None
    assert (found.error.code, found.error.field) == ("company_not_in_crm", "owner_company")


def test_a_company_without_a_crm_record_stops_nothing_where_its_field_is_not_owed() -> None:
    assert decide(replace(KNOWN, held={**HELD, "amount": 9}, companies={"owner_company": None}), RULES) == WriteFields({"amount": 9})


@pytest.mark.parametrize(
    ("key", "is_left_over", "is_owed"),
    [
        ("d1", False, False),
        ("", False, True),
        ("d2", True, True),
        ("d2", False, False),
        (None, False, False),
    ],
    ids=["its own", "none", "of a record that is gone", "of another one", "not known"],
)
def test_our_key_is_owed_where_none_stands_or_one_that_is_left_over(key: str | None, is_left_over: bool, is_owed: bool) -> None:
    found = decide(replace(KNOWN, key=key, is_key_left_over=is_left_over), RULES)
    assert found == (WriteFields({}, is_key_owed=True) if is_owed else Nothing())


VALUES = st.sampled_from([None, "", "a", "b", 1, 2])


@given(
    held=st.dictionaries(st.sampled_from(sorted(RULES)), VALUES),
    base=st.none() | st.dictionaries(st.sampled_from(sorted(RULES)), VALUES.map(lambda value: Base(value, value))),
    waiting=st.sets(st.sampled_from(sorted(RULES))),
)
def test_only_fields_that_we_write_and_that_do_not_wait_are_ever_written(
    held: dict[str, Value], base: dict[str, Base] | None, waiting: set[str]
) -> None:
    found = decide(Owing(record_id="d1", held=held, base=base, waiting=waiting, companies={}), RULES)
    if isinstance(found, WriteFields):
        assert not found.fields.keys() & (waiting | {"crm_owner"})
        assert all(found.fields[name] == held.get(name) for name in found.fields)
    else:
        assert found == Nothing()
