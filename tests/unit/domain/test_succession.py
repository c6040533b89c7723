"""Chains of merges: followed to the end, whatever their length, and never for ever."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.ingest.succession import chain

IDS = st.sampled_from("abcdefg")


def test_a_chain_is_followed_to_the_record_that_lives() -> None:
    assert chain({"a": "b", "b": "c"}, "a") == ("a", "b", "c")
    assert chain({"a": "b"}, "b") == ("b",)
    assert chain({"a": "b", "b": "a"}, "a") == ("a", "b")


@given(became=st.dictionaries(IDS, IDS), start=IDS)
def test_any_tangle_ends_and_names_each_record_once(became: dict[str, str], start: str) -> None:
    found = chain(became, start)
    assert found[0] == start
    assert len(set(found)) == len(found)
    assert all(became[old] == new for old, new in pairwise(found))
    assert found[-1] not in became or became[found[-1]] in found
