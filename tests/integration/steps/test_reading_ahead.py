"""While a page is stored, the next one is on its way: one thread asks, errors come where they belong, and a stop leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sync_worker.crm.port import Page, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.errors import StaleRead, Stopped, TransientError
from sync_worker.steps.core.tenant import COMPANY, Tenant
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.runs import Run
from tests.integration.steps.world import World
from tests.patience import HANG_S

PAGE_COUNT = 8  # of 19 companies: three pages
COUNT = 19


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", PAGE_COUNT)


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("beside")]


def at_each_page(monkeypatch: pytest.MonkeyPatch, happens: Callable[[int], None]) -> None:
    """`happens(n)` when the n-th page is asked for."""
    changed_since = SalesforceCrm.changed_since

    def watched(crm: SalesforceCrm, scan: Scan) -> Iterator[Page]:
        pages = changed_since(crm, scan)
        for number in range(100):
            happens(number)
            if (page := next(pages, None)) is None:
                return
            yield page
            if page.is_last:
                return

    monkeypatch.setattr(SalesforceCrm, "changed_since", watched)


def at_each_commit(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """`happens()` when a page has come and is about to be stored."""

    def watched(*given: Any, **named: Any) -> Any:
        happens()
        return ingest(*given, **named)

    monkeypatch.setattr("sync_worker.steps.sync.ingest.pull.ingest", watched)


def somebody_else_reads(world: World) -> None:
    """The lease ran out, and another reader has it."""
    with world.store.side_transaction("acme") as tx:
        tx.connection.exec_driver_sql("UPDATE cursors SET lease_until_at = NULL")
        assert cursors.acquire(tx, COMPANY, "somebody")


def queries(world: World) -> int:
    """Pages that the CRM was asked for."""
    kinds = world.remote.calls()["kinds"]
    return int(kinds.get("query_all", 0) + kinds.get("query_more", 0))


def position(world: World) -> str:
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
    assert cursor
    return cursor.position


def last_run(world: World) -> Run:
    with world.store.reading("acme") as tx:
        return runs.listed(tx, limit=1)[0]


def test_the_next_page_is_asked_for_before_this_one_is_stored_and_by_one_thread(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, threads = [threading.Event() for _ in range(4)], set[str]()
    stored: list[bool] = []

    def ask(number: int) -> None:
        threads.add(threading.current_thread().name)
        asked[number].set()

    at_each_page(monkeypatch, ask)
    at_each_commit(monkeypatch, lambda: stored.append(asked[min(len(stored) + 1, 2)].wait(HANG_S)))

    done = pull(empty_world.tenant, COMPANY)

    assert (stored, done.counts.read) == ([True, True, True], COUNT)
    assert [name.partition("_")[0] for name in threads] == ["beside"]
    assert not asked[3].is_set()
    assert last_run(empty_world).counts.calls == queries(empty_world) == 3


def test_an_error_comes_where_its_page_would_have(empty_world: World) -> None:
    empty_world.remote.fault("query_more", error_code="UNKNOWN_EXCEPTION", status=500, times=9)

    with pytest.raises(TransientError):
        pull(empty_world.tenant, COMPANY)

    run = last_run(empty_world)
    assert (run.state, run.counts.read) == ("failed", PAGE_COUNT)
    assert position(empty_world)


def test_who_lost_the_lease_makes_no_call_but_the_one_under_way(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_each_commit(monkeypatch, lambda: somebody_else_reads(empty_world))

    with pytest.raises(StaleRead):
        pull(empty_world.tenant, COMPANY)

    assert queries(empty_world) == 2
    assert last_run(empty_world).counts.read == 0


def test_who_lost_the_lease_while_a_page_was_under_way_asks_for_no_other(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_each_page(monkeypatch, lambda _number: somebody_else_reads(empty_world))

    with pytest.raises(StaleRead):
        pull(empty_world.tenant, COMPANY)

    assert queries(empty_world) == 1


@pytest.mark.parametrize("stops_at", [1, 2])
@pytest.mark.parametrize("is_full", [False, True])
def test_a_stopped_load_goes_on_where_it_was(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, is_full: bool, stops_at: int
) -> None:
    # Given a load that is asked to stop when a page is stored
    world: World = request.getfixturevalue("world" if is_full else "empty_world")
    in_all = len(world.remote.records("Account")) if is_full else COUNT
    said = f"stopped on request after {stops_at * PAGE_COUNT} of {in_all} company records; the next pull goes on from there"
    with pytest.raises(Stopped, match=said):
        pull(stopping(world, monkeypatch, after=stops_at), COMPANY, is_full=is_full)
    # then that page is in, the lease is free, and the run says how far it came
    run = last_run(world)
    assert (run.state, run.error, run.counts.read) == ("stopped", said, stops_at * PAGE_COUNT)
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
    assert cursor
    assert (cursor.lease_until_at, cursor.kind) == (None, "full" if is_full else "first")
    # When the next pull comes, then it reads the rest and nothing twice
    assert pull(world.process(), COMPANY).counts.read == in_all - stops_at * PAGE_COUNT
    assert position(world) == ""


def test_a_stop_at_the_last_page_is_none(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pull(stopping(empty_world, monkeypatch, after=3), COMPANY).counts.read == COUNT
    assert (last_run(empty_world).state, position(empty_world)) == ("done", "")


def stopping(world: World, monkeypatch: pytest.MonkeyPatch, *, after: int) -> Tenant:
    """A process that is asked to stop while it stores its n-th page."""
    pages: list[bool] = []
    at_each_commit(monkeypatch, lambda: pages.append(True))
    tenant = world.process()
    tenant.services = replace(world.services, is_stopping=lambda: len(pages) >= after)
    return tenant
