"""The mass-change brake: what would take too much away within a day is not applied until a person has looked, however it was heard of."""

from __future__ import annotations

import re

import pytest

from sync_worker.domain.core.company import PortalStatus
from sync_worker.domain.sync.ingest.brake import ASSOCIATIONS, COMPANIES, Removal
from sync_worker.errors import HeldForReview
from sync_worker.steps.associations.evaluate import EVALUATE, evaluate
from sync_worker.steps.associations.mode import set_mode
from sync_worker.steps.core.tenant import COMPANY
from sync_worker.steps.operate.intervene import release
from sync_worker.steps.operate.sweep import SWEEP
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.steps.sync.ingest.refresh import refresh
from sync_worker.store.associations import associations, evaluations
from sync_worker.store.core import companies, cursors, runs
from sync_worker.store.core.cursors import Cursor
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.operate import interventions
from sync_worker.store.sync import notices, removals
from tests.integration.due import due
from tests.integration.steps.world import World

PARTNERS = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Elm Consulting", "Fir Technologies")
CONTRACTS = "Associated_Second_Partner__c"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal of twenty companies is small; here two of a kind are few."""
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)


def edit(world: World, name: str, **fields: str | None) -> None:
    world.remote.edit("Account", world.id_of(name), fields)


def deactivate(world: World, *names: str) -> None:
    for name in names:
        edit(world, name, Portal_Status__c="Inactive")


def active(world: World, *names: str) -> int:
    return sum(world.company(name).status is PortalStatus.ACTIVE for name in names)


def held(world: World) -> FailureRow:
    (row,) = world.failures("held_for_review")
    return row


def counted(world: World) -> list[tuple[str, int]]:
    with world.store.reading("acme") as tx:
        return sorted((removal.kind, removal.count) for removal in removals.listed(tx))


def cursor_of(world: World) -> Cursor:
    with world.store.reading("acme") as tx:
        found = cursors.get(tx, COMPANY)
    assert found is not None
    return found


# ── what is held ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_deactivates_too_many_is_not_applied_and_says_so_once(world: World) -> None:
    # Given five partners whose status is taken away in one go
    deactivate(world, *PARTNERS)
    before, high_water = world.rows(), cursor_of(world).high_water_at
    # when they are pulled, twice
    for _ in range(2):
        with pytest.raises(HeldForReview):
            world.pull(COMPANY)
    # then nothing was applied, reading stays where it was, and one failure says how many of how many and what to type
    after = world.rows()
    assert {**after, "failures": before["failures"]} == before
    assert cursor_of(world).high_water_at == high_water
    row = held(world)
    assert (row.failure.kind, row.failure.object, row.failure.record, row.count) == ("failure", COMPANY, "pull", 2)
    with world.store.reading("acme") as tx:
        active_count = companies.active_count(tx)
    assert f"5 active companies would go at once: 5 of {active_count} within a day; the brake is 15 %" in row.failure.message
    assert f"sync-worker failures release {row.failure.id[:8]} --reason" in row.failure.message
    with world.store.reading("acme") as tx:
        run = runs.get(tx, row.failure.run_id)
    assert run is not None
    assert (run.state, run.counts.read) == ("failed", 0)


def test_a_notice_is_held_as_a_poll_is_and_waits(world: World) -> None:
    deactivate(world, *PARTNERS)
    with world.store.side_transaction("acme") as tx:
        notices.add(tx, COMPANY, [world.id_of(name) for name in PARTNERS])
    with pytest.raises(HeldForReview, match="refresh of company: 5 active companies would go at once"):
        refresh(world.tenant, COMPANY)
    assert active(world, *PARTNERS) == 5
    assert world.notices() == {COMPANY: 5}


def test_what_went_before_within_the_day_counts(world: World) -> None:
    # Given two companies that go one by one, which is few
    alone = ("Dogwood Networks", "Elm Consulting", "Ginkgo Data", "Granite Group")
    for name in alone[:2]:
        deactivate(world, name)
        world.pull(COMPANY)
    began = world.clock.now
    assert active(world, *alone) == 2
    # when others follow the same day, then the sum is too much, and the words say since when
    deactivate(world, *alone[2:])
    with pytest.raises(HeldForReview, match=r"2 active companies would go at once, after 2 since 2026-03-02 \d\d:\d\d UTC: 4 of"):
        world.pull(COMPANY)
    # and a day later it is not
    world.forward(24 * 3600 - (world.clock.now - began).total_seconds() + 1)
    world.pull(COMPANY)
    assert active(world, *alone) == 0


def test_contracts_that_end_are_associations_that_go(world: World) -> None:
    # Given three partners whose field was emptied
    with world.store.reading("acme") as tx:
        total = associations.pair_count(tx)
    for name in ("Birch Systems", "Cedar IT", "Fir Technologies"):
        edit(world, name, **{CONTRACTS: None})
    before = world.contracts()
    with pytest.raises(HeldForReview, match=rf"4 associations would go at once: 4 of {total} within a day"):
        world.pull(COMPANY)
    assert world.contracts() == before


def test_a_distributor_that_goes_takes_its_associations_along(world: World) -> None:
    with world.store.reading("acme") as tx:
        arrow = associations.pairs(tx, [world.company("Arrow Electronics").id])
    assert len(arrow) > 2
    deactivate(world, "Arrow Electronics")
    with pytest.raises(HeldForReview, match=f"{len(arrow)} associations would go at once"):
        world.pull(COMPANY)


def test_a_value_that_is_spelled_otherwise_takes_nothing_away(world: World) -> None:
    # Given every contract with Arrow spelled by its new name
    arrow = world.id_of("Arrow Electronics")
    edit(world, "Arrow Electronics", Name="Arrow Europe")
    for row in world.remote.records("Account"):
        if "Arrow Electronics" in (held_values := (row[CONTRACTS] or "").split(";")):
            world.remote.edit("Account", row["Id"], {CONTRACTS: ";".join(held_values).replace("Arrow Electronics", "Arrow Europe")})
    with world.store.reading("acme") as tx:
        before = associations.pairs(tx, [world.company(arrow).id])
    # when that is pulled, then it passes, and nothing is counted
    world.pull(COMPANY)
    with world.store.reading("acme") as tx:
        assert associations.pairs(tx, [world.company(arrow).id]) == before
    assert counted(world) == []


def test_the_nightly_net_is_held_too(world: World) -> None:
    # Given companies that lost their status in edits no poll will see
    world.pull()
    for name in PARTNERS:
        world.remote.write_late(100_000)
        deactivate(world, name)
    world.forward(2000)
    world.pull()
    # when the comparison is repaired, then what it made due is held
    done = repair(world.tenant, compare(world.tenant))
    with pytest.raises(HeldForReview):
        world.settle(done.follow_ups)
    assert active(world, *PARTNERS) == 5


def test_what_is_mended_in_the_crm_passes_by_itself(world: World) -> None:
    deactivate(world, *PARTNERS)
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    for name in PARTNERS:
        edit(world, name, Portal_Status__c="Active")
    world.pull(COMPANY)
    assert active(world, *PARTNERS) == 5
    assert counted(world) == []


def test_a_portal_may_choose_its_brake(world: World) -> None:
    world.configure(brake="100%")
    deactivate(world, *PARTNERS)
    world.pull(COMPANY)
    assert active(world, *PARTNERS) == 0
    assert counted(world)[0] == (COMPANIES, 5) or counted(world)[1] == (COMPANIES, 5)


# ── what a person lets pass ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_released_page_is_applied_once_and_the_counter_starts_again(world: World) -> None:
    # Given one company that went, and a page that is held
    deactivate(world, PARTNERS[0])
    world.pull(COMPANY)
    deactivate(world, *PARTNERS[1:])
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    row = held(world)
    # when it is released, then the page is applied, and who let it pass, when and why is kept with the failure
    release(world.tenant, row, actor="Ann", reason="the region was sold")
    assert active(world, *PARTNERS) == 0
    assert world.failures("held_for_review") == []
    with world.store.reading("acme") as tx:
        (tried,) = interventions.history(tx, row.failure.id)
    assert (tried.verb, tried.actor, tried.reason, tried.outcome) == ("release", "Ann", "the region was sold", "released")
    # and nothing of it counts any more: two more may go, but not three
    assert counted(world) == []
    deactivate(world, "Ginkgo Data", "Hazel Cloud")
    world.pull(COMPANY)
    deactivate(world, "Summit Partners")
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    assert held(world).failure.id != row.failure.id


def test_what_follows_a_released_page_is_looked_at_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two pages, each of which would be held
    world.pull()
    world.forward(2000)
    monkeypatch.setattr("crm_sandbox.salesforce.soql.queries.PAGE_SIZE", 5)
    for name in (*PARTNERS, "Ginkgo Data", "Hazel Cloud", "Arrow Electronics"):
        world.forward(5)
        deactivate(world, name)
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    row = held(world)
    # when the first is released, then it is applied, and the second is a failure of its own
    with pytest.raises(HeldForReview):
        release(world.tenant, row, actor="Ann", reason="meant")
    assert active(world, *PARTNERS) == 0
    assert active(world, "Ginkgo Data", "Hazel Cloud", "Arrow Electronics") == 3
    assert held(world).failure.id != row.failure.id
    with world.store.reading("acme") as tx:
        assert [one.outcome for one in interventions.history(tx, row.failure.id)] == ["released"]


def test_a_held_comparison_is_released_whole(world: World) -> None:
    for name in PARTNERS:
        crm_id = world.id_of(name)
        world.remote.delete("Account", crm_id)
        world.remote.hard_delete([crm_id])
    with pytest.raises(HeldForReview, match="no longer"):
        repair(world.tenant, compare(world.tenant))
    release(world.tenant, held(world), actor="Ann", reason="deleted on purpose")
    assert all(world.company(name).is_deleted for name in PARTNERS)
    assert world.failures("held_for_review") == []


def test_a_release_of_what_is_mended_meanwhile_closes_it(world: World) -> None:
    deactivate(world, *PARTNERS)
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    for name in PARTNERS:
        edit(world, name, Portal_Status__c="Active")
    world.forward()
    release(world.tenant, held(world), actor="Ann", reason="looked at it")
    assert world.failures("held_for_review") == []
    assert world.tenant.release is None


def test_nothing_else_is_let_pass_after_a_release(world: World) -> None:
    deactivate(world, *PARTNERS)
    with pytest.raises(HeldForReview):
        world.pull(COMPANY)
    release(world.tenant, held(world), actor="Ann", reason="meant")
    deactivate(world, "Ginkgo Data", "Hazel Cloud", "Arrow Electronics")
    world.forward()
    with pytest.raises(HeldForReview, match=re.escape("3 active companies")):
        pull(world.tenant, COMPANY)


def test_removals_are_forgotten_after_a_day(world: World) -> None:
    deactivate(world, PARTNERS[2])
    world.pull(COMPANY)
    assert counted(world) == [(COMPANIES, 1)]
    world.forward(24 * 3600)
    with world.store.transaction("acme") as tx:
        removals.add(tx, "later", ASSOCIATIONS, 2)
        assert removals.listed(tx) == [Removal(ASSOCIATIONS, 2, tx.now)]
    world.forward(1)
    world.settle({SWEEP})
    with world.store.reading("acme") as tx:
        assert len(tx.connection.exec_driver_sql("SELECT * FROM removals").all()) == 1


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_rules(world: World, *match: str) -> None:
    world.configure(associations={"mode": "rules", "rules": [{"name": "same", "partner": {}, "second_partner": {}, "match": list(match)}]})


def evaluated(world: World) -> None:
    while EVALUATE in set(due(world.tenant)):
        evaluate(world.tenant)


def test_a_field_that_rules_use_is_held_when_too_many_lose_by_it(world: World) -> None:
    # Given rules that stand, and a region that is cleared on many records
    by_rules(world, "region")
    set_mode(world.tenant, "rules", actor="Ann", reason="by region")
    evaluated(world)
    world.pull()
    before = world.rows()
    for name in (*PARTNERS, "Arrow Electronics", "Bolt Distribution"):
        edit(world, name, Portal_Region__c=None)
    # when that is pulled, then it is held: what ends is counted by rule
    with pytest.raises(HeldForReview, match=r"\d+ associations would go at once"):
        world.pull(COMPANY)
    assert {**world.rows(), "failures": before["failures"]} == before


def test_rules_that_end_too_much_do_not_stand_until_they_are_released(world: World) -> None:
    by_rules(world, "region")
    set_mode(world.tenant, "rules", actor="Ann", reason="by region")
    evaluated(world)
    with world.store.reading("acme") as tx:
        standing = evaluations.standing(tx)
    # Given an edit of the file that leaves fewer associations
    by_rules(world, "region", "tier", "product_lines")
    with pytest.raises(HeldForReview, match=r"evaluate of evaluate: .* associations would go at once"):
        evaluated(world)
    with world.store.reading("acme") as tx:
        assert evaluations.standing(tx) == standing
    # when it is released, then the new rules stand
    release(world.tenant, held(world), actor="Ann", reason="meant")
    evaluated(world)
    with world.store.reading("acme") as tx:
        newer = evaluations.standing(tx)
    assert newer is not None
    assert standing is not None
    assert newer.no == standing.no + 1
    assert world.failures("held_for_review") == []
