"""The census: every live record with a mark, whatever its stamp; ids and stamps alone, in few calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from sync_worker.crm.port import Crm
from tests.contract.crm.bench import Bench
from tests.contract.crm.conftest import NOW


def taken(crm: Crm, bench: Bench, *any_of: str) -> dict[str, datetime]:
    """All pages as one."""
    found: dict[str, datetime] = {}
    for roll in crm.census(bench.native, any_of or (bench.key_field,)):
        assert not found.keys() & roll.stamps.keys()
        found |= roll.stamps
    return found


def test_it_names_what_lives_and_has_a_mark_with_its_stamp(bench: Bench, crm: Crm) -> None:
    # Given records with and without a mark, one deleted, one merged, one gone
    marked, loser, deleted, purged = (bench.create(name, key=str(uuid4())) for name in ("Marked", "Loser", "Deleted", "Purged"))
    bench.create("Unmarked")
    bench.move_clock(NOW + timedelta(minutes=1))
    for crm_id in (deleted, purged):
        bench.delete(crm_id)
    bench.purge(purged)
    bench.merge(marked, loser)
    # Then only the one that lives is there, as it changed last
    assert taken(crm, bench) == {marked: NOW + timedelta(minutes=1)}


def test_one_of_several_marks_is_enough(bench: Bench, crm: Crm) -> None:
    marks = (bench.filter_field, bench.key_field)
    before = taken(crm, bench, *marks)
    ours = {bench.create("One", marker="x"), bench.create("Two", key="key-1"), bench.create("Three", key="key-2", marker="x")}
    bench.create("Four")
    assert taken(crm, bench, *marks).keys() - before.keys() == ours


@pytest.mark.parametrize("count", [0, 1, 5, 11])
def test_every_page_follows_the_one_before(bench: Bench, crm: Crm, count: int) -> None:
    expected = {bench.create(f"Prospect {number}", key=str(uuid4())) for number in range(count)}
    bench.pages_of(5)
    pages = list(crm.census(bench.native, (bench.key_field,)))
    assert sorted(crm_id for page in pages for crm_id in page.stamps) == sorted(expected)
    assert pages[0].total == count


def test_a_record_that_becomes_visible_late_is_there_with_its_old_stamp(bench: Bench, crm: Crm) -> None:
    # Given a record that is hidden at first
    created = bench.create("Late", key=str(uuid4()))
    bench.hide(created)
    bench.move_clock(NOW + timedelta(hours=2))
    assert taken(crm, bench) == {}
    assert crm.fetch(bench.native, [created], fields=()) == []
    # When it is shown, then the census has it, with a stamp that no poll looks for
    bench.show(created)
    assert taken(crm, bench) == {created: NOW}


def test_a_census_of_nothing_costs_one_call(bench: Bench, crm: Crm) -> None:
    assert taken(crm, bench) == {}
    assert crm.calls == 1


def test_all_live_records_are_counted_in_one_call_and_what_a_call_brings_is_known_without_one(bench: Bench, crm: Crm) -> None:
    before = crm.count(bench.native)
    kept, deleted = bench.create("Kept"), bench.create("Deleted")
    bench.delete(deleted)
    calls = crm.calls
    assert crm.count(bench.native) == before + 1, kept
    assert crm.calls == calls + 1
    rates = crm.rates(bench.native)
    assert crm.calls == calls + 1
    assert min(rates.by_id, rates.by_page) >= 100
