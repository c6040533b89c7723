"""Who is told of what: never the actor, the inactive or who may not see it; each person once; and nothing of a no-op."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_worker.domain.core.deal import Actor, Deal, Track
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.tell.notification import (
    POLICY,
    SECOND_DECIDERS,
    WATCHED,
    Audience,
    Marks,
    News,
    Topic,
    news_of,
    quote_news,
    reminders,
)
from sync_worker.domain.tell.recipients import Crowd, PersonalNotice, notices


def user(name: str, company: str | None, role: Role = Role.MANAGER, **more: Any) -> User:
    return User(name, f"{name}@example.com", name.title(), role, company, **more)


REP = user("rep", "birch", Role.SALES)
PEER = user("peer", "birch", Role.SALES)
BOSS = user("boss", "birch")
CHIEF = user("chief", "birch", Role.EXECUTIVE)
DISTY = user("disty", "arrow")
DISTY_SALES = user("disty_sales", "arrow", Role.SALES)
ADMIN = user("admin", "vendor", Role.EXECUTIVE, is_vendor_admin=True)
STRANGER = user("stranger", "cedar")
EVERYBODY = (REP, PEER, BOSS, CHIEF, DISTY, DISTY_SALES, ADMIN, STRANGER)
DISTY_CHIEF = user("disty_chief", "arrow", Role.EXECUTIVE)
CROWD = Crowd(EVERYBODY, {"birch": "Care@Vendor.example", "arrow": ""})


def deal(**values: Any) -> Deal:
    ready: dict[str, Any] = {
        "owner_company": "birch",
        "second_partner": "arrow",
        "owner_user": "rep",
        "lifecycle": "submitted",
        "amount": 1,
    }
    return Deal("d1", {**ready, **values})


def noticed(
    *news: News, now: Deal | None = None, crowd: Crowd = CROWD, actor: Actor | None = None, **more: Any
) -> dict[str, PersonalNotice]:
    found = notices(news, now or deal(), crowd, actor=actor, **more)
    assert len(found) == len({one.user.id for one in found})
    return {one.user.email.split("@")[0]: one for one in found}


def told(news: News, now: Deal | None = None, **more: Any) -> list[str]:
    return list(noticed(news, now=now, **more))


def registered() -> News:
    _, news = news_of(None, deal(), version=1)
    return news


# ── to whom ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_registration_is_told_to_the_rep_the_managers_and_the_account_owner_on_both_sides() -> None:
    assert told(registered()) == ["boss", "Care", "disty", "rep"]
    assert told(registered(), deal(second_partner=None)) == ["boss", "Care", "rep"]


def test_of_the_second_partner_its_executives_and_the_user_who_registered_are_told_too() -> None:
    crowd = replace(CROWD, users=(*EVERYBODY, DISTY_CHIEF), owner_emails={"arrow": "care@vendor.example"})
    now = deal(registered_by="disty_sales")
    everybody = ["boss", "care", "disty", "disty_chief", "disty_sales", "rep"]
    assert told(registered(), now, crowd=crowd) == everybody
    (updated,) = news_of(deal(vendor_approval="approved"), deal(vendor_approval="approved", amount=2), version=2)
    assert told(updated, now, crowd=crowd) == everybody
    # An executive of the owner company is not, nor is a user of it who registered for a colleague: they are not in the rule
    assert told(registered(), deal(registered_by="peer"), crowd=crowd) == ["boss", "care", "disty", "disty_chief", "rep"]


def test_a_member_with_the_role_of_an_account_owner_is_told_as_one() -> None:
    own, theirs = user("own", "birch", Role.ACCOUNT_OWNER), user("theirs", "arrow", Role.ACCOUNT_OWNER)
    assert {"own", "theirs"} <= set(told(registered(), crowd=replace(CROWD, users=(*EVERYBODY, own, theirs))))


def test_who_did_it_is_not_told() -> None:
    assert told(registered(), actor=Actor("Rep", "birch", "portal", REP)) == ["boss", "Care", "disty"]


def test_an_inactive_user_is_not_told() -> None:
    crowd = replace(CROWD, users=[replace(one, is_active=False) for one in EVERYBODY])
    assert told(registered(), crowd=crowd) == ["Care"]


def test_an_admin_is_told_as_somebodys_account_owner_and_not_as_admin() -> None:
    assert "admin" not in told(registered())
    assert "admin" in told(registered(), crowd=replace(CROWD, owner_emails={"birch": "ADMIN@example.com"}))


def test_one_person_is_told_once_whatever_the_reasons() -> None:
    crowd = replace(CROWD, owner_emails={"birch": "boss@example.com", "arrow": "boss@example.com"})
    assert told(registered(), deal(owner_user="boss"), crowd=crowd) == ["boss", "disty"]


def test_a_switch_that_is_off_tells_nobody() -> None:
    assert told(registered(), switched_on={Topic.DEAL_UPDATED}) == []


def test_the_vendor_is_alerted_when_a_deal_is_to_be_finalized() -> None:
    before, after = deal(), deal(lifecycle="finalize_requested")
    finalize, updated = news_of(before, after, version=2)
    assert (finalize.event, told(finalize, after)) == ("finalize/d1/2", ["admin"])
    assert updated.notice is Topic.DEAL_UPDATED


def test_what_the_crm_gives_a_new_record_by_itself_is_no_update() -> None:
    fresh = deal(stage=None, crm_owner=None)
    assert news_of(fresh, deal(stage="Open", crm_owner="005"), version=2) == ()
    assert [one.fields for one in news_of(deal(stage="Open"), deal(stage="Working"), version=3)] == [("stage",)]


def test_a_quote_goes_to_the_members_of_its_company_who_see_the_deal() -> None:
    assert told(quote_news("q1", deal(), "arrow")) == ["disty"]
    assert told(quote_news("q1", deal(), "birch")) == ["boss", "chief", "rep"]


@given(
    st.sampled_from(Topic),
    st.sets(st.sampled_from(EVERYBODY)),
    st.one_of(st.none(), st.sampled_from(EVERYBODY)),
    st.dictionaries(st.sampled_from(["birch", "arrow"]), st.sampled_from([one.email for one in EVERYBODY])),
)
def test_nobody_is_told_twice_and_no_third_company_and_never_the_actor(
    notice: Topic, users: set[User], doer: User | None, owner_emails: dict[str, str]
) -> None:
    crowd = Crowd(tuple(users), owner_emails)
    actor = Actor(doer.name, doer.primary_company, "portal", doer) if doer else None
    people = [one.user for one in notices([News("e", notice, POLICY[notice])], deal(), crowd, actor=actor)]
    addresses = [one.email for one in people]
    assert len(addresses) == len(set(addresses))
    if doer in users:
        assert doer not in people
    if STRANGER.email not in owner_emails.values():
        assert STRANGER not in people


# ── what is news ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(WATCHED - {"lifecycle"}))
def test_a_change_of_a_watched_field_is_an_update(name: str) -> None:
    there = {"stage": "Open", "crm_owner": "005"}
    changed = {**there, name: "approved" if name.endswith("approval") else "x"}
    (news,) = news_of(deal(**there), deal(**changed), version=2)
    assert (news.notice, news.fields) == (Topic.DEAL_UPDATED, (name,))


def test_a_no_op_another_field_and_a_draft_are_no_news() -> None:
    assert news_of(deal(), deal(), version=2) == ()
    assert news_of(deal(stage=None), deal(), version=2) == ()
    assert news_of(deal(), deal(licence_count=9), version=2) == ()
    assert news_of(None, deal(lifecycle="draft"), version=1) == ()


def test_a_draft_that_is_submitted_is_a_registration() -> None:
    waits, news = news_of(deal(lifecycle="draft"), deal(), version=2)
    assert (waits.notice, news.notice) == (Topic.APPROVAL_WAITS, Topic.DEAL_REGISTERED)


def test_a_second_partner_set_or_replaced_counts_as_registered_for_the_new_company_alone() -> None:
    first, second = news_of(deal(second_partner=None, amount=1), deal(amount=2), version=2)
    assert (first.notice, told(first)) == (Topic.DEAL_REGISTERED, ["disty"])
    assert (second.notice, told(second)) == (Topic.DEAL_UPDATED, ["boss", "Care", "rep"])
    assert news_of(deal(), deal(second_partner=None), version=2) == ()


def test_the_same_change_has_the_same_key_and_the_next_one_another() -> None:
    (one,), (again,), (later,) = (news_of(deal(), deal(amount=2), version=version) for version in (2, 2, 3))
    assert one.event == again.event != later.event


# ── the vendor is asked ──────────────────────────────────────────────────────────────────────────────────────────────


def asked(before: Deal | None, after: Deal, **more: Any) -> list[str]:
    """The people who are told at once that an approval waits."""
    return [name for one in news_of(before, after, version=2, **more) if one.notice is Topic.APPROVAL_WAITS for name in told(one, after)]


def test_the_vendors_admins_hear_at_once_of_a_registration_that_waits_for_them() -> None:
    assert asked(None, deal()) == asked(deal(lifecycle="draft"), deal()) == ["admin"]
    assert (
        asked(None, deal(vendor_approval="approved")) == asked(None, deal(lifecycle="won")) == asked(None, deal(owner_company=None)) == []
    )
    assert asked(None, deal(), tracks={Track.DISTRIBUTOR}) == []


def test_they_hear_of_it_once_for_each_time_that_it_begins_to_wait() -> None:
    assert asked(deal(), deal(amount=2)) == []
    assert asked(deal(vendor_approval="returned"), deal()) == ["admin"]
    assert asked(deal(vendor_approval="approved"), deal(vendor_approval="renewal_pending")) == ["admin"]
    assert asked(deal(lifecycle="expired", vendor_approval="approved"), deal(lifecycle="expired", vendor_approval="renewal_pending")) == [
        "admin"
    ]
    assert asked(deal(lifecycle="disabled"), deal()) == ["admin"]


def test_the_later_reminder_is_another_event_and_no_days_of_waiting_are_none() -> None:
    at_once = {news.event for news in news_of(None, deal(), version=1)}
    marks = Marks([], [0, 3])
    assert reminders(deal(), date(2026, 3, 1), since=date(2026, 3, 1), marks=marks) == ()
    assert not at_once & {news.event for news in reminders(deal(), date(2026, 3, 4), since=date(2026, 3, 1), marks=marks)}
    later = reminders(deal(), date(2026, 3, 4), since=date(2026, 3, 1), marks=Marks([], [3], {Track.DISTRIBUTOR}))
    assert [news.audience for news in later] == [SECOND_DECIDERS]


# ── one notice for one person ────────────────────────────────────────────────────────────────────────────────────────


def test_an_admin_who_is_the_account_owner_too_gets_one_notice_that_says_both() -> None:
    crowd = replace(CROWD, owner_emails={"birch": "admin@example.com"})
    found = noticed(*news_of(None, deal(), version=1), crowd=crowd)
    assert {name: one.news.notice for name, one in found.items()} == {
        "admin": Topic.APPROVAL_WAITS,
        "boss": Topic.DEAL_REGISTERED,
        "disty": Topic.DEAL_REGISTERED,
        "rep": Topic.DEAL_REGISTERED,
    }
    assert found["admin"].audiences == (Audience.VENDOR, Audience.OWNER_NAMED)
    (switched,) = [one for one in noticed(*news_of(None, deal(), version=1), crowd=crowd, switched_on=[Topic.DEAL_REGISTERED]).items()][:1]
    assert (switched[0], switched[1].news.notice) == ("admin", Topic.DEAL_REGISTERED)


def test_a_manager_of_both_sides_gets_one_notice_of_a_new_second_partner_and_an_update() -> None:
    both = replace(BOSS, further_companies=frozenset({"arrow"}))
    now = deal(vendor_approval="approved", amount=2)
    news = news_of(deal(vendor_approval="approved", second_partner=None), now, version=2)
    one = noticed(*news, now=now, crowd=replace(CROWD, users=(both,)))["boss"]
    assert (one.news.notice, one.fields) == (Topic.DEAL_REGISTERED, ("amount",))
    assert one.audiences == (Audience.SECOND_MANAGERS, Audience.OWNER_MANAGERS)


# ── reminders ────────────────────────────────────────────────────────────────────────────────────────────────────────


def reminded(day: str, **values: Any) -> list[str]:
    now = deal(expires_on=date(2026, 3, 31), vendor_approval="approved", distributor_approval="approved", **values)
    found = reminders(now, date.fromisoformat(day), since=date(2026, 3, 1), marks=Marks([30, 7, 1], [3, 10]))
    return [news.event.removeprefix("expires/d1/2026-03-31/") for news in found]


@pytest.mark.parametrize(
    ("day", "mark"),
    [("2026-02-28", []), ("2026-03-01", ["30"]), ("2026-03-23", ["30"]), ("2026-03-24", ["7"]), ("2026-03-31", ["1"]), ("2026-04-01", [])],
)
def test_an_expiry_is_announced_at_each_mark_once(day: str, mark: list[str]) -> None:
    assert reminded(day) == mark


def test_an_approval_that_waits_is_asked_of_whose_it_is() -> None:
    now = deal(vendor_approval="pending", distributor_approval="pending")
    news = reminders(now, date(2026, 3, 4), since=date(2026, 3, 1), marks=Marks([], [3, 10]))
    assert [told(one, now) for one in news] == [["disty"], ["admin"]]
    assert reminders(now, date(2026, 3, 3), since=date(2026, 3, 1), marks=Marks([], [3, 10])) == ()
    assert {one.audience for one in news} == {SECOND_DECIDERS, (Audience.VENDOR,)}


def test_a_deal_that_is_over_or_under_way_reminds_nobody() -> None:
    assert reminded("2026-03-30", lifecycle="withdrawn") == reminded("2026-03-30", lifecycle="finalize_requested") == []
