"""Names that look the same, and what is said of what cannot be seen in them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.names import folded, folded_otherwise, spelled

ZOE = "Zo\u00eb Ltd"


@pytest.mark.parametrize(
    "name",
    [
        ZOE,
        "Zoe\u0308 Ltd",
        "Zo\u00eb\u00a0Ltd",
        " Zo\u00eb  Ltd ",
        "Zo\u00eb\u202fLtd",
        "Zo\u00eb\u200b Ltd",
        "\ufeffZo\u00eb Ltd",
        "Zo\u00eb\tLtd",
    ],
)
def test_names_that_look_the_same_are_the_same(name: str) -> None:
    assert folded(name) == ZOE


@pytest.mark.parametrize("name", ["Zoe Ltd", "zo\u00eb ltd", "Zo\u00ebLtd"])
def test_names_that_look_otherwise_are_others(name: str) -> None:
    assert folded(name) != ZOE


@given(st.text())
def test_a_folded_name_stays_as_it_is(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    assert folded_otherwise(folded(name)) is None


@given(st.text())
def test_the_form_of_the_accents_is_no_difference(name: str) -> None:
    assert folded(unicodedata.normalize("NFD", name)) == folded(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (ZOE, "'Zo\u00eb Ltd'"),
        ("Zoe\u0308 Ltd", "with a decomposed \u00eb"),
        ("Zo\u00eb\u00a0Ltd", "with a no-break space"),
        ("Zo\u00eb\u200b Ltd", "with a zero width space"),
        ("Zo\u00eb  Ltd", "with two spaces in a row"),
        ("Zo\u00eb Ltd ", "with a space at its end"),
        ("Zoe\u0308\u00a0Ltd", "with a decomposed \u00eb and a no-break space"),
    ],
)
def test_what_cannot_be_seen_is_named(name: str, words: str) -> None:
    assert words in spelled(name)
