"""Noticed records are read in several batches at once: who asks, what an error leaves, and that one call at a time changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from sync_worker.crm.port import NativeRecord
from sync_worker.errors import TransientError
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.sync import read_by_id
from sync_worker.steps.sync.ingest import refresh as refresh_step
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.steps.sync.read_by_id import batches_at_once
from sync_worker.store.sync import notices
from tests.integration.steps.test_patch_several import last_run, nobody_is_left
from tests.integration.steps.world import World
from tests.patience import HANG_S
from tests.stand_in import StandIn

BATCH, AT_ONCE = 2, 3
_ = nobody_is_left  # a fixture that is used by itself
Hear = Callable[[list[str]], object]


class Reading(StandIn):
    """The real CRM, which takes so many calls at once. The test hears of each read first, in its thread."""

    def __init__(self, world: World, hear: Hear, at_once: int) -> None:
        super().__init__(world.tenant.crm)
        self.parallel_calls = at_once
        self.is_trusted = True
        self.asked: list[list[str]] = []
        self.threads: list[int] = []
        self._hear = hear

    def fetch(self, native: str, crm_ids: Sequence[str], *, fields: Sequence[str]) -> list[NativeRecord]:
        self.asked.append(list(crm_ids))
        self.threads.append(threading.get_ident())
        self._hear(list(crm_ids))
        found: list[NativeRecord] = self._crm.fetch(native, crm_ids, fields=fields)
        return found


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_step, "BATCH_COUNT", BATCH)


@pytest.fixture
def noticed(world: World) -> list[str]:
    """Six companies, in the order in which their notices wait."""
    crm_ids = sorted(account["Id"] for account in world.org()["Account"][:6])
    with world.store.side_transaction("acme") as tx:
        notices.add(tx, COMPANY, crm_ids)
    return crm_ids


@pytest.fixture
def reading(world: World) -> Iterator[Callable[..., Reading]]:
    real = world.tenant.crm

    def begun(hear: Hear, at_once: int = AT_ONCE) -> Reading:
        world.tenant.crm = crm = Reading(world, hear, at_once)
        return crm

    yield begun
    world.tenant.crm = real


def left(world: World) -> list[str]:
    with world.store.reading("acme") as tx:
        return [notice.crm_id for notice in notices.oldest(tx, COMPANY, 99)]


def pairs(crm_ids: Sequence[str]) -> list[list[str]]:
    return [list(crm_ids[start : start + BATCH]) for start in range(0, len(crm_ids), BATCH)]


def test_batches_are_read_side_by_side_and_each_record_is_stored_once(
    world: World, noticed: list[str], reading: Callable[..., Reading]
) -> None:
    # Given three reads that wait for each other
    together = threading.Barrier(AT_ONCE, timeout=HANG_S)
    crm = reading(lambda _ids: together.wait())
    # When six records are due, then the reads meet, and all six are stored
    done = refresh(world.tenant, COMPANY)
    assert (sorted(crm.asked), len(set(crm.threads)), done.counts.read, left(world)) == (pairs(noticed), AT_ONCE, 6, [])


def test_with_one_call_at_a_time_this_thread_reads_one_batch_after_the_other(
    world: World, noticed: list[str], reading: Callable[..., Reading]
) -> None:
    waiting: list[int] = []
    crm = reading(lambda _ids: waiting.append(len(left(world))), 1)
    refresh(world.tenant, COMPANY)
    # then each batch is stored before the next one is asked for
    assert (crm.asked, set(crm.threads), waiting) == (pairs(noticed), {threading.get_ident()}, [6, 4, 2])


def test_a_batch_that_fails_leaves_those_after_it_and_none_under_way(
    world: World, noticed: list[str], reading: Callable[..., Reading]
) -> None:
    # Given three reads under way, of which the second fails
    together = threading.Barrier(AT_ONCE, timeout=HANG_S)

    def hear(crm_ids: list[str]) -> None:
        together.wait()
        if noticed[2] in crm_ids:
            raise TransientError("the CRM does not answer")

    reading(hear)
    with pytest.raises(TransientError):
        refresh(world.tenant, COMPANY)
    # then the first is stored, and the others are still to be read
    assert (left(world), last_run(world).counts.read) == (noticed[2:], 2)


def test_a_token_that_the_crm_has_not_taken_yet_reads_one_batch(world: World, reading: Callable[..., Reading]) -> None:
    crm = reading(lambda _ids: None)
    crm.is_trusted = False
    assert batches_at_once(world.tenant, "Account", BATCH) == 1


@pytest.mark.parametrize(("batch_count", "calls", "batches"), [(2000, 3, 3), (2000, 8, read_by_id.MOST_AT_ONCE), (4000, 3, 1)])
def test_as_many_batches_as_fill_the_calls_are_read_at_once(
    world: World, reading: Callable[..., Reading], batch_count: int, calls: int, batches: int
) -> None:
    # Given a CRM of which one call reads 2,000 records
    reading(lambda _ids: None, calls)
    assert batches_at_once(world.tenant, "Account", batch_count) == batches
