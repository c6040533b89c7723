"""Answers that a vendor, or a proxy before it, may give and ours must take: what they mean is the same at every CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sync_worker.crm.port import Crm, RecordWrite, Scan, WriteOutcome, Wrote
from sync_worker.errors import ConnectionDown, WriteRejected, WritesRest
from tests.contract.crm.bench import Bench

ALWAYS = 999
HOUR_BEFORE = "Mon, 01 Jun 2026 11:00:00 GMT"
HOUR_AFTER = "Mon, 01 Jun 2026 13:00:00 GMT"

# ── the time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("order", "hours"),
    [
        ({"headers": {"Date": HOUR_AFTER}}, 0),
        ({"headers": {"Date": HOUR_BEFORE}}, -1),
        ({"headers": {"Date": "yesterday"}}, 0),
        ({"date": "Mon, 01 Jun 2026 13:00:00 -0000"}, 1),
        ({"date": "Mon Jun  1 13:00:00 2026"}, 1),
    ],
)
def test_the_time_is_read_from_any_date_and_the_earliest_of_several_counts(
    bench: Bench, crm: Crm, order: dict[str, Any], hours: int
) -> None:
    bench.order("time", **order)
    assert crm.now() == bench.now() + timedelta(hours=hours)


@pytest.mark.parametrize("date", ["", "²", "Mon, 99 Jun 2026 13:00:00 GMT"])
def test_where_no_date_can_be_read_our_own_clock_tells_the_time(bench: Bench, crm: Crm, date: str) -> None:
    bench.order("time", date=date)
    assert crm.now().utcoffset() == timedelta(0)


# ── a write that is refused as a whole ───────────────────────────────────────────────────────────────────────────────


def create_of(bench: Bench, key: str) -> RecordWrite:
    return RecordWrite(ref=key, fields=bench.required(key), key=key)


def write(bench: Bench, crm: Crm, *changes: RecordWrite) -> Iterator[list[WriteOutcome]]:
    return crm.write(bench.native, bench.key_field, changes, time_left_s=lambda: 60.0)


@pytest.mark.parametrize("status", [404, 405, 410, 415])
@pytest.mark.parametrize("what", ["create", "update"])
def test_a_refusal_of_the_whole_call_is_the_connections_and_no_records(bench: Bench, crm: Crm, what: str, status: int) -> None:
    # Given three changes, and a CRM that refuses the call whatever stands in it
    changes = [create_of(bench, f"key-{number}") for number in range(3)]
    if what == "update":
        changes = [RecordWrite(change.ref, {bench.name_field: "New"}, crm_id=bench.create("Old", key=change.key)) for change in changes]
    bench.order(what, status=status, body="html", times=ALWAYS)
    # when they are written, then no record has an outcome, and the words say what to do
    with pytest.raises(ConnectionDown, match=r"update sync-worker|is there still such a record type|changes our requests"):
        list(write(bench, crm, *changes))


def test_a_body_that_is_too_large_is_sent_in_parts(bench: Bench, crm: Crm) -> None:
    bench.order("create", status=413, body="html", above=2, times=ALWAYS)
    changes = [create_of(bench, f"key-{number}") for number in range(7)]
    outcomes = [outcome for batch in write(bench, crm, *changes) for outcome in batch]
    assert [(outcome.ref, outcome.wrote) for outcome in outcomes] == [(change.ref, Wrote.CREATED) for change in changes]
    assert [len(bench.with_key(change.ref)) for change in changes] == [1] * 7


def test_a_read_that_is_too_large_is_made_in_parts(bench: Bench, crm: Crm) -> None:
    made = [bench.create(f"Deal {number}") for number in range(7)]
    bench.order("read", status=413, body="html", above=2, times=ALWAYS)
    assert sorted(record.crm_id for record in crm.fetch(bench.native, made, fields=(bench.name_field,))) == sorted(made)


@pytest.mark.parametrize("order", [{"status": 413, "body": "html"}, {"status": 400, "body": "html"}])
def test_one_record_that_is_at_fault_is_found_and_the_others_are_written(bench: Bench, crm: Crm, order: dict[str, Any]) -> None:
    bench.order("create", holding="key-4", times=ALWAYS, **order)
    changes = [create_of(bench, f"key-{number}") for number in range(7)]
    outcomes = {outcome.ref: outcome for batch in write(bench, crm, *changes) for outcome in batch}
    refused = outcomes.pop("key-4")
    assert (refused.wrote, isinstance(refused.error, WriteRejected)) == (Wrote.REJECTED, True)
    assert {outcome.wrote for outcome in outcomes.values()} == {Wrote.CREATED}
    assert bench.with_key("key-4") == []


def test_a_connection_that_fails_halfway_lets_what_was_written_stand(bench: Bench, crm: Crm) -> None:
    # Given a call that has to be sent in two parts, the second of which is refused as a whole
    bench.order("create", status=413, body="html", above=2, times=ALWAYS)
    bench.order("create", status=405, body="html", after=1, times=ALWAYS)
    batches = write(bench, crm, *(create_of(bench, f"key-{number}") for number in range(4)))
    # when they are written, then the outcomes are told first: two are there, two may pass later
    outcomes = next(batches)
    assert [outcome.wrote for outcome in outcomes] == [Wrote.CREATED, Wrote.CREATED, Wrote.LATER, Wrote.LATER]
    # and then the connection's error
    with pytest.raises(ConnectionDown):
        next(batches)


@pytest.mark.parametrize("code", ["no_room_in_crm"])
def test_an_org_without_room_is_not_the_records_fault(bench: Bench, crm: Crm, code: str) -> None:
    bench.order("create", record=True, error_code=bench.full_code, times=1)
    [outcomes] = write(bench, crm, create_of(bench, "key-1"), create_of(bench, "key-2"))
    assert sorted(outcome.wrote for outcome in outcomes) == [Wrote.CREATED, Wrote.LATER]
    [rests] = [outcome.error for outcome in outcomes if isinstance(outcome.error, WritesRest)]
    assert rests.code == code


# ── text that no database holds ──────────────────────────────────────────────────────────────────────────────────────

UNFIT = ["Ced\\u0000r", "Ced\\ud800r", "Ced\x00r", "Ced\xe4r"]
"""As it stands in the answer, one byte a character: escapes of JSON, and bytes."""


@pytest.mark.parametrize("unfit", UNFIT, ids=repr)
def test_one_record_whose_text_cannot_be_stored_is_read_and_says_so(bench: Bench, crm: Crm, unfit: str) -> None:
    # Given two records, in the name of one of which stands what no database can hold
    cedar, bolt = bench.create("Cedar"), bench.create("Bolt")
    bench.order("read", spoil={"Cedar": unfit})
    # when they are read, then both are there, and the one says which of its fields is not as it stands in the CRM
    found = {record.crm_id: record for record in crm.fetch(bench.native, [cedar, bolt], fields=(bench.name_field,))}
    assert (found[cedar].fields[bench.name_field], found[cedar].mended) == ("Ced\ufffdr", (bench.name_field,))
    assert (found[bolt].fields[bench.name_field], found[bolt].mended) == ("Bolt", ())


@pytest.mark.parametrize("unfit", ["Ced\x00r", "Ced\xe4r"], ids=repr)
def test_a_scan_goes_on_behind_a_text_that_cannot_be_stored(bench: Bench, crm: Crm, unfit: str) -> None:
    made = [bench.create(name) for name in ("Ash", "Bolt", "Cedar", "Dune", "Elm")]
    bench.pages_of(2)
    bench.order("scan", spoil={"Cedar": unfit}, times=ALWAYS)
    fields = (bench.name_field,)
    pages = crm.changed_since(Scan(bench.native, fields, bench.now(), bench.now() + timedelta(hours=1)))
    found = {record.crm_id: record for page in pages for record in page.records}
    assert [found[crm_id].fields[bench.name_field] for crm_id in made] == ["Ash", "Bolt", "Ced\ufffdr", "Dune", "Elm"]
    assert [found[crm_id].mended for crm_id in made] == [(), (), (bench.name_field,), (), ()]


@pytest.mark.parametrize("unfit", UNFIT, ids=repr)
@pytest.mark.parametrize("is_of_record", [True, False])
def test_the_words_of_a_refusal_can_be_stored(bench: Bench, crm: Crm, unfit: str, is_of_record: bool) -> None:
    bench.order("create", record=is_of_record, error_code=bench.rejects_with, message="field: Cedar")
    bench.order("create", spoil={"Cedar": unfit}, times=ALWAYS)
    [outcomes] = write(bench, crm, create_of(bench, "key-1"))
    words = str(outcomes[0].error)
    assert outcomes[0].wrote is Wrote.REJECTED
    assert words.encode().count(0) == 0
    assert not is_of_record or "Ced\ufffdr" in words
