"""One notice for each change and person: a conversion in one or two readings, a person who is meant twice, an approval that waits."""

from __future__ import annotations

from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Track
from sync_worker.domain.core.user import Role
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.move import MoveRequest
from sync_worker.steps.deals.register import register
from sync_worker.steps.tell.mail import mail
from sync_worker.steps.tell.remind import remind
from sync_worker.store.tell.tables import notifications
from tests.integration.steps.test_moves import done, pushed, told
from tests.integration.steps.world import TERMS, World
from tests.mailbox import Mailbox

DAY_S = 86_400
CAST = ("ada", "bob", "dora", "mona", "vera")


@pytest.fixture
def bob(world: World) -> Actor:
    """The rep; beside him a manager of each side, an executive of the distributor, and the vendor's admin. There is no mail server."""
    told(world, "mona", "Birch Systems", Role.MANAGER)
    told(world, "dora", "Arrow Electronics", Role.MANAGER)
    told(world, "ada", "Arrow Electronics", Role.EXECUTIVE)
    told(world, "vera", "acme (vendor)", is_vendor_admin=True)
    return told(world, "bob", "Birch Systems")


def notified(world: World, deal_id: str = "") -> list[tuple[str, str]]:
    """(user, topic) of everything that was not looked at yet, in order of the users; it is looked at by this."""
    with world.store.side_transaction("acme") as tx:
        rows = tx.connection.execute(notifications.select().where(notifications.c.portal == "acme")).all()
        tx.connection.execute(notifications.update().values(portal=f"looked at {world.clock.now.timestamp()}"))
    return sorted((row.user_id, row.topic) for row in rows if row.user_id in CAST and deal_id in row.deal_id)


def changed_fields(world: World, user: str) -> set[str]:
    with world.store.reading("acme") as tx:
        rows = tx.connection.execute(notifications.select().where(notifications.c.user_id == user)).all()
    return {one["field"] for row in rows for one in row.words["changes"]}


UPDATED = [(user, "deal_updated") for user in ("ada", "bob", "dora", "mona")]
EDITS: dict[str, Any] = {"StageName": "Proposal", "Amount": 99, "CloseDate": "2027-01-31"}


@pytest.mark.parametrize("on_lead", [{}, {"Portal_Amount__c": 77, "Portal_Close_Date__c": "2026-12-24"}], ids=["opportunity", "both"])
@pytest.mark.parametrize(
    "order", [("lead", "opportunity"), ("opportunity", "lead", "opportunity")], ids=["lead-first", "opportunity-first"]
)
def test_a_conversion_is_one_notice_however_many_fields_change_and_however_it_is_read(
    world: World, bob: Actor, on_lead: dict[str, Any], order: tuple[str, ...]
) -> None:
    # Given a deal in a lead, of which people have been told
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    world.pull()
    notified(world)
    # When somebody edits the lead, converts it, and edits the opportunity
    crm_id = world.link(deal_id).crm_id
    if on_lead:
        world.remote.edit("Lead", crm_id, on_lead)
    became = world.remote.convert_lead(crm_id)["ConvertedOpportunityId"]
    world.remote.edit("Opportunity", str(became), EDITS)
    for record in order:
        world.pull(record)
    # Then each person gets one notice, with every field that changed
    assert changed_fields(world, "mona") >= {"Amount", "Expected close date", "Sales stage"}
    assert notified(world) == UPDATED
    # And the write-back and further looks tell nobody
    world.push()
    world.pull()
    assert notified(world) == []


def test_a_registration_that_waits_for_the_vendor_asks_its_admins_at_once_and_once(world: World, bob: Actor) -> None:
    # When a deal is registered in the portal, then the vendor's admin is asked, and is not told that it was registered
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    asked = ("vera", "approval_waits")
    assert notified(world) == [("ada", "deal_registered"), ("dora", "deal_registered"), ("mona", "deal_registered"), asked]
    world.pull()
    assert notified(world) == []
    # A reminder is an event of its own, after the days of the portal file, once
    world.forward(3 * DAY_S)
    remind(world.tenant)
    assert notified(world, deal_id) == [("ada", "approval_waits"), ("dora", "approval_waits"), asked]
    # When the vendor returns it in the CRM and the rep changes its terms, then it waits again, and the admin is asked again
    world.edit(deal_id, Portal_Vendor_Approval__c="Returned")
    world.pull()
    notified(world)
    done(change(world.tenant, deal_id, {"licence_count": "31"}, MoveRequest(bob)))
    assert asked in notified(world)
    world.push()
    world.pull()
    done(change(world.tenant, deal_id, {"licence_count": "32"}, MoveRequest(bob)))
    assert notified(world) == []


def test_a_registration_that_began_in_the_crm_asks_the_vendors_admins_too(world: World, bob: Actor) -> None:
    names = {"Company": "Harbor", "LastName": "Berg", "Portal_Partner__c": world.id_of("Birch Systems")}
    world.remote.create("Lead", {**names, "Portal_Second_Partner__c": world.id_of("Arrow Electronics")})
    world.pull()
    told_of = notified(world)
    assert ("vera", "approval_waits") in told_of
    assert ("vera", "deal_registered") not in told_of
    # And one that the vendor has approved already asks for nothing
    world.remote.create("Lead", {**names, "Company": "Pier", "Portal_Vendor_Approval__c": "Approved"})
    world.pull()
    assert [topic for user, topic in notified(world) if user == "vera"] == []


def test_an_admin_who_is_the_account_owner_gets_one_letter_that_says_both(world: World, bob: Actor, mailbox: Mailbox) -> None:
    # Given a vendor's admin, whose address stands in the account-owner field of the owner company in other letters
    world.connect_mail(mailbox.url)
    email = world.company("Birch Systems").account_owner_email or ""
    admin = told(world, email.upper(), "acme (vendor)", is_vendor_admin=True)
    # When a deal is registered
    done(register(world.tenant, TERMS, actor=bob))
    mail(world.tenant)
    # Then the admin has one letter: it asks for the approval and says both reasons
    letters = [one for one in mailbox.letters if str(one["To"]).casefold() == email.casefold()]
    assert [str(one["Subject"]) for one in letters] == ["Waits for your approval: Acme expansion"]
    text, html = (part.get_content() for part in letters[0].iter_parts())
    why = "You are told because you are an admin of the vendor and you are the account owner of Birch Systems; your approval is needed."
    assert (why in text, why in html) == (True, True)
    assert admin.user is not None
    # And an inactive account owner gets none of the next one
    told(world, email.upper(), "acme (vendor)", is_vendor_admin=True, is_active=False)
    mailbox.letters.clear()
    done(register(world.tenant, {**TERMS, "prospect_name": "Pier"}, actor=bob))
    mail(world.tenant)
    assert [one for one in mailbox.letters if str(one["To"]).casefold() == email.casefold()] == []


def test_a_notice_that_is_switched_off_is_no_notification_either(world: World, bob: Actor) -> None:
    world.configure(mail={"notices": ["deal_updated"]})
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    dora = told(world, "dora", "Arrow Electronics", Role.MANAGER)
    assert notified(world) == []
    done(decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.APPROVE, MoveRequest(dora)))
    assert notified(world) == [("ada", "deal_updated"), ("bob", "deal_updated"), ("mona", "deal_updated")]
