"""What `status` reads of many portals: of each its own, and as many statements for twenty as for one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event

from sync_worker.domain.sync.push.breaker import Breaker, Cause
from sync_worker.store.core import cursors, failures, portals, runs
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.runs import Counts
from sync_worker.store.deals import conflicts
from sync_worker.store.operate import halts
from sync_worker.store.operate.standings import PortalFacts, ReadRow, WebhookRow, facts
from sync_worker.store.sync import breakers, notices, outbox, webhooks
from sync_worker.store.tell import deliveries
from tests.contract.store.samples import conflict, failure
from tests.servers import MONDAY, Clock

DAY = timedelta(days=1)
NAMES = [f"p{number:02}" for number in range(20)]


def looked(store: Store, *names: str) -> dict[str, PortalFacts]:
    with store.reading("") as tx:
        return facts(tx, names, polls_after=DAY)


def busy(tx: Tx) -> None:
    """A portal with something of everything."""
    portals.enter(tx, "contracts")
    cursor = cursors.acquire(tx, "company", "t")
    assert cursor
    cursors.close_window(tx, cursor, MONDAY - timedelta(minutes=3))
    cursors.pause(tx, "company", MONDAY + timedelta(minutes=9), code="held_for_review", because="too much")
    portals.pause(tx, MONDAY + timedelta(minutes=5), "no log-in")
    halts.begin(tx, actor="Ann", reason="they move")
    deliveries.pause(tx, "the portal moves")
    outbox.owe(tx, "deal", ["d1", "d2"], "r1")
    notices.add(tx, "lead", ["00Q1", "00Q2"])
    conflicts.record(tx, [("k1", "d1", conflict())], "r1")
    failures.record(tx, [failure(), failure("f2", "002"), failure("f3", "003", kind="problem", code="status_unknown")])
    failures.discard(tx, ["f2"], "a test")
    breakers.save(tx, Cause("deal", "push", "rejected"), Breaker(9, 60, MONDAY + timedelta(minutes=1)))
    breakers.save(tx, Cause("deal", "push", "locked"), Breaker(1, 0, None))
    webhooks.came(tx, {"company"})


def test_each_portal_has_its_own_and_one_that_was_never_read_has_nothing(store: Store) -> None:
    # Given two portals, of which one has something of everything
    with store.transaction("acme") as tx:
        busy(tx)
    # When both are looked at
    found = looked(store, "acme", "birch")
    acme, birch = found["acme"], found["birch"]
    # Then
    assert acme.reads == {"company": ReadRow(MONDAY - timedelta(minutes=3), MONDAY + timedelta(minutes=9), "too much")}
    assert acme.rest == (MONDAY + timedelta(minutes=5), "no log-in")
    assert acme.halt
    assert (acme.halt.actor, acme.feed.paused_because) == ("Ann", "the portal moves")
    assert (acme.writes, acme.notices, acme.conflicts, acme.owed) == ({"ready": 2}, 2, 1, (0, None))
    assert [(row.kind, row.code, row.records) for row in acme.causes] == [("failure", "name_blank", 1), ("problem", "status_unknown", 1)]
    assert acme.resting == {Cause("deal", "push", "rejected"): MONDAY + timedelta(minutes=1)}
    assert acme.webhooks == {"company": WebhookRow(MONDAY, 0)}
    assert (birch.reads, birch.halt, birch.causes, birch.webhooks, birch.rest) == ({}, None, [], {}, (None, ""))
    # and of a portal that is not asked for nothing is read
    assert looked(store, "birch") == {"birch": birch}


def test_twenty_portals_take_as_many_statements_as_one(store: Store) -> None:
    for name in NAMES:
        with store.transaction(name) as tx:
            busy(tx)
    statements = list[str]()
    event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert len(looked(store, NAMES[0])) == 1
    for_one, statements[:] = len(statements), []
    assert len(looked(store, *NAMES)) == len(NAMES)
    assert len(statements) == for_one


def test_polls_that_found_changes_are_counted_since_a_webhook_that_is_old(store: Store, clock: Clock) -> None:
    def polled(run: str, record: str, verb: str = "pull", applied: int = 1) -> None:
        with store.transaction("acme") as tx:
            runs.start(tx, run, verb, record)
            runs.count(tx, run, Counts(read=3, applied=applied, unchanged=3 - applied))

    # Given a poll before the last webhook, and others after it
    polled("r1", "company")
    clock.forward(minutes=1)
    with store.transaction("acme") as tx:
        webhooks.came(tx, {"company", "lead"})
    clock.forward(minutes=1)
    for number in (2, 3):
        polled(f"r{number}", "company")
    polled("r4", "company", applied=0)
    polled("r5", "company", "refresh")
    polled("r6", "opportunity")
    # When the webhook is not a day old, then nothing is counted
    assert {name: one.found_polls for name, one in looked(store, "acme")["acme"].webhooks.items()} == {"company": 0, "lead": 0}
    # When it is, then the polls of its record type that found changes are
    clock.forward(days=1)
    assert {name: one.found_polls for name, one in looked(store, "acme")["acme"].webhooks.items()} == {"company": 2, "lead": 0}
    # and the next webhook begins anew
    with store.transaction("acme") as tx:
        webhooks.came(tx, {"company"})
    assert looked(store, "acme")["acme"].webhooks["company"].found_polls == 0
