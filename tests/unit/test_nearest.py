"""What a person may have meant: the nearest word, and words that differ by a slip of the hand."""

from __future__ import annotations

import pytest

from sync_worker.nearest import choose_from, did_you_mean, listed, slip_of


def test_the_nearest_word_is_named_whatever_its_capitals() -> None:
    assert did_you_mean("portal_staus__C", ["Portal_Status__c", "Portal_Tier__c"]) == "did you mean 'Portal_Status__c'?"
    assert did_you_mean("ACTIVE", ["Active", "Inactive"]) == "did you mean 'Active'?"
    assert did_you_mean("zebra", ["Active", "Inactive"]) == ""


def test_the_remedy_is_the_nearest_and_the_list_and_a_long_list_is_cut() -> None:
    assert choose_from("opne", ["open", "won"]) == "did you mean 'open'? allowed: open, won"
    assert choose_from("zebra", ["open", "won"]) == "allowed: open, won"
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("portal_status__c", "Portal_Status__c"),
        ("Portal_Statu__c", "Portal_Status__c"),
        ("Portal_Statuss__c", "Portal_Status__c"),
        ("Portal_Stauts__c", "Portal_Status__c"),
        ("Portal_Stetus__c", "Portal_Status__c"),
        ("Aktive", "Active"),
        ("Partners", "Partner"),
        ("Up-front", "Up front"),
        ("EMEA", "emea"),
    ],
)
def test_case_or_one_letter_is_a_slip(word: str, other: str) -> None:
    assert slip_of(word, ["Something Else", other]) == other
    assert slip_of(other, [word]) == word


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("Tier 1", "Tier 2"),
        ("Tier 1", "Tier 11"),
        ("New", "Now"),
        ("AMER", "APAC"),
        ("Silver", "Gold"),
        ("Active", "Inactive"),
        ("a1b2", "a2b1"),
    ],
)
def test_other_words_are_no_slips(word: str, other: str) -> None:
    assert slip_of(word, [other]) == ""
    assert slip_of(word, [word]) == ""
