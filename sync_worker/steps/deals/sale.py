"""SALE: what is recorded between finalize and the end, for the step that moves the deal, inside the move's own commit."""

from __future__ import annotations

from dataclasses import replace

from sync_worker.domain.core.deal import Actor, Deal, Lifecycle
from sync_worker.domain.core.move_context import Scene
from sync_worker.domain.deals.completion import Facts, Licence, licences
from sync_worker.domain.deals.quotes.quote import Pricing, billed_company, outdated
from sync_worker.steps.core.tenant import identity_of
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals import deals, quotes
from sync_worker.store.deals import licences as issued
from sync_worker.store.deals.quotes import StoredQuote


def of_sale(tx: Tx, scene: Scene) -> Scene:
    """The scene with what the sale's own moves need to know, where it has come so far."""
    if scene.deal.lifecycle is Lifecycle.FINALIZE_REQUESTED:
        return replace(scene, is_quote_sent=to_sign(tx, scene.deal) is not None)
    return replace(scene, is_licensed=is_licensed(tx, scene.deal)) if scene.deal.lifecycle is Lifecycle.QUOTE_SIGNED else scene


def signed(tx: Tx, deal: Deal, actor: Actor) -> None:
    """The signature on the quote, for the company that is billed or, where the vendor records it, for the vendor."""
    quote = to_sign(tx, deal)
    billed = billed_company(deal) or ""
    if quote:
        quotes.sign(tx, quote.id, actor.name, billed if actor.is_of(billed) else actor.company_id or "")


def to_sign(tx: Tx, deal: Deal) -> StoredQuote | None:
    """The signed quote, for good; else the version that the vendor offered last, where it is still made of what the deal says."""
    made = [one for one in quotes.of_deal(tx, deal.id) if one.quote.pricing is Pricing.DISTRIBUTOR]
    if before := next((one for one in made if one.signed_at), None):
        return before
    offered = [one for one in made if is_offered(tx, one)]
    latest = max(offered, key=lambda one: (str(one.offered_at), one.version), default=None)
    return latest if latest and not outdated(latest.quote, deal) else None


def is_offered(tx: Tx, quote: StoredQuote) -> bool:
    """Whether the vendor sent it since finalize was requested last. What was sent before that is a view, and is not signed."""
    since_at = deals.finalized_at(tx, quote.quote.deal_id)
    return quote.offered_at is not None and since_at is not None and quote.offered_at >= since_at


def facts_of(tx: Tx, deal: Deal) -> Facts:
    """What is recorded of the sale."""
    quote = to_sign(tx, deal)
    return Facts(
        is_quote_sent=quote is not None,
        is_quote_signed=quote is not None and quote.signed_at is not None,
        licence_ids=frozenset(licence.id for licence in issued.of_deal(tx, deal.id)),
    )


def owed_of(tx: Tx, deal: Deal) -> tuple[Licence, ...]:
    """The licences of the signed quote; none while there is none."""
    quote = quotes.signed(tx, deal.id)
    return licences(deal, quote.quote, identity=lambda name: identity_of(f"{tx.portal}/{name}")) if quote else ()


def is_licensed(tx: Tx, deal: Deal) -> bool:
    """Whether there is a signed quote, and each of its licences is issued."""
    owed = {licence.id for licence in owed_of(tx, deal)}
    return bool(owed) and owed <= facts_of(tx, deal).licence_ids
