"""Redis is not there, comes back, is flushed: the budget is held by each process meanwhile, and nothing that was spent is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import redis

from sync_worker.crm.budget import SLOT_S, Budget, BudgetTerms, Share, slot_of
from sync_worker.crm.reach import AWAY_S
from sync_worker.crm.shared_budget import SharedLedger
from sync_worker.errors import RateLimited
from sync_worker.services import Services
from tests.servers import Clock, free_port, own_redis

TERMS = BudgetTerms(10, {"live": 0, "backfill": 0, "operator": 0})


class Process:
    """One process's budget on a clock of its own."""

    def __init__(self, url: str, clock: Clock, remembered: int = 0) -> None:
        self.monotonic_s = 100.0
        services = Services(clock=clock, monotonic=lambda: self.monotonic_s)
        past: dict[tuple[int, Share], int] = {(slot_of(clock.now.timestamp()) - SLOT_S, "live"): remembered}
        self.client = redis.Redis.from_url(url, decode_responses=True)
        self.ledger = SharedLedger(self.client, services=services)
        self.budget = Budget("acme", TERMS, self.ledger, services=services, past=lambda _since: past)

    def spend(self, most: int) -> int:
        for made in range(most):
            try:
                self.budget.take("live")
            except RateLimited:
                return made
        return most


@contextmanager
def process(url: str, clock: Clock, remembered: int = 0) -> Iterator[Process]:
    made = Process(url, clock, remembered)
    with closing(made.client):
        yield made


def test_without_redis_the_process_counts_alone_and_says_so_once(clock: Clock, capfd: pytest.CaptureFixture[str]) -> None:
    with process(f"redis://127.0.0.1:{free_port()}", clock, remembered=4) as alone:
        assert alone.spend(20) == 6
        alone.monotonic_s += AWAY_S
        assert alone.spend(20) == 0
    said = capfd.readouterr()
    assert (said.out + said.err).count("Redis is out of reach") == 1


def test_what_was_spent_meanwhile_is_handed_in(clock: Clock, redis_db: str) -> None:
    with process(redis_db, clock) as one, process(redis_db, clock) as other:
        assert one.spend(3) == 3
        one.ledger._reach._away_until_s = one.monotonic_s + AWAY_S  # as after an answer that did not come
        assert one.spend(4) == 4
        assert other.budget.standing()[1].left == 7
        one.monotonic_s += AWAY_S
        assert one.spend(1) == 1
        assert other.budget.standing()[1].left == 2
        assert other.spend(9) == 2


def test_a_flushed_redis_begins_with_what_the_database_remembers(clock: Clock, redis_db: str) -> None:
    with process(redis_db, clock, remembered=8) as one:
        assert one.spend(1) == 1
        with redis.Redis.from_url(redis_db) as client:
            client.flushall()
        assert one.spend(9) == 2


def test_a_redis_that_ends_in_the_middle_is_no_reason_to_stop(clock: Clock) -> None:
    with own_redis() as url:
        made = Process(url, clock)
        assert made.spend(3) == 3
    with closing(made.client):
        assert made.spend(30) == 10, "what it cannot see it cannot know: the database tells what was finished before"
