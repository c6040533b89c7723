"""A person's word on a conflict: kept, applied by the ordinary merge, refused with words where it would be about other values."""

from __future__ import annotations

import pytest

from sync_worker.domain.core.deal import Deal, Refusal
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.operate import halt
from sync_worker.steps.operate.resolve import Resolved, dispute, disputes, resolve
from sync_worker.store.deals import deals
from tests.integration.steps.world import World

FIELD = "Portal_Deal_Name__c"


@pytest.fixture
def disputed(world: World) -> Deal:
    """A deal whose name both sides have changed, under the rule `ask`."""
    world.configure(overrides={"deal.name.conflict": "ask"})
    deal = world.registered()
    world.change(deal.id, name="Ours")
    world.edit(deal.id, **{FIELD: "Theirs"})
    world.pull()
    return deal


def decided(world: World, take: str = "crm", **more: str) -> Resolved | Refusal:
    [open_] = disputes(world.tenant)
    return resolve(world.tenant, more.pop("id_", open_.id), take="crm" if take == "crm" else "portal", actor="Olga", **more)


def names(world: World, deal: Deal) -> tuple[object, object]:
    """The deal's name in the portal and in the CRM."""
    return world.deal(deal.id).values["name"], world.record_of(deal.id)[FIELD]


def test_a_conflict_shows_both_values_and_the_one_they_last_agreed_on(world: World, disputed: Deal) -> None:
    [found] = disputes(world.tenant)
    assert (found.field, found.rule, found.base, found.crm, found.portal) == ("name", "ask", "Acme expansion", "Theirs", "Ours")
    assert (found.deal_id, found.is_open, found.taken) == (disputed.id, True, "")
    assert found.crm_record == f"lead {world.link(disputed.id).crm_id}"
    assert dispute(world.tenant, found.id) == found


def test_the_value_of_the_crm_is_taken_at_once_and_history_says_who_decided(world: World, disputed: Deal) -> None:
    done = decided(world, "crm", reason="the vendor knows")
    assert isinstance(done, Resolved)
    assert done.is_applied
    assert names(world, disputed) == ("Theirs", "Theirs")
    assert (done.dispute.taken, done.dispute.ending) == ("crm", "Olga decided and took the crm's value")
    assert (done.dispute.reason, disputes(world.tenant)) == ("the vendor knows", [])
    with world.store.reading("acme") as tx:
        last = deals.history(tx, disputed.id)[-1]
    assert (last["field"], last["side"], last["note"]) == ("name", "crm", "both sides changed it: a person decided")
    world.push()
    assert (names(world, disputed), world.outbox()) == (("Theirs", "Theirs"), [])


def test_the_value_of_the_portal_is_written_with_the_next_push(world: World, disputed: Deal) -> None:
    done = decided(world, "portal")
    assert isinstance(done, Resolved)
    assert names(world, disputed) == ("Ours", "Theirs")
    world.settle(done.follow_ups)
    assert names(world, disputed) == ("Ours", "Ours")
    assert world.open_conflicts(disputed.id) == []


def test_what_is_resolved_is_refused_with_how_it_ended(world: World, disputed: Deal) -> None:
    [found] = disputes(world.tenant)
    decided(world, "crm")
    again = resolve(world.tenant, found.id, take="portal", actor="Paul")
    assert isinstance(again, Refusal)
    assert again.code == "conflict_resolved"
    assert "Olga decided and took the crm's value" in again.why
    assert names(world, disputed) == ("Theirs", "Theirs")


def test_a_side_that_moved_unseen_makes_another_conflict_of_it(world: World, disputed: Deal) -> None:
    # Given a person who looks at a conflict, and somebody who edits the CRM meanwhile
    [seen] = disputes(world.tenant)
    world.edit(disputed.id, **{FIELD: "Theirs, corrected"})
    # when the person decides, then nothing is written on either side, and the words name the conflict as it is now
    said = resolve(world.tenant, seen.id, take="portal", actor="Olga")
    assert isinstance(said, Refusal)
    [now] = disputes(world.tenant)
    assert said.code == "conflict_moved"
    assert now.id in said.why
    assert "Theirs, corrected" in said.why
    world.push()
    assert names(world, disputed) == ("Ours", "Theirs, corrected")
    # and asked again with the old name, the answer is the same; with the new one it passes
    assert isinstance(resolve(world.tenant, seen.id, take="crm", actor="Olga"), Refusal)
    assert isinstance(resolve(world.tenant, now.id, take="crm", actor="Olga"), Resolved)
    assert names(world, disputed) == ("Theirs, corrected", "Theirs, corrected")


