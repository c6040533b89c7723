"""QUOTE: a deal's prices are made of the price list and the terms, shown to those who may see them, and sent to the members they are for.

A quote that was made never changes; making it again is a new version. `finish` is called inside the commit, with what the caller keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from sync_worker.documents.page import Paper
from sync_worker.domain.core.deal import Actor, Deal, Move, Refusal
from sync_worker.domain.core.money import shown
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.deals.lifecycle import Verb, as_of
from sync_worker.domain.deals.quotes.price_list import Wish, lines_of
from sync_worker.domain.deals.quotes.quote import (
    Column,
    Offer,
    Pricing,
    Quote,
    QuoteState,
    outdated,
    percent_of,
    price,
    priced_pair,
    quote_refusal,
)
from sync_worker.domain.deals.quotes.quote_policy import (
    Side,
    column_of,
    is_offer,
    recipient_company,
    rights_of,
    send_refusal,
    sides,
    view_refusal,
)
from sync_worker.domain.distributors.terms import Pair
from sync_worker.domain.people.visibility import can_see, may_act
from sync_worker.domain.tell.notification import quote_news
from sync_worker.mapping.compile import RecordMap
from sync_worker.steps.core.follow_up import FollowUp, Work
from sync_worker.steps.core.tenant import DEAL, Tenant
from sync_worker.steps.deals.move import Finish, Moved, MoveRequest, staged, stale_version, store_move
from sync_worker.steps.deals.prices import price_list
from sync_worker.steps.deals.sale import is_offered, to_sign
from sync_worker.steps.people.users import reps_of, viewer_of
from sync_worker.steps.tell.mail import MAIL
from sync_worker.steps.tell.notify import DealNews, tell
from sync_worker.steps.tell.paper import paper_of
from sync_worker.store.core import companies
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, quotes
from sync_worker.store.deals.quotes import StoredQuote
from sync_worker.store.distributors import terms


class Quoted(NamedTuple):
    """A quote as it is now. **Shapes** `follow_ups`: work that is due now."""

    quote: StoredQuote
    follow_ups: frozenset[FollowUp] = frozenset()


@dataclass(frozen=True, slots=True)
class QuoteWish:
    """What somebody wishes quoted. **Shapes** `column` None: the usual one; `starts_on` None: today."""

    pricing: Pricing
    lines: tuple[Wish, ...]
    starts_on: date | None = None
    column: Column | None = None


Keep: TypeAlias = Callable[[Tx, Quoted], None]
WHO_SEES = "a person who sees the deal, and this pricing"


def make(tenant: Tenant, deal_id: str, wish: QuoteWish, *, actor: Actor, finish: Keep | None = None) -> Quoted | Refusal:
    """One more version of the deal's quote in this pricing.

    List prices are those of its first day, or of today where that is past; the percent is that of the terms as they are now.
    """
    with tenant.run("quote", DEAL), tenant.store.transaction(tenant.name) as tx:
        stored = deals.get(tx, deal_id)
        if stored is None:
            return _no_deal(tenant, deal_id)
        made = _priced(tx, tenant, tenant.shown(stored.deal), wish, actor)
        if isinstance(made, Refusal):
            return made
        quoted = Quoted(quotes.add(tx, tenant.services.new_id(), made, actor.name))
        if finish:
            finish(tx, quoted)
        return quoted


def send(tenant: Tenant, deal_id: str, quote_id: str, asked: MoveRequest, finish: Keep | None = None) -> Quoted | Refusal:
    """To the members of the company that its column names; sent before, it is not sent again.

    A distributor-priced one that the vendor sends after finalize was requested is an offer: it is sent, once, even if somebody sent
    it before, and may be signed.
    """
    actor = asked.actor
    with tenant.run("send_quote", DEAL) as run_id, tenant.store.transaction(tenant.name) as tx:
        found = _found(tx, tenant, deal_id, quote_id, actor)
        if isinstance(found, Refusal):
            return found
        stored, quote = found
        if stale := stale_version(stored, asked.version):
            return stale
        deal = tenant.shown(stored.deal)
        standing, sees_deal = _standing(tx, tenant, actor, deal)
        refused = send_refusal(quote.quote.column, quote.quote.pricing, standing, sees_deal=sees_deal)
        if refused:
            return refused
        offers = is_offer(deal, quote.quote.pricing, standing) and not is_offered(tx, quote)
        is_due = offers or quote.sent_at is None
        refused = _unsendable(tx, as_of(deal, tenant.today(tx)), quote) if is_due else None
        if refused:
            return refused
        quoted = _sent(tx, tenant, stored, quote, actor, run_id, offers=offers) if is_due else Quoted(quote)
        if finish:
            finish(tx, quoted)
        return quoted


def sign(tenant: Tenant, deal_id: str, quote_id: str, asked: MoveRequest, finish: Finish | None = None) -> Moved | Refusal:
    """The quote sent last is signed: by the company that is billed or, with a reason, by the vendor. The first signature counts."""

    def stage(tx: Tx, scene: Scene, _record: RecordMap) -> Scene | Refusal:
        found = _found(tx, tenant, deal_id, quote_id, asked.actor)
        if isinstance(found, Refusal):
            return found
        latest = to_sign(tx, scene.deal)
        if latest and not latest.signed_at and latest.id != quote_id:
            why = f"quote {found[1].number} cannot be signed: a later one was sent, {latest.number} ({latest.id})"
            return Refusal("quote_not_latest", why, "the person who signs that one", (latest.id,))
        return replace(scene, reason=asked.reason)

    return staged(tenant, deal_id, Verb.SIGN, stage, asked, finish=finish)


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def visible(tx: Tx, tenant: Tenant, deal: Deal, actor: Actor) -> list[StoredQuote]:
    """The deal's quotes that this person may see, the newest first."""
    standing, sees_deal = _standing(tx, tenant, actor, tenant.shown(deal))
    return [one for one in quotes.of_deal(tx, deal.id) if not view_refusal(one.quote.pricing, standing, sees_deal=sees_deal)]


