"""Completion on a real store: the vendor is alerted once, licences are issued once, whoever dies between any two steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sync_worker.domain.company import AccountType, Company, PortalStatus
from sync_worker.domain.completion import Step
from sync_worker.domain.deal import Actor, Deal
from sync_worker.domain.notification import news_of
from sync_worker.domain.people import Role, User
from sync_worker.domain.quote import Line, Offer, Pricing, Quote, price
from sync_worker.steps.complete import carry_on
from sync_worker.steps.tell import tell
from sync_worker.store import companies, licences, mails, people, portals, quotes
from sync_worker.store.companies import StoredCompany
from sync_worker.store.engine import Store, Tx
from tests.servers import MONDAY, Clock, sqlite_store

ANN = User("ann", "Ann@Birch.example", "Ann Birch", Role.MANAGER, "birch")
BO = User("bo", "bo@arrow.example", "Bo Arrow", Role.MANAGER, "arrow")
ADMIN = User("admin", "admin@vendor.example", "Vera Vendor", Role.EXECUTIVE, None, is_vendor_admin=True)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """A portal with a partner, its distributor, the vendor, and somebody in each."""
    with closing(sqlite_store(tmp_path, clock=clock)) as store:
        with store.transaction("acme") as tx:
            portals.enter(tx, "contracts")
            kinds = {"birch": AccountType.PARTNER, "arrow": AccountType.SECOND_PARTNER, "vendor": AccountType.VENDOR}
            companies.save(tx, [company(name, kind) for name, kind in kinds.items()])
            people.save(tx, [ANN, BO, ADMIN])
        yield store


def company(name: str, kind: AccountType) -> StoredCompany:
    return StoredCompany(Company(name, f"001{name}", name.title(), PortalStatus.ACTIVE, kind), MONDAY)


def deal(lifecycle: str, **values: Any) -> Deal:
    ready: dict[str, Any] = {
        "name": "Harbor Freight",
        "owner_company": "birch",
        "second_partner": "arrow",
        "vendor_approval": "approved",
        "currency": "EUR",
        "deal_type": "new",
        "term_years": 1,
        "billing_cycle": "annual",
        "lifecycle": lifecycle,
    }
    return Deal("d1", {**ready, **values})


def quote_of(now: Deal) -> Quote:
    lines = (Line("Seat", Decimal(10), 20), Line("Server", Decimal(99), 5))
    made = price(now, Offer(lines, MONDAY.date()), Pricing.DISTRIBUTOR, Decimal(20))
    assert isinstance(made, Quote)
    return made


def addresses(tx: Tx) -> list[tuple[str, str]]:
    return sorted((row.mail.template, row.mail.address) for row in mails.listed(tx))


def test_a_sale_goes_from_finalize_to_licences_each_step_once_however_often_it_is_asked(store: Store) -> None:
    now = deal("finalize_requested")
    actor = Actor("Ann Birch", "birch", "portal", ANN)
    for _ in range(3):  # each step is begun three times, as after a crash
        with store.transaction("acme") as tx:
            assert carry_on(tx, now, actor=actor) is Step.QUOTE
            assert addresses(tx) == [("finalize_requested", "admin@vendor.example")]

    with store.transaction("acme") as tx:
        quotes.add(tx, "q1", quote_of(now), "Vera")
        assert carry_on(tx, now) is Step.QUOTE
        quotes.mark_sent(tx, "q1", "Vera")
        assert carry_on(tx, now) is Step.SIGN
        assert licences.of_deal(tx, "d1") == []
        quotes.sign(tx, "q1", "Bo", "arrow")

    signed = deal("quote_signed")
    for _ in range(3):
        with store.transaction("acme") as tx:
            assert carry_on(tx, signed) is Step.COMPLETE
            found = licences.of_company(tx, "birch")
            assert [(one.name, one.count, one.starts_on, one.ends_on) for one in sorted(found, key=lambda one: one.number)] == [
                ("Seat", 20, date(2026, 3, 2), date(2027, 3, 1)),
                ("Server", 5, date(2026, 3, 2), date(2027, 3, 1)),
            ]
    with store.transaction("acme") as tx:
        assert carry_on(tx, deal("completed")) is None


def killed_after_issuing(store: Store) -> None:
    with store.transaction("acme") as tx:
        carry_on(tx, deal("quote_signed"))
        raise KeyboardInterrupt


def test_a_commit_that_is_undone_issues_nothing_and_the_next_one_all(store: Store) -> None:
    with store.transaction("acme") as tx:
        quotes.add(tx, "q1", quote_of(deal("finalize_requested")), "Vera")
        quotes.mark_sent(tx, "q1", "Vera")
        quotes.sign(tx, "q1", "Bo", "arrow")
    with pytest.raises(KeyboardInterrupt):
        killed_after_issuing(store)
    with store.transaction("acme") as tx:
        assert licences.of_deal(tx, "d1") == []
        assert carry_on(tx, deal("quote_signed")) is Step.COMPLETE
        assert len(licences.of_deal(tx, "d1")) == 2


def test_a_change_is_told_in_words_that_people_read(store: Store) -> None:
    before, after = deal("submitted", amount=Decimal(100)), deal("submitted", amount=Decimal("120.50"))
    with store.transaction("acme") as tx:
        for _ in range(2):
            news = news_of(before, after, version=2)
            assert tell(tx, news, after, before=before, actor=Actor("Ann Birch", "birch", "portal", ANN)) == 1
        (row,) = mails.listed(tx)
    assert (row.mail.address, row.mail.template) == ("bo@arrow.example", "deal_updated")
    assert row.mail.context["changes"] == [{"field": "amount", "before": "100", "after": "120.50"}]
    assert (row.mail.context["actor"], row.mail.context["company"], row.mail.context["name"]) == ("Ann Birch", "Birch", "Bo Arrow")
