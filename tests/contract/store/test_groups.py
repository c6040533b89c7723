"""Groups on both databases: members are the active users of the companies that meet the conditions, through every change there can be."""

from __future__ import annotations

import random
from dataclasses import replace

from sync_worker.domain.core.company import AccountType, Company, PortalStatus, StoredCompany
from sync_worker.domain.core.conditions.condition import Condition
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.people.group import GroupPart, matches
from sync_worker.domain.tell.event import KINDS
from sync_worker.steps.people.regroup import regroup
from sync_worker.store.core import companies, feed
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.people import groups, people

CONDITIONS = {
    "gold": (Condition("tier", "is", ("Gold",)),),
    "partners": (Condition("account_type", "is", ("partner",)),),
    "gold-in-emea": (Condition("tier", "is", ("Gold",)), Condition("region", "one_of", ("EMEA", "APAC"))),
    "everybody": (),
}


def any_company(chance: random.Random, number: int) -> Company:
    attributes = {"tier": chance.choice(["Gold", "Silver"]), "region": chance.choice(["EMEA", "APAC", "AMER"])}
    kind = chance.choice([AccountType.PARTNER, AccountType.SECOND_PARTNER])
    return Company(f"c{number}", f"00{number}", f"Company {number}", chance.choice(list(PortalStatus)), kind, attributes=attributes)


def any_user(chance: random.Random, number: int) -> User:
    primary, *further = chance.sample([f"c{place}" for place in range(12)], 3)
    return User(f"u{number}", f"u{number}@example.com", "U", Role.SALES, primary, frozenset(further), is_active=chance.random() < 0.8)


def expected(known: dict[str, Company], users: dict[str, User], key: str) -> list[str]:
    inside = {company.id for company in known.values() if matches(CONDITIONS[key], company)}
    return sorted(user.id for user in users.values() if user.is_active and user.companies & inside)


def made(tx: Tx) -> None:
    for key, conditions in CONDITIONS.items():
        groups.stand(tx, groups.write(tx, key, name=key, conditions=conditions, by="Ann"))


def test_members_are_right_after_every_change_of_companies_and_users_and_the_feed_says_the_same(store: Store) -> None:
    # Given groups, and a receiver that keeps its own lists by what it is told
    chance, known, users, told = random.Random(7), dict[str, Company](), dict[str, User](), dict[str, set[str]]()
    with store.transaction("acme") as tx:
        made(tx)
    seen = 0
    for turn in range(40):
        # When some companies change, or some users
        with store.transaction("acme") as tx:
            tx = replace(tx, events=frozenset(KINDS))
            if turn % 2:
                changed = {user.id: user for user in (any_user(chance, chance.randrange(8)) for _ in range(3))}
                people.save(tx, list(changed.values()))
                users |= changed
            else:
                after = {company.id: company for company in (any_company(chance, chance.randrange(12)) for _ in range(4))}
                companies.save(tx, [StoredCompany(company, None) for company in after.values()])
                regroup(tx, [(known.get(company.id), company) for company in after.values()])
                known |= after
        # Then each list holds exactly the active users of the companies that match
        with store.reading("acme") as tx:
            for event in feed.listed(tx, after=seen, limit=1000):
                seen = event.seq
                if event.record == "user":
                    change = event.data["changed"]["group"]
                    if change["after"]:
                        told.setdefault(change["after"], set()).add(event.record_id)
                    else:
                        told[change["before"]].remove(event.record_id)
            for key in CONDITIONS:
                right = expected(known, users, key)
                assert groups.member_ids(tx, key, limit=99) == right
                assert sorted(told.get(key, ())) == right, "the feed alone is enough to keep the list"
                assert groups.counts(tx, key, 1)[1] == len(right)
            mine = groups.of_users(tx, users)
            assert {key for user in mine for key in mine[user]} <= CONDITIONS.keys()
            assert {(user, key) for user in mine for key in mine[user]} == {
                (user, key) for key in CONDITIONS for user in expected(known, users, key)
            }


def test_members_come_in_pages(store: Store) -> None:
    with store.transaction("acme") as tx:
        made(tx)
        people.save(tx, [User(f"u{number}", "a@example.com", "U", Role.SALES, "c1", frozenset({"c2"})) for number in range(5)])
        groups.enter(tx, [("c1", GroupPart("gold", 1)), ("c2", GroupPart("gold", 1)), ("c1", GroupPart("gold", 2))])
        assert groups.member_ids(tx, "gold", limit=2) == ["u0", "u1"]
        assert groups.member_ids(tx, "gold", after="u1", limit=9) == ["u2", "u3", "u4"]


def test_rows_of_earlier_conditions_are_cleared_a_few_at_a_time(store: Store) -> None:
    with store.transaction("acme") as tx:
        made(tx)
        groups.enter(tx, [(f"c{number}", GroupPart("gold", no)) for number in range(3) for no in (1, 2)])
        assert [groups.clear(tx, "gold", but_no=2, limit=2) for _ in range(3)] == [2, 1, 0]
        assert groups.held(tx, ["c0", "c1", "c2"]) == {f"c{number}": {GroupPart("gold", 2)} for number in range(3)}


def test_a_deleted_group_counts_no_more_and_a_new_one_of_its_key_begins_empty(store: Store) -> None:
    with store.transaction("acme") as tx:
        made(tx)
        people.save(tx, [User("u1", "a@example.com", "U", Role.SALES, "c1")])
        groups.enter(tx, [("c1", GroupPart("gold", 1))])
        assert groups.of_users(tx, ["u1"]) == {"u1": {"gold": {"c1"}}}
        groups.remove(tx, "gold")
        assert (groups.get(tx, "gold"), groups.of_users(tx, ["u1"])) == (None, {})
        again = groups.write(tx, "gold", name="Gold", conditions=[], by="Bo")
        assert (again.no, again.stood_no, groups.member_ids(tx, "gold", limit=9)) == (2, 0, [])
