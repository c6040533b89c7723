"""Lists and insights, on both databases: a list is in its order and each page continues the last; sums are those of the visible list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_worker.domain.core.company import AccountType
from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.insights import CurrencySum, DealGroup, Grouping, group_of, groups_of
from sync_worker.domain.people.visibility import Viewer, can_see, shares
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import deals, pipeline
from sync_worker.store.deals.narrowing import WHOLE, Bound, Narrowing
from sync_worker.store.deals.orders import ORDERED, order_of
from sync_worker.store.deals.sums import GroupsWanted, sums_of
from sync_worker.store.people import people
from tests.contract.store.samples import company, deal

ZONE = "Pacific/Auckland"
COMPANIES = ("c1", "c2", "c3")
REPS = [User(f"rep-{role}", f"{role}@example.com", role.title(), role, "c1") for role in Role]
KNOWN = {rep.id: rep for rep in REPS}
VERA = User("vera", "v@example.com", "Vera", Role.SALES, None, is_vendor_admin=True)
ALL_SEEN = shares(Viewer(VERA))

PORTALS = count()

amounts = st.none() | st.decimals(min_value=-(10**15), max_value=10**15, places=3)
texts = st.none() | st.text("aBäß'%_ ", max_size=4)
drawn_deals = st.lists(
    st.fixed_dictionaries(
        {
            "owner_company": st.none() | st.sampled_from(COMPANIES),
            "second_partner": st.none() | st.sampled_from(COMPANIES),
            "lifecycle": st.sampled_from(["draft", "submitted", "won"]),
            "outcome": st.sampled_from([None, "open", "won", "lost"]),
            "is_registered": st.booleans(),
            "owner_user": st.none() | st.sampled_from(["me", "gone", *KNOWN]),
            "registered_by": st.none() | st.sampled_from(["me", "rep-sales"]),
            "stage": st.none() | st.sampled_from(["Proposal", "closed", "Übergabe"]),
            "currency": st.none() | st.sampled_from(["EUR", "JPY"]),
            "amount": amounts,
            "expected_close_on": st.none() | st.dates(date(2025, 12, 30), date(2026, 2, 2)),
            "name": texts,
            "licence_count": st.none() | st.integers(0, 3),
        }
    ),
    max_size=12,
)
viewers = st.builds(
    lambda rep, further, is_admin, owned, parents: Viewer(
        User("me", "me@example.com", "Me", rep.role, "c1", further, is_admin), owned, parents
    ),
    st.sampled_from(REPS),
    st.frozensets(st.sampled_from(["c2"])),
    st.booleans(),
    st.frozensets(st.sampled_from(["c3"])),
    st.dictionaries(st.sampled_from(["c2", "c3"]), st.just("c1"), max_size=1),
)
narrowings = st.sampled_from(
    [
        WHOLE,
        Narrowing(text="a"),
        Narrowing(equal=[("outcome", "open")]),
        Narrowing(company="c2"),
        Narrowing(bounds=[Bound("expected_close_on", date(2026, 1, 1), date(2026, 2, 1))]),
    ]
)
few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def kept(store: Store, drawn: Iterable[dict[str, Any]]) -> str:
    """A portal of its own with these deals, each made at another hour of a new year's eve."""
    portal = f"p{next(PORTALS)}"
    with store.transaction(portal) as tx:
        people.save(tx, REPS)
        companies.save(tx, [company(id_, crm_id=id_, name=name) for id_, name in zip(COMPANIES, ("beta", "Alpha", "Gamma"), strict=True)])
        deals.save(tx, [moved(deal(f"d{number}", **values), number) for number, values in enumerate(drawn)])
    return portal


def moved(stored: StoredDeal, number: int) -> StoredDeal:
    at = datetime(2025, 12, 31, number % 24, tzinfo=UTC)
    return StoredDeal(stored.deal, 1, at, at, at if stored.deal.values["is_registered"] else None)


# ── insights ─────────────────────────────────────────────────────────────────────────────────────────────────────────

VALUE_OF: dict[Grouping, Callable[[StoredDeal], Any]] = {
    Grouping.STAGE: lambda one: one.deal.values["stage"],
    Grouping.OUTCOME: lambda one: one.deal.outcome.value,
    Grouping.MONTH: lambda one: month(one.deal.values["expected_close_on"]),
    Grouping.REGISTERED_MONTH: lambda one: month(one.registered_at and one.registered_at.astimezone(ZoneInfo(ZONE))),
    Grouping.OWNER_COMPANY: lambda one: one.deal.owner_company,
    Grouping.SECOND_PARTNER: lambda one: one.deal.second_partner,
}


