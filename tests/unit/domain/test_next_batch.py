"""Which writes go in one call while other calls are in flight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.sync.push.attempts import is_sent_alone
from sync_worker.domain.sync.push.next_batch import DueWrite, WriteBatch, next_batch

WRITES = st.lists(
    st.builds(
        DueWrite,
        object=st.sampled_from(["company", "deal"]),
        record_id=st.uuids().map(str),
        owner=st.sampled_from("abc"),
        unanswered=st.integers(0, 3),
    ),
    max_size=20,
)


def due(record_id: str, owner: str, *, object_: str = "deal", unanswered: int = 0) -> DueWrite:
    return DueWrite(object_, record_id, owner, unanswered)


def test_the_longest_due_goes_with_the_others_of_its_company() -> None:
    rows = [due("1", "ant"), due("2", "bee"), due("3", "ant"), due("4", "cat"), due("5", "bee")]
    assert next_batch(rows, 3) == WriteBatch("deal", ["1", "3", "2"])
    assert next_batch(rows, 9) == WriteBatch("deal", ["1", "3", "2", "5", "4"])


def test_companies_go_before_deals_and_nothing_is_no_batch() -> None:
    assert next_batch([due("1", "ant"), due("ant", "ant", object_="company")], 9) == WriteBatch("company", ["ant"])
    assert next_batch([], 9) is None


def test_what_is_to_be_sent_alone_goes_alone_in_its_turn() -> None:
    poison, other = due("1", "ant", unanswered=2), due("2", "ant")
    assert next_batch([poison, other], 9) == WriteBatch("deal", ["1"])
    assert next_batch([other, poison], 9) == WriteBatch("deal", ["2"])


@given(WRITES, st.integers(1, 5))
def test_law_the_longest_due_is_always_in_it_and_only_one_company_is_cut(rows: list[DueWrite], most: int) -> None:
    batch = next_batch(rows, most)
    assert (batch is None) == (not rows)
    if batch is None:
        return
    mine = [row for row in rows if row.object == batch.object]
    chosen = [row for row in mine if row.record_id in batch.record_ids]
    assert mine[0] in chosen
    assert len(chosen) == len(batch.record_ids) <= most
    if len(chosen) > 1:
        free = [row for row in mine if not is_sent_alone(row.unanswered)]
        cut = {row.owner for row in free if row not in chosen} & {row.owner for row in chosen}
        assert len(cut) <= 1
