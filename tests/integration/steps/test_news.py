"""What people are told by mail, through the real steps and a real mail server: from the portal, from the CRM, from the calendar."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.expire import expire
from sync_worker.steps.deals.move import MoveRequest, move
from sync_worker.steps.deals.register import draft, register
from sync_worker.steps.operate.intervene import begin_replay, go_on
from sync_worker.steps.tell.mail import mail
from sync_worker.steps.tell.remind import remind
from sync_worker.store.operate import schema
from sync_worker.store.tell import mails
from tests.integration.steps.test_moves import done, pushed, told
from tests.integration.steps.world import TERMS, World
from tests.mailbox import Mailbox

DAY_S = 86_400


@pytest.fixture
def bob(world: World, mailbox: Mailbox) -> Actor:
    """The rep; beside him a manager of each side, and somebody of a third company."""
    world.configure(mail={"deal_url": "https://portal.example.com/deals/{id}"})
    world.connect_mail(mailbox.url)
    told(world, "mona", "Birch Systems", Role.MANAGER)
    told(world, "dora", "Arrow Electronics", Role.MANAGER)
    told(world, "olga", "Cedar IT", Role.MANAGER)
    return told(world, "bob", "Birch Systems")


CAST = ("bob", "dora", "mona", "olga", "vera")


def written(world: World, deal_id: str = "") -> list[tuple[str, str]]:
    """(template, to whom of the cast), in order, of everything not looked at yet."""
    return [(template, name) for template, name in everything_written(world, deal_id) if name in CAST]


def everything_written(world: World, deal_id: str = "") -> list[tuple[str, str]]:
    """The same of everybody: account owners too, whom the CRM names."""
    with world.store.reading("acme") as tx:
        rows = [row.mail for row in mails.listed(tx) if deal_id in row.mail.event]
    return sorted((one.template, one.address.partition("@")[0]) for one in rows)


def forgotten(world: World) -> None:
    mail(world.tenant)
    with world.store.side_transaction("acme") as tx:
        tx.connection.execute(schema.mails.delete())


def test_what_people_do_in_the_portal_is_told_once_to_everybody_but_themselves(world: World, bob: Actor, mailbox: Mailbox) -> None:
    begun = done(draft(world.tenant, TERMS, actor=bob))
    assert written(world) == []
    deal_id = pushed(world, move(world.tenant, begun.deal.id, Verb.SUBMIT, MoveRequest(bob))).deal.id
    assert written(world) == [("deal_registered", "dora"), ("deal_registered", "mona")]
    mail(world.tenant)
    emails = [world.company(name).account_owner_email or "" for name in ("Birch Systems", "Arrow Electronics")]
    owners = {email.partition("@")[0] for email in emails}
    assert {name for _, name in everything_written(world)} == {"dora", "mona"} | owners
    assert {letter["Subject"] for letter in mailbox.letters} == {"Registered: Acme expansion"}
    assert "Bob registered Acme expansion for Birch Systems." in mailbox.letters[0].as_string()
    assert f"https://portal.example.com/deals/{deal_id}" in mailbox.letters[0].as_string()
    # An edit of a field that no one watches, a no-op and an echo of our own write are not news
    forgotten(world)
    done(change(world.tenant, deal_id, {"term_years": "2"}, MoveRequest(bob)))
    done(change(world.tenant, deal_id, {"amount": "1200.50"}, MoveRequest(bob)))
    world.push()
    world.pull()
    assert written(world) == []
    done(change(world.tenant, deal_id, {"amount": "7"}, MoveRequest(bob)))
    assert written(world) == [("deal_updated", "dora"), ("deal_updated", "mona")]


def test_the_reason_of_a_decision_is_told_to_the_other_side(world: World, bob: Actor, mailbox: Mailbox) -> None:
    # Given a registration of which people have been told
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    forgotten(world)
    dora = told(world, "dora", "Arrow Electronics", Role.MANAGER)
    # When the distributor rejects it with a reason
    done(decide(world.tenant, deal_id, Track.DISTRIBUTOR, Decision.REJECT, MoveRequest(dora, reason="not our <region>")))
    mail(world.tenant)
    # Then the letter to the reseller's people says why
    letter = next(one for one in mailbox.letters if "bob@" in str(one["To"]) and str(one["Subject"]).startswith("Updated"))
    text, html = (part.get_content() for part in letter.iter_parts())
    assert "Reason given: not our <region>" in text
    assert "Reason given: not our &lt;region&gt;" in html


def test_what_changes_in_the_crm_is_told_and_a_first_load_is_silent(world: World, bob: Actor, mailbox: Mailbox) -> None:
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    forgotten(world)
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    assert written(world) == [("deal_updated", "bob"), ("deal_updated", "dora"), ("deal_updated", "mona")]
    mail(world.tenant)
    assert "CRM changed Acme expansion" in mailbox.letters[-1].as_string()
    # Another look at the same, and one at everything, tell nobody
    before = written(world)
    world.pull(is_full=True)
    assert written(world) == before


def test_a_first_load_tells_nobody(empty_world: World, mailbox: Mailbox) -> None:
    empty_world.connect_mail(mailbox.url)
    empty_world.pull()
    assert empty_world.deals()
    assert written(empty_world) == []


def test_without_a_mail_server_and_with_a_notice_switched_off_nothing_is_written(world: World, bob: Actor) -> None:
    world.configure(mail={"notices": ["deal_updated"]})
    deal_id = done(register(world.tenant, TERMS, actor=bob)).deal.id
    assert written(world) == []
    world.post = None
    world.tenant = world.process()
    done(change(world.tenant, deal_id, {"amount": "9"}, MoveRequest(bob)))
    assert written(world) == []


def test_people_are_reminded_of_an_expiry_and_of_approvals_that_wait_once_a_mark(world: World, bob: Actor) -> None:
    told(world, "vera", "acme (vendor)", is_vendor_admin=True)
    deal_id = pushed(world, register(world.tenant, TERMS, actor=bob)).deal.id
    world.edit(deal_id, Portal_Expires__c=(world.clock.now.date() + timedelta(days=20)).isoformat())
    world.pull()
    forgotten(world)
    remind(world.tenant)
    assert written(world, deal_id) == []
    # After three days of waiting those whose decision it is hear of it, once however often it is looked
    world.forward(3 * DAY_S)
    remind(world.tenant)
    remind(world.tenant)
    assert written(world, deal_id) == [("approval_waits", "dora"), ("approval_waits", "vera")]
    # Once both have decided, only the end of it is left to tell
    for track, actor in ((Track.DISTRIBUTOR, told(world, "dora", "Arrow Electronics", Role.MANAGER)),):
        done(decide(world.tenant, deal_id, track, Decision.APPROVE, MoveRequest(actor)))
    world.edit(deal_id, Portal_Vendor_Approval__c="Approved")
    world.pull()
    forgotten(world)
    world.forward(4 * DAY_S)
    remind(world.tenant)
    assert written(world, deal_id) == [("expires_soon", "bob"), ("expires_soon", "dora"), ("expires_soon", "mona")]
    # And the day after the last one, that it has ended
    forgotten(world)
    world.forward(14 * DAY_S)
    expire(world.tenant)
    assert ("deal_updated", "bob") in written(world, deal_id)


def test_a_letter_the_server_refused_is_a_failure_that_can_be_replayed(world: World, bob: Actor, mailbox: Mailbox) -> None:
    done(register(world.tenant, TERMS, actor=bob))
    mailbox.answers.append("550 no such person")
    mail(world.tenant)
    (row,) = world.failures(code="mail_refused")
    assert "550 no such person" in row.failure.message
    taken = len(mailbox.letters)
    # When it is replayed while the server still refuses, it stays; once it takes it, it is sent and resolved
    mailbox.answers.append("550 no such person")
    go_on(world.tenant, begin_replay(world.tenant, [row], selection="x", actor="Ann"))
    assert [one.count for one in world.failures(code="mail_refused")] == [2]
    result = go_on(world.tenant, begin_replay(world.tenant, world.failures(code="mail_refused"), selection="y", actor="Ann"))
    assert (result.outcomes, world.failures(code="mail_refused")) == ({"passed": 1}, [])
    assert len({letter["Message-ID"] for letter in mailbox.letters}) == len(mailbox.letters) == taken + 1
