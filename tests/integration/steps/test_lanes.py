"""A scan read in lanes: side by side, resumed lane by lane, and over for all of them at once. Nothing is lost, and nothing old stays."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from crm_sandbox.salesforce.bulk import extract
from sync_worker.crm.port import OutOfOrder, Page, Scan
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.reading import bulk
from sync_worker.crm.turnstile import Turnstile
from sync_worker.crm.width import Limit
from sync_worker.domain.sync.ingest.lanes import Lanes
from sync_worker.errors import HeldForReview, StaleRead, Stopped, TransientError
from sync_worker.services import Services
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.run import Turn
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync.ingest.ingest import ingest
from sync_worker.steps.sync.ingest.lanes import GIVES_WAY_S, lanes_of
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.store.core import cursors, runs
from sync_worker.store.core.cursors import LEASE_S, Cursor
from sync_worker.store.sync import notices
from tests.integration.steps.world import World
from tests.patience import HANG_S

PAGE_COUNT, COUNT = 2, 19  # the first page, and three lanes of the rest


@pytest.fixture(autouse=True)
def three_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", PAGE_COUNT)
    monkeypatch.setattr(bulk, "PAGE_COUNT", PAGE_COUNT)
    monkeypatch.setattr("sync_worker.steps.sync.ingest.lanes.lane_count", lambda _tenant: 3)


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("beside")]


Happens = Callable[[Scan, int, Page], None]


def at_each_page(monkeypatch: pytest.MonkeyPatch, happens: Happens) -> None:
    """`happens(lane, n, page)` in the lane's thread, once its n-th page has come and before it is handed on; not before the cut."""
    changed_since = SalesforceCrm.changed_since

    def watched(crm: SalesforceCrm, scan: Scan) -> Iterator[Page]:
        for number, page in enumerate(changed_since(crm, scan)):
            if scan.position:
                happens(scan, number, page)
            yield page

    monkeypatch.setattr(SalesforceCrm, "changed_since", watched)


def at_each_commit(monkeypatch: pytest.MonkeyPatch, happens: Callable[[int], None]) -> None:
    """`happens(n)` when the n-th page is about to be stored."""
    numbers = count()

    def watched(*given: Any, **named: Any) -> Any:
        happens(next(numbers))
        return ingest(*given, **named)

    monkeypatch.setattr("sync_worker.steps.sync.ingest.pull.ingest", watched)


class Killed(BaseException):
    """kill -9."""


class Held:
    """One lane whose first page has come, and is handed on when the test says so."""

    def __init__(self) -> None:
        self.came, self.may_go = threading.Event(), threading.Event()
        self.ids: list[str] = []

    def hold(self, scan: Scan, _number: int, page: Page) -> None:
        if is_last_lane(scan) and not self.ids:
            self.ids = [record.crm_id for record in page.records]
            self.came.set()
            assert self.may_go.wait(HANG_S)


def is_last_lane(scan: Scan) -> bool:
    return not scan.up_to


def cursor(world: World) -> Cursor:
    with world.store.reading("acme") as tx:
        found = cursors.get(tx, COMPANY)
    assert found
    return found


def lanes(world: World) -> Lanes:
    return lanes_of(cursor(world).position)


def names(world: World) -> list[str]:
    return sorted(row[3] for row in world.rows()["companies"] if row[2])


def expected(world: World) -> list[str]:
    return sorted(row["Name"] for row in world.remote.records("Account") if row["Portal_Status__c"])


def made_runs(world: World) -> Counter[tuple[str, str]]:
    """(verb, state) → how many runs."""
    with world.store.reading("acme") as tx:
        return Counter((run.verb, run.state) for run in runs.listed(tx, limit=100))


