"""Events reach a real receiver over HTTP: signed, in order per record, whatever it answers, and again when somebody asks."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from sync_worker.steps.operate.sweep import sweep
from sync_worker.steps.tell.deliver import BATCH_COUNT, DELIVER
from sync_worker.store.core import failures, feed
from sync_worker.store.core.failures import FailureFilter
from sync_worker.store.tell import deliveries
from tests.integration.feed.desk import Desk
from tests.integration.feed.inbox import Inbox, Reply


def refusing(*seqs: int, status: int = 400, **headers: str) -> Any:
    """Answers every event but these with 204."""

    def answer(event: dict[str, Any]) -> Reply:
        return (status, headers) if event["data"]["seq"] in seqs else (204, {})

    return answer


def test_what_a_commit_changed_arrives_signed_and_is_owed_no_more(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    portal.change("c1", name="Acme Ltd")

    portal.deliver()

    added, changed = inbox.seen
    assert added["type"] == "company.added"
    assert changed["type"] == "company.changed"
    assert changed["data"]["changed"] == {"name": {"before": "c1 1", "after": "Acme Ltd"}}
    assert changed["data"]["record"] == {"type": "company", "id": "c1"}
    assert (portal.owed, portal.is_due) == (0, False)


def test_a_process_that_stops_begins_no_further_call(portal: Desk, inbox: Inbox) -> None:
    # Given many events of one record, and a process that is told to stop while the first of them is under way
    for _ in range(5):
        portal.change("c1")
    stopped = threading.Event()
    portal.tenant.services = replace(portal.tenant.services, is_stopping=stopped.is_set)

    def answer(_event: dict[str, Any]) -> Reply:
        stopped.set()
        return 204, {}

    inbox.answer = answer
    # When it delivers
    done = portal.deliver()
    # Then the others stay owed, and whoever comes next sends them
    assert (inbox.seqs, portal.owed, done.follow_ups) == ([1], 4, frozenset({DELIVER}))
    stopped.clear()
    portal.tenant.services = replace(portal.tenant.services, is_stopping=lambda: False)
    portal.deliver()
    assert (inbox.seqs, portal.owed) == ([1, 2, 3, 4, 5], 0)


def test_a_commit_that_fails_tells_nothing(portal: Desk, inbox: Inbox) -> None:
    with pytest.raises(LookupError), portal.store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
        feed.tell_associations(tx, ["c1"])
        raise LookupError
    portal.change("c1")

    portal.deliver()

    assert inbox.seqs == [1]


def test_saving_what_is_so_already_tells_nothing(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1", name="Acme")
    portal.change("c1", name="Acme")

    portal.deliver()

    assert inbox.seqs == [1]


def test_a_refused_event_keeps_back_its_own_record_alone_and_is_tried_again(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1", "c2")  # 1, 2
    portal.change("c1", "c2")  # 3, 4
    inbox.answer = refusing(1)
    portal.deliver()
    assert (inbox.of("c1"), inbox.of("c2")) == ([1], [2, 4])
    assert portal.codes() == ["event_refused"]
    portal.deliver()
    assert inbox.of("c1") == [1], "not before its time"

    inbox.answer = refusing()
    portal.change("c1")  # 5
    portal.deliver(after_s=5)

    assert inbox.of("c1") == [1, 1, 3, 5]
    assert len(set(inbox.ids)) == 5, "the same id again"
    assert (portal.owed, portal.codes()) == (0, [])


def test_an_event_refused_for_days_is_given_up_told_and_can_be_replayed(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    portal.change("c1")
    inbox.answer = refusing(1)
    for _ in range(28):
        portal.deliver(after_s=21_600)
    portal.deliver()
    assert inbox.of("c1") == [1] * 28 + [2]
    assert (portal.owed, portal.codes()) == (0, ["event_given_up"])

    inbox.answer = refusing()
    with portal.store.side_transaction("acme") as tx:
        feed.owe_again(tx, [1])
    portal.deliver()

    assert inbox.of("c1")[-1] == 1
    assert portal.codes() == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_is_down_costs_one_call_per_rest(portal: Desk, inbox: Inbox, status: int) -> None:
    for _ in range(3):
        portal.change("c1")
    inbox.answer = refusing(1, status=status)

    for _ in range(5):
        portal.deliver()  # at once: the feed rests
    assert inbox.seqs == [1]
    for rest_s in (2, 5, 15):
        portal.deliver(after_s=rest_s)
    assert inbox.seqs == [1] * 4
    assert portal.codes() == ["receiver_down"]
    [words] = portal.messages()
    assert f"the receiver ({urlsplit(inbox.url).netloc}) fails, 4 times in a row, at last with HTTP {status}" in words
    assert words.endswith(f"next try {portal.clock() + timedelta(seconds=30):%Y-%m-%d %H:%M:%S} UTC")

    inbox.answer = refusing()
    portal.deliver(after_s=30)
    assert inbox.seqs[4:] == [1, 2, 3]
    assert portal.codes() == []


def test_retry_after_is_kept_to(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    inbox.answer = refusing(1, status=429, **{"Retry-After": "3600"})
    portal.deliver()
    inbox.answer = refusing()

    portal.deliver(after_s=3599)
    assert inbox.seqs == [1]
    portal.deliver(after_s=1)
    assert inbox.seqs == [1, 1]


def test_nobody_there_is_a_rest_too_and_events_wait(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    receiver = portal.tenant.receiver
    assert receiver
    receiver.url, there = "http://127.0.0.1:9/", receiver.url
    portal.deliver()
    assert (portal.owed, portal.is_due) == (1, False)
    for rest_s in (2, 5):
        portal.deliver(after_s=rest_s)
    fails = "the receiver (127.0.0.1:9) fails, 3 times in a row, at last with no answer: connection refused"
    assert f"{fails}; 1 events wait since" in portal.messages()[0]

    receiver.url = there
    portal.deliver(after_s=15)
    assert inbox.seqs == [1]


def test_a_redirect_is_not_followed(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    inbox.answer = refusing(1, status=307, Location=f"{inbox.url}/elsewhere")

    portal.deliver()

    assert inbox.seqs == [1]
    assert portal.codes() == ["event_refused"]
    host = urlsplit(inbox.url).netloc
    refused = f"event 1 (company.added) was refused ({host}) 1 times, at last with HTTP 307"
    assert f"{refused}: it redirects to {inbox.url}/elsewhere, and redirects are not followed" in portal.messages()[0]
    assert portal.messages()[0].endswith(f"next try {portal.clock() + timedelta(seconds=5):%Y-%m-%d %H:%M:%S} UTC")


def test_gone_pauses_until_somebody_resumes(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    inbox.answer = refusing(1, status=410)
    portal.deliver()
    portal.deliver(after_s=90_000)
    assert inbox.seqs == [1]
    assert portal.codes() == ["receiver_gone"]

    inbox.answer = refusing()
    with portal.store.side_transaction("acme") as tx:
        deliveries.resume(tx)
    portal.deliver()

    assert inbox.seqs == [1, 1]
    assert portal.codes() == []


def test_a_replay_sends_again_from_any_event_with_the_same_ids(portal: Desk, inbox: Inbox) -> None:
    for _ in range(4):
        portal.change("c1")
    portal.deliver()

    with portal.store.side_transaction("acme") as tx:
        assert feed.replay(tx, 3) == 2
    portal.deliver()

    assert inbox.seqs == [1, 2, 3, 4, 3, 4]
    assert inbox.ids[4:] == inbox.ids[2:4]


def test_a_replay_asked_for_while_the_event_is_on_its_way_is_not_lost(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    with portal.store.side_transaction("acme") as tx:
        assert deliveries.acquire(tx, "s")
        sending = deliveries.due(tx, 1)
    with portal.store.side_transaction("acme") as tx:
        feed.replay(tx, 1)

    with portal.store.side_transaction("acme") as tx:
        deliveries.settle(tx, "s", sending)
        deliveries.release(tx, "s")

    portal.deliver()
    assert inbox.seqs == [1]


def test_a_second_sender_finds_nothing_to_do_while_the_first_has_the_lease(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    with portal.store.side_transaction("acme") as tx:
        assert deliveries.acquire(tx, "another")
    portal.deliver()
    assert inbox.seqs == []

    portal.deliver(after_s=31)
    assert inbox.seqs == [1]


def test_a_backlog_longer_than_a_batch_goes_out_whole_and_in_order(portal: Desk, inbox: Inbox) -> None:
    ids = [f"c{number}" for number in range(BATCH_COUNT)]
    portal.change(*ids)
    portal.change(*ids)

    portal.deliver()

    assert sorted(inbox.seqs) == list(range(1, 2 * BATCH_COUNT + 1))
    assert all(inbox.of(id_) == sorted(inbox.of(id_)) for id_ in ids)


def test_events_are_forgotten_after_their_time_and_one_that_never_arrived_is_told(portal: Desk, inbox: Inbox) -> None:
    portal.change("c1")
    portal.deliver()
    portal.change("c1")
    inbox.answer = refusing(2)
    portal.deliver()

    portal.clock.forward(days=8)
    sweep(portal.tenant)
    portal.change("c2")
    portal.deliver()

    assert inbox.seqs == [1, 2, 3]
    with portal.store.reading("acme") as tx:
        assert [told.seq for told in feed.listed(tx)] == [3]
        assert feed.reach(tx) == (3, 3)  # the oldest place there is, for who asks for an older one
        words = [row.failure.message for row in failures.listed(tx, FailureFilter(code="events_lost"))]
    assert words == ["1 events were not delivered within feed.keep and are gone: the portal has to read everything once"]
