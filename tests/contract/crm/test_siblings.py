"""Several connections of one portal, each in a thread of its own: they log in once, are counted together, and are used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sync_worker.crm.port import Crm, NativeRecord, RecordWrite
from sync_worker.crm.rehearsal import Rehearsal
from sync_worker.services import Services
from tests.contract.crm.bench import Bench
from tests.patience import HANG_S


def test_connections_side_by_side_read_the_same_and_count_their_calls_together(bench: Bench, crm: Crm) -> None:
    # Given two more connections of a portal, each in its own thread, and a third of one of these
    crm_ids = [bench.create(name) for name in ("Cedar", "Birch")]
    before, start = bench.data_calls(), Barrier(2, timeout=HANG_S)

    def fetch(_number: int) -> list[NativeRecord]:
        with crm.another_connection() as other, other.another_connection() as third:
            start.wait()
            return [*other.fetch(bench.native, crm_ids, fields=()), *third.fetch(bench.native, crm_ids, fields=())]

    # When all of them read
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(fetch, range(2)))
    # Then each has read everything, and the portal's connection has counted every call
    assert [sorted(record.crm_id for record in one) for one in found] == [sorted(crm_ids * 2)] * 2
    assert crm.calls == bench.data_calls() - before


def test_a_connection_is_lent_again_when_it_is_free(crm: Crm) -> None:
    # Given a connection that was lent and came back
    with crm.another_connection() as first, crm.another_connection() as second:
        lent = {_wire_of(first), _wire_of(second)}
    # When one is asked for again, then it is the same, and two at a time are never the same
    with crm.another_connection() as again, crm.another_connection() as other:
        assert {_wire_of(again), _wire_of(other)} == lent
    assert len(lent | {_wire_of(crm)}) == 3


def _wire_of(crm: Crm) -> int:
    return id(crm._connection._wire)  # type: ignore[attr-defined]


def test_what_is_rehearsed_on_one_connection_is_read_back_on_the_others(bench: Bench, crm: Crm) -> None:
    # Given a CRM that is only rehearsed on
    rehearsal = Rehearsal(crm, tell=lambda _native, _changes: None, services=Services())
    change = RecordWrite("a", bench.required("Cedar"), key="a")
    # When one of its other connections creates a record
    with rehearsal.another_connection() as other:
        [[outcome]] = other.write(bench.native, bench.key_field, [change], time_left_s=lambda: 60)
    # Then the first one shows it and has counted the call, and the CRM has no such record
    [record] = rehearsal.fetch(bench.native, [str(outcome.crm_id)], fields=(bench.name_field,))
    assert (record.fields[bench.name_field], rehearsal.write_calls) == ("Cedar", 1)
    assert bench.with_key("a") == []
