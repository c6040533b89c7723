"""Fields that an answer leaves out although they were asked for: empty where the CRM still describes them, a changed schema where not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync_worker.crm.port import Crm, NativeRecord, Scan
from sync_worker.errors import SchemaChanged
from tests.contract.crm.bench import Bench

Ask = Callable[[Bench, Crm, list[str]], list[NativeRecord]]


def _asked(bench: Bench) -> tuple[str, ...]:
    return (bench.key_field, bench.name_field, bench.filter_field)


def by_id(bench: Bench, crm: Crm, crm_ids: list[str]) -> list[NativeRecord]:
    return crm.fetch(bench.native, crm_ids, fields=_asked(bench))


def by_key(bench: Bench, crm: Crm, _crm_ids: list[str]) -> list[NativeRecord]:
    return crm.find_by_key(bench.native, bench.key_field, ["key-0", "key-1", "key-2"], fields=_asked(bench))


def by_scan(bench: Bench, crm: Crm, crm_ids: list[str]) -> list[NativeRecord]:
    (page,) = crm.changed_since(Scan(bench.native, _asked(bench), None, bench.now()))
    return [record for record in page.records if record.crm_id in crm_ids]


on_every_way = pytest.mark.parametrize("ask", [by_id, by_key, by_scan])


@pytest.fixture
def crm_ids(bench: Bench) -> list[str]:
    """Three records of ours; the field in the middle one is empty."""
    return [bench.create(f"Prospect {number}", key=f"key-{number}", marker=None if number == 1 else "said") for number in range(3)]


@on_every_way
def test_what_is_left_out_of_an_answer_and_described_is_empty(bench: Bench, crm: Crm, crm_ids: list[str], ask: Ask) -> None:
    # Given a CRM that leaves empty fields out of its answers
    bench.leave_out_empty()
    # when records are asked for, then the empty field is there, and empty
    found = {record.crm_id: record.fields for record in ask(bench, crm, crm_ids)}
    assert [found[crm_id][bench.filter_field] for crm_id in crm_ids] == ["said", None, "said"]
    # and however many there are, one describe has told, which is no data call
    assert bench.describe_count() == 1
    assert crm.calls == bench.data_calls()


def test_where_nothing_is_left_out_no_describe_is_asked_for(bench: Bench, crm: Crm, crm_ids: list[str]) -> None:
    by_id(bench, crm, crm_ids)
    by_key(bench, crm, crm_ids)
    assert bench.describe_count() == 0


@on_every_way
def test_what_is_described_no_more_is_a_changed_schema_and_not_empty(bench: Bench, crm: Crm, crm_ids: list[str], ask: Ask) -> None:
    # Given a mapping made when the field was there, and an admin who takes it away
    crm.describe(bench.native)
    bench.take_field_away(bench.filter_field)
    # when records are asked for, then their values are not taken for cleared, and the error names the field and what to do
    with pytest.raises(SchemaChanged, match=bench.filter_field) as caught:
        ask(bench, crm, crm_ids)
    assert "check" in str(caught.value)


def test_a_deleted_record_owes_no_fields(bench: Bench, crm: Crm, crm_ids: list[str]) -> None:
    bench.delete(crm_ids[1])
    bench.leave_out_empty()
    found = {record.crm_id: record for record in by_id(bench, crm, crm_ids)}
    assert found[crm_ids[1]].is_deleted
    assert bench.describe_count() == 0
