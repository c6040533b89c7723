"""What is seen of all portals at once: right, in six statements, and within a moment for a thousand of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event

from sync_worker.domain.sync.push.breaker import Breaker, Cause
from sync_worker.store.core import cursors, failures, portals
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.overview import NOTICED, Open, Read, Waiting, overview
from sync_worker.store.sync import breakers, notices, outbox
from tests.contract.store.samples import failure
from tests.patience import quickest_s
from tests.servers import MONDAY, Clock

SCRAPE_S = 2.0  # a fifth of what Prometheus waits by default; some 0.05 s here


def test_each_portal_s_standing_is_its_own(store: Store, clock: Clock) -> None:
    # Given one portal that has read up to Monday, owes, waits and fails, and one that could not even log in
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        cursor = cursors.acquire(tx, "company", "t")
        assert cursor
        cursors.close_window(tx, cursor, MONDAY - timedelta(minutes=3))
        cursors.acquire(tx, "lead", "t")
        cursors.pause(tx, "lead", MONDAY + timedelta(minutes=9), code="schema_changed", because="a field is hidden")
        outbox.owe(tx, "deal", ["d1", "d2"], "r1")
        notices.add(tx, "lead", ["00Q1", "00Q2"])
        failures.record(tx, [failure(), failure("f2", "002"), failure("f3", "003", kind="problem", code="status_unknown")])
        failures.close(tx, ["f2"], "healed")
        breakers.save(tx, Cause("deal", "push", "rejected"), Breaker(9, 60, MONDAY + timedelta(minutes=1)))
        breakers.save(tx, Cause("deal", "push", "locked"), Breaker(1, 0, None))
    with store.transaction("birch") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, MONDAY + timedelta(minutes=5), "no log-in")
    clock.forward(minutes=1)
    with store.transaction("acme") as tx:
        notices.add(tx, "lead", ["00Q1"])

    # When all is looked at
    seen = overview(store)

    # Then
    assert sorted(seen.reads, key=lambda read: (read.portal, read.record)) == [
        Read("acme", "company", MONDAY - timedelta(minutes=3), None, None),
        Read("acme", "lead", MONDAY, None, MONDAY + timedelta(minutes=9)),
        Read("birch", "", MONDAY, MONDAY + timedelta(minutes=5), None),
    ]
    assert seen.waiting == [Waiting("acme", "ready", 2, MONDAY), Waiting("acme", NOTICED, 2, MONDAY)]
    assert sorted(seen.opened, key=lambda one: one.kind) == [
        Open("acme", "failure", "name_blank", 1),
        Open("acme", "problem", "status_unknown", 1),
    ]
    assert seen.breakers == {"rejected": 1}


def test_a_thousand_portals_are_six_statements(store: Store) -> None:
    for number in range(1000):
        with store.transaction(f"p{number}") as tx:
            portals.enter(tx, "contracts")
            for record in ("company", "lead", "opportunity"):
                cursors.acquire(tx, record, "t")
            notices.add(tx, "lead", [f"00Q{at}" for at in range(20)])
            failures.record(tx, [failure(f"f{at}", f"00{at}", code=f"code_{at % 5}") for at in range(10)])
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    seen = overview(store)

    assert (len(seen.reads), len(seen.waiting), len(seen.opened)) == (3000, 1000, 5000)
    assert len(statements) == 6
    took_s = quickest_s(lambda: overview(store), SCRAPE_S)
    print(f"1,000 portals, 20,000 notices, 10,000 failures: {took_s * 1000:.0f} ms")
    assert took_s < SCRAPE_S
