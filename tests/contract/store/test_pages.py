"""Pages of lists: behind the last one seen stands exactly the rest, in one order, on both databases; filters narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sync_worker.domain.core.company import AccountType, PortalStatus
from sync_worker.domain.core.reconcile import Conflict
from sync_worker.domain.core.user import Role, User
from sync_worker.store.core import companies, failures
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import conflicts
from sync_worker.store.people import people
from tests.contract.store.samples import company, failure
from tests.servers import Clock

NAMES = ("Ärger", "acme", "Acme", "ZEBRA", "b-2", "B 1", "b%", "Ça")


def fill(store: Store, clock: Clock) -> None:
    """Names of every case, and rows of one moment as of several."""
    for number, name in enumerate(NAMES):
        kind = AccountType.PARTNER if number % 2 else AccountType.SECOND_PARTNER
        status = PortalStatus.INACTIVE if number % 3 else PortalStatus.ACTIVE
        with store.transaction("acme") as tx:
            companies.save(tx, [company(f"c{number}", crm_id=f"00{number}", name=name, account_type=kind, status=status)])
            home = f"c{number % 2}"
            people.save(tx, [User(name, f"{number}@Example.com", f"Person {name}", list(Role)[number % 3], home, frozenset({"c9"}))])
            found = failure(f"f{number}", f"00{number}", kind="problem" if number % 3 else "failure", code=f"code{number % 2}")
            failures.record(tx, [found])
            conflicts.record(tx, [(f"k{number}", "d1" if number % 2 else "d2", Conflict(f"field{number}", "a", "b", "c", "", "ask"))], "r1")
        clock.forward(seconds=number % 2)


def company_page(tx: Tx, last: Any, limit: int) -> list[Any]:
    found = companies.listed(tx, after=(last.company.name, last.company.id) if last else ("", ""), limit=limit)
    return [*found]


def user_page(tx: Tx, last: Any, limit: int) -> list[Any]:
    return people.listed(tx, after=last.id if last else "", limit=limit)


def failure_page(tx: Tx, last: Any, limit: int) -> list[Any]:
    place = (last.failure.kind, last.failure.code, last.first_seen_at, last.failure.id) if last else None
    return failures.page(tx, after=place, limit=limit)


def conflict_page(tx: Tx, last: Any, limit: int) -> list[Any]:
    return conflicts.listed(tx, before=(last["opened_at"], last["id"]) if last else None, limit=limit)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("page", [company_page, user_page, failure_page, conflict_page])
def test_pages_make_the_whole_list(store: Store, clock: Clock, page: Callable[[Tx, Any, int], list[Any]], limit: int) -> None:
    fill(store, clock)
    with store.reading("acme") as tx:
        whole = page(tx, None, 100)
        assert len(whole) == len(NAMES)
        found: list[Any] = []
        while some := page(tx, found[-1] if found else None, limit):
            assert len(some) <= limit
            found += some
    assert found == whole


def test_failures_stand_by_cause_the_newest_first(store: Store, clock: Clock) -> None:
    fill(store, clock)
    with store.reading("acme") as tx:
        rows = failures.page(tx, limit=100)
    assert [(row.failure.kind, row.failure.code) for row in rows] == sorted((row.failure.kind, row.failure.code) for row in rows)
    of_one = [row.first_seen_at for row in rows if (row.failure.kind, row.failure.code) == ("problem", "code1")]
    assert of_one == sorted(of_one, reverse=True)


def test_filters_narrow_together(store: Store, clock: Clock) -> None:
    fill(store, clock)
    with store.reading("acme") as tx:

        def named(**wanted: Any) -> set[str]:
            return {one.company.name for one in companies.listed(tx, companies.CompanyFilter(**wanted))}

        def persons(**wanted: Any) -> set[str]:
            return {one.id for one in people.listed(tx, people.UserFilter(**wanted))}

        assert named(account_types={AccountType.PARTNER}) == set(NAMES[1::2])
        assert named(account_types=set()) == set()
        assert named(status=PortalStatus.ACTIVE, account_types={AccountType.PARTNER}) == {NAMES[3]}
        assert named(text="CM") == {"acme", "Acme"}
        assert named(text="%") == {"b%"}
        assert persons(company="c1") == set(NAMES[1::2])
        assert persons(company="c9", role=next(iter(Role))) == {NAMES[0], NAMES[3], NAMES[6]}
        assert persons(text="3@EXAMPLE") == {NAMES[3]}
        assert {row["id"] for row in conflicts.listed(tx, deal_id="d1")} == {"k1", "k3", "k5", "k7"}
