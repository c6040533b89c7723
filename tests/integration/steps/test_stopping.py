"""A process that is asked to stop ends long work after the batch at hand; what is left is found again, and nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from sync_worker.cli.sync.pull_push import busy_words
from sync_worker.errors import Stopped
from sync_worker.steps.core import keeper
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest import compare as compare_step
from sync_worker.steps.sync.ingest import refresh as refresh_step
from sync_worker.steps.sync.ingest.compare import compare
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push import push as push_step
from sync_worker.steps.sync.push.push import has_work, push
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.runs import Run
from sync_worker.store.sync import notices
from tests.integration.steps.world import World
from tests.patience import HANG_S

BATCH_COUNT = 2


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for step, name in ((push_step, "BATCH_COUNT"), (refresh_step, "BATCH_COUNT"), (compare_step, "PAGE_COUNT")):
        monkeypatch.setattr(step, name, BATCH_COUNT)


def stop(world: World, is_stopping: Callable[[], bool] = lambda: True) -> None:
    world.tenant.services = replace(world.services, is_stopping=is_stopping)


def last_run(world: World, verb: str) -> Run:
    with world.store.reading("acme") as tx:
        return next(run for run in runs.listed(tx) if run.verb == verb)


def test_a_stopped_push_leaves_the_rest_due(world: World) -> None:
    # Given five deals to write, and a process that is asked to stop
    written = [world.submitted().id for _ in range(5)]
    stop(world)
    with pytest.raises(Stopped, match="after 2 writes; the next push goes on from there"):
        push(world.tenant)
    # then one batch is in the CRM, no row is held, and the run says so
    assert sorted(len(world.records_of(deal_id)) for deal_id in written) == [0, 0, 0, 1, 1]
    assert [row.state for row in world.outbox()] == ["ready"] * 3
    run = last_run(world, "push")
    assert (run.state, run.counts.claimed, run.counts.written) == ("stopped", 2, 2)
    # When the next process comes, then it writes the others, at once
    world.tenant = world.process()
    world.push()
    assert [len(world.records_of(deal_id)) for deal_id in written] == [1] * 5
    assert world.outbox() == []


def test_a_stop_at_the_last_batch_is_none(world: World) -> None:
    world.submitted()
    stop(world)
    assert push(world.tenant).counts.written == 1
    assert last_run(world, "push").state == "done"
    assert not has_work(world.tenant)


def test_a_stopped_refresh_keeps_the_notices_it_did_not_read(world: World) -> None:
    # Given notices of five companies
    with world.store.side_transaction("acme") as tx:
        notices.add(tx, COMPANY, [account["Id"] for account in world.org()["Account"][:5]])
    stop(world)
    with pytest.raises(Stopped, match="after 2 company records; the next refresh reads the others"):
        refresh(world.tenant, COMPANY)
    # then three wait, the lease is free, and the run says how far it came
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
        assert cursor
        assert (len(notices.oldest(tx, COMPANY, 9)), cursor.lease_until_at) == (3, None)
    assert (last_run(world, "refresh").state, last_run(world, "refresh").counts.read) == ("stopped", 2)
    # When the next process comes, then it reads those and no other
    assert refresh(world.process(), COMPANY).counts.read == 3


def test_a_stopped_comparison_says_how_far_it_came_and_the_next_one_looks_at_everything(world: World) -> None:
    asked = iter([False, True])
    stop(world, lambda: next(asked))
    with pytest.raises(Stopped, match="after 4 records; the next comparison starts from the beginning"):
        compare(world.tenant)
    run = last_run(world, "compare")
    assert (run.state, run.counts.read, run.counts.unchanged) == ("stopped", 4, 4)
    # and the next one looks at every record, whatever the first one saw
    assert compare(world.process()).counts.read == 26


def test_a_run_is_spoken_of_while_it_lasts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a run that lasts longer than a run may be silent
    monkeypatch.setattr(keeper, "RENEW_S", 0.01)
    heard, go_on = threading.Event(), runs.go_on

    def hear(tx: Tx, run_id: str) -> None:
        go_on(tx, run_id)
        heard.set()

    with world.tenant.run("compare"):
        world.forward(runs.SILENT_S + 1)
        monkeypatch.setattr(runs, "go_on", hear)
        assert heard.wait(HANG_S)
        # then nobody takes it for left
        with world.store.side_transaction("acme") as tx:
            runs.close_left(tx)
        assert last_run(world, "compare").state == "running"
    assert last_run(world, "compare").state == "done"


def test_a_run_that_is_ended_at_once_was_not_done(world: World) -> None:
    with pytest.raises(KeyboardInterrupt), world.tenant.run("compare"):
        raise KeyboardInterrupt
    run = last_run(world, "compare")
    assert (run.state, run.error) == ("stopped", "its process ended")


def test_who_goes_on_with_anothers_scan_measures_the_clocks_too(world: World) -> None:
    # Given a scan that ended in the middle, and a CRM whose clock is a minute ahead
    with world.reader_elsewhere("lead"), world.store.side_transaction("acme") as tx:
        cursor = cursors.get(tx, "lead")
        assert cursor is not None
        cursors.open_window(tx, cursor, from_at=tx.now, until_at=tx.now, kind="changes")
    world.remote.advance_clock(60)
    # When another worker goes on with it, then it knows how far the clocks are apart: the newer of two edits depends on it
    other = world.process()
    assert other.crm_clock_ahead is None
    pull(other, "lead")
    assert other.crm_clock_ahead is not None
    assert other.crm_clock_ahead.total_seconds() == 60


def test_a_pull_that_meets_a_lease_says_that_its_process_may_be_dead_and_until_when(world: World) -> None:
    with world.reader_elsewhere("company"):
        assert pull(world.tenant, "company").is_busy
        words = busy_words(world.tenant, "company")
    assert "or died while it did" in words
    assert "(in 30 s)" in words
    assert f"{world.clock.now + timedelta(seconds=30):%H:%M:%S} UTC" in words
