"""The part of the tenants' test that is about distributors: rows of every table, and each function that reads or writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import ModuleType

from sync_worker.domain.core.deal import Deal
from sync_worker.domain.core.reconcile import Base
from sync_worker.domain.core.user import Role, User
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.completion import Licence
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.quotes.price_list import Price
from sync_worker.domain.deals.quotes.quote import Offer, Pricing, Quote, QuoteLine, price
from sync_worker.domain.distributors.subgroup import Subgroup
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.domain.tell.event import By
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, licences, prices, quotes
from sync_worker.store.distributors import agreements, pairs, subgroups, terms, waivers
from sync_worker.store.distributors.agreements import Agreement, AgreementFile
from sync_worker.store.distributors.waivers import Waiver
from sync_worker.store.operate import schema
from sync_worker.store.people import people
from sync_worker.store.sync import company_links
from sync_worker.store.tell import mails, notifications
from sync_worker.store.tell.mails import OwedMail
from sync_worker.store.tell.notifications import Notification
from tests.contract.store.samples import change, company, link

MODULES: tuple[ModuleType, ...] = (
    agreements,
    company_links,
    licences,
    mails,
    notifications,
    pairs,
    prices,
    quotes,
    subgroups,
    terms,
    waivers,
)
PAIR = Pair("c1", "c2")
AGREED = Terms(True, {"new": Decimal("12.50"), "renewal": Decimal(0)})
BASE = {"may_register": Base(True, True)}
LINE = Notification("n1", "u1", "d1", "registered/d1", "deal_registered", {"deal": "Harbor Freight", "company": "", "actor": "Ann"})
MAIL = OwedMail("m1", "registered/d1", "ann@example.com", "deal_registered", {"deal": "Harbor Freight", "seats": 25})


def subgroup(tx: Tx, company_id: str = "c1", parent_id: str = "c2") -> Subgroup:
    return Subgroup(company_id, parent_id, "created", tx.now, "Ann")


def waiver(tx: Tx, deal_id: str = "d1") -> Waiver:
    return Waiver(deal_id, "c1", "c2", tx.now, "Vera", "the distributor agreed by phone")


def seat(price: str = "99.90") -> Price:
    return Price("Seat", "EUR", Decimal(price), date(2026, 1, 1))


def upload(tx: Tx, id_: str = "a1") -> Agreement:
    return agreements.add(
        tx,
        PAIR,
        AgreementFile(id=id_, name="Vertrag.pdf", media_type="application/pdf", size_bytes=9, sha256="00", key=f"k/{id_}"),
        actor="Ann",
    )


def quote(deal_id: str = "d1", pricing: Pricing = Pricing.DISTRIBUTOR) -> Quote:
    """Three payments that are not alike, of two lines."""
    values: dict[str, Value] = {
        "vendor_approval": "approved",
        "currency": "EUR",
        "deal_type": "new",
        "term_years": 3,
        "billing_cycle": "annual",
    }
    deal = Deal(deal_id, {**values, "owner_company": "c1", "second_partner": "c2"})
    offer = Offer((QuoteLine("Seat", Decimal("99.90"), 25), QuoteLine("Server", Decimal("0.005"), 2)), date(2026, 4, 1))
    made = price(deal, offer, pricing, Decimal("12.50"))
    assert isinstance(made, Quote), made
    return made


def licence(number: int = 1, deal_id: str = "d1") -> Licence:
    return Licence(f"l{number}", deal_id, number, "c1", "Seat", 25, date(2026, 4, 1), date(2029, 3, 31))


FILL: list[Callable[[Tx], object]] = [
    lambda tx: companies.save(tx, [company("c4", crm_id=None, name="Cedar")]),
    lambda tx: company_links.begin(tx, {"c1": BASE, "c4": {}}),
    lambda tx: subgroups.begin(tx, subgroup(tx)),
    lambda tx: terms.begin(tx, PAIR, AGREED, "Ann"),
    lambda tx: upload(tx),
    lambda tx: quotes.add(tx, "q1", quote(), "Ann"),
    lambda tx: quotes.add(tx, "q2", quote("d2"), "Ann"),
    lambda tx: quotes.sign(tx, "q1", "Bo", "c2"),
    lambda tx: deals.save(tx, [StoredDeal(Deal("d7", {"lifecycle": "quote_signed"}), 1, tx.now, tx.now)]),
    lambda tx: deals.record_changes(tx, [change("d7", version=1, field="lifecycle")]),
    lambda tx: quotes.add(tx, "q7", quote("d7"), "Ann"),
    lambda tx: quotes.sign(tx, "q7", "Bo", "c2"),
    lambda tx: people.save(tx, [User("u7", "v@example.com", "Vera", Role.MANAGER, None, is_vendor_admin=True)]),
    lambda tx: licences.issue(tx, [licence()]),
    lambda tx: deals.record_changes(tx, [change("d7", version=2, field="lifecycle", new="finalize_requested")]),
    lambda tx: deals.record_changes(tx, [change("d8", version=1, field="")]),
    lambda tx: prices.add(tx, [seat()], "Vera"),
    lambda tx: waivers.keep(tx, waiver(tx)),
    lambda tx: mails.write(tx, [MAIL]),
    lambda tx: notifications.write(tx, [LINE], By("portal", "Ann")),
]

READS: dict[str, Callable[[Tx], object]] = {
    "subgroups.counts": lambda tx: subgroups.counts(tx, ["c2", "c5"]),
    "agreements.versions": lambda tx: agreements.versions(tx, PAIR),
    "agreements.get": lambda tx: agreements.get(tx, "a1"),
    "agreements.is_on_file": lambda tx: agreements.is_on_file(tx, PAIR),
    "agreements.keys": agreements.keys,
    "companies.places": lambda tx: companies.places(tx, ["c1"]),
    "companies.stored": lambda tx: companies.stored(tx, "c1"),
    "companies.homeless": lambda tx: companies.homeless(tx, ["c1", "c4"]),
    "company_links.agreed": lambda tx: company_links.agreed(tx, ["c1"]),
    "company_links.by_crm_ids": lambda tx: company_links.by_crm_ids(tx, "company", ["001"]),
    "company_links.current": lambda tx: company_links.current(tx, ["c1"]),
    "company_links.homes": lambda tx: company_links.homes(tx, ["c1"]),
    "deals.began_on": lambda tx: deals.began_on(tx, "d8"),
    "deals.finalized_at": lambda tx: deals.finalized_at(tx, "d7"),
    "licences.of_deal": lambda tx: licences.of_deal(tx, "d1"),
    "licences.of_company": lambda tx: licences.of_company(tx, "c1"),
    "mails.has_due": mails.has_due,
    "mails.counts": mails.counts,
    "mails.listed": mails.listed,
    "notifications.get": lambda tx: notifications.get(tx, "u1", "n1"),
    "notifications.deals_told": lambda tx: notifications.deals_told(tx, [LINE.event], ["u1"]),
    "notifications.listed": lambda tx: notifications.listed(tx, "u1", limit=9),
    "notifications.unread_by_deal": lambda tx: notifications.unread_by_deal(tx, "u1"),
    "prices.current": prices.current,
    "prices.history": prices.history,
    "quotes.uncompleted": quotes.uncompleted,
    "quotes.get": lambda tx: quotes.get(tx, "q1"),
    "quotes.of_deal": lambda tx: quotes.of_deal(tx, "d1"),
    "quotes.signed": lambda tx: quotes.signed(tx, "d1"),
    "subgroups.involving": lambda tx: subgroups.involving(tx, "c2", tx.now),
    "subgroups.known": lambda tx: subgroups.known(tx, ["c1"]),
    "subgroups.lasting": lambda tx: subgroups.lasting(tx, ["c1"]),
    "subgroups.under": lambda tx: subgroups.under(tx, "c2"),
    "terms.current": lambda tx: terms.current(tx, [PAIR]),
    "terms.history": lambda tx: terms.history(tx, PAIR),
    "waivers.of_deals": lambda tx: waivers.of_deals(tx, ["d1"]),
}

WRITES: dict[str, Callable[[Tx], object]] = {
    "agreements.add": lambda tx: upload(tx, "a2"),
    "agreements.move_company": lambda tx: agreements.move_company(tx, "c1", "c3"),
    "companies.place": lambda tx: companies.place(tx, "c4", "004", settled_no=3),
    "companies.owe_ids": lambda tx: companies.owe_ids(tx, ["c1"]),
    "company_links.begin": lambda tx: company_links.begin(tx, {"c3": BASE}),
    "company_links.keep": lambda tx: company_links.keep(tx, {"c1": {}}),
    "company_links.agree": lambda tx: company_links.agree(tx, [link("001", "c1", object_="company")]),
    "company_links.save": lambda tx: company_links.save(tx, [link("001", "c1", object_="company")]),
    "licences.issue": lambda tx: licences.issue(tx, [licence(), licence(2)]),
    "licences.move_company": lambda tx: licences.move_company(tx, "c1", "c3"),
    "mails.write": lambda tx: mails.write(tx, [MAIL, OwedMail("m2", "other", "bo@example.com", "deal_updated")]),
    "mails.claim": lambda tx: mails.claim(tx, limit=9, token="t", until_at=tx.now + timedelta(seconds=30)),
    "mails.later": lambda tx: mails.later(tx, "m1", "t", tx.now, error="why"),
    "mails.retry": lambda tx: mails.retry(tx, ["m1"]),
    "mails.settle": lambda tx: mails.settle(tx, "m1", "t", "sent"),
    "notifications.write": lambda tx: notifications.write(tx, [LINE, replace(LINE, id="n2", user_id="u2")], By("portal", "Ann")),
    "notifications.mark_read": lambda tx: notifications.mark_read(tx, "u1", "n1"),
    "notifications.mark_all_read": lambda tx: notifications.mark_all_read(tx, "u1", ["d1"]),
    "pairs.move_company": lambda tx: pairs.move_company(tx, schema.terms, "c1", "c3"),
    "prices.add": lambda tx: prices.add(tx, [seat("89.90")], "Vera"),
    "quotes.add": lambda tx: quotes.add(tx, "q3", quote(), "Ann"),
    "quotes.mark_offered": lambda tx: quotes.mark_offered(tx, "q1", "Vera"),
    "quotes.mark_sent": lambda tx: quotes.mark_sent(tx, "q1", "Ann"),
    "quotes.mark_completed": lambda tx: quotes.mark_completed(tx, "d1"),
    "quotes.sign": lambda tx: quotes.sign(tx, "q2", "Cy", "c2"),
    "subgroups.begin": lambda tx: subgroups.begin(tx, subgroup(tx, "c3")),
    "subgroups.end": lambda tx: subgroups.end(tx, "c1", "Bo"),
    "subgroups.move_company": lambda tx: subgroups.move_company(tx, "c1", "c3"),
    "terms.begin": lambda tx: terms.begin(tx, PAIR, Terms(False), "Bo"),
    "terms.move_company": lambda tx: terms.move_company(tx, "c1", "c3"),
    "waivers.end": lambda tx: waivers.end(tx, ["d1"]),
    "waivers.keep": lambda tx: waivers.keep(tx, waiver(tx, "d2")),
    "waivers.move_company": lambda tx: waivers.move_company(tx, "c1", "c3"),
}
