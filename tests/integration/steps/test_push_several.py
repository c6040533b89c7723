"""Deals that are written in several calls at once: which of them wait for each other, what ends the work, and what an error leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from sync_worker.crm.port import RecordWrite
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.sync.push.next_batch import next_batch
from sync_worker.errors import AuthFailed, ConnectionDown, RateLimited, Stopped, StoreDown, TransientError
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL
from sync_worker.steps.sync.push import push as push_step
from sync_worker.steps.sync.push import write_claim
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core.tables import companies
from sync_worker.store.deals import deals
from sync_worker.store.sync import outbox
from tests.integration.steps.test_patch_several import (
    AT_ONCE,
    Answer,
    Killed,
    Listener,
    Meeting,
    last_run,
    listening,
    nobody_is_left,
    others_after,
    raising,
)
from tests.integration.steps.world import TERMS, World
from tests.patience import HANG_S, until

BATCH = 2
OWNERS = range(6)

_ = nobody_is_left  # a fixture that is used by itself


class Heard(Listener):
    """The real one. The test hears of each call first: `hear(n, changes)`, in the thread of the n-th batch."""

    def __init__(self, world: World, hear: Answer, at_once: int = AT_ONCE) -> None:
        super().__init__(world, hear, at_once)
        self.batches: list[list[str]] = []
        self.in_flight: list[list[str]] = []

    def write(self, native: str, key: str, changes: Sequence[RecordWrite], **more: Any) -> Iterator[Any]:
        refs = self._called(changes)
        self.in_flight.append(refs)
        if native == "Lead":
            assert not {ref for other in self.in_flight if other is not refs for ref in other} & set(refs)
        try:
            self._hear(max((n for n, batch in enumerate(self.batches) if set(batch) == set(refs)), default=-1), changes)
            yield from self._crm.write(native, key, changes, **more)
        finally:
            self.in_flight.remove(refs)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_step, "BATCH_COUNT", BATCH)


@contextmanager
def heard(world: World, hear: Answer, *, at_once: int = AT_ONCE) -> Iterator[Heard]:
    """The portal's CRM so, and its batches in the order in which they were chosen."""
    crm = Heard(world, hear, at_once)

    def noted(*given: Any) -> Any:
        if batch := next_batch(*given):
            crm.batches.append(list(batch.record_ids))
        return batch

    with listening(world, crm, push_step, "next_batch", noted):
        yield crm


@pytest.fixture
def owners(world: World) -> list[str]:
    """Ids of six partners in the CRM."""
    with world.store.reading("acme") as tx:
        query = companies.select().where(companies.c.account_type == "partner", companies.c.crm_id.is_not(None)).order_by(companies.c.id)
        return [row.id for row in tx.connection.execute(query)][: len(OWNERS)]


@pytest.fixture
def owed(world: World, owners: list[str]) -> list[str]:
    """Twelve new deals, two of each of six companies; they are due in the order of their ids, which alternates between the companies."""
    return owe(world, [*owners, *owners])


def owe(world: World, owners: Sequence[str], **values: Any) -> list[str]:
    """New deals of these companies, due at once, in this order."""
    made = [
        StoredDeal(Deal(f"deal-{place:02}", {**DEAL_VALUES, "owner_company": owner, **values}), 1, world.clock.now, world.clock.now)
        for place, owner in enumerate(owners)
    ]
    with world.store.transaction("acme") as tx:
        deals.save(tx, made)
        outbox.owe(tx, DEAL, [one.deal.id for one in made], "r1")
    return [one.deal.id for one in made]


DEAL_VALUES = {
    **{name: TERMS[name] for name in ("name", "prospect_name", "contact_last_name", "deal_type", "billing_cycle")},
    "lifecycle": "submitted",
}


def states(world: World) -> dict[str, str]:
    return {row.record_id: row.state for row in world.outbox()}


def made(world: World, deal_ids: Sequence[str]) -> list[int]:
    """How many records each of these deals has in the CRM."""
    keys = [row["Portal_Deal_Key__c"] for row in world.remote.records("Lead") if not row["IsDeleted"]]
    return [keys.count(deal_id) for deal_id in deal_ids]


def once(deal_ids: Sequence[str]) -> list[int]:
    return [1] * len(deal_ids)


