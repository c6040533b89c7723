"""Any text at all as the cursor of a list: a place of the list, or a refusal that names the cursor."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_worker.web.api.core.paging import cursor_of, place_of
from sync_worker.web.api.core.problems import Refused

PLACES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=1, max_size=3)
DOCUMENTS = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@settings(deadline=None, derandomize=True)
@given(
    st.one_of(st.text(max_size=40), st.binary(max_size=40).map(encoded), DOCUMENTS.map(lambda one: encoded(repr(one).encode()))),
    st.integers(1, 3),
)
def test_a_cursor_of_any_kind_is_a_place_or_refused(cursor: str, parts: int) -> None:
    assert found(cursor, parts) in (parts, "cursor")


def found(cursor: str, parts: int) -> object:
    """How many parts the place has, or the field that is refused."""
    try:
        return len(place_of(cursor, parts))
    except Refused as refused:
        return refused.refusal.field


@settings(deadline=None, derandomize=True)
@given(PLACES)
def test_a_cursor_that_was_given_out_leads_back(place: list[str]) -> None:
    assert list(place_of(cursor_of(*place), len(place))) == place
