"""Journeys as pure decisions: tags, mistakes with their place, whom an event is told, whom not and why, and what is too much."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sync_worker.domain.core.company import AccountType, Company, PortalStatus
from sync_worker.domain.core.conditions.condition import Condition, ConditionField
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.tell.journeys.journey import Journey, recipients_of
from sync_worker.domain.tell.journeys.limits import JourneyReach, counted_since, is_held
from sync_worker.domain.tell.journeys.mistakes import JourneyWords, mistakes_in
from sync_worker.domain.tell.journeys.ruling import JourneyRuling, occasions, rule_on
from sync_worker.domain.tell.journeys.scene import DealScene, JourneyNames, scene_of
from sync_worker.domain.tell.journeys.tags import filled, tags_in, unfinished_tag

LABELS = {"owner_company": "Partner", "second_partner": "Distributor"}
NAMES = JourneyNames(
    {"partner": "Partner", "second_partner": "Distributor"}, "https://portal.example.com/deals/{id}", {"closedwon": "Closed won"}
)
FIELDS = {
    "deal.amount": ConditionField("deal.amount", "decimal"),
    "second_partner.region": ConditionField("second_partner.region", "list", ("EMEA", "AMER")),
}
WORDS = JourneyWords(FIELDS, ("deal.amount", "deal.name", "recipient.name"), recipients_of(LABELS, with_users=False), LABELS)
BIRCH = Company("c1", "001", "Birch", PortalStatus.ACTIVE, AccountType.PARTNER, "Olive@example.com", {"tier": "Gold"})
ARROW = Company("c2", "002", "Arrow", PortalStatus.ACTIVE, AccountType.SECOND_PARTNER, None, {"region": "EMEA", "lines": ["a", "b"]})
DEAL = Deal(
    "d1",
    {
        "name": "Harbor",
        "owner_company": "c1",
        "second_partner": "c2",
        "lifecycle": "finalize_requested",
        "owner_user": "bob",
        "amount": Decimal("10.50"),
        "is_registered": True,
        "vendor_approval": "pending",
        "distributor_approval": "pending",
    },
)
JOURNEY = Journey("welcome", "Welcome", "registered", (), ("owner_company.manager", "second_partner.executive"), "S", "B")


def user(id_: str, role: Role, company: str | None, **more: object) -> User:
    return User(id_, f"{id_}@example.com", id_.title(), role, company, **more)  # type: ignore[arg-type]


PEOPLE = [
    user("bob", Role.SALES, "c1"),
    user("mona", Role.MANAGER, "c1"),
    user("edda", Role.EXECUTIVE, "c2"),
    user("xeno", Role.MANAGER, "c9", further_companies=frozenset({"c1"})),
    user("vera", Role.MANAGER, "c1", is_vendor_admin=True),
]


def scene(people: list[User] | None = None, deal: Deal = DEAL) -> DealScene:
    return scene_of(deal, {"c1": BIRCH, "c2": ARROW}, PEOPLE if people is None else people, NAMES)


def told(ruling: JourneyRuling) -> list[str]:
    return [one.user.id for one in ruling.told]


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tag_is_a_name_and_its_value_is_looked_through_no_further() -> None:
    text = "{{deal.name}} of {{  owner_company.name }}{{ deal.nothing }}"
    assert tags_in(text) == ("deal.name", "owner_company.name", "deal.nothing")
    assert filled(text, {"deal.name": "{{ owner_company.name }}", "owner_company.name": "Birch"}) == "{{ owner_company.name }} of Birch"


@pytest.mark.parametrize("text", ["{{ deal.name", "deal.name }}", "{{ }}", "{% if x %}", "{{ a {{ b }}"])
def test_braces_that_make_no_tag_are_seen(text: str) -> None:
    assert unfinished_tag(text)


@pytest.mark.parametrize("text", ["", "{ deal.name }", "{{ deal.name }}{{ b }}", "100 %", "a } b { c"])
def test_other_braces_are_text(text: str) -> None:
    assert unfinished_tag(text) == ""


# ── mistakes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sound_journey_has_no_mistake() -> None:
    filters = (Condition("deal.amount", "at_least", ("5",)), Condition("second_partner.region", "is", ("EMEA",)))
    assert mistakes_in(replace(JOURNEY, filters=filters, subject="{{ deal.name }}"), WORDS) == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"key": "No!"}, "key", "'No!' is not a key"),
        ({"name": " "}, "name", "name is blank"),
        ({"subject": "a\nb"}, "subject", "several lines"),
        ({"body": "x" * 20_001}, "body", "20,001 characters"),
        ({"trigger": "registred"}, "trigger", "did you mean 'registered'?"),
        ({"filters": (Condition("deal.amuont", "is", ("1",)),)}, "filters.0.field", "did you mean 'deal.amount'?"),
        ({"filters": (Condition("deal.amount", "contains", ("1",)),)}, "filters.0.operator", "at_least"),
        ({"filters": (Condition("deal.amount", "equals", ("much",)),)}, "filters.0.values", "'much' is not a number"),
        ({"recipients": ()}, "recipients", "needs a recipient"),
        ({"recipients": ("second_partner.exectuive",)}, "recipients.0", "did you mean 'second_partner.executive'?"),
        ({"recipients": ("owner_company.sales", "owner_company.sales")}, "recipients.1", "stands twice"),
        ({"recipients": ("owner_company.user",)}, "recipients.0", "journeys.all_users"),
        ({"body": "{{ deal.nmae }}"}, "body", "did you mean 'deal.name'?"),
        ({"subject": "{% deal %}"}, "subject", "make no tag"),
    ],
)
def test_a_mistake_says_where_it_is_and_what_would_be_right(change: dict[str, object], field: str, words: str) -> None:
    (mistake,) = mistakes_in(replace(JOURNEY, **change), WORDS)  # type: ignore[arg-type]
    assert mistake.field == field
    assert words in f"{mistake.what}; {mistake.remedy}"


# ── whom it tells ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_roles_on_either_side_are_told_whatever_they_may_see() -> None:
    assert told(rule_on(JOURNEY, scene(), LABELS)) == ["mona", "xeno", "edda"]


def test_the_account_owner_is_told_also_where_the_portal_does_not_know_the_address() -> None:
    ruling = rule_on(replace(JOURNEY, recipients=("owner_company.account_owner",)), scene(), LABELS)
    assert told(ruling) == ["Olive@example.com"]


def test_everybody_of_a_company_is_its_users() -> None:
    assert told(rule_on(replace(JOURNEY, recipients=("owner_company.user",)), scene(), LABELS)) == ["bob", "mona", "xeno"]


def test_somebody_in_two_roles_and_two_with_one_address_are_told_once() -> None:
    twin = replace(user("twin", Role.MANAGER, "c1"), email="MONA@example.com")
    both = user("both", Role.MANAGER, "c2", further_companies=frozenset({"c1"}))
    journey = replace(JOURNEY, recipients=("owner_company.manager", "second_partner.manager"))
    ruling = rule_on(journey, scene([PEOPLE[1], twin, both]), LABELS)
    assert told(ruling) == ["mona", "both"]
    assert [(one.user.id, one.why_not) for one in ruling.people if one.why_not] == [("twin", "has the same address as Mona")]


def test_who_is_inactive_and_which_role_nobody_has_is_said() -> None:
    ruling = rule_on(JOURNEY, scene([replace(PEOPLE[1], is_active=False)]), LABELS)
    assert told(ruling) == []
    assert [one.why_not for one in ruling.people] == ["is inactive"]
    assert ruling.reasons == ("Distributor Executive: the company has no user in that role",)


def test_a_deal_without_a_second_partner_has_nobody_on_that_side() -> None:
    ruling = rule_on(JOURNEY, scene(deal=DEAL.changed({"second_partner": None})), LABELS)
    assert ruling.reasons == ("Distributor Executive: the deal has no Distributor",)


def test_a_filter_that_does_not_hold_is_said_with_what_the_field_holds() -> None:
    filters = (
        Condition("second_partner.region", "is", ("AMER",)),
        Condition("deal.amount", "more_than", ("5",)),
        Condition("deal.lifecycle", "is", ("won",)),
        Condition("owner_company.vertical", "is", ("Health",)),
    )
    assert rule_on(replace(JOURNEY, filters=filters), scene(), LABELS).reasons == (
        "the filter “second_partner.region is AMER” does not hold: second_partner.region is EMEA",
        "the filter “deal.lifecycle is won” does not hold: deal.lifecycle is Finalize requested",
        "the filter “owner_company.vertical is Health” does not hold: owner_company.vertical is blank",
    )


def test_values_are_said_as_people_read_them() -> None:
    shown = scene(deal=DEAL.changed({"stage": "closedwon"})).shown
    assert (shown["deal.stage"], scene(deal=DEAL.changed({"stage": "in_talks"})).shown["deal.stage"]) == ("Closed won", "In talks")
    assert shown["deal.lifecycle"] == "Finalize requested"
    assert shown["deal.is_registered"] == "yes"
    assert shown["second_partner.lines"] == "a, b"
    assert shown["second_partner.account_type"] == "Distributor"
    assert (shown["deal.owner_company"], shown["deal.owner_user"], shown["deal.amount"]) == ("Birch", "Bob", "10.50")
    assert shown["deal.link"] == "https://portal.example.com/deals/d1"


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def happened(before: Deal | None, after: Deal) -> list[tuple[str, tuple[str, ...]]]:
    return [(str(one.trigger), one.sides) for one in occasions(before, after, version=2)]


def test_a_new_deal_is_registered_and_a_watched_change_is_an_update() -> None:
    both = ("owner_company", "second_partner")
    assert happened(None, DEAL) == [("registered", both)]
    assert happened(DEAL, DEAL.changed({"amount": Decimal(7)})) == [("updated", both)]
    assert happened(DEAL, DEAL.changed({"term_years": 2})) == []
    assert happened(DEAL, DEAL) == []
    assert happened(None, DEAL.changed({"lifecycle": "draft"})) == []


def test_a_second_partner_that_is_new_on_a_known_deal_is_registered_for_its_own_side() -> None:
    after = DEAL.changed({"second_partner": "c7", "amount": Decimal(7)})
    assert sorted(happened(DEAL, after)) == [("registered", ("second_partner",)), ("updated", ("owner_company",))]
    ruling = rule_on(JOURNEY, scene(), LABELS, ("second_partner",))
    assert told(ruling) == ["edda"]
    assert ruling.reasons == ("Partner Manager: this event is not news for that side",)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reach_above_the_share_is_confirmed_by_a_number_that_is_not_smaller() -> None:
    assert JourneyReach(50, 100, 50).is_confirmed(0)
    assert not JourneyReach(51, 100, 50).is_confirmed(50)
    assert JourneyReach(51, 100, 50).is_confirmed(51)
    assert str(JourneyReach(1200, 1500, 50)) == "could reach 1,200 of 1,500 users; without a confirmation it may reach 50 %"


def test_mails_above_the_number_wait_and_the_count_begins_anew_when_a_person_has_looked() -> None:
    assert not is_held(498, 2, 500)
    assert is_held(499, 2, 500)
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert counted_since(now, None) == now - timedelta(hours=1)
    assert counted_since(now, now - timedelta(minutes=5)) == now - timedelta(minutes=5)
    assert counted_since(now, now - timedelta(days=5)) == now - timedelta(hours=1)
