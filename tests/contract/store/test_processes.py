"""Heartbeats: who is there, who was, and whose row is swept."""

from __future__ import annotations

from dataclasses import replace

from sync_worker.domain.operate.status import Process
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import processes
from tests.servers import MONDAY, Clock

ONE = Process("p1", "worker", "host", 7, "1.0", "abc", MONDAY, MONDAY)
TWO = replace(ONE, id="p2", pid=8)


def beat(store: Store, *found: Process) -> None:
    with store.side_transaction("") as tx:
        for process in found:
            processes.beat(tx, process)
        processes.sweep(tx)


def there(store: Store) -> dict[str, bool]:
    """Id → whether it is silent."""
    with store.reading("") as tx:
        return {one.id: one.is_silent(tx.shared_now) for one in processes.listed(tx)}


def test_a_beat_keeps_the_start_and_moves_what_was_heard_last(store: Store, clock: Clock) -> None:
    beat(store, ONE)
    clock.forward(seconds=10)
    beat(store, ONE)
    with store.reading("") as tx:
        (found,) = processes.listed(tx)
        assert found == replace(ONE, started_at=MONDAY, seen_at=tx.shared_now)


def test_a_killed_process_is_silent_until_another_one_takes_its_place(store: Store, clock: Clock) -> None:
    # Given two workers, of which one is killed
    beat(store, ONE, TWO)
    clock.forward(seconds=40)
    beat(store, ONE)
    assert there(store) == {"p1": False, "p2": True}, "the one that goes on took nobody's place"
    # When another kind starts, nothing changes; when a worker starts, the dead one is forgotten
    beat(store, replace(ONE, id="p3", kind="web"))
    assert there(store) == {"p1": False, "p2": True, "p3": False}
    beat(store, replace(ONE, id="p4"))
    assert there(store) == {"p1": False, "p3": False, "p4": False}


def test_what_was_silent_for_an_hour_is_forgotten_and_what_ended_in_order_at_once(store: Store, clock: Clock) -> None:
    beat(store, ONE, TWO)
    with store.side_transaction("") as tx:
        processes.leave(tx, "p2")
    assert there(store) == {"p1": False}
    clock.forward(minutes=61)
    assert there(store) == {"p1": True}
    beat(store, replace(ONE, id="p5", kind="web"))
    assert there(store) == {"p5": False}
