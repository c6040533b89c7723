"""A portal that had second partners and has them no more: nobody sees them, nothing is lost, and switching on again brings all back."""

from __future__ import annotations

import pytest

from sync_worker.cli.associations.associations import explained
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.flags import FlagReader
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.people.visibility import shares
from sync_worker.errors import ConfigError
from sync_worker.steps.associations.evaluate import EVALUATE
from sync_worker.steps.associations.mode import DERIVE
from sync_worker.steps.associations.rebind import rebind
from sync_worker.steps.deals.decide import change
from sync_worker.steps.deals.flag import flags_of
from sync_worker.steps.deals.move import MoveRequest, open_to
from sync_worker.steps.deals.register import register
from sync_worker.steps.distributors.subgroups import SubgroupChange, create
from sync_worker.steps.operate.plan import plan
from sync_worker.steps.people.users import viewer_of
from sync_worker.store.core import failures
from sync_worker.store.deals import pipeline
from sync_worker.store.operate import schema
from sync_worker.store.tell import mails
from tests.contract.store.samples import failure
from tests.integration.due import due
from tests.integration.steps.test_contracts import partners, sign
from tests.integration.steps.test_mode import by_rules, row
from tests.integration.steps.test_moves import done, pushed, told
from tests.integration.steps.test_subgroups import AGREED
from tests.integration.steps.world import ANN, TERMS, World
from tests.mailbox import Mailbox

ALL = ["distributor", "vendor"]


def switched_off(world: World) -> None:
    world.configure(two_tier=False, deals={"approvals": ["vendor"]})


def switched_on(world: World) -> None:
    world.configure(two_tier=True, deals={"approvals": ALL})


def seen_by(world: World, actor: Actor) -> list[str]:
    assert actor.user
    with world.store.reading("acme") as tx:
        return [one.stored.deal.id for one in pipeline.seen(tx, shares(viewer_of(tx, world.tenant, actor.user)))]


def addressed(world: World) -> set[str]:
    with world.store.reading("acme") as tx:
        return {row.mail.address.partition("@")[0] for row in mails.listed(tx)}


def test_the_distributor_sees_no_deal_and_gets_no_mail_until_it_is_switched_on_again(world: World, mailbox: Mailbox) -> None:
    # Given a deal of a reseller and its distributor, and a mail server
    world.connect_mail(mailbox.url)
    bob, dora = told(world, "bob", "Birch Systems", Role.MANAGER), told(world, "dora", "Arrow Electronics", Role.MANAGER)
    deal = world.registered()
    before = seen_by(world, dora)
    assert deal.id in before
    # When two tiers are switched off
    switched_off(world)
    # Then the distributor sees nothing, may do nothing, and is told nothing
    assert seen_by(world, dora) == []
    with world.store.reading("acme") as tx:
        assert open_to(tx, world.tenant, deal, dora) == ()
    with world.store.side_transaction("acme") as tx:
        tx.connection.execute(schema.mails.delete())
    done(change(world.tenant, deal.id, {"amount": "9999"}, MoveRequest(bob)))
    assert addressed(world)
    assert "dora" not in addressed(world)
    # and what it had decided on other terms is open again, once it is switched on
    switched_on(world)
    assert set(seen_by(world, dora)) == set(before)
    assert world.deal(deal.id).second_partner == world.company("Arrow Electronics").id
    assert world.deal(deal.id).distributor_approval == "pending"


