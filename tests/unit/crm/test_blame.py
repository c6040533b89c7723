"""Which rows of a refused request are refused: whatever the refusal says, each row is in the end asked alone, blamed, or passes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.crm.blame import sorted_out

ROWS = list(range(16))


def _sent(rows: Sequence[int], bad: set[int], names: bool) -> tuple[set[int], int]:
    """The rows that are refused, and the requests it took, of a CRM that refuses whole requests with a bad row in them."""
    if bad.isdisjoint(rows):
        return set(), 1
    refused, again = sorted_out(rows, lambda row: names and row in bad)
    found, count = set(refused), 1
    for part in again:
        more, calls = _sent(part, bad, names)
        found, count = found | more, count + calls
    return found, count


@given(st.sets(st.sampled_from(ROWS)), st.booleans())
def test_the_bad_rows_are_refused_and_no_other(bad: set[int], names: bool) -> None:
    assert _sent(ROWS, bad, names)[0] == bad


@given(st.sets(st.sampled_from(ROWS), min_size=1, max_size=len(ROWS) - 1))
def test_rows_that_are_named_cost_one_request_more(bad: set[int]) -> None:
    assert _sent(ROWS, bad, names=True)[1] == 2
