"""Many records are read side by side, as many calls at once as may be in flight: the same answers as one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sync_worker.crm.hubspot.reading import reader as hubspot_reader
from sync_worker.crm.port import Crm, NativeRecord
from sync_worker.crm.salesforce.reading import reader as salesforce_reader
from sync_worker.crm.salesforce.reading import soql
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.errors import SchemaChanged, SyncError
from sync_worker.services import Services
from tests.contract.crm.bench import Bench

COUNT = 12


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records a call."""
    monkeypatch.setattr(hubspot_reader, "READ_COUNT", 2)
    monkeypatch.setattr(salesforce_reader, "RETRIEVE_COUNT", 2)
    monkeypatch.setattr(soql, "MOST_PER_QUERY", 2)


@contextmanager
def at_once(crm: Crm, most: int) -> Iterator[Crm]:
    """The same connection, for a portal with so many calls in flight."""
    connection: Any = crm._connection  # type: ignore[attr-defined]
    shared: Any = getattr(connection, "_access", None) or connection._tokens
    before, shared.turnstile = shared.turnstile, Turnstile(Limit(most, most), Services())
    try:
        yield crm
    finally:
        shared.turnstile = before


def answers(bench: Bench, crm: Crm, crm_ids: list[str], keys: list[str]) -> list[list[NativeRecord]]:
    """Both by id and by key. Within a call HubSpot answers in any order, so they are sorted."""
    names = (bench.name_field,)
    found = crm.fetch(bench.native, crm_ids, fields=names), crm.find_by_key(bench.native, bench.key_field, keys, fields=names)
    return [sorted(records, key=lambda record: record.crm_id) for records in found]


@pytest.fixture
def created(bench: Bench) -> list[str]:
    found = [bench.create(f"Prospect {number}", key=f"key-{number}") for number in range(COUNT)]
    bench.delete(found[3])
    bench.purge(found[8])
    return found


def test_the_same_records_come_for_the_same_calls(bench: Bench, crm: Crm, created: list[str]) -> None:
    keys = [f"key-{number}" for number in range(COUNT)]
    before = bench.data_calls()
    one_by_one = answers(bench, crm, created, keys)
    between = bench.data_calls()
    with at_once(crm, 4):
        assert answers(bench, crm, created, keys) == one_by_one
    assert bench.data_calls() - between == between - before
    assert crm.calls == 2 * (between - before)


def test_with_one_call_at_a_time_no_other_connection_is_made(bench: Bench, crm: Crm, created: list[str]) -> None:
    with at_once(crm, 1):
        answers(bench, crm, created, [f"key-{number}" for number in range(COUNT)])
    with crm.another_connection() as other:
        assert other._connection._token is None, "it is new"  # type: ignore[attr-defined]


def test_the_first_error_is_raised_when_no_call_is_under_way(bench: Bench, crm: Crm, created: list[str]) -> None:
    bench.order("read", times=99, status=400, body={"message": "no such thing", "category": "VALIDATION_ERROR"})
    with at_once(crm, 4), pytest.raises(SyncError):
        crm.fetch(bench.native, created, fields=())
    assert crm._connection.siblings.lent == 0  # type: ignore[attr-defined]


def test_a_part_that_is_too_large_is_asked_for_by_halves(bench: Bench, crm: Crm, created: list[str]) -> None:
    bench.order("read", status=413, body="")
    with at_once(crm, 4):
        found = crm.fetch(bench.native, created, fields=())
    assert sorted(record.crm_id for record in found) == sorted(set(created) - {created[8]})


def test_record_types_are_described_at_once_and_one_that_there_is_not_says_why(bench: Bench, crm: Crm) -> None:
    alone = crm.describe(bench.native)
    with at_once(crm, 4):
        found = crm.describe_each([bench.native, "Nonsense__c"])
    assert found[bench.native] == alone
    assert isinstance(found["Nonsense__c"], SchemaChanged)
