"""Journeys at work through the real steps and a real mail server: who is told, in the commit of the change, once; who is not, and why."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Actor, Refusal
from sync_worker.domain.core.user import Role
from sync_worker.domain.tell.journeys.journey import Journey, WrittenJourney
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.tell.journeys import hold, keep
from sync_worker.steps.tell.journeys.keep import WrongJourney
from sync_worker.steps.tell.journeys.standing import adopt
from sync_worker.steps.tell.mail import mail
from sync_worker.store.operate.due import standings
from sync_worker.store.tell import journey_log, journeys, mails
from sync_worker.store.tell.journey_log import JourneyLogRow
from sync_worker.store.tell.journeys import StoredJourney
from tests.integration.steps.test_moves import told
from tests.integration.steps.world import ANN, World
from tests.mailbox import Mailbox

TO_MANAGERS = ("owner_company.manager", "second_partner.manager")


@pytest.fixture
def people(world: World, mailbox: Mailbox) -> World:
    """A portal with a mail server, a manager of each side, a rep, and somebody of another distributor."""
    world.configure(journeys={"confirm_above": "100%"})
    world.connect_mail(mailbox.url)
    for name, company, role in (
        ("mona", "Birch Systems", Role.MANAGER),
        ("bob", "Birch Systems", Role.SALES),
        ("dora", "Arrow Electronics", Role.MANAGER),
        ("edda", "Arrow Electronics", Role.EXECUTIVE),
    ):
        told(world, name, company, role)
    return world


def journey(key: str = "welcome", **more: object) -> Journey:
    written = {
        "name": "Welcome",
        "trigger": "registered",
        "filters": (),
        "recipients": TO_MANAGERS,
        "subject": "{{ deal.name }} of {{ owner_company.name }}",
        "body": "Hello {{ recipient.name }},\n\n{{ deal.name }} is {{ deal.lifecycle }}.\nRegion: {{ second_partner.region }}.",
        **more,
    }
    return Journey(key, **written)  # type: ignore[arg-type]


def saved(world: World, written: Journey, *, actor: Actor = ANN) -> StoredJourney:
    found = keep.add(world.tenant, WrittenJourney(written), actor=actor, finish=lambda _tx, _stored: None)
    assert isinstance(found, StoredJourney), found
    return found


def log(world: World, key: str = "welcome") -> list[JourneyLogRow]:
    with world.store.reading("acme") as tx:
        return journey_log.page(tx, key)


def outcomes(world: World, key: str = "welcome") -> list[tuple[str, str]]:
    return sorted((row.user_id, row.outcome) for row in log(world, key))


def letters(world: World, mailbox: Mailbox, key: str = "welcome") -> list[tuple[str, str]]:
    """(to, subject) of what this journey sent."""
    mail(world.tenant)
    return sorted((one["To"].partition("@")[0], one["Subject"]) for one in mailbox.letters if f"({key}, version" in one.as_string())


def test_a_registration_is_told_to_the_roles_on_either_side_with_its_tags_filled(people: World, mailbox: Mailbox) -> None:
    saved(people, journey())
    people.registered()
    assert letters(people, mailbox) == [("dora", "Acme expansion of Birch Systems"), ("mona", "Acme expansion of Birch Systems")]
    (letter,) = [one for one in mailbox.letters if one["To"].startswith("dora") and "welcome" in one.as_string()]
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    region = people.company("Arrow Electronics").attributes["region"]
    assert f"Hello Dora,\n\nAcme expansion is Submitted.\nRegion: {region}." in text.replace("\r\n", "\n")
    assert outcomes(people) == [("dora", "told"), ("mona", "told")]


def test_the_people_around_a_deal_are_fetched_once_for_notices_and_journeys(people: World) -> None:
    # Given how often a registration without a journey asks for members of companies
    statements: list[str] = []
    event.listen(people.store.writers, "before_cursor_execute", lambda *given: statements.append(given[2]))
    people.registered()
    asked = [one for one in statements if "memberships" in one]
    statements.clear()
    # When there is a journey that tells the same people
    saved(people, journey())
    statements.clear()
    people.registered(prospect_name="Other", name="Other", contact_email="other@other.example")
    # Then they are asked for no more often
    assert len(log(people)) == 2
    assert [one for one in statements if "memberships" in one] == asked != []


def test_a_change_through_the_sync_is_told_once_and_a_second_sync_tells_nothing(people: World, mailbox: Mailbox) -> None:
    saved(people, journey(trigger="updated", body="Now {{ deal.amount }}"))
    deal = people.registered()
    people.pull()
    people.edit(deal.id, Portal_Amount__c=9000)
    people.pull()
    assert [to for to, _ in letters(people, mailbox)] == ["dora", "mona"]
    people.pull()
    people.pull(is_full=True)
    assert [to for to, _ in letters(people, mailbox)] == ["dora", "mona"]


def test_a_filter_lets_one_deal_through_and_the_log_says_why_not_the_other(people: World, mailbox: Mailbox) -> None:
    region = str(people.company("Arrow Electronics").attributes["region"])
    other = next(one for one in ("EMEA", "AMER", "APAC") if one != region)
    saved(people, journey(filters=(Condition("second_partner.region", "one_of", (region,)),)))
    saved(people, journey("elsewhere", filters=(Condition("second_partner.region", "one_of", (other,)),)))
    people.registered()
    assert len(letters(people, mailbox)) == 2
    assert letters(people, mailbox, "elsewhere") == []
    (row,) = log(people, "elsewhere")
    assert (row.user_id, row.outcome) == ("", "not_told")
    assert row.why == f"the filter “second_partner.region is one of {other}” does not hold: second_partner.region is {region}"


def test_a_first_load_tells_nobody(world: World, mailbox: Mailbox) -> None:
    world.lose_database()
    world.connect_mail(mailbox.url)
    saved(world, journey())
    world.pull()
    assert world.deals()
    assert log(world) == []


def test_a_journey_that_is_off_or_deleted_tells_nobody(people: World, mailbox: Mailbox) -> None:
    saved(people, journey())
    keep.switch(people.tenant, "welcome", is_on=False, actor=ANN)
    people.registered()
    keep.switch(people.tenant, "welcome", is_on=True, actor=ANN)
    keep.delete(people.tenant, "welcome", actor=ANN)
    people.registered(name="Another")
    assert letters(people, mailbox) == []


def test_people_who_are_inactive_and_roles_without_people_stand_in_the_log(people: World) -> None:
    told(people, "dora", "Arrow Electronics", Role.MANAGER, is_active=False)
    saved(people, journey(recipients=("second_partner.manager", "second_partner.sales")))
    people.registered()
    assert [(row.user_id, row.why) for row in sorted(log(people), key=lambda row: row.user_id)] == [
        ("", "Distributor Sales: the company has no user in that role"),
        ("dora", "is inactive"),
    ]


def test_each_save_is_a_version_and_a_mail_names_the_one_it_came_of(people: World, mailbox: Mailbox) -> None:
    saved(people, journey())
    people.registered()
    keep.change(people.tenant, WrittenJourney(journey(subject="Anew")), actor=ANN, finish=lambda _tx, _stored: None)
    people.registered(name="Second")
    assert {subject for _, subject in letters(people, mailbox)} == {"Acme expansion of Birch Systems", "Anew"}
    assert {row.version for row in log(people)} == {1, 2}
    assert [one["Subject"] for one in mailbox.letters if "(welcome, version 2)" in one.as_string()] == ["Anew", "Anew"]
    with people.store.reading("acme") as tx:
        assert [one.version for one in journeys.versions(tx, "welcome")] == [1, 2]


def test_more_mails_within_an_hour_than_the_portal_allows_wait_for_a_person(people: World, mailbox: Mailbox) -> None:
    people.configure(journeys={"most_mails_per_hour": 3})
    saved(people, journey())
    people.registered()
    people.registered(name="Second")
    assert len(letters(people, mailbox)) == 2, "those of the second deal wait"
    (held,) = people.failures("journey_held")
    assert "2 mails wait" in held.failure.message
    with people.store.reading("acme") as tx:
        assert not standings(tx)["acme"].is_mail_due, "no worker is woken for them"
        assert [one.mail.held_by for one in mails.listed(tx) if one.outcome == ""] == ["welcome", "welcome"]
    # When a person discards them, then they are never sent, and the count begins anew
    assert hold.discard(people.tenant, "welcome", actor="Ann", reason="by mistake") == 2
    assert people.failures("journey_held") == []
    people.forward()
    people.registered(name="Third")
    assert len(letters(people, mailbox)) == 4
    # When others wait and are released, then they are sent
    people.registered(name="Fourth")
    assert len(letters(people, mailbox)) == 4
    assert hold.release(people.tenant, "welcome", actor="Ann", reason="meant") == 2
    assert len(letters(people, mailbox)) == 6
    assert {row.outcome for row in log(people)} == {"told", "discarded"}
    assert isinstance(hold.release(people.tenant, "welcome", actor="Ann", reason="meant"), Refusal)


def test_an_hour_later_mails_go_out_again(people: World, mailbox: Mailbox) -> None:
    people.configure(journeys={"most_mails_per_hour": 2})
    saved(people, journey())
    people.registered()
    people.forward(3601)
    people.registered(name="Second")
    assert len(letters(people, mailbox)) == 4


def test_what_a_deal_says_is_text_in_the_html_and_begins_no_paragraph_and_no_tag(people: World, mailbox: Mailbox) -> None:
    saved(people, journey(subject="{{ deal.name }}", body="{{ deal.name }}"))
    people.submitted(name="<b>{{ deal.amount }}</b>")
    letters(people, mailbox)
    (letter,) = [one for one in mailbox.letters if one["To"].startswith("dora") and "welcome" in one.as_string()]
    html = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<b>" not in html
    assert letter["Subject"] == "<b>{{ deal.amount }}</b>"


def test_a_subject_whose_values_are_all_missing_is_the_name_of_the_journey_and_takes_no_line_of_the_body(
    people: World, mailbox: Mailbox
) -> None:
    saved(people, journey(subject="{{ deal.contact_email }}", body="Call us.\n\nSoon."))
    people.submitted(contact_email=None)
    assert letters(people, mailbox) == [("dora", "Welcome"), ("mona", "Welcome")]
    (letter,) = [one for one in mailbox.letters if one["To"].startswith("dora") and one["Subject"] == "Welcome"]
    assert letter.get_body(("plain",)).get_content().startswith("Call us.")  # type: ignore[union-attr]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def filed(world: World, *written: WrittenJourney) -> None:
    world.filed_journeys = {one.key: one for one in written}
    world.tenant = world.process()


def test_a_journey_of_a_file_is_a_version_and_the_api_does_not_change_it(people: World, mailbox: Mailbox) -> None:
    filed(people, WrittenJourney(journey(), file="config/journeys/acme/welcome.yaml"))
    people.registered()
    assert len(letters(people, mailbox)) == 2
    for refused in (
        keep.add(people.tenant, WrittenJourney(journey()), actor=ANN, finish=lambda _tx, _stored: None),
        keep.change(people.tenant, WrittenJourney(journey()), actor=ANN, finish=lambda _tx, _stored: None),
        keep.switch(people.tenant, "welcome", is_on=False, actor=ANN),
        keep.delete(people.tenant, "welcome", actor=ANN),
    ):
        assert isinstance(refused, Refusal)
        assert refused.code == "managed_by_file"
    # When the file says something else, and then what it said before, there are two versions
    filed(people, WrittenJourney(journey(subject="Anew"), file="config/journeys/acme/welcome.yaml"))
    people.registered(name="Second")
    filed(people, WrittenJourney(journey(), file="config/journeys/acme/welcome.yaml"))
    people.registered(name="Third")
    assert sorted(row.version for row in log(people)) == [1, 1, 1, 1, 2, 2]
    # When the file is gone, the journey is not there
    filed(people)
    people.registered(name="Fourth")
    assert len(log(people)) == 6


def test_a_journey_of_a_file_that_reaches_many_is_off_until_the_file_confirms_the_number(people: World) -> None:
    people.configure(journeys={"confirm_above": "20%"})
    path = "config/journeys/acme/welcome.yaml"
    filed(people, WrittenJourney(journey(), file=path))
    people.registered()
    assert log(people) == []
    (row,) = people.failures("reach_unconfirmed")
    assert "could reach 2 of 4 users" in row.failure.message
    assert "confirm_users: 2" in row.failure.message
    filed(people, WrittenJourney(journey(), confirmed_count=2, file=path))
    people.registered(name="Second")
    assert len(log(people)) == 2
    assert people.failures("reach_unconfirmed") == []


def test_adopting_twice_changes_nothing(people: World) -> None:
    filed(people, WrittenJourney(journey(), file="config/journeys/acme/welcome.yaml"))
    adopt(people.tenant)
    before = people.rows()
    adopt(people.tenant)
    assert people.rows() == before


def test_two_processes_whose_folders_have_other_names_do_not_write_the_same_file_in_turn(people: World) -> None:
    filed(people, WrittenJourney(journey(), file="config/journeys/acme/welcome.yaml"))
    adopt(people.tenant)
    before = people.rows()
    filed(people, WrittenJourney(journey(), file="/etc/sync-worker/journeys/acme/welcome.yaml"))
    adopt(people.tenant)
    assert people.rows() == before


# ── saving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_does_not_exist_is_refused_with_its_place_and_what_is_allowed(people: World) -> None:
    wrong = journey(
        filters=(
            Condition("second_partner.regoin", "is", ("EMEA",)),
            Condition("deal.amount", "is", ("1",)),
            Condition("second_partner.region", "one_of", ("EMAE",)),
        ),
        recipients=("second_partner.boss", "second_partner.user"),
        subject="{{ deal.nme }}",
        body="{% if x %} {{ deal.name }",
    )
    found = keep.add(people.tenant, WrittenJourney(wrong), actor=ANN, finish=lambda _tx, _stored: None)
    assert isinstance(found, WrongJourney)
    told = {one.field: one for one in found.mistakes}
    assert "did you mean 'second_partner.region'?" in told["filters.0.field"].remedy
    assert "at_least" in told["filters.1.operator"].allowed
    assert "EMEA" in told["filters.2.values"].allowed
    assert "second_partner.sales" in told["recipients.0"].allowed
    assert "does not allow it" in told["recipients.1"].what
    assert "did you mean 'deal.name'?" in told["subject"].remedy
    assert "braces that make no tag" in told["body"].what
    with people.store.reading("acme") as tx:
        assert journeys.listed(tx) == []


def test_a_company_in_a_filter_is_named_by_its_name_or_its_ids(people: World, mailbox: Mailbox) -> None:
    arrow = people.company("Arrow Electronics")
    for number, name in enumerate((arrow.name, arrow.id, arrow.crm_id or "")):
        saved(people, journey(f"of-arrow-{number}", filters=(Condition("deal.second_partner", "is", (name,)),)))
    people.registered()
    assert [len(letters(people, mailbox, f"of-arrow-{number}")) for number in range(3)] == [2, 2, 2]
    wrong = journey("other", filters=(Condition("deal.second_partner", "is", ("Arow Electronics",)),))
    found = keep.add(people.tenant, WrittenJourney(wrong), actor=ANN, finish=lambda _tx, _stored: None)
    assert isinstance(found, WrongJourney)
    assert found.mistakes[0].field == "filters.0.values"


def test_one_that_could_reach_many_asks_for_the_number(people: World) -> None:
    people.configure(journeys={"confirm_above": "40%"})
    found = keep.add(people.tenant, WrittenJourney(journey()), actor=ANN, finish=lambda _tx, _stored: None)
    assert isinstance(found, Refusal)
    assert (found.code, found.field, found.allowed) == ("reach_unconfirmed", "confirm_users", ("2",))
    narrow = journey(filters=(Condition("second_partner.name", "is", ("Nobody",)),), recipients=("second_partner.manager",))
    assert saved(people, narrow).version == 1
    wish = WrittenJourney(journey("wide"), confirmed_count=2)
    assert isinstance(keep.add(people.tenant, wish, actor=ANN, finish=lambda _tx, _stored: None), StoredJourney)


def test_every_user_of_a_company_is_reached_where_the_portal_allows_it(people: World) -> None:
    people.configure(journeys={"all_users": True})
    saved(people, journey(recipients=("owner_company.user",)))
    people.registered()
    assert outcomes(people) == [("bob", "told"), ("mona", "told")]


def test_held_mails_of_a_person_who_is_erased_are_gone_with_the_log(people: World) -> None:
    saved(people, journey())
    people.registered()
    people.registered(name="Second")
    erase(people.tenant, "dora")
    assert outcomes(people) == [("mona", "told"), ("mona", "told")]
    with people.store.reading("acme") as tx:
        assert not [one for one in mails.listed(tx) if one.mail.address.startswith("dora")]
