"""People and what they see, on both databases: a list holds exactly the deals that `can_see` allows; who is erased is nowhere."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import select

from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.people.visibility import Viewer, can_see, shares
from sync_worker.domain.tell.event import KINDS
from sync_worker.store.core.engine import Store
from sync_worker.store.core.tables import events
from sync_worker.store.deals import deals, pipeline
from sync_worker.store.deals.narrowing import Narrowing
from sync_worker.store.deals.tables import deal_changes
from sync_worker.store.operate import erasure
from sync_worker.store.operate.schema import metadata
from sync_worker.store.people import people
from tests.contract.store.samples import change, deal

WON = Narrowing(equal=[("lifecycle", "won")])

COMPANIES = ("c1", "c2", "c3")
REPS = [User(f"rep-{role}", f"{role}@example.com", role.title(), role, "c1") for role in Role]


def any_deals(chance: random.Random, count: int) -> list[StoredDeal]:
    return [
        deal(
            f"d{number:03}",
            owner_company=chance.choice([None, *COMPANIES]),
            second_partner=chance.choice([None, *COMPANIES]),
            lifecycle=chance.choice(["draft", "submitted", "won"]),
            owner_user=chance.choice([None, "me", "gone", *(rep.id for rep in REPS)]),
            registered_by=chance.choice([None, "me", "rep-sales"]),
        )
        for number in range(count)
    ]


def test_a_list_holds_exactly_the_deals_that_may_be_seen(store: Store) -> None:
    # Given deals of every kind, when every kind of user asks for theirs
    chance = random.Random(7)
    with store.transaction("acme") as tx:
        people.save(tx, REPS)
        deals.save(tx, any_deals(chance, 300))
    reps = {rep.id: rep for rep in REPS}
    further = (frozenset[str](), frozenset({"c2"}))
    viewers = [
        Viewer(replace(rep, id="me", primary_company=company, further_companies=more, is_vendor_admin=is_admin), as_owner, parents)
        for rep, company, more, is_admin in product(REPS, COMPANIES, further, (False, True))
        for as_owner, parents in ((frozenset[str](), dict[str, str]()), (frozenset({"c3"}), {"c1": "c2", "c3": "c1"}))
    ]
    viewers.append(Viewer(replace(REPS[0], id="me", primary_company="vendor"), is_of_vendor=True))
    with store.reading("acme") as tx:
        everything = deals.listed(tx)
        for viewer in viewers:
            found = {one.stored.deal.id for one in pipeline.seen(tx, shares(viewer), limit=1000)}
            # then the database answers what the policy answers of each of them
            assert found == {one.deal.id for one in everything if can_see(viewer, one.deal, reps.get(one.deal.owner_user or ""))}, viewer


def test_a_list_is_read_page_by_page_and_by_column(store: Store) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, any_deals(random.Random(8), 50))
    admin = Viewer(User("vera", "v@example.com", "Vera", Role.SALES, None, is_vendor_admin=True))
    with store.reading("acme") as tx:
        first = pipeline.seen(tx, shares(admin), WON, limit=3)
        last = first[-1]
        second = pipeline.seen(tx, shares(admin), WON, after=(last.place, last.stored.deal.id), limit=1000)
        whole = pipeline.seen(tx, shares(admin), WON, limit=1000)
    assert [*first, *second] == whole
    assert {one.stored.deal.lifecycle for one in whole} == {"won"}


def test_nobody_without_a_share_sees_anything(store: Store) -> None:
    with store.transaction("acme") as tx:
        deals.save(tx, any_deals(random.Random(9), 20))
        assert pipeline.seen(tx, ()) == []


ANN = User("u1", "ann@example.com", "Ann", Role.MANAGER, "c1", frozenset({"c2"}))


def test_a_user_comes_back_as_told_and_leaves_companies(store: Store) -> None:
    with store.transaction("acme") as tx:
        people.save(tx, [ANN, replace(ANN, id="u2", name="Bo", primary_company="c2", further_companies=frozenset())])
        assert people.get(tx, "u1") == ANN
        assert [one.id for one in people.of_companies(tx, ["c2"])] == ["u1", "u2"]
        people.save(tx, [replace(ANN, further_companies=frozenset())])
        assert [one.id for one in people.of_companies(tx, ["c2"])] == ["u2"]


@pytest.mark.parametrize(("old", "expected"), [("c1", ("c9", frozenset({"c2"}))), ("c2", ("c1", frozenset({"c9"})))])
def test_members_of_a_company_that_lost_a_merge_go_along(store: Store, old: str, expected: tuple[str, frozenset[str]]) -> None:
    with store.transaction("acme") as tx:
        people.save(tx, [ANN])
        people.move_company(tx, old, "c9")
        moved = people.get(tx, "u1")
    assert moved is not None
    assert (moved.primary_company, moved.further_companies) == expected


def test_who_is_erased_is_nowhere_and_what_was_done_stays(store: Store) -> None:
    # Given a user who owns a deal and stands in its history, under two names, beside somebody whose id ends alike
    with store.transaction("acme") as tx:
        tx = replace(tx, events=frozenset(KINDS))  # history is told to the portal's feed, too
        people.save(tx, [ANN, replace(ANN, id="xu1", name="Xu")])
        deals.save(tx, [deal(owner_user="u1", registered_by="u1")])
        deals.record_changes(tx, [change(version=1, actor="Ann (u1)", note="Ann (u1): edit"), change(version=2, actor="Anna (u1)")])
        deals.record_changes(tx, [change(version=3, actor="Xu (xu1)", note="Xu (xu1): edit")])
    # When she is erased
    with store.transaction("acme") as tx:
        erasure.erase(tx, "u1")
        erasure.forget_person(tx, ANN)
    # Then no row of the database knows her name, and three changes are still there
    with store.reading("acme") as tx:
        rows = [row for table in metadata.sorted_tables for row in tx.connection.execute(select(table)).all()]
        assert "Ann" not in repr(rows)
        assert "ann@" not in repr([row for row in rows if "xu1" not in repr(row)])
        actors = tx.connection.execute(select(deal_changes.c.actor, deal_changes.c.note).order_by(deal_changes.c.version)).all()
        assert [tuple(row) for row in actors] == [
            ("an erased person", "an erased person: edit"),
            ("an erased person", ""),
            ("Xu (xu1)", "Xu (xu1): edit"),
        ]
        told = tx.connection.execute(select(events.c.data).order_by(events.c.seq)).scalars()
        assert [data["actor"] for data in told] == ["an erased person", "an erased person", "Xu (xu1)"]
        assert people.get(tx, "u1") is None
        assert people.get(tx, "xu1") is not None
        stored = deals.get(tx, "d1")
        assert stored is not None
        assert (stored.deal.owner_user, stored.deal.registered_by) == (None, None)


def test_the_same_prospect_of_another_company_is_found_and_ones_own_is_not(store: Store) -> None:
    with store.transaction("acme") as tx:
        deals.save(
            tx,
            [
                deal("d1", owner_company="c1", prospect_name="Globex Inc."),
                deal("d2", owner_company="c2", prospect_name="Other", contact_email="bo@globex.com"),
                deal("d3", owner_company="c3", prospect_name="GLOBEX"),
                deal("d4", owner_company="c2", prospect_name="Globex", lifecycle="withdrawn"),
            ],
        )
        asked = {"owner_company": "c3", "prospect_name": "globex", "contact_email": "ann@Globex.com"}
        assert [one.id for one in deals.of_prospect(tx, asked, but=["withdrawn"])] == ["d1", "d2"]
        assert deals.of_prospect(tx, {"owner_company": "c3"}, but=[]) == []
