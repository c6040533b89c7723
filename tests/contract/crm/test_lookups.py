"""Records by id and by key, the record type's description, the clock, and the count of calls."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_worker.crm.port import Crm, RecordWrite, Scan
from sync_worker.errors import SchemaChanged
from tests.contract.crm.bench import Bench


def test_no_ids_cost_no_call(bench: Bench, crm: Crm) -> None:
    assert crm.fetch(bench.native, [], fields=()) == []
    assert crm.find_by_key(bench.native, bench.key_field, [], fields=()) == []
    assert crm.calls == 0


def test_fetch_leaves_out_the_missing_and_marks_the_deleted(bench: Bench, crm: Crm) -> None:
    living, deleted, purged = (bench.create(name) for name in ("Living", "Deleted", "Purged"))
    bench.delete(deleted)
    bench.purge(purged)
    found = {record.crm_id: record for record in crm.fetch(bench.native, [living, deleted, purged], fields=(bench.name_field,))}
    assert {crm_id: record.is_deleted for crm_id, record in found.items()} == {living: False, deleted: True}
    assert found[living].fields[bench.name_field] == "Living"


def test_fetch_says_into_what_a_record_was_merged(bench: Bench, crm: Crm) -> None:
    winner, loser = bench.create("Winner"), bench.create("Loser")
    bench.merge(winner, loser)
    [record] = crm.fetch(bench.native, [loser], fields=())
    assert (record.is_deleted, record.merged_into) == (True, winner)


def test_fetch_says_into_what_a_record_was_merged_though_the_winner_was_deleted_afterwards(bench: Bench, crm: Crm) -> None:
    winner, loser = bench.create("Winner"), bench.create("Loser")
    bench.merge(winner, loser)
    bench.delete(winner)
    found = {record.crm_id: record for record in crm.fetch(bench.native, [loser, winner], fields=())}
    assert {crm_id: record.merged_into for crm_id, record in found.items()} == {loser: winner, winner: None}
    assert all(record.is_deleted for record in found.values())


def test_fetch_takes_any_number_of_ids_and_gives_each_once(bench: Bench, crm: Crm) -> None:
    created = [bench.create(f"Prospect {number}") for number in range(7)]
    bench.delete(created[3])
    asked = created * 400  # beyond one call of any vendor
    assert sorted(record.crm_id for record in crm.fetch(bench.native, asked, fields=())) == sorted(created)


@pytest.mark.parametrize("nonsense", ["", "garbage", "not-an-id-at-all!", "Ω" * 15, "' OR Name != '"])
def test_fetch_of_what_is_no_id_spoils_nothing(bench: Bench, crm: Crm, nonsense: str) -> None:
    created = bench.create("Living")
    assert [record.crm_id for record in crm.fetch(bench.native, [nonsense, created], fields=())] == [created]


def test_find_by_key_finds_the_living(bench: Bench, crm: Crm) -> None:
    living = bench.create("Living", key="key-1")
    bench.delete(bench.create("Deleted", key="key-2"))
    [record] = crm.find_by_key(bench.native, bench.key_field, ["key-1", "key-2", "key-3", "key-1"], fields=(bench.key_field,))
    assert (record.crm_id, record.fields[bench.key_field], record.is_deleted) == (living, "key-1", False)


@pytest.mark.parametrize("key", ["O'Brien", 'say "so"', "back\\slash", "50% off_all", "{0}", "line\nbreak", "ключ-ü", "x' OR Name != '"])
def test_find_by_key_takes_any_key_as_it_is(bench: Bench, crm: Crm, key: str) -> None:
    bench.create("Another", key="another")
    created = bench.create("Quoted", key=key)
    found = crm.find_by_key(bench.native, bench.key_field, [key, "missing"], fields=())
    assert [record.crm_id for record in found] == [created]


def test_find_by_key_takes_many_keys(bench: Bench, crm: Crm) -> None:
    created = {bench.create(f"Prospect {number}", key=f"{number:036}") for number in range(5)}
    found = crm.find_by_key(bench.native, bench.key_field, [f"{number:036}" for number in range(900)], fields=())
    assert {record.crm_id for record in found} == created


def test_describe_tells_types_and_lists(bench: Bench, crm: Crm) -> None:
    catalog = crm.describe(bench.native)
    assert catalog.native == bench.native
    assert catalog.fields[bench.name_field].type == "text"
    assert catalog.fields[bench.name_field].values is None
    assert catalog.fields[bench.key_field].is_unique
    assert catalog.fields[bench.bad_field].type == "picklist"
    assert catalog.fields[bench.bad_field].values
    assert all(name == field.name for name, field in catalog.fields.items())


def test_describe_of_no_record_type(bench: Bench, crm: Crm) -> None:
    with pytest.raises(SchemaChanged, match="Nonsense__c"):
        crm.describe("Nonsense__c")


def test_every_id_it_gives_is_canonical(bench: Bench, crm: Crm) -> None:
    created = bench.create("Living")
    [record] = crm.fetch(bench.native, [created], fields=())
    assert crm.canonical_id(record.crm_id) == record.crm_id == crm.canonical_id(created)


@pytest.mark.parametrize("text", ["", "vendor", "not an id", "12"])
def test_any_other_text_comes_back_as_it_is(crm: Crm, text: str) -> None:
    assert crm.canonical_id(text) == text


def test_the_clock_is_the_crms_own(bench: Bench, crm: Crm) -> None:
    bench.move_clock(bench.now() + timedelta(days=400))
    assert abs(crm.now() - bench.now()) < timedelta(seconds=2)  # its header has whole seconds
    assert crm.now().utcoffset() == timedelta(0)


def test_calls_are_what_the_crm_counts_as_data(bench: Bench, crm: Crm) -> None:
    created = [bench.create(f"Prospect {number}", key=f"key-{number}") for number in range(5)]
    bench.delete(created[0])
    bench.pages_of(2)
    crm.now()
    crm.describe(bench.native)
    assert crm.calls == 0
    list(crm.changed_since(Scan(bench.native, (), None, bench.now())))
    crm.fetch(bench.native, created, fields=())
    crm.find_by_key(bench.native, bench.key_field, ["key-1", "key-2"], fields=())
    list(
        crm.write(bench.native, bench.key_field, [RecordWrite("a", {bench.name_field: "New"}, crm_id=created[1])], time_left_s=lambda: 60.0)
    )
    assert crm.calls == bench.data_calls() > 4


def test_what_changed_since_is_never_called_untouched(bench: Bench, crm: Crm) -> None:
    """A CRM may know nothing of it, and then names none."""
    created = [bench.create(f"Prospect {number}") for number in range(3)]
    since = bench.now() + timedelta(minutes=5)
    bench.move_clock(since + timedelta(minutes=5))
    bench.edit(created[1], "Edited")
    untouched = crm.untouched(bench.native, created * 100, since=since)
    assert untouched <= {created[0], created[2]}


def test_whether_a_few_are_untouched_costs_no_call(bench: Bench, crm: Crm) -> None:
    crm.untouched(bench.native, [bench.create("Prospect")], since=bench.now())
    assert crm.calls == 0
