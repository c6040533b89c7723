"""COMPLETE: the worker's own steps between finalize and the end, inside the caller's commit. Called after every move of the sale, and
again whenever somebody looks: what is done is not done twice.
"""

from __future__ import annotations

from sync_worker.domain.completion import Facts, Licence, Step, licences, next_step
from sync_worker.domain.deal import Actor, Deal
from sync_worker.domain.notification import POLICY, News, Notice, finalize_event
from sync_worker.domain.quote import Pricing
from sync_worker.steps.tell import tell
from sync_worker.steps.tenant import identity_of
from sync_worker.store import licences as issued
from sync_worker.store import mails, quotes
from sync_worker.store.engine import Tx


def facts_of(tx: Tx, deal: Deal) -> Facts:
    """What is recorded of the sale."""
    made = quotes.of_deal(tx, deal.id)
    return Facts(
        is_vendor_alerted=bool(mails.of_event(tx, finalize_event(deal))),
        is_quote_sent=any(one.sent_at for one in made if one.quote.pricing is Pricing.DISTRIBUTOR),
        is_quote_signed=any(one.signed_at for one in made),
        licence_ids=frozenset(licence.id for licence in issued.of_deal(tx, deal.id)),
    )


def owed_of(tx: Tx, deal: Deal) -> tuple[Licence, ...]:
    """The licences of the signed quote; none while there is none."""
    signed = quotes.signed(tx, deal.id)
    return licences(deal, signed.quote, identity=lambda name: identity_of(f"{tx.portal}/{name}")) if signed else ()


def carry_on(tx: Tx, deal: Deal, *, actor: Actor | None = None) -> Step | None:
    """Does what is ours, and says what comes next: somebody else's step, or `COMPLETE`, which is a move of its own; None: nothing does.

    **Shapes** `actor`: who asked to finalize, where it was just now.
    """
    owed = owed_of(tx, deal)
    facts = facts_of(tx, deal)
    step = next_step(deal, facts, frozenset(licence.id for licence in owed))
    if step is Step.ALERT:
        notice = Notice.FINALIZE_REQUESTED
        tell(tx, [News(finalize_event(deal), notice, POLICY[notice])], deal, actor=actor)
        return Step.SIGN if facts.is_quote_sent else Step.QUOTE
    if step is Step.LICENSE:
        issued.issue(tx, owed)
        return next_step(deal, facts_of(tx, deal), frozenset(licence.id for licence in owed))
    return step
