"""Stored first, all who wait in one commit, and one refresh for all that came in a moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from sync_worker.errors import StaleRead, StoreDown
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.sync import notices
from sync_worker.web.webhooks import debounce as bell_module
from sync_worker.web.webhooks.debounce import Bell
from sync_worker.web.webhooks.heard import HeardNotices
from sync_worker.web.webhooks.inbox import TRIES, Inbox
from tests.patience import HANG_S


def of(*ids: str, record: str = "company") -> HeardNotices:
    heard = HeardNotices(len(ids))
    heard.notice(record, ids)
    return heard


def waiting(store: Store, portal: str = "acme") -> dict[str, int]:
    """crm id → in how many commits it was noticed."""
    with store.reading(portal) as tx:
        return {notice.crm_id: notice.count for record in notices.counts(tx) for notice in notices.oldest(tx, record, 999)}


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, HANG_S))


def test_nobody_is_answered_before_the_commit_and_who_waits_shares_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a commit that takes its time
    begun, may_end = threading.Event(), threading.Event()
    add = notices.add

    def slowly(tx: Tx, record: str, ids: Any) -> None:
        begun.set()
        assert may_end.wait(HANG_S)
        add(tx, record, ids)

    monkeypatch.setattr(notices, "add", slowly)

    async def story() -> None:
        inbox = Inbox(store)
        first = asyncio.create_task(inbox.put("acme", of("1")))
        assert await asyncio.to_thread(begun.wait, HANG_S)
        # when forty more come meanwhile
        others = [asyncio.create_task(inbox.put("acme", of("1", str(number)))) for number in range(2, 42)]
        await asyncio.sleep(0)
        assert not first.done()
        may_end.set()
        await asyncio.gather(first, *others)
        inbox.close()

    run(story())
    # then theirs was one commit more, not forty
    assert waiting(store) == {"1": 2} | {str(number): 1 for number in range(2, 42)}


def test_one_portal_does_not_wait_for_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, stuck = threading.Event(), threading.Event()
    inbox_commit = Inbox._commit

    def commit(inbox: Inbox, portal: str, heard: HeardNotices) -> None:
        if portal == "acme":
            stuck.set()
            assert may_end.wait(HANG_S)
        inbox_commit(inbox, portal, heard)

    monkeypatch.setattr(Inbox, "_commit", commit)

    async def story() -> None:
        inbox = Inbox(store)
        held = asyncio.create_task(inbox.put("acme", of("1")))
        assert await asyncio.to_thread(stuck.wait, HANG_S)
        await inbox.put("birch", of("2"))
        assert not held.done()
        may_end.set()
        await held
        inbox.close()

    run(story())
    assert (waiting(store, "acme"), waiting(store, "birch")) == ({"1": 1}, {"2": 1})


def test_what_goes_wrong_is_said_to_everybody_who_waited_and_the_next_is_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add = notices.add

    def down(*_: Any) -> None:
        raise StoreDown("the database is out of reach")

    async def story() -> None:
        inbox = Inbox(store)
        monkeypatch.setattr(notices, "add", down)
        answers = await asyncio.gather(*(inbox.put("acme", of(str(number))) for number in range(5)), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["the database is out of reach"] * 5
        monkeypatch.setattr(notices, "add", add)
        await inbox.put("acme", of("7"))
        inbox.close()

    run(story())
    assert waiting(store) == {"7": 1}


@pytest.mark.parametrize("times", [1, TRIES])
def test_a_tie_the_database_breaks_is_tried_again_a_few_times(store: Store, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    add, ties = notices.add, [StaleRead("a tie")] * times

    def tied(tx: Tx, record: str, ids: Any) -> None:
        add(tx, record, ids)
        if ties:
            raise ties.pop()

    monkeypatch.setattr(notices, "add", tied)

    async def story() -> None:
        inbox = Inbox(store)
        if times < TRIES:
            await inbox.put("acme", of("1"))
        else:
            with pytest.raises(StoreDown, match="portal acme met other writers"):
                await inbox.put("acme", of("1"))
        inbox.close()

    run(story())
    assert waiting(store) == ({"1": 1} if times < TRIES else {})


# ── the bell ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_burst_is_one_refresh_for_each_record_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell_module, "WINDOW_S", 0.2)
    sent: list[tuple[str, str, str]] = []
    done = threading.Event()

    def send(*work: str) -> None:
        sent.append((work[0], work[1], work[2]))
        if len(sent) >= 3:
            done.set()

    async def story() -> None:
        bell = Bell(send)
        for _ in range(50):
            bell.ring("acme", ["company", "lead"])
            bell.ring("birch", ["company"])
        assert not sent
        await asyncio.to_thread(done.wait, HANG_S)
        bell.close()

    run(story())
    assert sorted(sent) == [("acme", "refresh", "company"), ("acme", "refresh", "lead"), ("birch", "refresh", "company")]


def test_what_comes_while_a_refresh_is_being_sent_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell_module, "WINDOW_S", 0.01)
    sending, may_end, sent = threading.Event(), threading.Event(), []

    def send(*work: str) -> None:
        sending.set()
        assert may_end.wait(HANG_S)
        sent.append(work)

    async def story() -> None:
        bell = Bell(send)
        bell.ring("acme", ["company"])
        await asyncio.to_thread(sending.wait, HANG_S)
        bell.ring("acme", ["company"])  # its notices may be too late for the refresh that is being sent
        may_end.set()
        while len(sent) < 2:
            await asyncio.sleep(0.01)
        bell.close()

    run(story())
    assert sent == [("acme", "refresh", "company", "live")] * 2