def paper(tx: Tx, tenant: Tenant, deal_id: str, quote_id: str, *, actor: Actor) -> Paper | Refusal:
    """The quote as a document says it."""
    found = _found(tx, tenant, deal_id, quote_id, actor)
    if isinstance(found, Refusal):
        return found
    stored, quote = found
    return paper_of(tx, tenant.shown(stored.deal), quote, zone=tenant.portal.zone)


def _found(tx: Tx, tenant: Tenant, deal_id: str, quote_id: str, actor: Actor) -> tuple[StoredDeal, StoredQuote] | Refusal:
    """A quote that this person may see; any other is answered like one that does not exist."""
    stored = deals.get(tx, deal_id)
    if stored is None:
        return _no_deal(tenant, deal_id)
    quote = next((one for one in visible(tx, tenant, stored.deal, actor) if one.id == quote_id), None)
    if quote is None:
        return Refusal("quote_unknown", f"deal {deal_id} has no quote {quote_id}", WHO_SEES)
    return stored, quote


def _no_deal(tenant: Tenant, deal_id: str) -> Refusal:
    return Refusal("deal_unknown", f"portal {tenant.name} has no deal {deal_id}", "nobody")


def _standing(tx: Tx, tenant: Tenant, actor: Actor, deal: Deal) -> tuple[frozenset[Side], bool]:
    """Where this person stands on the deal, and whether it is theirs to see."""
    vendor = companies.vendor(tx)
    vendor_id = vendor.id if vendor else ""
    if actor.user:
        rep = reps_of(tx, [deal.owner_user]).get(deal.owner_user or "")
        mine = actor.user.companies | ({vendor_id} if actor.user.is_vendor_admin else frozenset())
        return sides(deal, mine, vendor_id=vendor_id), can_see(viewer_of(tx, tenant, actor.user), deal, rep)
    if actor.is_operator:
        return frozenset({Side.VENDOR}), True
    company_id = actor.company_id or ""
    known = companies.by_ids(tx, [one for one in (deal.owner_company, deal.second_partner, company_id) if one])
    return sides(deal, [company_id], vendor_id=vendor_id), bool(may_act(actor, deal, companies=known, rep=None).parties)


