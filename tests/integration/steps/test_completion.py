"""A sale on a real store and CRM: quotes reach whom they are for, one signature counts, licences are issued once, whoever dies where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sync_worker.domain.core.deal import Actor, Decision, Refusal, Track
from sync_worker.domain.core.user import Role
from sync_worker.domain.deals.lifecycle import Verb
from sync_worker.domain.deals.quotes.price_list import Price, Wish
from sync_worker.domain.deals.quotes.quote import Column, Pricing
from sync_worker.domain.distributors.terms import Pair, Terms
from sync_worker.steps.deals.complete import complete
from sync_worker.steps.deals.decide import change, decide
from sync_worker.steps.deals.move import Moved, MoveRequest, move
from sync_worker.steps.deals.prices import keep
from sync_worker.steps.deals.quote import Quoted, QuoteWish, make, paper, send, sign, visible
from sync_worker.steps.tell.mail import mail
from sync_worker.store.deals import deals, licences, quotes
from sync_worker.store.deals.quotes import StoredQuote
from sync_worker.store.deals.tables import quotes as table
from sync_worker.store.distributors import terms
from sync_worker.store.tell import mails
from tests.integration.steps.test_moves import done, refused, told
from tests.integration.steps.world import MAPPINGS, PORTAL, World
from tests.mailbox import Mailbox
from tests.patience import HANG_S

LINES = (Wish("Seat", 20), Wish("Server", 5))
START = date(2026, 4, 1)
PRICES = (Price("Seat", "EUR", Decimal("99.90"), date(2026, 1, 1)), Price("Server", "EUR", Decimal(1200), date(2026, 1, 1)))


@dataclass
class Sale:
    """A deal both sides have approved, and the people around it."""

    world: World
    deal_id: str
    bob: Actor  # of the reseller
    dora: Actor  # of the distributor
    vera: Actor  # the vendor's admin

    @property
    def tenant(self) -> Any:
        return self.world.tenant

    def made(self, pricing: Pricing = Pricing.DISTRIBUTOR) -> StoredQuote:
        quoted = make(self.tenant, self.deal_id, QuoteWish(pricing, LINES, START), actor=self.vera)
        assert isinstance(quoted, Quoted), quoted
        return quoted.quote

    def sent(self, pricing: Pricing = Pricing.DISTRIBUTOR) -> StoredQuote:
        quoted = send(self.tenant, self.deal_id, self.made(pricing).id, MoveRequest(self.vera))
        assert isinstance(quoted, Quoted), quoted
        return quoted.quote

    def finalized(self) -> None:
        done(move(self.tenant, self.deal_id, Verb.FINALIZE, MoveRequest(self.bob)))

    def signed(self, actor: Actor | None = None, reason: str = "") -> Moved:
        (quote, *_) = [one for one in self.quotes() if one.sent_at and one.quote.pricing is Pricing.DISTRIBUTOR]
        return done(sign(self.tenant, self.deal_id, quote.id, MoveRequest(actor or self.dora, reason=reason)))

    def quotes(self) -> list[StoredQuote]:
        with self.world.store.reading("acme") as tx:
            return quotes.of_deal(tx, self.deal_id)

    def licences(self) -> list[tuple[Any, ...]]:
        with self.world.store.reading("acme") as tx:
            found = licences.of_company(tx, self.world.company("Birch Systems").id)
        return sorted((one.name, one.count, one.starts_on, one.ends_on) for one in found)

    def letters(self, template: str) -> list[str]:
        """Who was written to."""
        with self.world.store.reading("acme") as tx:
            return sorted(row.mail.address for row in mails.listed(tx) if row.mail.template == template)


LICENCES = [("Seat", 20, date(2026, 4, 1), date(2027, 3, 31)), ("Server", 5, date(2026, 4, 1), date(2027, 3, 31))]


@pytest.fixture
def sale(world: World, mailbox: Mailbox) -> Sale:
    world.connect_mail(mailbox.url)
    people = {
        "bob": told(world, "bob", "Birch Systems", Role.MANAGER),
        "dora": told(world, "dora", "Arrow Electronics", Role.MANAGER),
        "vera": told(world, "vera", "acme (vendor)", is_vendor_admin=True),
    }
    birch, arrow, vendor = (world.company(name).id for name in ("Birch Systems", "Arrow Electronics", "acme (vendor)"))
    with world.store.transaction("acme") as tx:
        terms.begin(tx, Pair(arrow, vendor), Terms(True, {"new": Decimal("30.00")}), "Vera")
        terms.begin(tx, Pair(birch, arrow), Terms(True, {"new": Decimal("12.50")}), "Dora")
    assert keep(world.tenant, PRICES, actor=people["vera"]) is None
    deal_id = world.registered(currency="EUR").id
    for track, actor in ((Track.DISTRIBUTOR, people["dora"]), (Track.VENDOR, people["vera"])):
        done(decide(world.tenant, deal_id, track, Decision.APPROVE, MoveRequest(actor)))
    world.push()
    return Sale(world, deal_id, **people)


def state(sale: Sale) -> tuple[str, str | None]:
    """What the CRM shows of the sale."""
    record = sale.world.record_of(sale.deal_id)
    return record["Portal_Deal_State__c"], record["Portal_Quote_State__c"]


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sale_from_finalize_to_licences_each_step_told_and_in_the_crm(sale: Sale, mailbox: Mailbox) -> None:
    # When the reseller asks to finalize, the vendor is alerted in that very commit
    sale.finalized()
    sale.world.push()
    assert (state(sale), sale.letters("finalize_requested")) == (("finalize_requested", None), ["vera@example.com"])
    # When the vendor sends all three quotes, each goes to the members of its company alone
    sent = {pricing: sale.sent(pricing) for pricing in Pricing}
    totals = {pricing: quote.quote.total for pricing, quote in sent.items()}
    assert totals == {Pricing.RETAIL: Decimal("7998.00"), Pricing.DISTRIBUTOR: Decimal("5598.60"), Pricing.RESELLER: Decimal("6998.25")}
    sale.world.push()
    assert (state(sale), sale.letters("quote_sent")) == (
        ("finalize_requested", "sent"),
        ["bob@example.com", "bob@example.com", "dora@example.com"],
    )
    # When the distributor signs, the CRM says so, and the worker issues the licences in the reseller's company and ends the deal
    moved = sale.signed()
    sale.world.settle(moved.follow_ups)
    assert (state(sale), sale.licences()) == (("quote_signed", "signed"), [])
    sale.world.settle(complete(sale.tenant).follow_ups)
    assert (state(sale), sale.licences()) == (("completed", "signed"), LICENCES)
    # Then doing everything again changes and writes nothing, and each letter left once
    before = sale.world.rows()
    assert complete(sale.tenant).follow_ups == frozenset()
    assert sale.world.push().run_id == ""
    assert sale.world.rows() == before
    mail(sale.tenant)
    subjects = [(letter["To"], letter["Subject"]) for letter in mailbox.letters if letter["Subject"].startswith("Quote")]
    assert sorted(subjects) == [
        ("bob@example.com", "Quote: Acme expansion, 6,998.25 EUR"),
        ("bob@example.com", "Quote: Acme expansion, 7,998.00 EUR"),
        ("dora@example.com", "Quote: Acme expansion, 5,598.60 EUR"),
    ]
    assert len({letter["Message-ID"] for letter in mailbox.letters}) == len(mailbox.letters)


def test_a_second_signature_a_second_send_and_a_second_completion_are_the_first_answer(sale: Sale) -> None:
    sale.finalized()
    first = sale.sent()
    again = send(sale.tenant, sale.deal_id, first.id, MoveRequest(sale.vera))
    assert isinstance(again, Quoted)
    assert (again.quote, again.follow_ups) == (first, frozenset())
    sale.signed()
    (signed,) = sale.quotes()
    assert (signed.signed_by, signed.signed_for) == ("Dora (dora)", sale.world.company("Arrow Electronics").id)
    assert sale.signed(sale.vera, reason="on paper").follow_ups == frozenset()
    complete(sale.tenant)
    assert sale.signed().deal.lifecycle == "completed"
    assert done(move(sale.tenant, sale.deal_id, Verb.COMPLETE, MoveRequest(sale.vera))).follow_ups == frozenset()
    assert [(one.signed_by, one.signed_at) for one in sale.quotes()] == [(signed.signed_by, signed.signed_at)]
    assert sale.licences() == LICENCES
    assert refused(make_and_send(sale)) == "quote_signed"


def make_and_send(sale: Sale) -> Quoted | Refusal:
    return send(sale.tenant, sale.deal_id, sale.made().id, MoveRequest(sale.vera))


def test_the_vendor_records_a_signature_with_a_reason_and_the_owner_signs_alone_on_its_own_deal(sale: Sale) -> None:
    sale.finalized()
    quote = sale.sent()
    assert refused(sign(sale.tenant, sale.deal_id, quote.id, MoveRequest(sale.vera))) == "reason_missing"
    assert refused(sign(sale.tenant, sale.deal_id, quote.id, MoveRequest(sale.bob))) == "quote_unknown"
    sale.signed(sale.vera, reason="signed on paper")
    assert sale.quotes()[0].signed_by == "Vera (vera)"
    # Given a single-tier deal of the distributor's own, it is its owner who gets the quote, signs, and holds the licences
    own = sale.world.submitted(owner_company="Arrow Electronics", second_partner=None, name="Own", currency="EUR", prospect_name="Globex")
    done(decide(sale.tenant, own.id, Track.VENDOR, Decision.APPROVE, MoveRequest(sale.vera)))
    single = Sale(sale.world, own.id, sale.dora, sale.dora, sale.vera)
    single.finalized()
    assert single.sent().quote.total == Decimal("5598.60")
    single.signed()
    complete(sale.tenant)
    assert sale.world.deal(own.id).lifecycle == "completed"
    with sale.world.store.reading("acme") as tx:
        assert {one.company_id for one in licences.of_deal(tx, own.id)} == {sale.world.company("Arrow Electronics").id}


# ── who, and what is missing ─────────────────────────────────────────────────────────────────────────────────────────

SEEN = {"vera": set(Pricing), "dora": set(Pricing), "bob": {Pricing.RETAIL, Pricing.RESELLER}, "sam": set(), "zoe": set(), "gone": set()}


@pytest.mark.parametrize("name", SEEN)
def test_each_person_sees_their_pricings_and_learns_of_no_other(sale: Sale, name: str) -> None:
    # Given a sales user of the distributor who is not named, a stranger, and somebody of the reseller who is inactive
    made = {pricing: sale.made(pricing) for pricing in Pricing}
    people = {
        "vera": sale.vera,
        "dora": sale.dora,
        "bob": sale.bob,
        "sam": told(sale.world, "sam", "Arrow Electronics", Role.SALES),
        "zoe": told(sale.world, "zoe", "Cedar IT", Role.MANAGER),
        "gone": told(sale.world, "gone", "Birch Systems", Role.MANAGER, is_active=False),
    }
    actor = people[name]
    with sale.world.store.reading("acme") as tx:
        assert {one.quote.pricing for one in visible(tx, sale.world.tenant, sale.world.deal(sale.deal_id), actor)} == SEEN[name]
        for pricing, quote in made.items():
            shown = paper(tx, sale.tenant, sale.deal_id, quote.id, actor=actor)
            assert (pricing in SEEN[name]) is not isinstance(shown, Refusal)
            if isinstance(shown, Refusal):
                assert shown.code == "quote_unknown"


def test_what_a_quote_lacks_is_said_and_nothing_of_it_is_kept(sale: Sale) -> None:
    def wish(pricing: Pricing, actor: Actor) -> Quoted | Refusal:
        return make(sale.tenant, sale.deal_id, QuoteWish(pricing, LINES, START), actor=actor)

    assert refused(wish(Pricing.DISTRIBUTOR, sale.bob)) == "quote_not_yours"
    done(change(sale.tenant, sale.deal_id, {"licence_count": "30"}, MoveRequest(sale.bob)))
    not_ready = wish(Pricing.DISTRIBUTOR, sale.vera)
    assert refused(not_ready) == "quote_not_ready"
    assert isinstance(not_ready, Refusal)
    assert not_ready.why == "the deal cannot be quoted: the vendor's approval is pending"
    assert refused(wish(Pricing.RESELLER, sale.bob)) == "quote_not_ready"
    done(decide(sale.tenant, sale.deal_id, Track.VENDOR, Decision.APPROVE, MoveRequest(sale.vera)))
    assert refused(wish(Pricing.DISTRIBUTOR, sale.vera)) == "lines_count_otherwise"
    done(move(sale.tenant, sale.deal_id, Verb.DISABLE, MoveRequest(sale.vera)))
    assert refused(wish(Pricing.RETAIL, sale.vera)) == "quote_not_ready"
    assert refused(make(sale.tenant, "nobody", QuoteWish(Pricing.RETAIL, LINES), actor=sale.vera)) == "deal_unknown"
    assert sale.quotes() == []


# ── a view and an offer ──────────────────────────────────────────────────────────────────────────────────────────────


def wished(sale: Sale, pricing: Pricing, actor: Actor, column: Column | None = None) -> StoredQuote:
    """Made and sent by this person."""
    quoted = make(sale.tenant, sale.deal_id, QuoteWish(pricing, LINES, START, column), actor=actor)
    assert isinstance(quoted, Quoted), quoted
    sent = send(sale.tenant, sale.deal_id, quoted.quote.id, MoveRequest(actor))
    assert isinstance(sent, Quoted), sent
    return sent.quote


def test_what_the_distributor_sends_to_its_own_group_is_a_view_until_the_vendor_sends_that_version(sale: Sale, mailbox: Mailbox) -> None:
    # Given colleagues of the distributor and of the reseller
    told(sale.world, "dick", "Arrow Electronics", Role.MANAGER)
    told(sale.world, "beth", "Birch Systems", Role.MANAGER)
    # When the distributor sends its own prices to its own group, before and after finalize
    early = wished(sale, Pricing.DISTRIBUTOR, sale.dora)
    sale.finalized()
    late = wished(sale, Pricing.DISTRIBUTOR, sale.dora)
    # Then it is told to them, nothing of it is in the CRM, and nobody can sign it
    assert sale.letters("quote_sent") == ["dick@example.com"] * 2
    sale.world.push()
    assert (state(sale), sale.world.deal(sale.deal_id).values["quote_state"]) == (("finalize_requested", None), None)
    for quote in (early, late):
        assert refused(sign(sale.tenant, sale.deal_id, quote.id, MoveRequest(sale.dora))) == "quote_not_sent"
    # When the vendor sends that very version, then it goes out again, and is what is signed
    offered = send(sale.tenant, sale.deal_id, late.id, MoveRequest(sale.vera))
    assert isinstance(offered, Quoted)
    assert (offered.quote.sent_by, offered.quote.offered_by) == ("Dora (dora)", "Vera (vera)")
    assert sale.letters("quote_sent") == ["dick@example.com"] * 3 + ["dora@example.com"]
    sale.world.push()
    assert state(sale) == ("finalize_requested", "sent")
    again = send(sale.tenant, sale.deal_id, late.id, MoveRequest(sale.vera))
    assert isinstance(again, Quoted)
    assert (again.quote, again.follow_ups) == (offered.quote, frozenset())
    assert refused(sign(sale.tenant, sale.deal_id, early.id, MoveRequest(sale.dora))) == "quote_not_latest"
    assert done(sign(sale.tenant, sale.deal_id, late.id, MoveRequest(sale.dora))).deal.lifecycle == "quote_signed"


def test_an_offer_of_an_earlier_finalize_is_no_offer_of_this_one(sale: Sale) -> None:
    # Given an offer, and a deal that is disabled, enabled and finalized again
    sale.finalized()
    offer = sale.sent()
    for verb, actor in ((Verb.DISABLE, sale.vera), (Verb.ENABLE, sale.vera)):
        sale.world.forward()
        done(move(sale.tenant, sale.deal_id, verb, MoveRequest(actor)))
    sale.world.forward()
    sale.finalized()
    # Then it is not signed
    assert sale.world.deal(sale.deal_id).values["quote_state"] is None
    assert refused(sign(sale.tenant, sale.deal_id, offer.id, MoveRequest(sale.dora))) == "quote_not_sent"
    # When the vendor sends it again, then it goes out again, and is
    assert isinstance(send(sale.tenant, sale.deal_id, offer.id, MoveRequest(sale.vera)), Quoted)
    assert sale.world.deal(sale.deal_id).values["quote_state"] == "sent"
    with sale.world.store.reading("acme") as tx:
        assert len([row for row in mails.listed(tx) if row.mail.quote_id == offer.id]) == 2
    sale.signed()


def test_a_quote_that_the_vendor_sent_before_finalize_is_a_view(sale: Sale) -> None:
    quote = sale.sent()
    assert (quote.offered_at, sale.world.deal(sale.deal_id).values["quote_state"]) == (None, None)
    sale.finalized()
    assert refused(sign(sale.tenant, sale.deal_id, quote.id, MoveRequest(sale.dora))) == "quote_not_sent"
    assert isinstance(send(sale.tenant, sale.deal_id, quote.id, MoveRequest(sale.vera)), Quoted)
    sale.signed()


def test_each_column_goes_to_its_own_group_whoever_presses_the_button(sale: Sale) -> None:
    told(sale.world, "dick", "Arrow Electronics", Role.MANAGER)
    told(sale.world, "beth", "Birch Systems", Role.MANAGER)
    sent: list[str] = []

    def goes_to(pricing: Pricing, actor: Actor, column: Column | None = None) -> set[str]:
        wished(sale, pricing, actor, column)
        new = sale.letters("quote_sent")
        for address in sent:
            new.remove(address)
        sent.extend(new)
        return {address.split("@")[0] for address in new}

    assert goes_to(Pricing.RESELLER, sale.bob) == {"beth"}  # nobody is told what he did himself
    assert goes_to(Pricing.RESELLER, sale.dora) == {"beth", "bob"}
    assert goes_to(Pricing.RETAIL, sale.dora) == {"dick"}
    assert goes_to(Pricing.RETAIL, sale.dora, Column.DEAL) == {"beth", "bob"}
    assert goes_to(Pricing.RETAIL, sale.bob) == {"beth"}
    assert goes_to(Pricing.RETAIL, sale.vera) == {"beth", "bob"}
    assert goes_to(Pricing.RETAIL, sale.vera, Column.DISTRIBUTOR) == {"dick", "dora"}
    assert goes_to(Pricing.DISTRIBUTOR, sale.vera) == {"dick", "dora"}
    assert (
        refused(make(sale.tenant, sale.deal_id, QuoteWish(Pricing.RETAIL, LINES, START, Column.DISTRIBUTOR), actor=sale.bob))
        == "quote_not_yours"
    )


def test_the_sheet_and_the_page_go_with_the_letter(sale: Sale, mailbox: Mailbox) -> None:
    quote = wished(sale, Pricing.RESELLER, sale.dora)
    mail(sale.tenant)
    (letter,) = [one for one in mailbox.letters if one["Subject"].startswith("Quote")]
    sheet, page = letter.iter_attachments()
    assert (sheet.get_filename(), sheet.get_content_type(), sheet.get_content()[:5]) == (
        f"quote-{quote.number}.pdf",
        "application/pdf",
        b"%PDF-",
    )
    assert (page.get_filename(), page.get_content_type()) == (f"quote-{quote.number}.html", "text/html")
    assert "6,998.25 EUR" in page.get_content()
    text = letter.get_body(("plain",))
    assert text is not None
    assert "6,998.25 EUR" in text.get_content()


def test_a_letter_whose_quote_is_gone_is_given_up_and_said(sale: Sale, mailbox: Mailbox) -> None:
    quote = wished(sale, Pricing.RESELLER, sale.dora)
    with sale.world.store.transaction("acme") as tx:
        tx.connection.execute(table.delete().where(table.c.id == quote.id))
    mail(sale.tenant)
    assert [one for one in mailbox.letters if one["Subject"].startswith("Quote")] == []
    with sale.world.store.reading("acme") as tx:
        (row,) = [row for row in mails.listed(tx) if row.mail.quote_id == quote.id]
    assert (row.outcome, "is not there any more" in row.error) == ("given_up", True)


def test_a_price_counts_on_the_first_day_of_the_term_and_never_on_a_day_that_is_past(sale: Sale) -> None:
    today = sale.world.clock.now.date()
    old, later = (
        replace(PRICES[0], unit_price=Decimal(1), valid_from=date(2020, 1, 1)),
        replace(PRICES[0], unit_price=Decimal(200), valid_from=today + timedelta(days=40)),
    )
    now = replace(PRICES[0], valid_from=today)
    assert keep(sale.tenant, (old, now, later), actor=sale.vera) is None

    def seat_on(day: date | None) -> Decimal:
        quoted = make(sale.tenant, sale.deal_id, QuoteWish(Pricing.RETAIL, LINES, day), actor=sale.bob)
        assert isinstance(quoted, Quoted), quoted
        return quoted.quote.quote.lines[0].line.unit_price

    assert seat_on(None) == seat_on(today) == seat_on(today + timedelta(days=39)) == Decimal("99.90")
    assert seat_on(today - timedelta(days=400)) == Decimal("99.90")  # nobody buys at the prices of long ago
    assert seat_on(today + timedelta(days=40)) == Decimal(200)


def test_a_quote_of_other_terms_is_no_offer_and_is_not_signed(sale: Sale) -> None:
    # Given a quote that was sent and one that was not, when the deal is edited and approved again
    first, second = sale.sent(), sale.made()
    done(change(sale.tenant, sale.deal_id, {"term_years": "2", "licence_count": "25"}, MoveRequest(sale.bob)))
    assert sale.world.deal(sale.deal_id).values["quote_state"] is None
    assert refused(send(sale.tenant, sale.deal_id, second.id, MoveRequest(sale.vera))) == "quote_outdated"
    sale.finalized()
    assert refused(sign(sale.tenant, sale.deal_id, first.id, MoveRequest(sale.dora))) == "quote_not_sent"
    # Then the one made anew is signed, and no other
    sale.sent()
    assert refused(sign(sale.tenant, sale.deal_id, first.id, MoveRequest(sale.dora))) == "quote_not_latest"
    sale.signed()
    complete(sale.tenant)
    assert {(count, ends_on) for _, count, _, ends_on in sale.licences()} == {(20, date(2028, 3, 31)), (5, date(2028, 3, 31))}


# ── whoever is killed ────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def dying(sale: Sale, monkeypatch: pytest.MonkeyPatch, at: int, *, is_before: bool) -> Iterator[None]:
    """The process dies at its so-manieth commit from here on: just before it, or just after."""
    store, seen = sale.world.store, 0

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def transaction(*names: Any) -> Iterator[Any]:
            nonlocal seen
            seen += 1
            is_mine = seen == at
            with real(*names) as tx:
                yield tx
                if is_mine and is_before:
                    raise Killed
            if is_mine:
                raise Killed

        return transaction

    with monkeypatch.context() as patch:
        patch.setattr(store, "transaction", wrapped(store.transaction))
        try:
            yield
        except Killed:
            sale.world.tenant = sale.world.process()


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("at", range(1, 7))
def test_whoever_dies_at_whatever_commit_licences_are_issued_once_and_all_is_told_once(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, at: int, is_before: bool
) -> None:
    # Given a process that dies at one commit of finalize, make, send, sign, license, complete
    with dying(sale, monkeypatch, at, is_before=is_before):
        sale.finalized()
        sale.sent()
        sale.signed()
        complete(sale.tenant)
    # When each of them is asked for again, as people do who got no answer, and the worker goes on
    deal = sale.world.deal(sale.deal_id)
    if deal.lifecycle == "submitted":
        sale.finalized()
    if not any(one.sent_at for one in sale.quotes()):
        sale.sent()
    sale.signed()
    complete(sale.tenant)
    sale.world.push()
    # Then the sale is what it would have been
    assert (state(sale), sale.licences()) == (("completed", "signed"), LICENCES)
    assert (sale.letters("finalize_requested"), sale.letters("quote_sent")) == (["vera@example.com"], ["dora@example.com"])
    assert len([one for one in sale.quotes() if one.signed_at]) == 1
    assert complete(sale.tenant).follow_ups == frozenset()


DIES = """
import sys, time
from pathlib import Path
from sync_worker.bootstrap import build
from sync_worker.config.settings import Settings
from sync_worker.steps.deals.complete import complete
from sync_worker.store.deals import licences
database, config, mappings = sys.argv[1:]
issue = licences.issue
def issue_and_hang(tx, issued):
    issue(tx, issued)
    print("issued", flush=True)
    time.sleep(60)
