"""One rule, two ledgers: what a share may spend, borrow and never touch, in one process and in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import pytest
from redis import Redis

from sync_worker.crm.budget import DAY_S, SHARES, SLOT_S, TOLD_FOR_S, Budget, BudgetTerms, Ledger, Memory, Share, SharePurse, Slots, slot_of
from sync_worker.crm.shared_budget import SharedLedger
from sync_worker.errors import RateLimited
from sync_worker.services import Services
from tests.servers import Clock

RESERVE: dict[Share, int] = {"live": 40, "backfill": 20, "operator": 10}
TERMS = BudgetTerms(100, RESERVE)


@pytest.fixture(params=["in_process", "redis"])
def open_ledger(request: pytest.FixtureRequest) -> Iterator[Callable[[], Ledger]]:
    """One more process's way to the same ledger; the one of a process is its own."""
    if request.param == "in_process":
        memory = Memory()
        yield lambda: memory
        return
    url, opened = request.getfixturevalue("redis_db"), list[Redis]()

    def another() -> Ledger:
        opened.append(Redis.from_url(url, decode_responses=True))
        return SharedLedger(opened[-1], services=Services())

    yield another
    for client in opened:
        client.close()


@pytest.fixture
def budget_of(open_ledger: Callable[[], Ledger], clock: Clock) -> Callable[..., Budget]:
    def made(terms: BudgetTerms = TERMS, *, past: Slots | None = None, portal: str = "acme") -> Budget:
        return Budget(portal, terms, open_ledger(), services=Services(clock=clock), past=lambda _since: past or {})

    return made


BudgetOf = Callable[..., Budget]


def spent(budget: Budget, share: Share, most: int = 1000) -> int:
    """How many calls are granted before the first no."""
    for made in range(most):
        try:
            budget.take(share)
        except RateLimited:
            return made
    return most


# ── shares ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_share_borrows_what_nobody_reserved_and_never_a_reserve(budget_of: BudgetOf) -> None:
    budget = budget_of()
    assert spent(budget, "backfill") == 20 + 30
    assert spent(budget, "operator") == 10
    assert spent(budget, "live") == 40
    assert [spent(budget, share) for share in SHARES] == [0, 0, 0]


def test_reserves_that_add_up_to_the_whole_lend_nothing(budget_of: BudgetOf) -> None:
    budget = budget_of(BudgetTerms(100, {"live": 50, "backfill": 30, "operator": 20}))
    assert [spent(budget, share) for share in ("operator", "live", "backfill")] == [20, 50, 30]


def test_a_reserve_that_is_used_up_by_its_own_work_is_kept_no_more(budget_of: BudgetOf) -> None:
    budget = budget_of()
    assert spent(budget, "live", 40) == 40
    assert spent(budget, "operator", 10) == 10
    assert spent(budget, "backfill") == 50


def test_portals_do_not_share(budget_of: BudgetOf) -> None:
    assert spent(budget_of(), "backfill") == spent(budget_of(portal="birch"), "backfill") == 50


def test_without_any_limit_nothing_is_refused_and_everything_counted(budget_of: BudgetOf) -> None:
    budget = budget_of(BudgetTerms(None, RESERVE))
    assert spent(budget, "live", 300) == 300
    _, day = budget.standing()
    assert (day.used["live"], day.left, day.room("live"), budget.waits_until("live")) == (300, None, None, None)


def test_in_any_order_of_calls_the_day_and_every_reserve_hold(budget_of: BudgetOf, clock: Clock) -> None:
    budget, chance = budget_of(BudgetTerms(60, RESERVE)), Random(7)
    made: list[tuple[float, Share]] = []
    for _ in range(900):
        share = chance.choice(SHARES)
        made += [(clock.now.timestamp(), share)] * spent(budget, share, chance.randint(1, 8))
        recent = [who for at, who in made if at > clock.now.timestamp() - DAY_S]
        assert len(recent) <= 60
        for other in SHARES:
            unspent = 60 * RESERVE[other] // 100 - recent.count(other)
            assert 60 - len(recent) >= unspent, f"{other}'s reserve was lent"
        clock.forward(seconds=chance.choice([0, 60, 1200, 7000]))
    assert len(made) > 300


