"""A subgroup does not get round its distributor: in the portal, in the CRM, at whatever moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sync_worker.domain.core.company import Company
from sync_worker.domain.core.deal import Actor, Deal, Decision, Refusal, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.move import Moved, MoveRequest, move
from sync_worker.steps.deals.register import draft, register
from sync_worker.steps.deals.relink import relink
from sync_worker.steps.distributors.agree import set_terms
from sync_worker.steps.distributors.subgroups import SubgroupChange, disassociate
from sync_worker.steps.operate.resolve import disputes
from sync_worker.store.deals import deals
from sync_worker.store.distributors import agreements, waivers
from sync_worker.store.distributors.agreements import AgreementFile
from tests.integration.steps.test_moves import done, refused, told
from tests.integration.steps.test_subgroups import AGREED, CEDAR, arrow, created, user
from tests.integration.steps.world import ANN, World

DEAL = {"owner_company": CEDAR, "prospect_name": "Harbor", "contact_last_name": "Berg", "deal_type": "new", "licence_count": "5"}
BOLT = "Bolt Distribution"
SECOND = "Portal_Second_Partner__c"


def signed(world: World) -> None:
    """The subgroup's agreement with its distributor is on file."""
    pair = Pair(world.company(CEDAR).id, arrow(world).id)
    with world.store.transaction("acme") as tx:
        agreements.add(tx, pair, AgreementFile(id="a1", name="a.pdf", media_type="", size_bytes=1, sha256="", key="k"), actor="Bo")


def subgroup(world: World, *, also: str = "", is_signed: bool = True) -> Company:
    """A subgroup of Arrow with its record in the CRM, where a contract names another distributor beside its own."""
    world.configure(two_tier=True)
    created(world)
    if is_signed:
        signed(world)
    world.push()
    world.pull()
    made = world.company(CEDAR)
    if also:
        world.remote.edit("Account", str(made.crm_id), {"Associated_Second_Partner__c": f"Arrow Electronics;{also}"})
        world.pull()
    return world.company(CEDAR)


def rita(world: World) -> Actor:
    """Somebody of the subgroup."""
    return told(world, "rita", CEDAR, Role.MANAGER)


def vera(world: World) -> Actor:
    return told(world, "vera", "acme (vendor)", is_vendor_admin=True)


def registered(world: World, **written: Any) -> Deal:
    """A deal of the subgroup, in both places."""
    moved = done(register(world.tenant, {**DEAL, **written}, actor=rita(world)))
    world.settle(moved.follow_ups)
    world.pull()
    return moved.deal


def in_crm(world: World, deal_id: str) -> Any:
    return world.record_of(deal_id)[SECOND]


def history(world: World, deal_id: str, field: str) -> list[Mapping[str, Any]]:
    with world.store.reading("acme") as tx:
        return [row for row in deals.history(tx, deal_id) if row["field"] == field]


# ── in the portal ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_subgroup_whose_deal_was_rejected_does_not_drop_its_distributor(world: World) -> None:
    # Given a deal of a subgroup that its distributor has rejected
    subgroup(world, also=BOLT)
    deal = registered(world)
    dora = told(world, "dora", "Arrow Electronics")
    done(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(dora, reason="our own customer")))
    # When the reseller, or an operator, clears the second partner or names another one, then it is refused, with who may
    for actor in (rita(world), ANN):
        for second in (None, BOLT):
            no = change(world.tenant, deal.id, {"second_partner": second}, MoveRequest(actor))
            assert isinstance(no, Refusal)
            assert (no.code, no.who_may, no.field) == ("parent_kept", "the vendor, with a reason", "second_partner")
            assert "Cedar Reseller is a subgroup of Arrow Electronics" in no.why
    after = world.deal(deal.id)
    assert (after.second_partner, after.distributor_approval) == (arrow(world).id, "rejected")
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))) == "not_ready"


