"""From finalize to licences: the next step of a sale, as a function of what is recorded. Nothing is remembered but the facts.

    finalize requested ─► alert the vendor ─► quote ─► sign ─► license ─► complete
                          the worker          vendor   billed   the worker  the worker
                                                       company, or the vendor records it

Whoever is killed between two steps finds the same next step again, and each is keyed: the alert by its event, the quote by deal and
pricing, a licence by deal and number. So everything happens once, whoever does it, however often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from sync_worker.domain.company import AccountType, Company
from sync_worker.domain.deal import Deal, Lifecycle, Refusal
from sync_worker.domain.quote import Quote, billed_company, months_later


class Step(StrEnum):
    """What happens between finalize and the end, in this order."""

    ALERT = "alert"
    QUOTE = "quote"
    SIGN = "sign"
    LICENSE = "license"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded of a sale. **Shapes** `licence_ids`: those in the store."""

    is_vendor_alerted: bool = False
    is_quote_sent: bool = False
    is_quote_signed: bool = False
    licence_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Licence:
    """Licences of one line, in the company that owns the deal. **Units** both days belong to the term."""

    id: str
    deal_id: str
    number: int
    company_id: str
    name: str
    count: int
    starts_on: date
    ends_on: date


DONE_BY: Final[Mapping[Step, str]] = {
    Step.ALERT: "the worker",
    Step.QUOTE: "the vendor",
    Step.SIGN: "a member of the company the vendor bills, or the vendor records it",
    Step.LICENSE: "the worker",
    Step.COMPLETE: "the worker",
}
OURS: Final = frozenset({Step.ALERT, Step.LICENSE, Step.COMPLETE})
"""The steps nobody is waited for."""

_SIGNED: Final = frozenset(
    {Lifecycle.QUOTE_SIGNED, Lifecycle.WON}
)  # won in the CRM before we came to it: the licences are owed all the same


def next_step(deal: Deal, facts: Facts, owed: frozenset[str]) -> Step | None:
    """What is to be done next; `None` before finalize and after the end.

    **Shapes** `owed`: the ids of the licences of the signed quote; empty while there is none.
    """
    if facts.is_quote_signed and deal.lifecycle in _SIGNED:
        if not owed <= facts.licence_ids:
            return Step.LICENSE
        return Step.COMPLETE if deal.lifecycle is Lifecycle.QUOTE_SIGNED else None
    if deal.lifecycle is not Lifecycle.FINALIZE_REQUESTED:
        return None
    if not facts.is_vendor_alerted:
        return Step.ALERT
    return Step.SIGN if facts.is_quote_sent else Step.QUOTE


def signature_refusal(deal: Deal, facts: Facts, company: Company | None) -> Refusal | None:
    """Why a member of this company does not sign now, or record a signature. A second signature is no refusal: the first one counts."""
    who = DONE_BY[Step.SIGN]
    if company is None or not (company.id == billed_company(deal) or company.account_type is AccountType.VENDOR):
        return Refusal("signature_not_yours", f"{company.name if company else 'nobody'} does not sign this deal's quote", who)
    if facts.is_quote_signed:
        return None
    if deal.lifecycle is not Lifecycle.FINALIZE_REQUESTED:
        return Refusal("finalize_not_requested", f"the deal is {deal.lifecycle}: nothing is to be signed", "a member of the owner company")
    if not facts.is_quote_sent:
        return Refusal("quote_not_sent", "the quote has not been sent yet", DONE_BY[Step.QUOTE])
    return None


def licences(deal: Deal, quote: Quote, *, identity: Callable[[str], str]) -> tuple[Licence, ...]:
    """The licences of a signed quote: one grant per line, in the owner company, always the same.

    **Shapes** `identity` makes an id of a name, the same one each time. `ends_on` is the term's last day.
    """
    ends_on = months_later(quote.starts_on, 12 * quote.term_years) - timedelta(days=1)
    return tuple(
        Licence(
            identity(f"{deal.id}/licence/{number}"),
            deal.id,
            number,
            deal.owner_company or "",
            priced.line.name,
            priced.line.count,
            quote.starts_on,
            ends_on,
        )
        for number, priced in enumerate(quote.lines, start=1)
    )