def test_an_edit_in_the_portal_since_is_seen_without_asking_the_crm(world: World, disputed: Deal) -> None:
    world.change(disputed.id, name="Ours, corrected")
    said = decided(world, "portal")
    assert isinstance(said, Refusal)
    assert (said.code, said.field) == ("conflict_moved", "name")
    assert "to 'Ours, corrected'" in said.why


def test_sides_that_came_together_meanwhile_leave_nothing_to_decide(world: World, disputed: Deal) -> None:
    world.edit(disputed.id, **{FIELD: "Ours"})
    said = decided(world, "crm")
    assert isinstance(said, Refusal)
    assert "both sides hold the same by now" in said.why
    assert names(world, disputed) == ("Ours", "Ours")


def test_while_somebody_else_reads_the_word_is_kept_and_applied_by_their_reading(world: World, disputed: Deal) -> None:
    with world.reader_elsewhere("lead"):
        done = decided(world, "crm")
    assert isinstance(done, Resolved)
    assert not done.is_applied
    assert names(world, disputed) == ("Ours", "Theirs")
    world.settle(done.follow_ups)
    world.pull()
    assert names(world, disputed) == ("Theirs", "Theirs")


def test_a_record_that_is_gone_leaves_nothing_to_choose_between(world: World, disputed: Deal) -> None:
    world.remote.delete("Lead", world.link(disputed.id).crm_id)
    world.pull()
    said = decided(world, "crm")
    assert isinstance(said, Refusal)
    assert said.code == "conflict_without_record"
    unknown = resolve(world.tenant, "nobody", take="crm", actor="Olga")
    assert isinstance(unknown, Refusal)
    assert unknown.code == "conflict_unknown"


def test_an_empty_side_is_a_side_too(world: World) -> None:
    # Given a field that the CRM cleared and the portal changed
    world.configure(overrides={"deal.amount.conflict": "ask"})
    deal = world.registered()
    world.change(deal.id, amount="8")
    world.edit(deal.id, Portal_Amount__c=None)
    world.pull()
    [found] = disputes(world.tenant)
    assert (found.base, found.crm, found.portal) == ("1200.50", None, "8.00")
    # when the CRM's side is taken, then the portal's is cleared, and stays so
    assert isinstance(decided(world, "crm"), Resolved)
    world.pull()
    world.push()
    assert world.deal(deal.id).values["amount"] is None
    assert world.record_of(deal.id)["Portal_Amount__c"] is None


@pytest.mark.parametrize("take", ["crm", "portal"])
def test_in_a_paused_portal_the_word_is_kept_and_applied_after_the_pause(world: World, disputed: Deal, take: str) -> None:
    # Given a portal that a person has paused
    halt.pause(world.tenant, actor="Ann", reason="they move")
    world.remote.reset_calls()
    # When another one decides
    done = decided(world, take)
    # Then the CRM is not asked, nothing has changed, and the decision is kept
    assert isinstance(done, Resolved)
    assert (done.is_applied, done.halt and done.halt.actor, done.follow_ups) == (False, "Ann", frozenset())
    assert world.remote.calls()["total"] == 0
    assert names(world, disputed) == ("Ours", "Theirs")
    [kept] = disputes(world.tenant)
    assert (kept.decision, kept.decided_by) == (take, "Olga")
    # When the portal is resumed, and the record is read, because it was noticed
    halt.resume(world.tenant, actor="Ann", reason="")
    assert world.notices() == {"lead": 1}
    world.settle([FollowUp(Work.REFRESH, "lead"), FollowUp(Work.PUSH)])
    # Then the decision counts on both sides
    taken = {"crm": "Theirs", "portal": "Ours"}[take]
    assert names(world, disputed) == (taken, taken)
    assert disputes(world.tenant) == []