def test_several_batches_are_in_flight_and_no_two_of_them_share_an_owner_company(world: World, owed: list[str]) -> None:
    # Given calls of which the first three wait for each other
    with heard(world, Meeting()) as crm:
        # When twelve deals of six companies are due, then they meet, and each is made once
        done = push(world.tenant)
    assert len(crm.threads) == AT_ONCE
    assert (made(world, owed), states(world)) == (once(owed), {})
    assert (done.counts.written, last_run(world).counts.written, last_run(world).state) == (12, 12, "done")
    # and the two of one company were in one call
    half = len(owed) // 2
    assert sorted(map(sorted, crm.calls_of)) == [list(pair) for pair in zip(owed[:half], owed[half:], strict=True)]


def test_deals_of_one_company_go_one_batch_after_the_other(world: World, owners: list[str]) -> None:
    # Given five deals of one company, and a call that would see another one beside it
    owed = owe(world, [owners[0]] * 5)
    together: list[int] = []
    with heard(world, lambda *_: together.append(len(crm.in_flight))) as crm:
        push(world.tenant)
    assert (made(world, owed), states(world)) == (once(owed), {})
    assert ([len(refs) for refs in crm.calls_of], together) == ([2, 2, 1], [1, 1, 1])


def test_with_one_call_at_a_time_this_thread_makes_the_calls_in_the_order_in_which_the_deals_are_due(world: World, owed: list[str]) -> None:
    with heard(world, lambda *_: None, at_once=1) as crm:
        push(world.tenant)
    assert crm.threads == {threading.get_ident()}
    assert crm.calls_of == [owed[start : start + BATCH] for start in range(0, len(owed), BATCH)]


def test_what_fits_into_one_batch_needs_no_other_connection(world: World) -> None:
    deal = world.submitted()
    with heard(world, lambda *_: None) as crm:
        push(world.tenant)
    assert (crm.threads, made(world, [deal.id])) == ({threading.get_ident()}, [1])


@pytest.mark.parametrize("error", [AuthFailed("refused"), ConnectionDown("down"), RateLimited("too many", retry_after_s=9, scope="burst")])
def test_an_error_ends_the_work_once_what_is_in_flight_is_settled_and_the_earliest_is_raised(
    world: World, owed: list[str], error: Any
) -> None:
    # Given three calls in flight: the third one fails, then the second, and then the first is answered
    third_failed = threading.Event()

    def second() -> None:
        third_failed.wait(HANG_S)
        raise error

    def third() -> None:
        third_failed.set()
        raise TransientError("the third one")

    def is_second_free() -> bool:
        return {states(world)[ref] for ref in crm.batches[1]} == {"ready"}

    with heard(world, Meeting(first=lambda: until(is_second_free), second=second, third=third)) as crm:
        with pytest.raises(type(error)):
            push(world.tenant)
    # Then no other call was made, the first one's deals are made, and those of the refused call are due again
    assert len(crm.calls_of) == AT_ONCE
    assert owed_no_more(world, owed) == set(crm.batches[0])
    assert {states(world)[ref] for ref in crm.batches[2]} == {"claimed"}
    assert (last_run(world).state, last_run(world).counts.written) == ("failed", BATCH)
    # and once the claims have ended, each deal is made once
    world.forward(31)
    world.push()
    assert (made(world, owed), states(world)) == (once(owed), {})


def owed_no_more(world: World, owed: Sequence[str]) -> set[str]:
    return set(owed) - states(world).keys()


def test_what_a_killed_worker_had_in_flight_is_made_once_by_another_after_half_a_minute(world: World, owed: list[str]) -> None:
    # Given a worker that dies with three calls in flight, of which two reach the CRM
    with heard(world, Meeting(second=raising(Killed()))) as crm, pytest.raises(Killed):
        push(world.tenant)
    # When another one comes before the claims have ended, then it leaves them and their companies alone
    world.tenant = other = world.process()
    push(other)
    left = states(world)
    assert set(crm.batches[1]) <= left.keys() <= {ref for batch in crm.batches[:AT_ONCE] for ref in batch}
    assert set(left.values()) == {"claimed"}
    # When they have ended, then each is read back or made, and stands there once
    world.forward(31)
    world.push()
    world.forward(31)
    world.push()
    assert (made(world, owed), states(world)) == (once(owed), {})