licences.issue = issue_and_hang
settings = Settings(database_url=database, config_dir=Path(config), mappings_dir=Path(mappings))
complete(build(settings, environ={"SF_ID": "x", "SF_SECRET": "x"}).tenant("acme"))
"""


def test_a_worker_killed_with_licences_in_its_hands_leaves_none_and_the_next_one_issues_each_once(sale: Sale, tmp_path: Path) -> None:
    # Given a signed deal, and a worker of its own process that has written the licences and not committed them
    sale.finalized()
    sale.sent()
    sale.signed()
    (tmp_path / "config" / "portals").mkdir(parents=True)
    portal = {**PORTAL, "crm": {**PORTAL["crm"], "base_url": sale.world.url}}
    (tmp_path / "config" / "portals" / "acme.yaml").write_text(json.dumps(portal))
    arguments = [sale.world.store.url, str(tmp_path / "config"), str(MAPPINGS)]
    environ = {**os.environ, "PYTHONPATH": str(MAPPINGS.parent)}
    with subprocess.Popen([sys.executable, "-c", DIES, *arguments], stdout=subprocess.PIPE, text=True, env=environ) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == "issued\n"
        # When it is killed
        worker.send_signal(signal.SIGKILL)
        assert worker.wait(HANG_S) == -signal.SIGKILL
    assert sale.licences() == []
    # Then the next worker does all of it, and the one after that nothing
    complete(sale.tenant)
    assert (sale.licences(), sale.world.deal(sale.deal_id).lifecycle) == (LICENCES, "completed")
    assert complete(sale.tenant).follow_ups == frozenset()


def test_a_deal_won_in_the_crm_before_the_worker_came_to_it_gets_its_licences(sale: Sale) -> None:
    sale.finalized()
    sale.sent()
    sale.signed()
    sale.world.push()
    with sale.world.store.transaction("acme") as tx:
        stored = deals.by_ids(tx, [sale.deal_id])[sale.deal_id]
        deals.save(tx, [replace(stored, deal=stored.deal.changed({"lifecycle": "won"}), version=stored.version + 1)])
    complete(sale.tenant)
    assert (sale.licences(), sale.world.deal(sale.deal_id).lifecycle) == (LICENCES, "won")
    with sale.world.store.reading("acme") as tx:
        assert quotes.uncompleted(tx) == []