def test_the_agreement_is_asked_for_whomever_the_deal_names(world: World) -> None:
    # Given a subgroup without an agreement, with a contract of another distributor
    subgroup(world, also=BOLT, is_signed=False)
    # When it registers, then neither its own distributor nor the other one lets it pass
    assert refused(register(world.tenant, DEAL, actor=rita(world))) == "agreement_missing"
    assert refused(register(world.tenant, {**DEAL, "second_partner": BOLT}, actor=rita(world))) == "parent_kept"
    # nor does the other one where its own is out of business
    signed(world)
    assert refused(register(world.tenant, {**DEAL, "second_partner": BOLT}, actor=rita(world))) == "parent_kept"


def test_a_draft_keeps_its_distributor_too(world: World) -> None:
    subgroup(world, also=BOLT)
    begun = done(draft(world.tenant, DEAL, actor=rita(world)))
    assert begun.deal.second_partner == arrow(world).id
    assert refused(change(world.tenant, begun.deal.id, {"second_partner": None}, MoveRequest(rita(world)))) == "parent_kept"
    assert refused(draft(world.tenant, {**DEAL, "second_partner": BOLT}, actor=rita(world))) == "parent_kept"
    submitted = done(move(world.tenant, begun.deal.id, Verb.SUBMIT, MoveRequest(rita(world))))
    assert (submitted.deal.second_partner, submitted.deal.distributor_approval) == (arrow(world).id, "pending")


def test_a_deal_that_is_given_to_a_subgroup_names_its_distributor(world: World) -> None:
    # Given a deal of a partner that is nobody's subgroup
    subgroup(world)
    deal = world.registered(second_partner=None)
    # When the vendor gives it to a subgroup, then it names the distributor by itself
    moved = done(change(world.tenant, deal.id, {"owner_company": CEDAR}, MoveRequest(vera(world))))
    assert (moved.deal.second_partner, moved.deal.distributor_approval) == (arrow(world).id, "pending")


def test_the_vendor_lets_a_deal_go_without_and_that_is_kept(world: World) -> None:
    # Given a deal of a subgroup
    made = subgroup(world)
    deal = registered(world)
    # When the vendor takes the distributor off the deal, then it says why
    assert refused(change(world.tenant, deal.id, {"second_partner": None}, MoveRequest(vera(world)))) == "reason_missing"
    moved = done(change(world.tenant, deal.id, {"second_partner": None}, MoveRequest(vera(world), reason="sold by us")))
    world.settle(moved.follow_ups)
    # and who, when and why are kept, in the history too
    with world.store.reading("acme") as tx:
        waiver = waivers.of_deals(tx, [deal.id])[deal.id]
    assert (waiver.company_id, waiver.parent_id, waiver.actor, waiver.reason) == (made.id, arrow(world).id, "Vera (vera)", "sold by us")
    assert waiver.at == world.clock.now
    assert "sold by us" in history(world, deal.id, "second_partner")[-1]["note"]
    # and it stays so, whatever is read, and may go on
    world.pull(is_full=True)
    assert (world.deal(deal.id).second_partner, in_crm(world, deal.id)) == (None, None)
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert done(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))).deal.lifecycle == "finalize_requested"


def test_a_waiver_ends_when_the_deal_names_its_distributor_again(world: World) -> None:
    # Given a deal that the vendor let go without, and that names its distributor again
    subgroup(world)
    deal = registered(world)
    done(change(world.tenant, deal.id, {"second_partner": None}, MoveRequest(vera(world), reason="sold by us")))
    done(change(world.tenant, deal.id, {"second_partner": "Arrow Electronics"}, MoveRequest(rita(world))))
    # Then the subgroup does not drop it again
    assert refused(change(world.tenant, deal.id, {"second_partner": None}, MoveRequest(rita(world)))) == "parent_kept"


@pytest.mark.parametrize("how", ["disassociated", "parent inactive"])
def test_a_subgroup_without_a_parent_in_business_is_free(world: World, how: str) -> None:
    made = subgroup(world)
    deal = registered(world)
    if how == "disassociated":
        gone = disassociate(world.tenant, arrow(world), made, actor=user(world, "bo", "Arrow Electronics"))
        assert isinstance(gone, SubgroupChange)
    else:
        world.remote.edit("Account", world.id_of("Arrow Electronics"), {"Portal_Status__c": "Inactive"})
        world.pull()
    assert done(change(world.tenant, deal.id, {"second_partner": None}, MoveRequest(rita(world)))).deal.second_partner is None


