"""The schedule sends what is due when it becomes due, once; again after a minute where the message was lost; nothing while paused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from dramatiq.brokers.stub import StubBroker

from sync_worker.actors import QUEUE, register
from sync_worker.bootstrap import Installation, build
from sync_worker.schedule import AGAIN_S, TICK_S, Schedule, due
from sync_worker.services import Services
from sync_worker.settings import Settings
from sync_worker.steps.claim import CLAIM_S
from sync_worker.steps.tenant import DEAL, Wake
from sync_worker.store import cursors, notices, outbox, portals
from tests.servers import Clock

READS = {Wake("pull", "company"), Wake("pull", "lead"), Wake("pull", "opportunity")}
GOAL_S = 35


class Watched:
    """A schedule on a clock that stands still, and what it sent since the last look."""

    def __init__(self, installation: Installation, clock: Clock) -> None:
        self.clock = clock
        self.tenant = installation.tenant("acme")
        self._queue = StubBroker(middleware=[])
        self.schedule = Schedule(installation, register(self._queue, installation))

    def sent(self) -> set[Wake]:
        """One tick; what it sent for acme."""
        self.schedule.tick()
        messages, queue = [], self._queue.queues[QUEUE]
        while not queue.empty():
            messages.append(self._queue_decode(queue.get()))
        return {Wake(verb, record) for portal, verb, record in messages if portal == "acme"}

    def _queue_decode(self, raw: bytes) -> tuple[str, str, str]:
        from dramatiq import Message

        message = Message.decode(raw)
        return message.args[0], message.actor_name, message.args[1]

    def pulled(self) -> None:
        """Every record was read just now."""
        with self.tenant.store.side_transaction("acme") as tx:
            portals.enter(tx, "contracts")
            for name in self.tenant.readable_records():
                cursor = cursors.acquire(tx, name, f"token-{name}")
                assert cursor
                cursors.close_window(tx, cursor, tx.now)
                cursors.release(tx, cursor)


@pytest.fixture
def watched(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "config/portals/birch.yaml").unlink()
    environ = {"ACME_SF_ID": "sandbox", "ACME_SF_SECRET": "sandbox-secret", "ACME_SF_HOOK": "hook"}
    installation = build(settings, environ=environ, services=Services(clock=clock))
    yield Watched(installation, clock)
    installation.close()


def test_what_is_due_is_sent_once_and_again_when_it_stays_so(watched: Watched) -> None:
    assert watched.sent() == READS
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=AGAIN_S)
    assert watched.sent() == READS, "no worker took them: the messages are lost"


def test_pulls_come_back_at_the_portals_own_rhythm(watched: Watched) -> None:
    watched.pulled()
    assert watched.sent() == set()
    watched.clock.forward(seconds=299)
    assert watched.sent() == set()
    watched.clock.forward(seconds=1)
    assert watched.sent() == READS


def test_what_is_due_again_is_sent_at_once(watched: Watched) -> None:
    """A push that was sent half a minute ago, and whose worker was killed: its claim has ended, and 35 s are the goal."""
    watched.pulled()
    with watched.tenant.store.transaction("acme") as tx:
        outbox.owe(tx, DEAL, ["a deal"], "a run")
    assert watched.sent() == {Wake("push")}
    with watched.tenant.store.side_transaction("acme") as tx:
        outbox.claim(tx, state="ready", limit=1, token="t", until_at=tx.now + timedelta(seconds=CLAIM_S))
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=CLAIM_S - TICK_S)
    assert watched.sent() == set()
    watched.clock.forward(seconds=TICK_S)
    assert watched.sent() == {Wake("push")}
    assert CLAIM_S + TICK_S < GOAL_S


def test_notices_are_refreshed(watched: Watched) -> None:
    watched.pulled()
    with watched.tenant.store.side_transaction("acme") as tx:
        notices.add(tx, "lead", ["00Q000000000001AAA"])
    assert watched.sent() == {Wake("refresh", "lead")}


def test_a_paused_portal_is_left_alone_until_its_time(watched: Watched) -> None:
    with watched.tenant.store.side_transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, tx.now + timedelta(minutes=5), "a test says so")
    assert watched.sent() == set()
    watched.clock.forward(minutes=5)
    assert watched.sent() == READS


def test_a_queue_out_of_reach_is_asked_again_at_the_next_tick(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(watched.schedule._actors, "send", lambda *_: False)
        watched.schedule.tick()
    assert watched.sent() == READS


def test_a_portal_that_cannot_be_looked_at_does_not_keep_the_tick_from_ending(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync_worker import schedule
    from sync_worker.errors import StoreDown

    def gone(*_: object) -> Iterator[Wake]:
        raise StoreDown("gone")

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "due", gone)
        watched.schedule.tick()
    assert watched.sent() == READS
    assert set(due(watched.tenant, watched.clock())) == READS
