"""Dynamic groups: the users of the companies that match, in the commit that changes a company, a user or the group itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from crm_sandbox.remote import Remote
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.deal import Refusal
from sync_worker.domain.core.user import Role
from sync_worker.domain.people.group import MOST_GROUPS, UserGroup
from sync_worker.domain.tell.event import KINDS
from sync_worker.errors import Stopped
from sync_worker.steps.operate.erase import erase
from sync_worker.steps.people import groups as steps
from sync_worker.steps.people import regroup
from sync_worker.steps.people.groups import WantedGroup
from sync_worker.steps.people.regroup import REGROUP, evaluate_groups
from sync_worker.steps.people.users import UserData, deactivate, put
from sync_worker.store.core import companies, feed
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.feed import StoredEvent
from sync_worker.store.people import groups
from tests.integration.due import due
from tests.integration.steps.world import World

PARTNERS = Condition("account_type", "is", ("partner",))
DISTRIBUTORS = Condition("account_type", "is", ("second_partner",))


def with_feed(world: World) -> World:
    """The portal has a feed from now on."""
    world.store = Store(world.store.url, clock=world.clock, shared_clock=world.clock, events={"acme": frozenset(KINDS)})
    world.tenant = world.process()
    return world


@pytest.fixture
def portal(world: World) -> Iterator[World]:
    """A portal with a feed and two users: Bea of Birch Systems, a partner, and Arlo of Arrow Electronics, a second partner."""
    before = world.store
    with_feed(world)
    tell(world, "bea", "Birch Systems")
    tell(world, "arlo", "Arrow Electronics")
    yield world
    before.close()


def tell(world: World, user_id: str, company: str, *further: str, **more: Any) -> None:
    told = put(world.tenant, UserData(user_id, f"{user_id}@example.com", user_id.title(), Role.SALES, company, further, **more))
    assert not isinstance(told, Refusal), told


def make(world: World, key: str, *conditions: Condition) -> None:
    """A new group, evaluated."""
    made = steps.make(world.tenant, WantedGroup(key, key.title(), conditions), by="the portal", finish=lambda _tx, _group: None)
    assert isinstance(made, UserGroup), made
    world.settle({REGROUP})


def edit(world: World, key: str, *conditions: Condition, name: str = "") -> None:
    """Not evaluated yet."""
    assert isinstance(steps.edit(world.tenant, WantedGroup(key, name or key.title(), conditions), by="the portal"), UserGroup)


def members(world: World, key: str) -> list[str]:
    with world.store.reading("acme") as tx:
        return groups.member_ids(tx, key, limit=99)


def told(world: World, *, after: int = 0, kind: str = "group.") -> list[StoredEvent]:
    with world.store.reading("acme") as tx:
        return [event for event in feed.listed(tx, after=after, limit=1000) if event.kind.startswith(kind)]


def last_seq(world: World) -> int:
    with world.store.reading("acme") as tx:
        return feed.reach(tx)[1]


def moved(world: World, after: int) -> list[tuple[str, str, str | None, str | None]]:
    """Who joined and left since: (kind, user, group before, group after)."""
    found = [(event, event.data["changed"]["group"]) for event in told(world, after=after) if event.record == "user"]
    return [(event.kind, event.record_id, changed["before"], changed["after"]) for event, changed in found]


def tables_of(tx: Tx) -> int:
    """How many rows say which company is in which group."""
    return sum(len(held) for held in groups.held(tx, [company.id for company in companies.page(tx, after="", limit=999)]).values())


# ── a company changes ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_companys_type_changes_in_the_crm_and_its_users_join_and_leave_in_that_commit(portal: World, remote: Remote) -> None:
    # Given two groups by account type, and a user of Birch Systems
    make(portal, "partners", PARTNERS)
    make(portal, "distributors", DISTRIBUTORS)
    assert (members(portal, "partners"), members(portal, "distributors")) == (["bea"], ["arlo"])
    seen = last_seq(portal)
    # When somebody makes a distributor of Birch Systems in the CRM
    remote.edit("Account", portal.id_of("Birch Systems"), {"Portal_Account_Type__c": "Distributor"})
    portal.pull("company")
    # Then its user is in the other group, and the portal hears of both in the commit that changed the company
    assert (members(portal, "partners"), members(portal, "distributors")) == ([], ["arlo", "bea"])
    assert moved(portal, seen) == [("group.joined", "bea", None, "distributors"), ("group.left", "bea", "partners", None)]
    assert len({event.at for event in (*told(portal, after=seen), *told(portal, after=seen, kind="company."))}) == 1
    # And reading the same again tells nothing
    seen = last_seq(portal)
    portal.pull("company")
    assert last_seq(portal) == seen


def test_a_company_that_is_deactivated_is_in_no_group_until_it_is_back(portal: World, remote: Remote) -> None:
    make(portal, "everybody")
    seen = last_seq(portal)
    for status in ("Inactive", "Active"):
        remote.edit("Account", portal.id_of("Birch Systems"), {"Portal_Status__c": status})
        portal.pull("company")

    assert moved(portal, seen) == [("group.left", "bea", "everybody", None), ("group.joined", "bea", None, "everybody")]


def test_a_user_who_is_in_the_group_by_another_company_neither_joins_nor_leaves(portal: World, remote: Remote) -> None:
    make(portal, "partners", PARTNERS)
    tell(portal, "bea", "Birch Systems", "Cedar IT")
    seen = last_seq(portal)

    remote.edit("Account", portal.id_of("Birch Systems"), {"Portal_Account_Type__c": "Distributor"})
    portal.pull("company")

    assert (members(portal, "partners"), moved(portal, seen)) == (["bea"], [])


def test_a_company_that_loses_a_merge_takes_its_users_along(portal: World, remote: Remote) -> None:
    make(portal, "birch", Condition("name", "is", ("Birch Systems",)))
    make(portal, "cedar", Condition("name", "is", ("Cedar IT",)))
    seen = last_seq(portal)

    remote.merge(portal.id_of("Cedar IT"), [portal.id_of("Birch Systems")])
    portal.pull("company")

    assert (members(portal, "birch"), members(portal, "cedar")) == ([], ["bea"])
    assert sorted(moved(portal, seen)) == [("group.joined", "bea", None, "cedar"), ("group.left", "bea", "birch", None)]


def test_a_first_load_fills_the_groups_and_tells_nothing_of_it(empty_world: World) -> None:
    before = empty_world.store
    with_feed(empty_world)
    empty_world.settle()
    made = steps.make(empty_world.tenant, WantedGroup("p", "P", (PARTNERS,)), by="x", finish=lambda _tx, _group: None)
    assert isinstance(made, UserGroup)
    empty_world.settle({REGROUP})

    empty_world.pull()
    before.close()

    with empty_world.store.reading("acme") as tx:
        assert groups.counts(tx, "p", 1)[0] > 5
    assert moved(empty_world, 0) == []


# ── a user changes ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_users_join_and_leave_as_the_portal_tells_of_them(portal: World) -> None:
    make(portal, "partners", PARTNERS)
    make(portal, "distributors", DISTRIBUTORS)
    seen = last_seq(portal)

    tell(portal, "nina", "Cedar IT", "Arrow Electronics")
    tell(portal, "nina", "Cedar IT")
    deactivate(portal.tenant, "nina")
    tell(portal, "nina", "Cedar IT")

    assert moved(portal, seen) == [
        ("group.joined", "nina", None, "distributors"),
        ("group.joined", "nina", None, "partners"),
        ("group.left", "nina", "distributors", None),
        ("group.left", "nina", "partners", None),
        ("group.joined", "nina", None, "partners"),
    ]


def test_an_erased_user_is_in_no_group_and_in_no_event(portal: World) -> None:
    make(portal, "partners", PARTNERS)
    tell(portal, "nina", "Cedar IT")

    assert not isinstance(erase(portal.tenant, "nina"), Refusal)

    assert members(portal, "partners") == ["bea"]
    assert "nina" not in repr(told(portal, kind=""))


# ── a group changes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_counts_when_all_of_it_is_evaluated_and_is_one_event(
    portal: World, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a group, and an edit of it that is half evaluated, page by page
    monkeypatch.setattr(regroup, "PAGE_COUNT", 5)
    make(portal, "chosen", PARTNERS)
    edit(portal, "chosen", DISTRIBUTORS, name="Chosen ones")
    seen = last_seq(portal)
    monkeypatch.setattr(type(portal.tenant.turn), "is_over", True)
    assert evaluate_groups(portal.tenant).follow_ups == {REGROUP}
    # Then the old answer stands
    assert (members(portal, "chosen"), told(portal, after=seen)) == (["bea"], [])
    # And a company that changes meanwhile is held against both conditions
    remote.edit("Account", portal.id_of("Birch Systems"), {"Portal_Account_Type__c": "Distributor"})
    portal.pull("company")
    assert members(portal, "chosen") == []
    # When it is evaluated to its end
    seen = last_seq(portal)
    portal.settle({REGROUP})
    # Then it counts, and the portal hears of it once
    assert members(portal, "chosen") == ["arlo", "bea"]
    [event] = told(portal, after=seen)
    assert (event.kind, event.record, event.record_id, event.data["actor"]) == ("group.changed", "group", "chosen", "the portal")
    assert event.data["changed"]["conditions"] == {"before": ["account_type is partner"], "after": ["account_type is second_partner"]}
    assert event.data["changed"]["user_count"] == {"before": 0, "after": 2}
    # And nothing of the earlier conditions is left
    with portal.store.reading("acme") as tx:
        assert tables_of(tx) == groups.counts(tx, "chosen", 2)[0]
    assert REGROUP not in set(due(portal.tenant))


def test_a_process_that_stops_goes_on_where_it_ended(portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regroup, "PAGE_COUNT", 5)
    steps.make(portal.tenant, WantedGroup("partners", "P", (PARTNERS,)), by="x", finish=lambda _tx, _group: None)
    services = portal.services
    portal.services = replace(services, is_stopping=lambda: True)
    with pytest.raises(Stopped):
        evaluate_groups(portal.process())
    portal.services = services
    assert members(portal, "partners") == []
    assert REGROUP in set(due(portal.tenant))

    portal.settle({REGROUP})

    assert members(portal, "partners") == ["bea"]


def test_another_name_counts_at_once(portal: World) -> None:
    make(portal, "partners", PARTNERS)
    seen = last_seq(portal)

    edit(portal, "partners", PARTNERS, name="All partners")

    assert REGROUP not in set(due(portal.tenant))
    assert [event.data["changed"] for event in told(portal, after=seen)] == [{"name": {"before": "Partners", "after": "All partners"}}]


def test_a_deleted_group_is_empty_at_once_and_its_key_can_be_used_again(portal: World) -> None:
    make(portal, "partners", PARTNERS)
    seen = last_seq(portal)

    assert isinstance(steps.delete(portal.tenant, "partners", by="the portal"), UserGroup)

    assert members(portal, "partners") == []
    assert [(event.kind, event.data["changed"]["name"]) for event in told(portal, after=seen)] == [
        ("group.changed", {"before": "Partners", "after": None})
    ]
    make(portal, "partners", DISTRIBUTORS)
    assert members(portal, "partners") == ["arlo"]
    assert isinstance(steps.delete(portal.tenant, "partners", by="the portal"), UserGroup)
    portal.settle({REGROUP})
    with portal.store.reading("acme") as tx:
        assert (tables_of(tx), groups.unsettled(tx)) == (0, None)


def test_there_is_an_end_of_groups(portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_GROUPS == 200
    monkeypatch.setattr(steps, "MOST_GROUPS", 1)
    make(portal, "partners", PARTNERS)
    more = steps.make(portal.tenant, WantedGroup("more", "M", ()), by="x", finish=lambda _tx, _group: None)
    assert isinstance(more, Refusal)
    assert more.code == "groups_many"