def month(moment: Any) -> str | None:
    return moment and f"{moment:%Y-%m}"


def added(found: Iterable[StoredDeal], value: Any) -> DealGroup:
    """What a person finds who adds the list up."""
    by_currency: dict[Any, list[Decimal]] = defaultdict(list)
    everything = list(found)
    for one in everything:
        if (amount := one.deal.values["amount"]) is not None:
            assert isinstance(amount, Decimal)
            by_currency[one.deal.values["currency"]].append(amount)
    ordered = sorted(by_currency.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return DealGroup(value, len(everything), tuple(CurrencySum(currency, len(all_), sum(all_, Decimal(0))) for currency, all_ in ordered))


@few
@given(drawn=drawn_deals, viewer=viewers, grouping=st.sampled_from(Grouping), wanted=narrowings)
def test_insights_are_the_sums_of_the_list_that_a_user_sees(
    store: Store, drawn: list[dict[str, Any]], viewer: Viewer, grouping: Grouping, wanted: Narrowing
) -> None:
    # Given deals of every kind, what the policy shows a user of them, and which of these are in the list that the user asks for
    portal = kept(store, drawn)
    with store.reading(portal) as tx:
        allowed = {one.deal.id for one in deals.listed(tx) if can_see(viewer, one.deal, KNOWN.get(one.deal.owner_user or ""))}
        visible = [one.stored for one in pipeline.seen(tx, shares(viewer), wanted, limit=1000)]
        assert {one.deal.id for one in visible} <= allowed
        assert wanted != WHOLE or len(visible) == len(allowed)
        # When the user asks for insights
        found = sums_of(tx, shares(viewer), wanted, GroupsWanted(grouping, ZONE))
        # Then each deal of the list is counted once, and every amount to its last digit
        assert group_of(found.total) == added(visible, None)
        values = {VALUE_OF[grouping](one) for one in visible}
        expected = {value: added((one for one in visible if VALUE_OF[grouping](one) == value), value) for value in values}
        assert {group.value: group for group in groups_of(found.page)} == expected
        # and page by page they are the same, in the same order
        assert paged(tx, viewer, grouping, wanted) == groups_of(found.page)


def paged(tx: Tx, viewer: Viewer, grouping: Grouping, wanted: Narrowing) -> list[DealGroup]:
    groups: list[DealGroup] = []
    after = None
    while page := groups_of(sums_of(tx, shares(viewer), wanted, GroupsWanted(grouping, ZONE, after, limit=1)).page):
        groups += page
        after = (page[-1].count, page[-1].value)
    return groups


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@few
@given(drawn=drawn_deals, name=st.sampled_from(ORDERED), falls=st.booleans(), limit=st.integers(1, 4), wanted=narrowings)
def test_pages_of_every_order_are_the_whole_list_and_deals_without_the_value_come_last(
    store: Store, drawn: list[dict[str, Any]], name: str, falls: bool, limit: int, wanted: Narrowing
) -> None:
    portal, order = kept(store, drawn), order_of(name, falls=falls)
    with store.reading(portal) as tx:
        whole = [one.stored.deal.id for one in pipeline.seen(tx, ALL_SEEN, wanted, order=order, limit=1000)]
        found: list[str] = []
        after = None
        while page := pipeline.seen(tx, ALL_SEEN, wanted, order=order, after=after, limit=limit):
            found += [one.stored.deal.id for one in page]
            after = (page[-1].place, page[-1].stored.deal.id)
        places = [one.place[-1] for one in pipeline.seen(tx, ALL_SEEN, wanted, order=order, limit=1000)]
        assert pipeline.ids_seen(tx, ALL_SEEN, wanted, order=order) == whole
    assert found == whole
    assert wanted != WHOLE or sorted(whole) == sorted(f"d{number}" for number in range(len(drawn)))
    if name != "amount":
        assert [place is None for place in places] == sorted(place is None for place in places)


@pytest.mark.parametrize(
    ("name", "falls", "expected"),
    [
        ("name", False, ["d2", "d1", "d3", "d0"]),
        ("name", True, ["d3", "d1", "d2", "d0"]),
        ("amount", False, ["d3", "d0", "d2", "d1"]),
        ("amount", True, ["d0", "d3", "d2", "d1"]),
        ("owner_company", False, ["d1", "d0", "d2", "d3"]),
        ("owner_company", True, ["d0", "d2", "d1", "d3"]),
        ("is_registered", False, ["d0", "d1", "d2", "d3"]),
        ("registered_at", True, ["d3", "d2", "d1", "d0"]),
        ("outcome", True, ["d1", "d0", "d2", "d3"]),
    ],
)
def test_an_order_is_the_one_that_people_expect(store: Store, name: str, falls: bool, expected: list[str]) -> None:
    # Given names in both cases, amounts with more digits than a float has and in two currencies, companies by other names than their ids
    portal = kept(
        store,
        [
            {"name": None, "amount": Decimal(9), "currency": "EUR", "owner_company": "c1", "outcome": None},
            {"name": "beta", "amount": None, "currency": None, "owner_company": "c2", "outcome": "won"},
            {"name": "Alpha", "amount": Decimal(-5), "currency": "USD", "owner_company": "c1", "outcome": "open"},
            {"name": "Gamma", "amount": Decimal("8.999999999999999999999"), "currency": "EUR", "owner_company": None, "outcome": "lost"},
        ],
    )
    with store.reading(portal) as tx:
        found = [one.stored.deal.id for one in pipeline.seen(tx, ALL_SEEN, order=order_of(name, falls=falls))]
    assert found == expected


# ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Narrowing(equal=[("outcome", "open")]), {"d0", "d3"}),
        (Narrowing(equal=[("stage", "Proposal")]), {"d1"}),
        (Narrowing(equal=[("second_partner", "c2"), ("outcome", "lost")]), {"d2"}),
        (Narrowing(equal=[("owner_company", "c2")]), {"d3"}),
        (Narrowing(company="c2"), {"d0", "d2", "d3"}),
        (Narrowing(bounds=[Bound("expires_on", date(2026, 5, 1))]), {"d2"}),
        (Narrowing(equal=[("vendor_approval", "pending")]), {"d0", "d1", "d3"}),
        (Narrowing(equal=[("distributor_approval", "not_required")]), {"d1", "d3"}),
        (Narrowing(types=frozenset({AccountType.SECOND_PARTNER})), {"d0", "d2", "d3"}),
        (Narrowing(types=frozenset({AccountType.SECOND_PARTNER}), has_second_side=False), {"d3"}),
        (Narrowing(text="ÄRGER"), {"d1"}),
        (Narrowing(text="100%"), {"d2"}),
        (Narrowing(text="_"), set()),
        (Narrowing(bounds=[Bound("expected_close_on", date(2026, 3, 1), date(2026, 4, 1))]), {"d0", "d1"}),
        (Narrowing(bounds=[Bound("expected_close_on", below=date(2026, 3, 31))]), {"d0"}),
    ],
)
def test_a_list_is_narrowed(store: Store, wanted: Narrowing, expected: set[str]) -> None:
    with store.transaction("acme") as tx:
        companies.save(
            tx,
            [company("c1", crm_id="1", name="One"), company("c2", crm_id="2", name="Two", account_type=AccountType.SECOND_PARTNER)],
        )
        deals.save(
            tx,
            [
                deal("d0", expected_close_on=date(2026, 3, 1)),
                deal("d1", second_partner=None, name="Großer Ärger", outcome="won", stage="Proposal", expected_close_on=date(2026, 3, 31)),
                deal(
                    "d2",
                    outcome="lost",
                    vendor_approval="approved",
                    distributor_approval="approved",
                    prospect_name="100% Ltd",
                    expires_on=date(2026, 5, 1),
                ),
                deal("d3", owner_company="c2", second_partner=None, expected_close_on=None),
            ],
        )
        assert {one.stored.deal.id for one in pipeline.seen(tx, ALL_SEEN, wanted)} == expected


def test_the_moment_of_the_first_registration_stays(store: Store) -> None:
    # Given a draft, which becomes registered, is not registered any more, and is registered again
    moments = []
    for is_registered in (False, True, False, True):
        with store.transaction("acme") as tx:
            stored = deals.get(tx, "d1") or StoredDeal(Deal("d1", {}), 1, tx.now, tx.now)
            deal_now = stored.deal.changed({"is_registered": is_registered})
            deals.save(tx, [StoredDeal(deal_now, 1, stored.created_at, tx.now, stored.registered_at)])
            found = deals.get(tx, "d1")
            assert found
            moments.append((found.registered_at, tx.now))
    (never, _), (first, then), *later = moments
    assert never is None
    assert first == then
    assert {at for at, _ in later} == {first}
