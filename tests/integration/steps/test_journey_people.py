"""People whom journeys and mails must not name or reach any more: erased, forgotten, inactive, or out of sight of the deal by now."""

from __future__ import annotations

from dataclasses import replace

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.user import Role, User
from sync_worker.steps.deals.register import register
from sync_worker.steps.operate.erase import erase, forget_contact
from sync_worker.steps.tell.journeys import hold
from sync_worker.store.people import people as store
from sync_worker.store.tell.tables import journey_log, notifications
from sync_worker.store.tell.tables import mails as mail_table
from tests.integration.steps.test_journeys import journey, letters, log, people, saved
from tests.integration.steps.world import ANN, TERMS, World
from tests.mailbox import Mailbox

__all__ = ["people"]


def kept(world: World) -> str:
    """Everything that is kept of mails, notifications and what journeys did."""
    with world.store.reading("acme") as tx:
        return str([tx.connection.execute(table.select()).all() for table in (mail_table, journey_log, notifications)])


def test_a_contact_who_is_erased_stands_in_no_mail_and_in_no_log(people: World) -> None:
    saved(people, journey(body="Call {{ deal.contact_first_name }} {{ deal.contact_last_name }}, {{ deal.contact_email }}"))
    saved(people, journey("other", filters=(Condition("deal.contact_email", "contains", ("nowhere",)),)))
    deal = people.registered(contact_first_name="Jolanda", contact_last_name="Berg", contact_email="jo.berg@globex.example")
    assert "jo.berg@globex.example" in kept(people)
    forget_contact(people.tenant, deal.id, actor="Ann", reason="asked for")
    assert [word for word in ("Jolanda", "Berg", "jo.berg") if word in kept(people)] == []


def test_a_deal_owner_who_is_erased_stands_in_no_mail_to_others(people: World) -> None:
    with people.store.transaction("acme") as tx:
        company = store.get(tx, "bob").primary_company  # type: ignore[union-attr]
        store.save(tx, [User("nina", "nina@birch.example", "Nina Vogel", Role.SALES, company)])
        store.save(tx, [User("nino", "nina@birch.example", "Nino Vogel", Role.SALES, company)])
    to = ("owner_company.sales", "second_partner.manager")
    saved(people, journey(recipients=to, body="Ask {{ deal.owner_user }}"))
    register(people.tenant, TERMS, actor=ANN, owner_user="nina")
    assert "Ask Nina Vogel" in kept(people)
    assert "has the same address as Nina Vogel" in kept(people)
    erase(people.tenant, "nina")
    assert "Nina Vogel" not in kept(people)


def test_mails_that_wait_for_a_person_who_is_erased_leave_no_open_problem(people: World) -> None:
    people.configure(journeys={"most_mails_per_hour": 1})
    saved(people, journey())
    people.registered()
    assert people.failures("journey_held")
    for name in ("dora", "mona"):
        erase(people.tenant, name)
    assert hold.discard(people.tenant, "welcome", actor="Ann", reason="they left") == 0
    assert people.failures("journey_held") == []


def test_a_person_who_became_inactive_before_the_mail_was_sent_gets_none(people: World, mailbox: Mailbox) -> None:
    saved(people, journey())
    people.registered()
    with people.store.transaction("acme") as tx:
        dora = store.get(tx, "dora")
        assert dora
        store.save(tx, [replace(dora, is_active=False)])
    assert [to for to, _ in letters(people, mailbox)] == ["mona"]
    assert [one["To"] for one in mailbox.letters if one["To"].startswith("dora")] == []
    # and the log says so
    assert [(row.outcome, row.why) for row in log(people) if row.user_id == "dora"] == [
        ("not_told", "the person is inactive in the portal")
    ]
    # and no letter waits
    assert letters(people, mailbox) == [("mona", "Acme expansion of Birch Systems")]


def test_a_second_partner_that_was_replaced_before_the_mail_was_sent_gets_no_notice(people: World, mailbox: Mailbox) -> None:
    deal = people.registered()
    people.change(deal.id, second_partner="Bolt Distribution")
    letters(people, mailbox)
    assert [one["To"] for one in mailbox.letters if one["To"].startswith(("dora", "edda"))] == []
