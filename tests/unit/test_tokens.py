"""API tokens as text."""

from __future__ import annotations

import pytest

from sync_worker.boundary import tokens


def test_a_token_is_known_by_its_id_and_kept_as_a_hash() -> None:
    made = tokens.make()
    assert made.text.startswith(f"swk_{made.id}_")
    assert tokens.id_of(made.text) == made.id
    assert tokens.is_same(made.text, made.hash)
    assert made.text not in made.hash
    assert not tokens.is_same(tokens.make().text, made.hash)


@pytest.mark.parametrize("place", [4, 20, -1])
def test_a_mistyped_token_is_no_token(place: int) -> None:
    text = tokens.make().text
    other = "0" if text[place] != "0" else "1"
    assert tokens.id_of(text[:place] + other + (text[place + 1 :] if place != -1 else "")) is None


@pytest.mark.parametrize("text", ["", "swk_", "Bearer x", "swk_" + "0" * 82, "\0", "swk_é"])
def test_what_is_no_token_has_no_id(text: str) -> None:
    assert tokens.id_of(text) is None