# ── when it goes on ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_comes_back_a_day_later_and_the_refusal_says_when(budget_of: BudgetOf, clock: Clock) -> None:
    budget = budget_of()
    for hours in (1, 2):
        spent(budget, "backfill", 25)
        clock.forward(hours=hours)
    with pytest.raises(RateLimited, match=r"backfill work has used up .* kept for live and operator\); .* at 2026-03-03 09:15 UTC") as no:
        budget.take("backfill")
    assert no.value.scope == "budget"
    begun = budget.waits_until("backfill")
    assert begun
    assert no.value.retry_after_s == (begun - clock.now).total_seconds()
    clock.now = begun
    clock.forward(seconds=-1)
    assert spent(budget, "backfill") == 0
    clock.forward(seconds=1)
    assert spent(budget, "backfill") == 25
    assert budget.waits_until("live") is None


def test_where_the_account_has_a_day_of_its_own_that_is_what_counts(budget_of: BudgetOf, clock: Clock) -> None:
    clock.now = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)
    budget = budget_of()
    budget.place("Europe/Berlin")
    assert spent(budget, "live") == 70
    assert budget.waits_until("live") == datetime(2026, 7, 1, 22, 0, tzinfo=UTC)
    another = budget_of()
    assert another.waits_until("live") == budget.waits_until("live")
    clock.forward(minutes=30)
    assert spent(another, "live") == 70


# ── what the CRM says ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_others_use_of_the_account_is_not_ours(budget_of: BudgetOf, clock: Clock) -> None:
    budget = budget_of(BudgetTerms(1000, RESERVE))
    spent(budget, "live", 10)
    budget.hear(used=14_970, limit=15_000)
    _, day = budget.standing()
    assert (day.left, day.reserves) == (30, {"live": 16, "backfill": 8, "operator": 4})
    assert spent(budget, "backfill") == 30 - 6 - 4
    assert budget.waits_until("backfill") == datetime.fromtimestamp(clock.now.timestamp() + TOLD_FOR_S, UTC)
    clock.forward(seconds=TOLD_FOR_S)
    assert budget.waits_until("backfill") is None, "the CRM is asked again"


def test_its_word_alone_is_a_limit_too(budget_of: BudgetOf) -> None:
    budget = budget_of(BudgetTerms(None, RESERVE))
    budget.take("live")
    budget.hear(used=1, limit=11)
    assert spent(budget, "live") == 10 - 2 - 1


def test_the_less_is_left_the_slower_the_polls(budget_of: BudgetOf) -> None:
    budget = budget_of()
    slowness = {}
    for left in range(70, -1, -1):
        slowness[left] = budget.slowness()
        spent(budget, "live", 1)
    assert (slowness[70], slowness[20], slowness[19], slowness[10], slowness[9], slowness[0]) == (1, 1, 2, 2, 4, 4)


# ── many processes, and a memory that was lost ───────────────────────────────────────────────────────────────────────


def test_many_at_once_never_spend_more_than_there_is(budget_of: BudgetOf) -> None:
    purses = [SharePurse(budget_of(BudgetTerms(200, RESERVE)), SHARES[number % 3]) for number in range(12)]
    with ThreadPoolExecutor(12) as threads:
        granted = sum(threads.map(lambda purse: spent(purse.budget, purse.share, 60), purses))
    assert granted == 200


def test_a_count_that_is_begun_anew_knows_what_the_database_remembers(budget_of: BudgetOf, clock: Clock) -> None:
    slot = slot_of(clock.now.timestamp())
    past: dict[tuple[int, Share], int] = {(slot - SLOT_S, "live"): 60, (slot - DAY_S - 2 * SLOT_S, "live"): 500}
    budget = budget_of(past=past)
    assert budget.standing()[1].left == 40
    assert spent(budget, "live") == 10
    assert spent(budget_of(past=past), "live") == 0, "the second process finds the count begun"


def test_all_portals_are_asked_for_at_once(redis_db: str, clock: Clock) -> None:
    with Redis.from_url(redis_db, decode_responses=True) as client, Redis.from_url(redis_db, decode_responses=True) as watch:
        # Given calls of two hundred portals
        ledger, names = SharedLedger(client, services=Services()), [f"portal-{number}" for number in range(200)]
        for name in names:
            ledger.begin(name, {(slot_of(clock().timestamp()), "live"): len(name)})
        # when all are read, then the counts are each portal's own, and Redis was read from a few times, not two hundred
        before = _reads(watch)
        counts = ledger.read_all(names)
        assert _reads(watch) - before <= 5
        assert [sum(count.slots.values()) for count in counts] == [len(name) for name in names]


def _reads(watch: Redis) -> int:
    """How often that Redis has read from its connections."""
    found = watch.info("stats")
    assert isinstance(found, dict)
    return int(found["total_reads_processed"])
