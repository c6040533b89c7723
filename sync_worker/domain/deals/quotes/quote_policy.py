"""Who presses which button of a quote: one policy table, on top of who sees the deal at all (`people/visibility.py`).

A quote stands in one of two columns. From the *distributor column* it goes to the members of the deal's distributor, from the *deal column*
to those of the reseller, and to no other user. In a single-tier deal the owner company stands in the distributor's place as well.

    column        pricing       who makes and sends it
    distributor   distributor   vendor, distributor
    distributor   retail        vendor, distributor
    deal          reseller      vendor, distributor, reseller
    deal          retail        vendor, distributor, reseller

A reseller never sees distributor pricing. What the distributor sends to its own group is a view. What is signed is the distributor-priced
version that the vendor sent after finalize was requested (`is_offer`): the signer does not make the offer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import Deal, Lifecycle, Refusal
from sync_worker.domain.deals.quotes.price_list import Rights
from sync_worker.domain.deals.quotes.quote import Column, Pricing


class Side(StrEnum):
    """Where somebody stands on a deal."""

    VENDOR = "vendor"
    DISTRIBUTOR = "distributor"
    RESELLER = "reseller"


_ALL: Final = frozenset(Side)
_UPPER: Final = frozenset({Side.VENDOR, Side.DISTRIBUTOR})

SENDERS: Final[Mapping[tuple[Column, Pricing], frozenset[Side]]] = {
    (Column.DISTRIBUTOR, Pricing.DISTRIBUTOR): _UPPER,
    (Column.DISTRIBUTOR, Pricing.RETAIL): _UPPER,
    (Column.DEAL, Pricing.RESELLER): _ALL,
    (Column.DEAL, Pricing.RETAIL): _ALL,
}
"""column, pricing → who makes and sends it; what is not here is in no column."""

SEEN_BY: Final[Mapping[Pricing, frozenset[Side]]] = {Pricing.RETAIL: _ALL, Pricing.DISTRIBUTOR: _UPPER, Pricing.RESELLER: _ALL}
"""pricing → who sees such a quote."""

SELLERS: Final[Mapping[Pricing, frozenset[Side]]] = {
    Pricing.RETAIL: _ALL,
    Pricing.DISTRIBUTOR: frozenset({Side.VENDOR}),
    Pricing.RESELLER: _UPPER,
}
"""pricing → who sells at it, and may discount it where the portal lets them: a user does not make cheaper what the own company pays."""


def sides(deal: Deal, company_ids: Collection[str], *, vendor_id: str) -> frozenset[Side]:
    """Where a person of these companies stands. The owner of a single-tier deal stands where the distributor would: the vendor bills it."""
    found = {
        Side.VENDOR: vendor_id in company_ids,
        Side.DISTRIBUTOR: (deal.second_partner or deal.owner_company) in company_ids,
        Side.RESELLER: deal.owner_company in company_ids,
    }
    return frozenset(side for side, stands in found.items() if stands)


def column_of(pricing: Pricing, standing: frozenset[Side], wished: Column | None) -> Column | Refusal:
    """The column the quote stands in. Retail pricing, which has two, goes to the maker's own group if the request names none."""
    having = tuple(column for column, priced in SENDERS if priced is pricing)
    if wished is None:
        is_distributors = Side.DISTRIBUTOR in standing and standing.isdisjoint({Side.VENDOR, Side.RESELLER})
        return Column.DISTRIBUTOR if Column.DISTRIBUTOR in having and (is_distributors or len(having) == 1) else Column.DEAL
    if wished in having:
        return wished
    return Refusal("pricing_not_in_column", f"the {wished} column has no {pricing} pricing", "another column", having, "column")


def view_refusal(pricing: Pricing, standing: frozenset[Side], *, sees_deal: bool) -> Refusal | None:
    """Why this person may not see a quote of this pricing. **Shapes** `sees_deal`: what `can_see` says."""
    if sees_deal and standing & SEEN_BY[pricing]:
        return None
    return _refused("see", pricing, SEEN_BY[pricing])


def send_refusal(column: Column, pricing: Pricing, standing: frozenset[Side], *, sees_deal: bool) -> Refusal | None:
    """Why this person may not make or send a quote of this pricing in this column."""
    senders = SENDERS[column, pricing]
    if sees_deal and standing & senders:
        return None
    return _refused("make or send", pricing, senders)


def rights_of(pricing: Pricing, standing: frozenset[Side], *, discounts: Collection[str]) -> Rights:
    """What this person may write into the lines. **Shapes** `discounts`: the sides that the portal lets give any."""
    allowed = {side for side in SELLERS[pricing] if side in discounts}
    return Rights(Side.VENDOR in standing, bool(standing & allowed), _named(allowed) or "no user of this portal")


def is_offer(deal: Deal, pricing: Pricing, standing: frozenset[Side]) -> bool:
    """Whether what this person sends now may be signed."""
    return pricing is Pricing.DISTRIBUTOR and Side.VENDOR in standing and deal.lifecycle is Lifecycle.FINALIZE_REQUESTED


def recipient_company(column: Column, deal: Deal) -> str | None:
    """Our id of the company whose members the quote is sent to."""
    return deal.second_partner or deal.owner_company if column is Column.DISTRIBUTOR else deal.owner_company


def _refused(verb: str, pricing: Pricing, who: frozenset[Side]) -> Refusal:
    return Refusal("quote_not_yours", f"this person may not {verb} {pricing} pricing", f"a member of {_named(who)}, who sees the deal")


def _named(who: Collection[Side]) -> str:
    return " or ".join("the vendor" if side is Side.VENDOR else f"the deal's {side}" for side in Side if side in who)
