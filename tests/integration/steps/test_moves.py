"""A deal's moves from the portal to the CRM: people act, permission is the domain's, and the CRM's fields follow in one push."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Refusal, StaleVersion, Track
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.people.visibility import can_see, shares
from sync_worker.steps.deals.decide import change, decide, reassign
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.deals.move import Moved, MoveRequest, move, open_to
from sync_worker.steps.deals.register import draft, register
from sync_worker.steps.deals.relink import relink
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.people.users import UserData, acting, actor_of, deactivate, put, viewer_of
from sync_worker.store.deals import deals, pipeline
from sync_worker.store.distributors import subgroups
from tests.integration.steps.world import ANN, TERMS, World


def told(world: World, id_: str, company: str, role: Role = Role.SALES, **more: Any) -> Actor:
    """A user the portal has told of, as somebody who acts."""
    address = id_ if "@" in id_ else f"{id_}@example.com"
    user = put(world.tenant, UserData(id_, address, id_.title(), role, company, **more))
    assert isinstance(user, User), user
    return acting(user)


def done(result: Moved | Refusal) -> Moved:
    assert isinstance(result, Moved), result
    return result


def refused(result: object) -> str:
    assert isinstance(result, Refusal), result
    return result.code


def pushed(world: World, result: Moved | Refusal) -> Moved:
    moved = done(result)
    world.settle(moved.follow_ups)
    return moved


def states(world: World, deal_id: str) -> tuple[Any, ...]:
    """What the CRM shows of where a deal stands."""
    record = world.record_of(deal_id)
    names = ("Portal_Deal_State__c", "Portal_Registered__c", "Portal_Distributor_Approval__c", "Portal_Vendor_Approval__c")
    return tuple(record[name] for name in names)


@pytest.fixture
def vera(world: World) -> Actor:
    return told(world, "vera", "acme (vendor)", is_vendor_admin=True)


@pytest.fixture
def dora(world: World) -> Actor:
    return told(world, "dora", "Arrow Electronics", Role.MANAGER)


@pytest.fixture
def bob(world: World) -> Actor:
    return told(world, "bob", "Birch Systems")


# ── a deal's way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_nobodys_business_until_it_is_submitted(world: World, bob: Actor, dora: Actor) -> None:
    # Given a draft, edited and pushed, then the CRM has heard nothing
    begun = done(draft(world.tenant, TERMS, actor=bob))
    done(change(world.tenant, begun.deal.id, {"licence_count": "30"}, MoveRequest(bob)))
    world.push()
    assert world.records_of(begun.deal.id) == []
    assert world.outbox() == []
    # When it is submitted, by nobody but its owner, then it is one new record
    assert refused(move(world.tenant, begun.deal.id, Verb.SUBMIT, MoveRequest(dora))) == "not_a_party"
    pushed(world, move(world.tenant, begun.deal.id, Verb.SUBMIT, MoveRequest(bob)))
    assert states(world, begun.deal.id) == ("submitted", True, "Pending", "Pending")
    assert world.record_of(begun.deal.id)["Portal_Licences__c"] == 30


def test_the_way_to_a_signature_is_seen_in_the_crm(world: World, bob: Actor, dora: Actor, vera: Actor) -> None:
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    too_early = move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(bob))
    assert refused(too_early) == "not_ready"
    assert isinstance(too_early, Refusal)
    assert "approval is pending" in too_early.why
    assert ("vendor" in too_early.who_may, too_early.allowed) == (True, ())
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    pushed(world, move(world.tenant, deal_id, Verb.FINALIZE, MoveRequest(bob)))
    assert states(world, deal_id) == ("finalize_requested", True, "Approved", "Approved")
    # nothing is signed without a quote, and nothing ends without licences: how both come about is in test_completion.py
    assert refused(move(world.tenant, deal_id, Verb.SIGN, MoveRequest(dora))) == "quote_not_sent"
    assert refused(move(world.tenant, deal_id, Verb.COMPLETE, MoveRequest(vera))) == "wrong_state"
    assert world.push().run_id == ""


def test_disabled_and_withdrawn_deals_are_registrations_no_more(world: World, bob: Actor, vera: Actor) -> None:
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    assert refused(move(world.tenant, deal_id, Verb.DISABLE, MoveRequest(bob))) == "not_a_party"
    pushed(world, move(world.tenant, deal_id, Verb.DISABLE, MoveRequest(vera, reason="a complaint")))
    assert states(world, deal_id)[:2] == ("disabled", False)
    pushed(world, move(world.tenant, deal_id, Verb.ENABLE, MoveRequest(vera)))
    assert states(world, deal_id)[:2] == ("submitted", True)
    pushed(world, move(world.tenant, deal_id, Verb.WITHDRAW, MoveRequest(bob)))
    assert states(world, deal_id)[:2] == ("withdrawn", False)
    again = done(move(world.tenant, deal_id, Verb.WITHDRAW, MoveRequest(bob)))
    assert again.follow_ups == frozenset()


def test_history_says_who_why_and_in_whose_place(world: World, bob: Actor, vera: Actor) -> None:
    deal_id = done(register(world.tenant, TERMS, actor=bob)).deal.id
    done(decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(vera, reason="Arrow is closed")))
    with world.store.reading("acme") as tx:
        rows = deals.history(tx, deal_id)
    assert (rows[0]["actor"], rows[0]["note"]) == ("Bob (bob)", "submitted")
    assert rows[-1]["note"] == "Vera (vera): approve as distributor, in the place of the Distributor: Arrow is closed"


# ── versions, colleagues, on behalf ──────────────────────────────────────────────────────────────────────────────────


def test_a_stale_edit_changes_nothing_and_shows_the_deal_as_it_is(world: World, bob: Actor) -> None:
    first = done(register(world.tenant, TERMS, actor=bob))
    second = done(change(world.tenant, first.deal.id, {"amount": "7"}, MoveRequest(bob, version=first.version)))
    stale = change(world.tenant, first.deal.id, {"amount": "8"}, MoveRequest(bob, version=first.version))
    assert isinstance(stale, StaleVersion)
    assert (stale.code, stale.version, stale.deal) == ("stale_version", second.version, second.deal)
    assert world.deal(first.deal.id) == second.deal


def test_what_the_caller_keeps_is_one_commit_with_the_move(world: World, bob: Actor) -> None:
    first = done(register(world.tenant, TERMS, actor=bob))

    def fail(_tx: object, _moved: Moved) -> None:
        raise RuntimeError("could not be kept")

    with pytest.raises(RuntimeError, match="could not be kept"):
        change(world.tenant, first.deal.id, {"amount": "7"}, MoveRequest(bob), finish=fail)
    assert str(world.deal(first.deal.id).values["amount"]) == TERMS["amount"]


def test_a_deal_is_registered_for_a_colleague_and_given_to_another(world: World, bob: Actor) -> None:
    told(world, "cy", "Birch Systems")
    told(world, "eve", "Cedar IT")
    deal = done(register(world.tenant, TERMS, actor=bob, owner_user="cy")).deal
    assert (deal.owner_user, deal.registered_by) == ("cy", "bob")
    assert refused(register(world.tenant, TERMS, actor=bob, owner_user="eve")) == "not_a_colleague"
    assert refused(register(world.tenant, TERMS, actor=bob, owner_user="nobody")) == "user_unknown"
    assert done(reassign(world.tenant, deal.id, "bob", MoveRequest(bob))).deal.owner_user == "bob"
    assert refused(reassign(world.tenant, deal.id, "eve", MoveRequest(bob))) == "not_a_colleague"


def test_who_made_a_draft_on_behalf_edits_submits_and_withdraws_it(world: World, dora: Actor) -> None:
    # Given two drafts that a distributor's member made on behalf of its partner
    world.configure(deals={"on_behalf": True})
    first, second = (done(draft(world.tenant, TERMS, actor=dora)).deal.id for _ in range(2))
    with world.store.reading("acme") as tx:
        assert {Verb.EDIT, Verb.SUBMIT, Verb.WITHDRAW} <= set(open_to(tx, world.tenant, world.deal(first), dora))
    # When she edits and submits one, and withdraws the other
    assert done(change(world.tenant, first, {"name": "Other words"}, MoveRequest(dora))).deal.values["name"] == "Other words"
    assert pushed(world, move(world.tenant, first, Verb.SUBMIT, MoveRequest(dora))).deal.lifecycle == "submitted"
    assert done(move(world.tenant, second, Verb.WITHDRAW, MoveRequest(dora))).deal.lifecycle == "withdrawn"
    # Then the CRM has the one, and from the submission on its terms are the owner company's
    assert world.record_of(first)["Portal_Deal_Name__c"] == "Other words"
    assert refused(change(world.tenant, first, {"name": "Mine"}, MoveRequest(dora))) == "not_a_party"


def test_a_second_partner_registers_on_behalf_of_an_associated_partner_where_the_portal_lets_it(world: World, dora: Actor) -> None:
    assert refused(register(world.tenant, TERMS, actor=dora)) == "on_behalf_off"
    world.configure(deals={"on_behalf": True})
    deal = done(register(world.tenant, TERMS, actor=dora)).deal
    assert (deal.owner_user, deal.registered_by, deal.distributor_approval) == (None, "dora", "pending")
    # one that names no second partner means itself; of a company that it is not associated with it means nobody
    alone = done(register(world.tenant, {**TERMS, "prospect_name": "Another", "second_partner": None}, actor=dora)).deal
    assert alone.second_partner == deal.second_partner
    assert (
        refused(register(world.tenant, {**TERMS, "owner_company": "Dogwood Networks", "second_partner": None}, actor=dora)) == "not_a_party"
    )
    assert refused(register(world.tenant, {**TERMS, "second_partner": "Bolt Distribution"}, actor=dora)) == "not_a_party"
    assert refused(register(world.tenant, {**TERMS, "owner_company": "Dogwood Networks"}, actor=dora)) == "second_partner_not_associated"


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_second_partner_ends_the_old_ones_sight(world: World, bob: Actor, dora: Actor) -> None:
    deal_id = done(register(world.tenant, TERMS, actor=bob)).deal.id
    assert dora.user
    with world.store.reading("acme") as tx:
        viewer = viewer_of(tx, world.tenant, dora.user)
        assert deal_id in {one.stored.deal.id for one in pipeline.seen(tx, shares(viewer), limit=1000)}
    after = done(change(world.tenant, deal_id, {"second_partner": "Bolt Distribution"}, MoveRequest(bob))).deal
    assert not can_see(viewer, after, bob.user)
    assert refused(decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora))) == "not_your_track"


def test_every_member_of_a_parent_sees_and_decides_its_subgroups_deals(world: World, bob: Actor) -> None:
    # Given a sales user of the second partner, who sees none of its deals, when the deal's owner becomes its subgroup, then this one too
    sam = told(world, "sam", "Arrow Electronics")
    assert sam.user
    deal = done(register(world.tenant, TERMS, actor=bob)).deal
    assert refused(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(sam))) == "not_your_track"
    with world.store.transaction("acme") as tx:
        birch, arrow = world.company("Birch Systems").id, world.company("Arrow Electronics").id
        subgroups.begin(tx, Subgroup(birch, arrow, "promoted", tx.now, "Dora"))
    with world.store.reading("acme") as tx:
        assert [one for one in pipeline.seen(tx, shares(viewer_of(tx, world.tenant, sam.user))) if one.stored.deal.id == deal.id]
    assert (
        done(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(sam))).deal.distributor_approval == "approved"
    )


def test_users_are_told_of_by_company_and_leave(world: World, bob: Actor) -> None:
    unknown = put(world.tenant, UserData("x", "x@example.com", "X", Role.SALES, "Nobody Inc"))
    assert refused(unknown) == "company_unknown"
    assert refused(put(world.tenant, UserData("x", "x@example.com", "X", Role.SALES, None))) == "company_missing"
    assert refused(actor_of(world.tenant, "x")) == "user_unknown"
    assert refused(deactivate(world.tenant, "x")) == refused(erase(world.tenant, "x")) == "user_unknown"
    deal_id = done(register(world.tenant, TERMS, actor=bob)).deal.id
    deactivate(world.tenant, "bob")
    gone = actor_of(world.tenant, "bob")
    assert isinstance(gone, Actor)
    assert refused(move(world.tenant, deal_id, Verb.WITHDRAW, MoveRequest(gone))) == "user_inactive"
    erase(world.tenant, "bob")
    assert refused(actor_of(world.tenant, "bob")) == "user_unknown"
    assert world.deal(deal_id).owner_user is None


# ── expiry and renewal ───────────────────────────────────────────────────────────────────────────────────────────────

DAY_S = 86_400


def test_an_expired_registration_is_renewed_by_the_distributor_and_the_vendor(world: World, bob: Actor, dora: Actor) -> None:
    # Given an approved registration that has expired
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved", Portal_Expires__c=world.clock.now.date().isoformat())
    world.pull()
    world.forward(DAY_S)
    world.settle(expire(world.tenant).follow_ups)
    assert states(world, deal_id) == ("expired", False, "Approved", "Approved")
    # When the distributor renews it, then the vendor is asked, in the CRM too, and the old day stands
    until = date(2027, 3, 1)
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.RENEW, MoveRequest(dora, until=until)))
    assert states(world, deal_id) == ("expired", False, "Approved", "Renewal pending")
    assert world.record_of(deal_id)["Portal_Expires__c"] != until.isoformat()
    # And when the vendor approves there, then the new day counts on both sides and it is registered again
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert states(world, deal_id) == ("submitted", True, "Approved", "Approved")
    assert world.record_of(deal_id)["Portal_Expires__c"] == until.isoformat()
    assert world.deal(deal_id).values["expires_on"] == until
    assert world.push().run_id == ""


def test_a_renewal_refused_in_the_crm_leaves_the_registration_as_it_was(world: World, bob: Actor, dora: Actor) -> None:
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved", Portal_Expires__c="2026-12-31")
    world.pull()
    pushed(world, decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.RENEW, MoveRequest(dora, until=date(2027, 12, 31))))
    world.edit(deal_id, Portal_Vendor_Approval__c="Rejected")
    world.pull()
    assert states(world, deal_id) == ("submitted", True, "Approved", "Approved")
    assert world.record_of(deal_id)["Portal_Expires__c"] == "2026-12-31"
    assert world.deal(deal_id).values["renews_until"] is None


# ── identity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_partners_with_one_prospect_are_warned_and_nothing_is_merged(world: World, bob: Actor) -> None:
    first = done(register(world.tenant, {**TERMS, "contact_email": "jo@globex.com"}, actor=bob))
    assert first.warnings == ()
    second = done(
        register(
            world.tenant,
            {"owner_company": "Dogwood Networks", "prospect_name": "Other words", "contact_email": "li@globex.com"},
            actor=ANN,
        )
    )
    (warning,) = second.warnings
    assert warning.code == "same_prospect"
    assert "Birch" not in warning.message
    (row,) = world.failures("same_prospect", second.deal.id)
    assert "Birch Systems" in row.failure.message
    assert first.deal.id in row.failure.message
    assert {first.deal.id, second.deal.id} <= {deal.id for deal in world.deals()}


def test_a_disconnected_deal_is_linked_to_its_new_record_and_never_to_anothers(world: World) -> None:
    # Given a deal whose lead was converted without an opportunity, and an opportunity made by hand
    deal, other = world.registered(), world.registered(name="Other", prospect_name="Else")
    world.remote.convert_lead(world.link(deal.id).crm_id, create_opportunity=False)
    world.pull()
    made = world.remote.create("Opportunity", {"Name": "By hand", "StageName": "Qualification", "CloseDate": "2026-09-30"})
    # When somebody links what is another deal's, is nothing, or has no right to, then it is refused
    assert refused(relink(world.tenant, deal.id, world.link(other.id).crm_id, actor=ANN)) == "record_taken"
    assert refused(relink(world.tenant, deal.id, "006000000000000AAA", actor=ANN)) == "record_unknown"
    assert refused(relink(world.tenant, deal.id, made, actor=Actor("Bo", world.company("Birch Systems").id, "portal"))) == "not_a_party"
    assert refused(relink(world.tenant, "nothing", made, actor=ANN)) == "deal_unknown"
    # When an operator links it, then the deal lives there, with its companies and its key, and nothing is left to do
    old = world.link(deal.id).crm_id
    pushed(world, relink(world.tenant, deal.id, made, actor=ANN))
    world.push()
    assert (world.link(deal.id).object, world.link(deal.id).crm_id) == ("opportunity", made)
    record = world.record_of(deal.id)
    assert (record["Portal_Deal_Key__c"], record["Portal_Partner__c"]) == (deal.id, world.id_of("Birch Systems"))
    assert world.codes(old) == set()
    assert world.outbox() == []
    again = done(relink(world.tenant, deal.id, made, actor=ANN))
    world.settle(again.follow_ups)
    assert world.outbox() == []


def test_a_deal_that_the_crm_gives_to_another_company_begins_anew_there(world: World, bob: Actor) -> None:
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    world.edit(deal_id, Portal_Partner__c=world.id_of("Cedar IT"))
    world.pull()
    deal = world.deal(deal_id)
    assert (deal.owner_company, deal.owner_user, deal.vendor_approval) == (world.company("Cedar IT").id, None, "pending")
    assert states(world, deal_id)[2:] == ("Pending", "Pending")
    assert refused(move(world.tenant, deal_id, Verb.WITHDRAW, MoveRequest(bob))) == "not_a_party"