def test_a_deal_goes_on_without_the_distributor_it_had(world: World) -> None:
    bob = told(world, "bob", "Birch Systems", Role.MANAGER)
    deal = world.registered()
    switched_off(world)
    # The owner company edits it, the CRM changes it, and neither says anything of a second partner
    assert change(world.tenant, deal.id, {"second_partner": "Bolt Distribution"}, MoveRequest(bob)) == Refusal(
        "two_tier_off", "this portal has no second partners", "nobody", field="second_partner"
    )
    pushed(world, change(world.tenant, deal.id, {"amount": "7"}, MoveRequest(bob)))
    in_crm = world.record_of(deal.id)["Portal_Second_Partner__c"]
    assert in_crm
    world.edit(deal.id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert world.deal(deal.id).vendor_approval == "approved"
    assert world.codes(world.link(deal.id).crm_id) == set()
    assert world.record_of(deal.id)["Portal_Second_Partner__c"] == in_crm
    # and finalize does not wait for anybody but the vendor
    with world.store.reading("acme") as tx:
        assert Verb.FINALIZE in open_to(tx, world.tenant, world.deal(deal.id), bob)


def test_a_subgroup_registers_deals_of_its_own(world: World) -> None:
    dora = told(world, "dora", "Arrow Electronics", Role.MANAGER)
    made = create(world.tenant, world.company("Arrow Electronics"), "Cedar Reseller", AGREED, actor=dora)
    assert isinstance(made, SubgroupChange), made
    switched_off(world)
    begun = done(register(world.tenant, {**TERMS, "owner_company": made.child.company.id, "second_partner": None}, actor=ANN))
    assert begun.deal.second_partner is None
    assert seen_by(world, dora) == []


@pytest.mark.parametrize("reader", [FlagReader.PARTNER, FlagReader.VENDOR])
def test_nothing_that_is_wrong_with_a_second_partner_or_its_approval_is_shown_to_the_people_of_a_deal(
    world: World, reader: FlagReader
) -> None:
    # Given a deal with something wrong with each of its fields of two tiers, and with its amount
    deal = world.registered()
    said = (
        ("second_partner_not_active", "second_partner"),
        ("value_unreadable", "distributor_approval"),
        ("parent_gone", ""),
        ("value_unreadable", "amount"),
    )
    with world.store.side_transaction("acme") as tx:
        found = [failure(f"f{no}", deal.id, object="deal", kind="problem", code=code, field=name) for no, (code, name) in enumerate(said)]
        failures.record(tx, found)

    def shown(to: FlagReader) -> set[tuple[str, str]]:
        with world.store.reading("acme") as tx:
            return {(flag.code, flag.field) for flag in flags_of(tx, world.tenant, [deal.id], to)[deal.id]}

    assert shown(reader) == set(said)
    # When two tiers are off, then only the amount is spoken of, but to operators
    switched_off(world)
    assert shown(reader) == {("value_unreadable", "amount")}
    assert shown(FlagReader.OPERATOR) == set(said)


def test_associations_are_not_answered_and_plan_says_what_stays(world: World) -> None:
    deal = world.registered()
    birch, arrow = world.company("Birch Systems"), world.company("Arrow Electronics")
    switched_off(world)
    found = explained(world.tenant, birch, arrow)
    assert (found["associated"], found["code"]) == (False, "two_tier_off")
    with pytest.raises(ConfigError, match="has no second partners"):
        rebind(world.tenant, "Arrow Electronics", arrow, actor="Ann", reason="test")
    (stays,) = plan(world.tenant, reads=False).stays
    assert "open deals keep their second partner" in stays
    assert "`pull --full`" in stays
    switched_on(world)
    assert plan(world.tenant, reads=False).stays == []
    assert explained(world.tenant, birch, arrow)["associated"]
    assert world.deal(deal.id).second_partner == arrow.id


def test_a_distributor_that_was_renamed_meanwhile_is_bound_when_it_is_on_again(world: World) -> None:
    # Given a contract whose value is the name of no distributor
    sign(world, "Birch Systems", "Zenith Supply")
    world.pull()
    switched_off(world)
    # When a distributor gets that name while there are no second partners
    world.remote.edit("Account", world.id_of("Bolt Distribution"), {"Name": "Zenith Supply"})
    world.pull()
    assert DERIVE not in set(due(world.tenant))
    # Then it is bound once they are back, and the portal lives by contracts since the day it did before
    switched_on(world)
    assert DERIVE in set(due(world.tenant))
    before = row(world).mode_set_at
    world.settle({DERIVE})
    assert partners(world, "Birch Systems") == ["Zenith Supply"]
    assert DERIVE not in set(due(world.tenant))
    assert row(world).mode_set_at == before


def test_what_is_new_in_the_crm_comes_with_a_full_reading_when_it_is_on_again(world: World) -> None:
    # Given a distributor and a contract that are new while there are no second partners
    switched_off(world)
    fields = {"Name": "Onyx Supply", "Portal_Status__c": "Active", "Portal_Account_Type__c": "Distributor"}
    world.remote.create("Account", fields)
    sign(world, "Birch Systems", "Onyx Supply")
    world.pull()
    # When they are back and everything is read, then the pair is associated
    switched_on(world)
    world.pull("company", is_full=True)
    assert partners(world, "Birch Systems") == ["Onyx Supply"]


def test_rules_are_evaluated_anew_when_it_is_on_again(empty_world: World) -> None:
    world = empty_world
    by_rules(world)
    world.pull()
    world.settle({EVALUATE})
    assert EVALUATE not in set(due(world.tenant))
    switched_off(world)
    world.remote.edit("Account", world.id_of("Birch Systems"), {"Portal_Region__c": "APAC"})
    world.pull()
    switched_on(world)
    assert EVALUATE in set(due(world.tenant))
