"""The order of reading: cursor, lease and fence, read numbers, notices. What is late moves nothing; what comes meanwhile survives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.errors import StaleRead
from sync_worker.mapping.catalog import Catalog, CatalogField
from sync_worker.store.core import catalogs, companies, cursors, portals
from sync_worker.store.core.cursors import LEASE_S, Cursor
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.sync import notices
from sync_worker.store.sync.notices import Notice
from tests.contract.store.samples import company
from tests.patience import HANG_S
from tests.servers import Clock


def leased(store: Store, reader: str = "one") -> Cursor:
    with store.side_transaction("acme") as tx:
        cursor = cursors.acquire(tx, "company", reader)
    assert cursor is not None
    return cursor


def kept(store: Store) -> Cursor:
    with store.reading("acme") as tx:
        cursor = cursors.get(tx, "company")
    assert cursor is not None
    return cursor


FENCED: dict[str, Callable[[Tx, Cursor], None]] = {
    "hold": cursors.hold,
    "move": lambda tx, cursor: cursors.move(tx, cursor, "late"),
    "open_window": lambda tx, cursor: cursors.open_window(tx, cursor, from_at=None, until_at=tx.now, kind="full"),
    "close_window": lambda tx, cursor: cursors.close_window(tx, cursor, tx.now),
}


# ── lease and fence ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_reader_waits_until_the_lease_is_released(store: Store) -> None:
    first = leased(store)
    with store.side_transaction("acme") as tx:
        assert cursors.acquire(tx, "company", "two") is None
        assert cursors.acquire(tx, "deal", "two") is not None
        cursors.release(tx, first)
        second = cursors.acquire(tx, "company", "two")
    assert second is not None
    assert second.fence > first.fence


def test_a_lease_lasts_its_time_and_is_renewed_by_each_page(store: Store, clock: Clock) -> None:
    cursor = leased(store)
    for act in ("hold", "move"):
        clock.forward(seconds=LEASE_S)
        with store.side_transaction("acme") as tx:
            assert cursors.acquire(tx, "company", "two") is None
            FENCED[act](tx, cursor)
    clock.forward(seconds=LEASE_S, microseconds=1)
    assert leased(store, "two").fence == cursor.fence + 1


@pytest.mark.parametrize("act", FENCED)
def test_a_reader_that_wakes_up_late_moves_nothing_and_leaves_nothing(store: Store, clock: Clock, act: str) -> None:
    late = leased(store)
    clock.forward(seconds=LEASE_S + 1)
    leased(store, "two")
    before = kept(store)
    with pytest.raises(StaleRead), store.transaction("acme") as tx:  # noqa: PT012  # the transaction is the statement
        companies.save(tx, [company()])
        FENCED[act](tx, late)
    with store.side_transaction("acme") as tx:
        cursors.release(tx, late)
        assert companies.listed(tx) == []
    assert kept(store) == before


def test_a_lease_that_expired_but_was_taken_by_nobody_still_commits(store: Store, clock: Clock) -> None:
    cursor = leased(store)
    clock.forward(seconds=LEASE_S * 10)
    with store.transaction("acme") as tx:
        cursors.move(tx, cursor, "p7")
    assert kept(store).position == "p7"


def test_one_of_many_readers_gets_the_lease(open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(8)]

    def attempt(number: int) -> bool:
        with stores[number].side_transaction("acme") as tx:
            return cursors.acquire(tx, "company", str(number)) is not None

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(8))) == 1


def test_a_scan_begins_moves_and_raises_the_high_water_at_its_end(store: Store, clock: Clock) -> None:
    cursor = leased(store)
    since, until = clock.now - timedelta(hours=1), clock.now
    assert (cursor.kind, cursor.position, cursor.high_water_at) == ("first", "", None)
    with store.transaction("acme") as tx:
        cursors.open_window(tx, cursor, from_at=since, until_at=until, kind="full")
        cursors.move(tx, cursor, "p1")
    scan = kept(store)
    assert (scan.window_from_at, scan.window_until_at, scan.position, scan.kind) == (since, until, "p1", "full")
    with store.transaction("acme") as tx:
        cursors.close_window(tx, cursor, until)
    done = kept(store)
    assert (done.window_from_at, done.window_until_at, done.position, done.kind) == (None, None, "", "changes")
    assert (done.high_water_at, done.last_pulled_at) == (until, clock.now)


def test_a_new_reader_resumes_at_the_position_of_the_last(store: Store) -> None:
    cursor = leased(store)
    with store.transaction("acme") as tx:
        cursors.move(tx, cursor, "p3")
        cursors.release(tx, cursor)
    assert leased(store, "two").position == "p3"


# ── portals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_mode_is_that_of_the_first_day(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        first = portals.enter(tx, "contracts")
    clock.forward(days=1)
    with store.transaction("acme") as tx:
        assert portals.enter(tx, "rules") == first
    assert (first.mode, first.read_no, first.paused_until_at) == ("contracts", 0, None)


def test_a_pause_holds_its_reason_until_it_is_lifted(store: Store, clock: Clock) -> None:
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")
        portals.pause(tx, clock.now, "credentials refused")
        paused = portals.get(tx)
        portals.unpause(tx)
        portals.unpause(tx)
        awake = portals.get(tx)
    assert paused is not None
    assert (paused.paused_until_at, paused.paused_because) == (clock.now, "credentials refused")
    assert awake is not None
    assert (awake.paused_until_at, awake.paused_because) == (None, None)


def test_read_numbers_rise_strictly_whoever_draws_them(store: Store) -> None:
    with store.transaction("acme") as tx:
        portals.enter(tx, "contracts")

    def draw(_: int) -> list[int]:
        numbers = []
        for _ in range(20):
            with store.side_transaction("acme") as tx:
                numbers.append(portals.draw_read_no(tx))
        return numbers

    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(draw, range(8)))
    assert all(numbers == sorted(numbers) for numbers in drawn)
    assert sorted(number for numbers in drawn for number in numbers) == list(range(1, 161))


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_notices_of_one_record_are_one_and_the_longest_waiting_comes_first(store: Store, clock: Clock) -> None:
    for ids in (["b"], ["a", "b", "a"], ["b"]):
        with store.side_transaction("acme") as tx:
            notices.add(tx, "company", ids)
        clock.forward(seconds=1)
    with store.side_transaction("acme") as tx:
        notices.add(tx, "deal", [])
        notices.add(tx, "deal", ["x"])
        assert notices.oldest(tx, "company", 10) == [Notice("b", 3), Notice("a", 1)]
        assert notices.oldest(tx, "company", 1) == [Notice("b", 3)]
        assert notices.counts(tx) == {"company": 2, "deal": 1}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(st.sampled_from("abcdef"), min_size=1), meanwhile=st.lists(st.sampled_from("abcdef")), limit=st.integers(1, 6))
def test_a_notice_that_comes_while_its_record_is_read_survives(store: Store, before: list[str], meanwhile: list[str], limit: int) -> None:
    with store.side_transaction("acme") as tx:
        notices.settle(tx, "company", notices.oldest(tx, "company", 100))  # the last example's
        notices.add(tx, "company", before)
        taken = notices.oldest(tx, "company", limit)
    with store.side_transaction("acme") as tx:
        notices.add(tx, "company", meanwhile)
    with store.transaction("acme") as tx:
        notices.settle(tx, "company", taken)
        left = {notice.crm_id for notice in notices.oldest(tx, "company", 100)}
    assert left == set(meanwhile) | (set(before) - {notice.crm_id for notice in taken})


def test_a_notice_being_renewed_at_the_moment_of_settling_survives_and_nobody_waits(postgresql_url: str, clock: Clock) -> None:
    with closing(Store(postgresql_url, clock=clock, shared_clock=clock)) as store:
        with store.side_transaction("acme") as tx:
            notices.add(tx, "company", ["a", "b"])
            taken = notices.oldest(tx, "company", 10)
        with ThreadPoolExecutor(1) as thread, store.side_transaction("acme") as tx:
            notices.add(tx, "company", ["a"])
            thread.submit(_settle, store, taken).result(HANG_S)  # while the other transaction is open
        with store.reading("acme") as tx:
            assert notices.oldest(tx, "company", 10) == [Notice("a", 2)]


def _settle(store: Store, taken: list[Notice]) -> None:
    with store.transaction("acme") as tx:
        notices.settle(tx, "company", taken)


# ── catalogs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_described_object_is_remembered_for_a_day_or_until_forgotten(store: Store, clock: Clock) -> None:
    name = CatalogField("Name", "text", label="Name", length=80)
    level = CatalogField("Level", "picklist", is_restricted=True, values=("Gold", "Silver"), refers_to=("Account",))
    catalog = Catalog("Account", {"Name": name, "Level": level})
    with store.transaction("acme") as tx:
        catalogs.save(tx, Catalog("Account", {}))
        catalogs.save(tx, catalog)
        assert catalogs.get(tx, "Account") == catalog
        assert catalogs.get(tx, "Lead") is None
    clock.forward(seconds=catalogs.FRESH_S)
    with store.transaction("acme") as tx:
        assert catalogs.get(tx, "Account") is None
        catalogs.save(tx, catalog)
        catalogs.forget(tx)
        assert catalogs.get(tx, "Account") is None