# ── in the CRM ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("second", ["", BOLT])
def test_a_distributor_that_is_taken_away_in_the_crm_is_put_back_and_that_is_said(world: World, second: str) -> None:
    # Given a deal of a subgroup that its distributor has rejected
    subgroup(world, also=BOLT)
    deal = registered(world)
    dora = told(world, "dora", "Arrow Electronics")
    done(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(dora, reason="our own customer")))
    world.push()
    # When somebody clears the lookup, or names another distributor
    there = world.company(second).id if second else None
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of(second) if second else None)
    world.pull()
    # Then it is written back, the distributor's word stands, and nothing is left to write
    after = world.deal(deal.id)
    assert (after.second_partner, after.distributor_approval) == (arrow(world).id, "rejected")
    assert in_crm(world, deal.id) == world.id_of("Arrow Electronics")
    assert world.outbox() == []
    # and it is told: as a problem, in the history, and as a decided conflict
    assert "parent_kept" in world.history(world.link(deal.id).crm_id)
    (kept,) = history(world, deal.id, "second_partner")
    assert (kept["old"], kept["new"], "a subgroup's deal keeps Arrow Electronics" in kept["note"]) == (there, arrow(world).id, True)
    (conflict,) = [one for one in disputes(world.tenant, include_resolved=True) if one.deal_id == deal.id]
    assert (conflict.field, conflict.code, conflict.crm, conflict.taken, conflict.is_open) == (
        "second_partner",
        "put_back",
        there,
        "portal",
        False,
    )
    # and another round finds nothing
    rows = world.rows()
    world.pull()
    assert world.rows() == rows


def test_where_the_field_is_only_read_the_deal_does_not_go_on(world: World) -> None:
    # Given a portal that only reads the second partner
    subgroup(world)
    deal = registered(world)
    world.configure(overrides={"deal.second_partner.direction": "pull"})
    # When the CRM takes the distributor away
    world.edit(deal.id, Portal_Second_Partner__c=None, Portal_Vendor_Approval__c="Approved")
    world.pull()
    # Then it is said for as long as it is so, and the deal is not finalized
    world.pull(is_full=True)
    crm_id = world.link(deal.id).crm_id
    assert world.codes(crm_id) == {"parent_not_named"}
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))) == "parent_not_named"
    # When it is corrected there, then it ends
    world.edit(deal.id, Portal_Second_Partner__c=world.id_of("Arrow Electronics"))
    world.pull()
    assert world.codes(crm_id) == set()
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))) == "not_ready"


def test_a_deal_that_the_crm_gives_to_a_subgroup_names_its_distributor(world: World) -> None:
    made = subgroup(world)
    deal = world.registered(second_partner=None)
    world.edit(deal.id, Portal_Partner__c=made.crm_id)
    world.pull()
    assert (world.deal(deal.id).owner_company, world.deal(deal.id).second_partner) == (made.id, arrow(world).id)
    assert in_crm(world, deal.id) == world.id_of("Arrow Electronics")


def test_a_record_linked_by_hand_names_the_distributor(world: World) -> None:
    # Given a deal of a subgroup whose record is gone, and another record that names nobody
    made = subgroup(world)
    deal = registered(world)
    world.remote.delete("Lead", world.link(deal.id).crm_id)
    world.pull()
    other = world.remote.create("Lead", {"Company": "Harbor", "LastName": "Berg", "Portal_Partner__c": made.crm_id})
    # When it is linked by hand
    linked = relink(world.tenant, deal.id, other, actor=ANN)
    assert isinstance(linked, Moved), linked
    world.settle(linked.follow_ups)
    # Then both sides name the distributor
    assert world.deal(deal.id).second_partner == arrow(world).id
    assert in_crm(world, deal.id) == world.id_of("Arrow Electronics")


# ── a deal that begins in the CRM ────────────────────────────────────────────────────────────────────────────────────


