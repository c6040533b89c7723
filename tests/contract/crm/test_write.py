"""Every change gets exactly one outcome, and the outcome is true: what it says of the CRM is what the CRM holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from sync_worker.crm.port import Crm, RecordWrite, WriteOutcome, Wrote
from sync_worker.errors import CallRefused, UncertainWrite, WriteRejected
from tests.contract.crm.bench import Bench


def write(bench: Bench, crm: Crm, *changes: RecordWrite, time_left_s: Callable[[], float] = lambda: 60.0) -> list[WriteOutcome]:
    batches = crm.write(bench.native, bench.key_field, changes, time_left_s=time_left_s)
    return [outcome for batch in batches for outcome in batch]


def create_of(bench: Bench, key: str, name: str = "Meridian") -> RecordWrite:
    return RecordWrite(ref=key, fields=bench.required(name), key=key)


def ends(outcomes: Sequence[WriteOutcome]) -> list[tuple[str, Wrote]]:
    return [(outcome.ref, outcome.wrote) for outcome in outcomes]


def test_nothing_to_write_is_no_call(bench: Bench, crm: Crm) -> None:
    assert write(bench, crm) == []
    assert crm.calls == 0


def test_a_known_record_is_updated_by_its_id(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Before", key="key-1")
    [outcome] = write(bench, crm, RecordWrite("a", {bench.name_field: "After"}, crm_id=crm_id))
    assert (outcome.wrote, outcome.crm_id, outcome.error, outcome.warning) == (Wrote.WRITTEN, crm_id, None, "")
    assert (bench.stored(crm_id)[bench.name_field], bench.stored(crm_id)[bench.key_field]) == ("After", "key-1")


def test_a_create_by_key_twice_is_one_record(bench: Bench, crm: Crm) -> None:
    [first] = write(bench, crm, create_of(bench, "key-1", "First"))
    [second] = write(bench, crm, create_of(bench, "key-1", "Second"))
    assert first.wrote is Wrote.CREATED
    assert second.wrote is Wrote.WRITTEN
    assert first.crm_id == second.crm_id == crm.canonical_id(first.crm_id or "")
    [record] = bench.with_key("key-1")
    assert record[bench.name_field] == "Second"


def test_outcomes_come_in_the_order_of_the_changes(bench: Bench, crm: Crm) -> None:
    changes = [create_of(bench, f"key-{number}") for number in range(450)]
    batches = list(crm.write(bench.native, bench.key_field, changes, time_left_s=lambda: 60.0))
    assert len(batches) > 1
    outcomes = [outcome for batch in batches for outcome in batch]
    assert ends(outcomes) == [(change.ref, Wrote.CREATED) for change in changes]
    assert len({outcome.crm_id for outcome in outcomes}) == 450


def test_updates_and_creates_together_each_get_one_outcome(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Known")
    outcomes = write(bench, crm, create_of(bench, "new"), RecordWrite("known", {bench.name_field: "Changed"}, crm_id=crm_id))
    assert sorted(ends(outcomes)) == [("known", Wrote.WRITTEN), ("new", Wrote.CREATED)]


def test_one_bad_row_does_not_take_others_with_it(bench: Bench, crm: Crm) -> None:
    good, bad = bench.create("Good"), bench.create("Bad")
    spoilt = create_of(bench, "bad")
    outcomes = write(
        bench,
        crm,
        RecordWrite("good", {bench.name_field: "Better"}, crm_id=good),
        RecordWrite("bad", {bench.bad_field: "no such value"}, crm_id=bad),
        create_of(bench, "new"),
        RecordWrite(spoilt.ref + "-create", {**spoilt.fields, bench.bad_field: "no such value"}, key=spoilt.key),
    )
    assert ends(outcomes) == [
        ("good", Wrote.WRITTEN),
        ("bad", Wrote.REJECTED),
        ("new", Wrote.CREATED),
        ("bad-create", Wrote.REJECTED),
    ]
    assert bench.stored(good)[bench.name_field] == "Better"
    assert bench.with_key("new")
    assert not bench.with_key("bad")


def test_a_rejection_names_the_vendors_code_and_the_field(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Bad")
    [outcome] = write(bench, crm, RecordWrite("a", {bench.bad_field: "no such value"}, crm_id=crm_id))
    assert isinstance(outcome.error, WriteRejected)
    assert (outcome.error.code, outcome.error.field) == (bench.rejects_with, bench.bad_field)
    assert outcome.crm_id is None


def test_a_deleted_record_is_a_rejection(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Deleted")
    bench.delete(crm_id)
    [outcome] = write(bench, crm, RecordWrite("a", {bench.name_field: "Too late"}, crm_id=crm_id))
    assert outcome.wrote is Wrote.REJECTED


def test_a_record_named_twice_ends_as_its_last_change_says(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Zero")
    changes = [RecordWrite(f"u{number}", {bench.name_field: f"Update {number}"}, crm_id=crm_id) for number in range(3)]
    creates = [RecordWrite(f"c{number}", bench.required(f"Create {number}"), key="key-1") for number in range(3)]
    outcomes = write(bench, crm, *changes, *creates)
    assert ends(outcomes) == [
        *((f"u{number}", Wrote.WRITTEN) for number in range(3)),
        ("c0", Wrote.CREATED),
        ("c1", Wrote.WRITTEN),
        ("c2", Wrote.WRITTEN),
    ]
    assert bench.stored(crm_id)[bench.name_field] == "Update 2"
    [record] = bench.with_key("key-1")
    assert record[bench.name_field] == "Create 2"


@pytest.mark.parametrize("left_s", [0.0, -1.0, 2.0])
def test_with_no_time_left_nothing_is_begun(bench: Bench, crm: Crm, left_s: float) -> None:
    outcomes = write(bench, crm, create_of(bench, "key-1"), time_left_s=lambda: left_s)
    assert ends(outcomes) == [("key-1", Wrote.NOT_BEGUN)]
    assert not bench.with_key("key-1")


def test_time_that_runs_out_between_batches_leaves_the_rest_not_begun(bench: Bench, crm: Crm) -> None:
    changes = [create_of(bench, f"key-{number}") for number in range(900)]
    left_s = [60.0, 0.0]
    batches = crm.write(bench.native, bench.key_field, changes, time_left_s=lambda: left_s[0])
    first = next(batches)
    left_s[0] = 0.0
    rest = [outcome for batch in batches for outcome in batch]
    assert {outcome.wrote for outcome in first} == {Wrote.CREATED}
    assert {outcome.wrote for outcome in rest} == {Wrote.NOT_BEGUN}
    assert len(first) + len(rest) == 900
    assert not bench.with_key(rest[0].ref)


def test_a_lost_reply_is_uncertain_and_the_record_is_there(bench: Bench, crm: Crm) -> None:
    bench.lose_reply()
    [outcome] = write(bench, crm, create_of(bench, "key-1"))
    assert outcome.wrote is Wrote.UNCERTAIN
    assert isinstance(outcome.error, UncertainWrite)
    [record] = crm.find_by_key(bench.native, bench.key_field, ["key-1"], fields=(bench.key_field,))
    assert record.fields[bench.key_field] == "key-1"
    assert crm.calls == bench.data_calls() == 2, "a write is never repeated by itself"


def test_an_uncertain_batch_does_not_stop_the_next(bench: Bench, crm: Crm) -> None:
    crm_id = bench.create("Known")
    bench.lose_reply()
    outcomes = write(bench, crm, RecordWrite("a", {bench.name_field: "Changed"}, crm_id=crm_id), create_of(bench, "new"))
    assert ends(outcomes) == [("a", Wrote.UNCERTAIN), ("new", Wrote.CREATED)]


def test_a_refused_connection_surely_wrote_nothing(bench: Bench) -> None:
    with pytest.raises(CallRefused):
        write(bench, bench.unreachable(), create_of(bench, "key-1"))
    assert not bench.with_key("key-1")


def test_a_crm_too_busy_surely_wrote_nothing(bench: Bench, crm: Crm) -> None:
    bench.be_too_busy()
    with pytest.raises(CallRefused):
        write(bench, crm, create_of(bench, "key-1"))
    assert not bench.with_key("key-1")


def test_a_locked_record_waits_alone(bench: Bench, crm: Crm) -> None:
    bench.lock_one()
    outcomes = write(bench, crm, create_of(bench, "locked"), create_of(bench, "free"))
    assert ends(outcomes) == [("locked", Wrote.LATER), ("free", Wrote.CREATED)]
    [again] = write(bench, crm, create_of(bench, "locked"))
    assert again.wrote is Wrote.CREATED
