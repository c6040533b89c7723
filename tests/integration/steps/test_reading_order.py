"""The order of reading: late news is no news, one reader at a time, and a crash repeats work without losing or doubling any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sync_worker.crm.port import NativeRecord, Page, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.errors import StaleRead, TransientError
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest import ingest as ingest_step
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core import cursors
from sync_worker.store.core.cursors import LEASE_S
from sync_worker.store.sync import notices
from tests.integration.steps.world import World


def while_a_page_is_under_way(monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """`happens()` after the next page came from the CRM and before it is ingested."""
    changed_since = SalesforceCrm.changed_since

    def late(crm: SalesforceCrm, scan: Scan) -> Iterator[Page]:
        for page in changed_since(crm, scan):
            monkeypatch.undo()
            happens()
            yield page

    monkeypatch.setattr(SalesforceCrm, "changed_since", late)


# ── late news ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_is_older_than_our_write_is_not_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a page that was read before a push and comes to be stored after it
    deal = world.registered()
    world.pull()
    world.edit(deal.id, Description="so that it is on the page")
    world.forward()
    other = world.process()

    def pushed() -> None:
        world.change(deal.id, amount="2")
        with world.store.side_transaction("acme") as tx:  # its lease ran out meanwhile, and nobody has read since
            tx.connection.exec_driver_sql("UPDATE cursors SET lease_until_at = NULL WHERE object = 'lead'")
        with monkeypatch.context() as patch:
            patch.setattr(
                "sync_worker.steps.sync.push.read_first.refresh", lambda tenant, record: refresh_without_fence(world, tenant, record)
            )
            push(other)

    while_a_page_is_under_way(monkeypatch, pushed)
    done = pull(world.tenant, "lead")
    # then the page is late for this record: a notice, no change
    assert done.counts.skips == {"late": 1}
    assert done.counts.read == 1
    assert world.notices() == {"lead": 1}
    assert FollowUp(Work.REFRESH, "lead") in done.follow_ups
    # and both sides hold what was pushed
    world.settle(done.follow_ups)
    assert (world.deal(deal.id).values["amount"], world.record_of(deal.id)["Portal_Amount__c"]) == (2, 2)


def refresh_without_fence(world: World, tenant: Any, record: str) -> Any:
    """A refresh by another process that leaves the cursor as the reader under way knows it."""
    with world.store.reading("acme") as tx:
        before = cursors.get(tx, record)
    done = refresh(tenant, record)
    assert before is not None
    with world.store.side_transaction("acme") as tx:
        tx.connection.exec_driver_sql(f"UPDATE cursors SET fence = {before.fence} WHERE object = '{record}'")
    return done


# ── one reader at a time ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_reader_is_told_that_somebody_is_at_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other, seen = world.process(), []

    def also() -> None:
        seen.append(pull(other, COMPANY))
        with world.store.side_transaction("acme") as tx:
            notices.add(tx, COMPANY, [world.id_of("Cedar IT")])
        seen.append(refresh(other, COMPANY))

    while_a_page_is_under_way(monkeypatch, also)
    done = pull(world.tenant, COMPANY)
    assert [one.is_busy for one in seen] == [True, True]
    assert done.run_id
    # and what was noticed meanwhile is not forgotten
    assert world.notices() == {COMPANY: 1}
    assert FollowUp(Work.REFRESH, COMPANY) in done.follow_ups


def test_other_records_may_be_read_at_the_same_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other, seen = world.process(), []
    while_a_page_is_under_way(monkeypatch, lambda: seen.append(pull(other, "opportunity")))
    pull(world.tenant, COMPANY)
    assert [one.is_busy for one in seen] == [False]


def test_a_reader_whose_lease_was_taken_over_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a reader that was stopped with a page in hand, for longer than its lease, and another that read the same and newer
    cedar = world.id_of("Cedar IT")
    world.remote.edit("Account", cedar, {"Name": "Cedar Old"})
    world.forward()
    other = world.process()

    def overtaken() -> None:
        world.forward(LEASE_S + 1)
        world.remote.edit("Account", cedar, {"Name": "Cedar New"})
        world.forward()
        assert not pull(other, COMPANY).is_busy  # to the end of the window that was under way
        assert not pull(other, COMPANY).is_busy

    while_a_page_is_under_way(monkeypatch, overtaken)
    # when it wakes up, then it is told, and what it had is nowhere
    with pytest.raises(StaleRead):
        pull(world.tenant, COMPANY)
    assert world.company(cedar).name == "Cedar New"
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
    assert cursor is not None
    assert cursor.window_until_at is None
    assert pull(world.tenant, COMPANY).is_busy is False


# ── crashes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """kill -9."""


@pytest.mark.parametrize("dies_at", [1, 2, 3, 5])
def test_a_crash_in_mid_page_resumes_and_loses_or_doubles_nothing(
    empty_world: World, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    # Given pages of eight, commits of three, and a worker that dies in one of them
    world = empty_world
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", 8)
    monkeypatch.setattr(ingest_step, "CHUNK_COUNT", 3)
    store, seen = ingest_step.store_chunk, []

    def dies(*args: Any) -> Any:
        seen.append(args)
        effects = store(*args)
        if len(seen) == dies_at:
            raise Killed
        return effects

    world.forward()
    with monkeypatch.context() as patch:
        patch.setattr(ingest_step, "store_chunk", dies)
        with pytest.raises(Killed):
            pull(world.tenant, COMPANY)
    # when another one goes on, while the CRM has changed
    stored = len(world.rows()["companies"])
    assert stored <= (dies_at - 1) * 3 + 1
    world.tenant = world.process()
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Name": "Birch and Sons"})
    world.forward(LEASE_S + 1)
    world.pull()
    world.forward(1000)
    world.pull()
    # then every company is here once, as it is in the CRM
    expected = sorted(row["Name"] for row in world.remote.records("Account") if row["Portal_Status__c"])
    assert sorted([row[3] for row in world.rows()["companies"] if row[2]]) == expected
    assert len(world.contracts()) == sum(
        len(row["Associated_Second_Partner__c"].split(";"))
        for row in world.remote.records("Account")
        if row["Portal_Status__c"] and row["Associated_Second_Partner__c"]
    )


def test_a_failed_read_leaves_the_cursor_and_the_next_one_goes_on(empty_world: World) -> None:
    world = empty_world
    world.forward()
    world.remote.fault("query_all", object_name="Account", status=503, times=10)
    with pytest.raises(TransientError):
        pull(world.tenant, COMPANY)
    with world.store.reading("acme") as tx:
        cursor = cursors.get(tx, COMPANY)
    assert cursor is not None
    assert cursor.high_water_at is None
    world.remote.clear_faults()
    world.pull()
    assert world.knows("Birch Systems")


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_notice_that_is_renewed_while_its_record_is_read_survives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a record that is being read because of a notice, when it changes and is noticed once more
    cedar = world.id_of("Cedar IT")
    fetch = SalesforceCrm.fetch

    def meanwhile(*args: Any, **kwargs: Any) -> list[NativeRecord]:
        found = fetch(*args, **kwargs)
        monkeypatch.undo()
        world.remote.edit("Account", cedar, {"Name": "Cedar Two"})
        with world.store.side_transaction("acme") as tx:
            notices.add(tx, COMPANY, [cedar])
        return found

    with world.store.side_transaction("acme") as tx:
        notices.add(tx, COMPANY, [cedar])
    monkeypatch.setattr(SalesforceCrm, "fetch", meanwhile)
    done = refresh(world.tenant, COMPANY)
    # then it still waits, wakes the next run, and is read then
    assert world.notices() == {COMPANY: 1}
    assert world.company(cedar).name == "Cedar IT"
    world.settle(done.follow_ups)
    assert world.company(cedar).name == "Cedar Two"
    assert world.notices() == {}


def test_a_row_that_becomes_visible_late_is_seen_within_the_look_back(world: World) -> None:
    # Given a pull that is over, and a record whose stamp lies before its end because its transaction was long
    world.pull()
    cedar = world.id_of("Cedar IT")
    world.remote.write_late(600)
    world.remote.edit("Account", cedar, {"Name": "Cedar Late"})
    world.pull()
    assert world.company(cedar).name == "Cedar Late"
