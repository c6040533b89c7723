"""Who sees a quote, who makes and sends it and whom it is sent to: one policy table, on top of who sees the deal at all (`sight.py`).

A reseller never sees distributor pricing. The distributor sees and sends the reseller-priced quote without being a member of the reseller.
The distributor-priced one is what the vendor bills and the distributor signs, so the vendor alone makes and sends it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sync_worker.domain.deal import Deal, Refusal
from sync_worker.domain.quote import Pricing


class Side(StrEnum):
    """Where somebody stands on a deal."""

    VENDOR = "vendor"
    DISTRIBUTOR = "distributor"
    RESELLER = "reseller"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may see a quote of one pricing, who may make and send it, and whose members get it."""

    seen_by: frozenset[Side]
    sent_by: frozenset[Side]
    sent_to: Side


TABLE: Final[Mapping[Pricing, Rule]] = {
    Pricing.RETAIL: Rule(frozenset(Side), frozenset(Side), Side.RESELLER),
    Pricing.DISTRIBUTOR: Rule(frozenset({Side.VENDOR, Side.DISTRIBUTOR}), frozenset({Side.VENDOR}), Side.DISTRIBUTOR),
    Pricing.RESELLER: Rule(frozenset(Side), frozenset({Side.VENDOR, Side.DISTRIBUTOR}), Side.RESELLER),
}
"""pricing → who sees it, who sends it, to whose members it goes."""


def sides(deal: Deal, company_ids: Collection[str], *, vendor_id: str) -> frozenset[Side]:
    """Where a person of these companies stands. The owner of a single-tier deal stands where the distributor would: the vendor bills it."""
    found = {
        Side.VENDOR: vendor_id in company_ids,
        Side.DISTRIBUTOR: (deal.second_partner or deal.owner_company) in company_ids,
        Side.RESELLER: deal.owner_company in company_ids,
    }
    return frozenset(side for side, stands in found.items() if stands)


def view_refusal(pricing: Pricing, standing: frozenset[Side], *, sees_deal: bool) -> Refusal | None:
    """Why this person may not see a quote of this pricing. **Shapes** `sees_deal`: what `can_see` says."""
    if sees_deal and standing & TABLE[pricing].seen_by:
        return None
    return _refused("see", pricing, TABLE[pricing].seen_by)


def send_refusal(pricing: Pricing, standing: frozenset[Side], *, sees_deal: bool) -> Refusal | None:
    """Why this person may not make or send a quote of this pricing."""
    if sees_deal and standing & TABLE[pricing].sent_by:
        return None
    return _refused("make or send", pricing, TABLE[pricing].sent_by)


def recipient_company(pricing: Pricing, deal: Deal) -> str | None:
    """Our id of the company whose members the quote is sent to."""
    if TABLE[pricing].sent_to is Side.DISTRIBUTOR and deal.second_partner:
        return deal.second_partner
    return deal.owner_company


def _refused(verb: str, pricing: Pricing, who: frozenset[Side]) -> Refusal:
    names = " or ".join(f"the deal's {side}" if side is not Side.VENDOR else "the vendor" for side in Side if side in who)
    return Refusal("quote_not_yours", f"not everybody may {verb} {pricing} pricing", f"a member of {names}, who sees the deal")