def begun(world: World, second: str | None, **fields: Any) -> Deal:
    """A lead of the subgroup that somebody made in the CRM, after it was read and written."""
    made = world.company(CEDAR)
    lead = {"Company": "Quay", "LastName": "Berg", "Portal_Partner__c": made.crm_id, "Portal_Deal_Type__c": "New", **fields}
    world.remote.create("Lead", {**lead, SECOND: world.id_of(second) if second else None})
    world.pull()
    world.pull()
    return world.named_deal("Quay")


@pytest.mark.parametrize("second", [None, "Arrow Electronics", BOLT])
def test_a_deal_that_begins_in_the_crm_names_its_distributor_at_first_sight(world: World, second: str | None) -> None:
    # Given a subgroup without an agreement, which is not asked for now
    subgroup(world, also=BOLT, is_signed=False)
    # When its deal begins in the CRM, whomever it names there
    deal = begun(world, second)
    # Then both sides name the distributor, who decides on it
    assert (deal.second_partner, deal.distributor_approval) == (arrow(world).id, "pending")
    assert in_crm(world, deal.id) == world.id_of("Arrow Electronics")
    assert world.outbox() == []
    assert ("parent_kept" in world.history(world.link(deal.id).crm_id)) is (second == BOLT)


def test_its_agreement_is_asked_for_when_it_is_finalized(world: World) -> None:
    # Given a deal that began in the CRM, which everybody has approved
    made = subgroup(world, is_signed=False)
    deal = begun(world, None, Portal_Vendor_Approval__c="Approved")
    done(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(told(world, "dora", "Arrow Electronics"))))
    # When it is finalized, then the agreement is asked for, and whether the subgroup may register
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))) == "agreement_missing"
    signed(world)
    bo = user(world, "bo", "Arrow Electronics")
    assert set_terms(world.tenant, made, arrow(world), Terms(False, AGREED.percents), actor=bo) is None
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))) == "may_not_register"
    assert set_terms(world.tenant, made, arrow(world), AGREED, actor=bo) is None
    assert done(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))).deal.lifecycle == "finalize_requested"


def test_a_deal_that_was_registered_rightly_is_finalized_although_its_company_may_not_register_any_more(world: World) -> None:
    made = subgroup(world)
    deal = registered(world)
    done(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(told(world, "dora", "Arrow Electronics"))))
    done(decide(world.tenant, deal.id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera(world))))
    assert set_terms(world.tenant, made, arrow(world), Terms(False, AGREED.percents), actor=user(world, "bo", "Arrow Electronics")) is None
    assert done(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(rita(world)))).deal.lifecycle == "finalize_requested"


# ── a deal that belongs to no company ────────────────────────────────────────────────────────────────────────────────


def test_a_deal_whose_owner_is_cleared_in_the_crm_is_nobodys_to_approve(world: World) -> None:
    # Given a deal, and a vendor who clears its partner in the CRM
    deal = world.registered()
    world.edit(deal.id, Portal_Partner__c=None)
    world.pull()
    # Then that is said for as long as it is so
    world.change(deal.id, amount="7")
    world.push()
    world.pull(is_full=True)
    crm_id = world.link(deal.id).crm_id
    assert world.codes(crm_id) == {"owner_company_missing"}
    # and nobody approves or finalizes it, here or there
    dora = told(world, "dora", "Arrow Electronics", Role.MANAGER)
    assert refused(decide(world.tenant, deal.id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora))) == "owner_company_missing"
    assert refused(decide(world.tenant, deal.id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera(world)))) == "owner_company_missing"
    assert refused(move(world.tenant, deal.id, Verb.FINALIZE, MoveRequest(ANN))) == "owner_company_missing"
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "pending"
    assert world.record_of(deal.id)["Portal_Vendor_Approval__c"] == "Pending"
    assert world.codes(deal.id) == {"owner_company_missing"}
    # When the vendor names a company, then the deal goes on
    done(change(world.tenant, deal.id, {"owner_company": "Birch Systems"}, MoveRequest(vera(world))))
    world.push()
    world.pull()
    assert world.codes(crm_id) == set()
    done(decide(world.tenant, deal.id, Track.VENDOR, Decision.APPROVE, MoveRequest(vera(world))))
    assert world.codes(deal.id) == set()
