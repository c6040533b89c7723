"""Replays, discards, releases and the breaker, on a real store and a real adapter: what is tried, in which order, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.sync.push.breaker import TRIP_COUNT, Cause
from sync_worker.errors import ConnectionDown, HeldForReview, Stopped
from sync_worker.steps.operate import intervene
from sync_worker.steps.operate.intervene import begin_replay, discard, go_on, go_on_queued, queued, release
from sync_worker.steps.operate.preview import preview
from sync_worker.steps.sync.ingest.compare import compare, repair
from sync_worker.steps.sync.push.push import push
from sync_worker.store.core.failures import FailureRow
from sync_worker.store.operate import interventions
from sync_worker.store.operate.interventions import Try
from sync_worker.store.sync import breakers
from tests.integration.steps.world import World

RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
CAUSE = Cause("deal", "push", RULE)


def refused(world: World, count: int, *, field: str = "Portal_Amount__c") -> list[Deal]:
    """So many deals that a validation rule refuses."""
    world.remote.add_validation_rule("Lead", field, "gt", 5000, message="too dear")
    deals = [world.submitted(name=f"Deal {number}", prospect_name=f"Prospect {number}", amount="9000") for number in range(count)]
    world.push()
    assert len(world.failures(code=RULE)) == count
    return deals


def replayed(world: World, rows: Sequence[FailureRow], *, reason: str = "") -> intervene.Result:
    return go_on(world.tenant, begin_replay(world.tenant, rows, selection="these", actor="Olga", reason=reason))


def history(world: World, row: FailureRow) -> list[Try]:
    with world.store.reading("acme") as tx:
        return interventions.history(tx, row.failure.id)


def is_resting(world: World, cause: Cause = CAUSE) -> bool:
    with world.store.reading("acme") as tx:
        return cause in breakers.resting(tx)


def unfinished(world: World) -> list[interventions.Intervention]:
    with world.store.reading("acme") as tx:
        return interventions.unfinished(tx)


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_writes_what_the_rule_let_go_and_keeps_who_when_and_why(world: World) -> None:
    refused(world, 3)
    rows = world.failures(code=RULE)
    world.remote.clear_validation_rules()
    result = replayed(world, rows, reason="the rule is gone")
    assert result.outcomes == {"passed": 3}
    assert world.failures(code=RULE) == []
    assert [len(world.records_of(row.failure.record)) for row in rows] == [1, 1, 1]
    (tried,) = history(world, rows[0])
    assert (tried.verb, tried.actor, tried.reason, tried.outcome) == ("replay", "Olga", "the rule is gone", "passed")
    with world.store.reading("acme") as tx:
        assert interventions.unfinished(tx) == []


def test_what_fails_otherwise_is_linked_to_its_original(world: World) -> None:
    refused(world, 1)
    (row,) = world.failures(code=RULE)
    world.remote.clear_validation_rules()
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="STRING_TOO_LONG", message="too long")
    assert replayed(world, [row]).outcomes == {"failed": 1}
    (heir,) = world.failures(code="STRING_TOO_LONG")
    assert [tried.became for tried in history(world, heir)] == [heir.failure.id]
    assert [tried.outcome for tried in history(world, row)] == ["failed"]


def test_what_was_resolved_meanwhile_is_superseded_and_not_tried(world: World) -> None:
    first, second = refused(world, 2)
    asked = begin_replay(world.tenant, world.failures(code=RULE), selection="these", actor="Olga")
    world.remote.clear_validation_rules()
    world.change(first.id, amount="4000")
    world.push()
    assert go_on(world.tenant, asked).outcomes == {"superseded": 1, "passed": 1}
    assert world.records_of(first.id)[0]["Portal_Amount__c"] == 4000
    assert world.records_of(second.id)[0]["Portal_Amount__c"] == 9000


def test_nothing_goes_backwards_whichever_side_was_edited_meanwhile(world: World) -> None:
    # Given two deals in the CRM whose edits were refused
    here, there = (world.registered(name=name, prospect_name=name) for name in ("Here", "There"))
    world.remote.add_validation_rule("Lead", "Portal_Amount__c", "gt", 5000, message="too dear")
    for deal in (here, there):
        world.change(deal.id, amount="9000")
    world.push()
    rows = world.failures(code=RULE)
    assert len(rows) == 2
    # when one goes on in the portal and the other in the CRM, and the rule is lifted
    world.remote.clear_validation_rules()
    world.change(here.id, amount="9500", licence_count="30")
    world.edit(there.id, Portal_Licences__c=70)
    world.forward(5)
    result = replayed(world, rows)
    # then both hold the newest of each field on both sides
    assert sum(result.outcomes.values()) == 2
    assert "failed" not in result.outcomes
    assert (world.record_of(here.id)["Portal_Amount__c"], world.record_of(here.id)["Portal_Licences__c"]) == (9500, 30)
    assert (world.record_of(there.id)["Portal_Amount__c"], world.record_of(there.id)["Portal_Licences__c"]) == (9000, 70)
    assert str(world.deal(there.id).values["amount"]) == "9000.00"
    assert world.deal(there.id).values["licence_count"] == 70
    assert world.deal(here.id).values["licence_count"] == 30


def test_a_record_that_could_not_be_read_is_read_again(world: World) -> None:
    (row,) = world.failures(code="unlisted_value")
    assert replayed(world, [row]).outcomes == {"failed": 1}
    world.remote.edit("Opportunity", row.failure.record, {"Portal_Billing__c": "Annual"})
    assert replayed(world, [row]).outcomes == {"passed": 1}
    assert [tried.outcome for tried in history(world, row)] == ["failed", "passed"]


def test_what_a_replay_cannot_help_is_not_marked(world: World) -> None:
    row = world.failures(code="unlisted_value")[0]
    told = replace(row, failure=replace(row.failure, id="told", code="both_changed"))
    begin_replay(world.tenant, [told, row], selection="these", actor="Olga")
    with world.store.reading("acme") as tx:
        (asked,) = interventions.unfinished(tx)
        assert interventions.left(tx, asked.id) == [row.failure.id]


def test_a_replay_that_is_stopped_leaves_its_marks_and_goes_on_when_asked_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a replay that somebody stops after its first batch
    refused(world, 5)
    rows = world.failures(code=RULE)
    world.remote.clear_validation_rules()
    monkeypatch.setattr(intervene, "TRIP_COUNT", 2)
    asked = begin_replay(world.tenant, rows, selection="these", actor="Olga")
    stopping = world.process()
    stopping.services = replace(world.services, is_stopping=lambda: True)
    with pytest.raises(Stopped, match="2 of 5"):
        go_on(stopping, asked)
    with world.store.reading("acme") as tx:
        assert interventions.counts(tx, asked.id) == {"": 3, "passed": 2}
    # when the same is asked for again, then it goes on with the rest
    again = begin_replay(world.tenant, world.failures(code=RULE), selection="these", actor="Paul")
    assert go_on(world.tenant, again).outcomes == {"passed": 3}
    assert world.failures(code=RULE) == []
    with world.store.reading("acme") as tx:
        assert interventions.unfinished(tx) == []
        assert interventions.counts(tx, asked.id) == {"continued": 3, "passed": 2}
    assert [(tried.actor, tried.outcome) for tried in history(world, rows[-1])][-1] == ("Paul", "passed")


def test_a_replay_that_the_crm_breaks_off_goes_on_too(world: World) -> None:
    refused(world, 3)
    rows = world.failures(code=RULE)
    world.remote.clear_validation_rules()
    asked = begin_replay(world.tenant, rows, selection="these", actor="Olga")
    world.remote.fault("collections_write", status=403, error_code="API_DISABLED_FOR_ORG", message="not today")
    with pytest.raises(ConnectionDown):
        go_on(world.tenant, asked)
    world.forward(60)
    assert go_on(world.tenant, asked).left_count == 0
    assert world.failures(code=RULE) == []
    assert [len(world.records_of(row.failure.record)) for row in rows] == [1, 1, 1]


def test_a_replay_left_to_the_workers_is_done_by_them(world: World) -> None:
    refused(world, 2)
    world.remote.clear_validation_rules()
    begin_replay(world.tenant, world.failures(code=RULE), selection="these", actor="Olga", is_queued=True)
    assert len(queued(world.tenant)) == 1
    go_on_queued(world.tenant)
    assert queued(world.tenant) == []
    assert world.failures(code=RULE) == []


# ── preview ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_says_what_would_be_written_and_changes_nothing(world: World) -> None:
    # Given a deal of each kind: one that is new to the CRM, one whose edit was refused and which the CRM edited meanwhile
    known = world.registered(name="Known", prospect_name="Known")
    (new,) = refused(world, 1)
    world.change(known.id, amount="9000")
    world.push()
    world.edit(known.id, Portal_Licences__c=70)
    world.forward(5)
    before, org = world.rows(), world.org()
    # when
    found = preview(world.tenant, world.failures(code=RULE))
    # then both sides' changes are told, and nothing happened
    assert (found.count, found.superseded, found.written) == (2, 0, 2)
    link = world.link(known.id)
    mine = {(one.side, one.id, one.field): (one.now, one.then) for one in found.changes}
    assert mine["portal", known.id, "licence_count"] == (25, 70)
    assert mine["crm", link.crm_id, "Portal_Amount__c"] == (1200.5, 9000)
    assert mine["crm", f"(new: {new.id})", "Portal_Amount__c"] == (None, 9000)
    assert not [name for name, (now, then) in mine.items() if now == then]
    assert found.calls >= 2
    assert found.minutes >= 0
    assert world.rows() == before
    assert world.org() == org


def test_a_preview_tells_which_records_would_fail_as_before(world: World) -> None:
    (row,) = world.failures(code="unlisted_value")
    assert list(preview(world.tenant, [row]).would_fail) == [row.failure.id]
    world.remote.edit("Opportunity", row.failure.record, {"Portal_Billing__c": "Annual"})
    before = world.rows()
    found = preview(world.tenant, [row])
    assert found.would_fail == {}
    assert found.changes
    assert world.rows() == before


# ── discard, release ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_discarded_is_neither_shown_nor_tried_until_its_record_changes(world: World) -> None:
    # Given a record that cannot be read, discarded
    (row,) = world.failures(code="unlisted_value")
    discard(world.tenant, [row], selection="this", actor="Olga", reason="an old deal")
    assert world.failures(code="unlisted_value") == []
    assert [(tried.verb, tried.reason) for tried in history(world, row)] == [("discard", "an old deal")]
    # when it is read again as it was, then nothing is said
    world.pull(is_full=True)
    assert world.failures(code="unlisted_value") == []
    # and when it changes, and still cannot be read, then it is news
    world.remote.edit("Opportunity", row.failure.record, {"Portal_Billing__c": "Daily"})
    world.pull()
    assert [found.failure.id for found in world.failures(code="unlisted_value")] == [row.failure.id]


def test_a_discarded_write_is_made_with_the_deal_s_next_change(world: World) -> None:
    (deal,) = refused(world, 1)
    discard(world.tenant, world.failures(code=RULE), selection="this", actor="Olga", reason="withdrawn")
    world.forward(10_000)
    assert push(world.tenant).run_id == ""
    world.change(deal.id, amount="4000")
    world.push()
    assert world.records_of(deal.id)[0]["Portal_Amount__c"] == 4000


def test_what_the_brake_holds_is_done_once_a_person_releases_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given so many accounts deleted for good that the nightly comparison is held back, and its failure
    monkeypatch.setattr("sync_worker.domain.sync.ingest.brake.FEW_COUNT", 2)
    names = ("Birch Systems", "Cedar IT", "Dogwood Networks", "Bolt Distribution")
    world.remote.hard_delete([world.id_of(name) for name in names])
    with pytest.raises(HeldForReview):
        repair(world.tenant, compare(world.tenant))
    # when a person releases it, then it is done and closed, once and for this time
    (row,) = world.failures(code="held_for_review")
    release(world.tenant, row, actor="Olga", reason="we cleaned up")
    assert all(world.company(name).is_deleted for name in names)
    assert world.failures(code="held_for_review") == []
    assert [(tried.verb, tried.actor, tried.outcome) for tried in history(world, row)] == [("release", "Olga", "released")]


# ── how it ended ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_by_the_workers_whose_cause_rests_is_over_and_says_so(world: World) -> None:
    refused(world, 25)
    asked = begin_replay(world.tenant, world.failures(code=RULE), selection="these", actor="Olga", is_queued=True)
    go_on_queued(world.tenant)
    assert queued(world.tenant) == []
    with world.store.reading("acme") as tx:
        ended = interventions.get(tx, asked.id)
        assert ended is not None
        assert ended.finished_at is not None
        assert interventions.counts_by_id(tx, [asked.id]) == {asked.id: {"failed": TRIP_COUNT, "held": 5}}
        assert [one.id for one in interventions.latest(tx, "replay", limit=5)] == [asked.id]


def test_a_stopped_replay_whose_failures_were_closed_meanwhile_is_not_left_unfinished(world: World) -> None:
    refused(world, 2)
    rows = world.failures(code=RULE)
    begin_replay(world.tenant, rows, selection="these", actor="Olga")
    assert len(unfinished(world)) == 1
    discard(world.tenant, rows, selection="these", actor="Olga", reason="withdrawn")
    assert unfinished(world) == []


# ── the breaker ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_replay_that_meets_the_same_wall_stops_after_twenty(world: World) -> None:
    # Given thirty failures of one rule that is still there
    refused(world, 30)
    world.remote.reset_calls()
    result = replayed(world, world.failures(code=RULE))
    # then twenty were tried, the others are held, and the replay is over
    assert result.outcomes == {"failed": TRIP_COUNT, "held": 10}
    assert list(result.held) == [CAUSE]
    assert is_resting(world)
    assert unfinished(world) == []
    assert len(world.failures(code=RULE)) == 30
    # and when the rule is gone and the same is asked for, all of them pass, and the breaker is closed
    world.remote.clear_validation_rules()
    assert replayed(world, world.failures(code=RULE)).outcomes == {"passed": 30}
    assert not is_resting(world)


def test_what_failed_rests_while_the_circuit_is_open_and_a_probe_closes_it(world: World) -> None:
    # Given a rule that has refused more than twenty deals, which are all edited
    deals = refused(world, 25)
    assert is_resting(world)
    for deal in deals:
        world.change(deal.id, amount="9001")
    # when they are pushed, then none is sent; other deals are
    done = push(world.tenant)
    assert (done.counts.deferred, done.counts.parked) == (25, 0)
    other = world.submitted(name="Fine", prospect_name="Fine", amount="10")
    world.push()
    assert len(world.records_of(other.id)) == 1
    # and after the rest one probe is sent; it fails, and the rest is doubled
    world.forward(61)
    done = push(world.tenant)
    assert (done.counts.deferred, done.counts.parked) == (24, 1)
    # and when the rule is gone, the next probe closes the circuit, and all of them go
    world.remote.clear_validation_rules()
    world.forward(121)
    world.push()
    world.push()
    assert not is_resting(world)
    assert sum(len(world.records_of(deal.id)) for deal in deals) == 24
    assert len(world.failures(code=RULE)) == 1


def test_a_probe_that_is_under_way_lets_no_other_through(world: World) -> None:
    deals = refused(world, 22)
    for deal in deals:
        world.change(deal.id, amount="9001")
    push(world.tenant)
    world.forward(61)
    world.remote.fault("collections_write", object_name="Lead", record=True, error_code="UNABLE_TO_LOCK_ROW")
    assert push(world.tenant).counts.claimed == 22
    assert push(world.tenant).run_id == ""


def test_reading_goes_on_whatever_rests(world: World) -> None:
    refused(world, 21)
    assert is_resting(world)
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Name": "Birch & Sons"})
    world.pull()
    assert world.knows("Birch & Sons")
