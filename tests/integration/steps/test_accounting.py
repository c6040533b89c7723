"""Accounting: every record handed in has one outcome, every claim too; at rest nothing is changed and nothing written."""

from __future__ import annotations

import pytest

from sync_worker.errors import SchemaChanged
from sync_worker.steps.operate.replay import replay
from sync_worker.steps.sync.ingest.pull import pull
from sync_worker.store.core import runs
from tests.integration.steps.world import World


def test_every_run_adds_up(world: World) -> None:
    # Given a day of everything: edits, refusals, skips, failures, a lost reply
    world.remote.add_validation_rule("Lead", "Portal_Amount__c", "gt", 5000)
    world.registered()
    world.submitted(amount="9000")
    world.remote.fault("collections_write", object_name="Lead", when="after_commit", drop_connection=True)
    world.push()
    world.remote.edit("Account", world.id_of("Larch Logistics"), {"Industry": "Energy"})
    world.remote.delete("Account", world.id_of("Dogwood Networks"))
    world.pull()
    world.pull(is_full=True)
    # then each of its runs adds up, and is over
    with world.store.reading("acme") as tx:
        found = runs.listed(tx, limit=1000)
    assert len(found) > 10
    for run in found:
        n = run.counts
        if run.verb in ("pull", "refresh"):
            assert n.read == n.applied + n.unchanged + n.skipped + n.failed, run
        else:
            assert n.claimed == n.written + n.unchanged + n.deferred + n.parked + n.uncertain, run
        assert n.skipped == sum(n.skips.values()), run
        assert run.finished_at is not None


def test_at_rest_a_second_run_changes_nothing_and_writes_nothing(world: World) -> None:
    # Given a portal with deals, failures and problems, after the poll that sees its own writes
    world.registered()
    world.forward(2000)
    world.pull()
    world.forward(2000)
    before, org = world.rows(), world.org()
    # when everything is pulled again, and again in full
    for is_full in (False, True):
        for done in world.pull(is_full=is_full):
            assert (done.counts.applied, done.counts.written, done.counts.failed) == (0, 0, 0)
    # then no row is another, here or there
    assert world.rows() == before
    assert world.org() == org


def test_at_rest_a_poll_costs_one_call_a_record(world: World) -> None:
    world.pull()
    world.forward(2000)
    world.remote.reset_calls()
    world.pull()
    kinds = world.remote.calls()["kinds"]
    assert {name: count for name, count in kinds.items() if name in ("query", "query_all", "retrieve", "collections_write")} == {
        "query_all": 3
    }


def test_calls_are_on_the_run(world: World) -> None:
    world.forward()
    done = pull(world.tenant, "company")
    with world.store.reading("acme") as tx:
        run = runs.get(tx, done.run_id)
    assert run is not None
    assert run.counts.calls == 1


# ── replay ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hidden_field_stops_the_reading_and_names_it(world: World) -> None:
    world.remote.hide_field("Account", "Portal_Status__c")
    world.forward(100_000)
    with pytest.raises(SchemaChanged, match="Portal_Status__c"):
        pull(world.tenant, "company")
    world.remote.hide_field("Account", "Portal_Status__c", hidden=False)
    world.pull()


def test_a_replay_of_a_refused_company_id_writes_it(empty_world: World) -> None:
    world = empty_world
    world.remote.add_validation_rule("Account", "Name", "matches", "Cedar.*", message="hands off")
    world.pull("company")
    company = world.company("Cedar IT")
    rows = world.failures(record=company.id)
    world.settle(replay(world.tenant, rows))
    assert world.remote.record("Account", str(company.crm_id))["Portal_Company_Id__c"] is None
    assert len(world.failures(record=company.id)) == 1
    world.remote.clear_validation_rules()
    world.settle(replay(world.tenant, world.failures(record=company.id)))
    assert world.remote.record("Account", str(company.crm_id))["Portal_Company_Id__c"] == company.id
    assert world.failures(record=company.id) == []


def test_a_replay_of_everything_is_harmless(world: World) -> None:
    world.pull()
    before = {(row.failure.record, row.failure.code) for row in world.failures()}
    world.settle(replay(world.tenant, world.failures()))
    assert {(row.failure.record, row.failure.code) for row in world.failures()} == before