# ── side by side ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lanes_are_read_side_by_side_and_stored_one_page_after_the_other(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given lanes whose first pages all wait for each other
    together, asking, storing = threading.Barrier(3, timeout=HANG_S), set[int](), set[int]()

    def meet(_scan: Scan, number: int, _page: Page) -> None:
        asking.add(threading.get_ident())
        if number == 0:
            together.wait()

    at_each_page(monkeypatch, meet)
    at_each_commit(monkeypatch, lambda _number: storing.add(threading.get_ident()))
    # When all is read
    done = pull(empty_world.tenant, COMPANY)
    # Then they have met, one thread has stored it all, and each record was read once
    assert (done.counts.read, len(asking), storing) == (COUNT, 3, {threading.get_ident()})
    assert names(empty_world) == expected(empty_world)
    assert (cursor(empty_world).position, cursor(empty_world).kind) == ("", "changes")


def test_the_high_water_rises_when_the_lane_behind_has_ended(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a lane whose first page comes after all pages of the others are stored
    held, seen = Held(), list[Lanes]()

    def look(_so_far: int, _in_all: int | None) -> None:
        seen.append(lanes(empty_world))
        if seen[-1].is_cut:
            assert cursor(empty_world).high_water_at is None
        if seen[-1].left == [2]:
            held.may_go.set()

    at_each_page(monkeypatch, held.hold)
    # When all is read
    assert pull(empty_world.tenant, COMPANY, on_page=look).counts.read == COUNT
    # Then the scan was over no sooner
    assert [2] in [one.left for one in seen]
    assert seen[-1] == Lanes()
    assert cursor(empty_world).high_water_at is not None
    assert names(empty_world) == expected(empty_world)


# ── a scan that ends before its end ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ends_by", ["turn", "stop"])
def test_a_page_that_comes_after_the_turn_is_stored_before_anybody_else_reads(
    world: World, monkeypatch: pytest.MonkeyPatch, ends_by: str
) -> None:
    # Given lanes of which one has its page, old by now, when the scan is to end: a person edits a record of it, and a webhook says so
    tenant, other, held, over = world.tenant, world.process(), Held(), threading.Event()
    at_each_page(monkeypatch, held.hold)
    tenant.services = replace(world.services, is_stopping=lambda: over.is_set() and ends_by == "stop")
    monkeypatch.setattr(Turn, "is_over", property(lambda _turn: over.is_set() and ends_by == "turn"))
    busy: list[bool] = []

    def edit_meanwhile() -> None:
        assert held.came.wait(HANG_S)
        world.remote.edit("Account", held.ids[0], {"Name": "Newer"})
        with world.store.side_transaction("acme") as tx:
            notices.add(tx, COMPANY, held.ids[:1])
        over.set()
        busy.append(refresh(other, COMPANY).is_busy)
        held.may_go.set()

    webhook = threading.Thread(target=edit_meanwhile)
    webhook.start()
    # When the scan ends early
    if ends_by == "stop":
        with pytest.raises(Stopped, match="the next pull goes on from there"):
            pull(tenant, COMPANY, is_full=True)
    else:
        assert pull(tenant, COMPANY, is_full=True).follow_ups == {FollowUp(Work.PULL, COMPANY), FollowUp(Work.REFRESH, COMPANY)}
    webhook.join()
    # Then the late page is stored, under the lease that it was asked for under, and the refresh had to wait
    assert (busy, cursor(world).lease_until_at) == ([True], None)
    assert lanes(world).lanes[2].position != lanes(world).lanes[2].begin
    assert world.company(held.ids[0]).name != "Newer"
    # and what is newer stays, however the rest is read
    over.clear()
    world.settle({FollowUp(Work.REFRESH, COMPANY)})
    assert world.company(held.ids[0]).name == "Newer"
    world.settle({FollowUp(Work.PULL, COMPANY)})
    assert (world.company(held.ids[0]).name, lanes(world)) == ("Newer", Lanes())


@pytest.mark.parametrize("dies_at", [1, 2, 4])
def test_a_crash_with_three_pages_under_way_resumes_every_lane(empty_world: World, monkeypatch: pytest.MonkeyPatch, dies_at: int) -> None:
    # Given a worker that dies at a commit while two more pages are under way
    world, asked = empty_world, list[str]()

    def die(number: int) -> None:
        if number == dies_at:
            raise Killed

    with monkeypatch.context() as patch:
        at_each_commit(patch, die)
        with pytest.raises(Killed):
            pull(world.tenant, COMPANY)
    stored, left = len(names(world)), lanes(world)
    assert stored == PAGE_COUNT * dies_at
    # When another one goes on, while the CRM has changed
    world.tenant = world.process()
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Name": "Birch and Sons"})
    world.forward(LEASE_S + 1)
    at_each_page(monkeypatch, lambda scan, _number, _page: asked.append(scan.position))
    done = pull(world.tenant, COMPANY)
    # Then it goes on in each lane where that stood, and every company is here once, as it is in the CRM
    assert {lane.position for lane in left.lanes if not lane.is_done} <= set(asked)
    assert done.counts.read <= COUNT - stored
    world.forward(1000)
    world.pull()
    assert names(world) == expected(world)


def test_a_bulk_job_is_read_in_lanes_and_a_crash_resumes_each_of_them(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a CRM that prepares what is left after the first page, and names several answers
    world, asked = empty_world, list[str]()
    monkeypatch.setattr(extract, "RESULT_PAGE_SIZE", 4)

    def connected() -> None:
        tenant = world.configure(crm={"bulk_above": 5})
        tenant.crm._connection._tokens.turnstile = Turnstile(Limit(3, 3), Services())  # type: ignore[attr-defined]

    def die(number: int) -> None:
        if number == dies_at:
            raise Killed

    dies_at = 5  # the first page, the job that is ordered, asked for and done, and one page of a lane come before
    connected()
    with monkeypatch.context() as patch:
        at_each_commit(patch, die)
        with pytest.raises(Killed):
            pull(world.tenant, COMPANY)
    left = lanes(world)
    assert (len(left.lanes), PAGE_COUNT < len(names(world)) < COUNT) == (3, True)
    # When another worker goes on
    connected()
    world.forward(LEASE_S + 1)
    at_each_page(monkeypatch, lambda scan, _number, _page: asked.append(scan.position))
    pull(world.tenant, COMPANY)
    # Then it goes on in each lane where that stood, by the same job
    assert {lane.position for lane in left.lanes if not lane.is_done} <= set(asked)
    assert {json.loads(position)["job"] for position in asked} == {json.loads(left.lanes[0].position)["job"]}
    world.forward(1000)
    world.pull()
    assert names(world) == expected(world)


def test_the_error_of_one_lane_comes_once_what_the_others_had_under_way_is_stored(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a lane that fails with its first page
    def fail(scan: Scan, number: int, _page: Page) -> None:
        if number == 0 and scan.up_to and not failed:
            failed.append(scan)
            raise TransientError("the CRM does not answer")

    failed = list[Scan]()
    at_each_page(monkeypatch, fail)
    with pytest.raises(TransientError, match="does not answer"):
        pull(empty_world.tenant, COMPANY)
    # Then the failed lane stands where it began, and the next pull reads what is left
    standing = lanes(empty_world)
    [behind] = [lane for lane in standing.lanes if lane.up_to == failed[0].up_to]
    stored = len(names(empty_world))
    assert (behind.position, made_runs(empty_world)) == (behind.begin, {("pull", "failed"): 1})
    assert stored > PAGE_COUNT
    assert pull(empty_world.tenant, COMPANY).counts.read == COUNT - stored
    assert names(empty_world) == expected(empty_world)


def test_the_brake_stops_all_lanes_and_their_pages_are_thrown_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given companies that were all deactivated, in a portal where two a day are few
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    for name in expected(world):
        world.remote.edit("Account", world.id_of(name), {"Portal_Status__c": "Inactive"})
    world.forward()
    together, stored, commits = threading.Barrier(3, timeout=HANG_S), list[Lanes](), list[int]()

    def meet(_scan: Scan, number: int, _page: Page) -> None:
        if number == 0:
            together.wait()

    at_each_page(monkeypatch, meet)
    at_each_commit(monkeypatch, commits.append)
    # When a page takes too much away, while two others are under way
    with pytest.raises(HeldForReview):
        pull(world.tenant, COMPANY, is_full=True, on_page=lambda *_: stored.append(lanes(world)))
    # Then no other is stored, the cursor stands where the commit before it left it, and nobody reads any more
    assert stored
    assert len(commits) == len(stored) + 1
    assert (lanes(world), cursor(world).lease_until_at) == (stored[-1], None)
    assert [row.failure.code for row in world.failures("held_for_review")] == ["held_for_review"]


def test_who_lost_the_lease_asks_for_no_page_in_any_lane(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given another reader that took over once the lanes had begun
    together, asked = threading.Barrier(3, timeout=HANG_S), list[int]()

    def take_over(_scan: Scan, number: int, _page: Page) -> None:
        asked.append(number)
        if together.wait() == 0:
            with empty_world.store.side_transaction("acme") as tx:
                tx.connection.exec_driver_sql("UPDATE cursors SET lease_until_at = NULL")
                assert cursors.acquire(tx, COMPANY, "somebody")
        together.wait()

    at_each_page(monkeypatch, take_over)
    with pytest.raises(StaleRead):
        pull(empty_world.tenant, COMPANY)
    # Then the pages under way are thrown away, and no other was asked for
    assert asked == [0, 0, 0]
    assert len(names(empty_world)) == PAGE_COUNT


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lane_count", [1, 3])
def test_a_scan_gives_way_to_notices_after_two_seconds_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch, lane_count: int) -> None:
    # Given a scan of all companies in the middle of which a webhook names one
    monkeypatch.setattr("sync_worker.steps.sync.ingest.lanes.lane_count", lambda _tenant: lane_count)
    noticed, before = world.id_of("Cedar IT"), made_runs(world)

    def notice(number: int) -> None:
        if number == 2:
            with world.store.side_transaction("acme") as tx:
                notices.add(tx, COMPANY, [noticed])
            world.remote.edit("Account", noticed, {"Name": "Newer"})
        seen.append(world.company(noticed).name)
        world.forward(GIVES_WAY_S / 4)

    seen, shown = list[str](), list[tuple[int, int | None]]()
    at_each_commit(monkeypatch, notice)
    # When it is read
    done = pull(world.tenant, COMPANY, is_full=True, on_page=lambda *reached: shown.append(reached))
    # Then the notice is read in between, once the scan has gone on for two seconds, and the rest after it
    assert made_runs(world) - before == Counter({("pull", "done"): 2, ("refresh", "done"): 1})
    assert "Newer" in seen
    assert (world.company(noticed).name, world.notices(), lanes(world)) == ("Newer", {}, Lanes())
    assert done.follow_ups.isdisjoint({FollowUp(Work.PULL, COMPANY), FollowUp(Work.REFRESH, COMPANY)})
    # and the progress that people see goes on where it was
    assert shown == sorted(shown)
    assert shown[-1] == (done.counts.read, shown[0][1])


# ── a cut that turns out wrong, and a backfill ───────────────────────────────────────────────────────────────────────


def test_lanes_that_do_not_lie_as_they_should_are_one_again(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a CRM whose order is not what the cut took it for, as a lane sees at its second page
    def refuse(scan: Scan, number: int, _page: Page) -> None:
        if scan.up_to and number == 1:
            raise OutOfOrder("the list does not come in the order of ids")

    seen = list[Lanes]()
    at_each_page(monkeypatch, refuse)
    # When it is read, then one lane goes on from where it was cut
    pull(empty_world.tenant, COMPANY, on_page=lambda *_: seen.append(lanes(empty_world)))
    assert [one.is_cut for one in seen[:2]] == [False, True]
    last = seen[-2]
    assert (last.is_cut, last.cut_at, seen[-1]) == (False, seen[0].lanes[0].position, Lanes())
    assert names(empty_world) == expected(empty_world)