def test_a_stop_begins_nothing_new_and_waits_for_what_is_in_flight(world: World, owed: list[str]) -> None:
    stopped = threading.Event()
    world.tenant.services = replace(world.services, is_stopping=stopped.is_set)
    with heard(world, Meeting(first=stopped.set, **others_after(stopped))) as crm, pytest.raises(Stopped):
        push(world.tenant)
    assert len(crm.calls_of) == AT_ONCE
    assert (last_run(world).state, last_run(world).counts.written) == ("stopped", AT_ONCE * BATCH)
    assert set(states(world).values()) == {"ready"}


def test_a_turn_that_is_over_begins_nothing_new(world: World, owed: list[str]) -> None:
    is_over = threading.Event()

    def time_passes() -> None:
        world.clock.forward(seconds=6)
        is_over.set()

    with heard(world, Meeting(first=time_passes, **others_after(is_over))) as crm, world.tenant.turn.lasting(5):
        done = push(world.tenant)
    assert len(crm.calls_of) == AT_ONCE
    assert done.counts.written == AT_ONCE * BATCH
    assert FollowUp(Work.PUSH) in done.follow_ups


def test_a_send_without_answer_is_read_back_before_anything_new_is_claimed(world: World, owed: list[str]) -> None:
    # Given a call whose answer is lost once the CRM has committed
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    with heard(world, lambda *_: None):
        push(world.tenant)
    assert (made(world, owed), states(world)) == (once(owed), {})
    assert last_run(world).counts.uncertain == BATCH


def test_a_database_that_is_down_for_one_answer_ends_the_work_and_the_others_are_settled(
    world: World, owed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    was_down, settled = threading.Event(), write_claim._settled

    def down_once(*given: Any) -> Any:
        if was_down.is_set():
            return settled(*given)
        was_down.set()
        raise StoreDown("the database is away")

    monkeypatch.setattr(write_claim, "_settled", down_once)
    with heard(world, Meeting(**others_after(was_down))) as crm, pytest.raises(StoreDown):
        push(world.tenant)
    assert last_run(world).counts.written == 2 * BATCH
    assert {states(world)[ref] for ref in crm.batches[0]} == {"claimed"}
    world.forward(31)
    world.push()
    assert (made(world, owed), states(world)) == (once(owed), {})


def test_a_deal_that_is_edited_while_its_write_is_in_flight_is_written_again_afterwards(world: World, owners: list[str]) -> None:
    # Given deals that are in the CRM, and a change of each
    owed = owe(world, [*owners, *owners])
    world.push()
    for deal_id in owed:
        world.change(deal_id, name="First")
    edited = threading.Event()

    def edit() -> None:
        for deal_id in crm.batches[0]:
            world.change(deal_id, name="Second")
        edited.set()

    # When some are changed once more while three calls are in flight, and a person edits another field of each meanwhile
    for deal_id in owed:
        world.edit(deal_id, Portal_Licences__c=7)
    with heard(world, Meeting(first=edit, **others_after(edited))) as crm:
        done = push(world.tenant)
    world.settle(done.follow_ups)
    # Then the last change stands in the CRM, and so does the person's edit, here too
    for deal_id in owed:
        name = "Second" if deal_id in crm.batches[0] else "First"
        assert (world.record_of(deal_id)["Portal_Deal_Name__c"], world.record_of(deal_id)["Portal_Licences__c"]) == (name, 7)
        assert (world.deal(deal_id).values["name"], world.deal(deal_id).values["licence_count"]) == (name, 7)
        assert world.conflicts(deal_id) == []
    assert states(world) == {}


def test_one_second_partner_keeps_nothing_back_until_a_lock_names_it_and_then_those_deals_go_one_batch_at_a_time(
    world: World, owners: list[str]
) -> None:
    # Given deals of six companies with one distributor, whose row somebody holds
    arrow = world.company("Arrow Electronics")
    owed = owe(world, [*owners, *owners], second_partner=arrow.id)
    world.remote.set_row_locks(lookups="always", wait_s=0)
    world.remote.hold_rows([str(arrow.crm_id)])
    with heard(world, Meeting()) as crm:
        push(world.tenant)
    assert len(crm.threads) == AT_ONCE
    assert {row.refused for row in world.outbox()} == {1}
    # When it is free again, and each deal is tried once more
    world.remote.hold_rows([])
    world.forward(10)
    together: list[int] = []
    with heard(world, lambda *_: together.append(len(crm.in_flight))) as crm:
        push(world.tenant)
    # Then no two calls were in flight at once, and each deal is made once
    assert (set(together), made(world, owed), states(world)) == ({1}, once(owed), {})