# ── making and sending ───────────────────────────────────────────────────────────────────────────────────────────────


def _priced(tx: Tx, tenant: Tenant, deal: Deal, wish: QuoteWish, actor: Actor) -> Quote | Refusal:
    today = tenant.today(tx)
    deal = as_of(deal, today)
    standing, sees_deal = _standing(tx, tenant, actor, deal)
    column = column_of(wish.pricing, standing, wish.column)
    if isinstance(column, Refusal):
        return column
    refused = send_refusal(column, wish.pricing, standing, sees_deal=sees_deal) or quote_refusal(deal, wish.pricing)
    percent = refused or _percent(tx, deal, wish.pricing)
    if isinstance(percent, Refusal):
        return percent
    starts_on = wish.starts_on or today
    rights = rights_of(wish.pricing, standing, discounts=tenant.portal.quotes.discount)
    lines = lines_of(wish.lines, price_list(tx, tenant), str(deal.values["currency"]), max(starts_on, today), rights)
    return lines if isinstance(lines, Refusal) else price(deal, Offer(lines, starts_on, column), wish.pricing, percent)


def _percent(tx: Tx, deal: Deal, pricing: Pricing) -> Decimal | Refusal:
    vendor = companies.vendor(tx)
    between = priced_pair(deal, pricing, vendor.id if vendor else "")
    pair = Pair(*between) if between else None
    return percent_of(terms.current(tx, [pair]).get(pair) if pair else None, deal, pricing)


def _unsendable(tx: Tx, deal: Deal, quote: StoredQuote) -> Refusal | None:
    """Why this quote is not an offer any more."""
    if changed := outdated(quote.quote, deal):
        why = f"the deal has changed since quote {quote.number} was made: {', '.join(changed)}"
        return Refusal("quote_outdated", why, "a person who makes another quote", changed)
    if quote.quote.pricing is Pricing.DISTRIBUTOR and (before := quotes.signed(tx, deal.id)):
        return Refusal("quote_signed", f"quote {before.number} was signed by {before.signed_by}", "nobody", (before.id,))
    return quote_refusal(deal, quote.quote.pricing)


def _pricing_label(tenant: Tenant, pricing: Pricing) -> str:
    """The distributor's pricing is called after what the portal calls a second partner."""
    return tenant.portal.second_partner.display_label or "second partner" if pricing is Pricing.DISTRIBUTOR else pricing.value


def _sent(tx: Tx, tenant: Tenant, stored: StoredDeal, quote: StoredQuote, actor: Actor, run_id: str, *, offers: bool) -> Quoted:
    deal, its = tenant.shown(stored.deal), quote.quote
    mark = quotes.mark_offered if offers else quotes.mark_sent
    mark(tx, quote.id, actor.name)
    words = {
        "pricing": _pricing_label(tenant, its.pricing),
        "total": shown(its.total, its.currency),
        "term": f"{its.term_years} year{'s' if its.term_years > 1 else ''}, {its.billing_cycle.value.replace('_', ' ')}",
    }
    event = f"quote/{quote.id}/offer/{stored.version}" if offers else f"quote/{quote.id}"
    news = quote_news(event, deal, recipient_company(its.column, deal) or "")
    tell(tx, tenant, [DealNews((news,), deal, words=words, quote_id=quote.id)], actor=actor)
    follow_ups = frozenset({MAIL})
    if offers and deal.values.get("quote_state") != QuoteState.SENT:
        note = f"{actor.name}: quote {quote.number} sent"
        store_move(tx, tenant, stored, Move({"quote_state": QuoteState.SENT.value}, note), actor, run_id)
        follow_ups |= {FollowUp(Work.PUSH)}
    return Quoted(quotes.get(tx, quote.id) or quote, follow_ups)
