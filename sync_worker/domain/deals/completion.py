"""From finalize to licences: the next step of a sale, as a function of what is recorded. Nothing is remembered but the facts.

    finalize requested ─► quote ─► sign ─► license ─► complete
    the vendor is told    vendor   billed   the worker  the worker
    in that very commit            company, or the vendor records it

A process that is killed between two steps finds the same next step again, and each is keyed: the quote by deal, pricing and version, the
signature by deal, a licence by deal and number. So everything happens once, even if several processes do it again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from sync_worker.domain.core.deal import Deal, Lifecycle, Refusal
from sync_worker.domain.core.move_context import Party, Scene, effect, guard
from sync_worker.domain.core.values import Value
from sync_worker.domain.deals.approval import reasoned
from sync_worker.domain.deals.quotes.quote import Quote, QuoteState, months_later


class Step(StrEnum):
    """A step of the sale between finalize and the end, in this order."""

    QUOTE = "quote"
    SIGN = "sign"
    LICENSE = "license"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded of a sale.

    **Shapes** `is_quote_sent`: the vendor offered one, and it is still made of what the deal says. `licence_ids`: those in the store.
    """

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
    return Step.SIGN if facts.is_quote_sent else Step.QUOTE


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


# ── what a signature and a completion need, and do ───────────────────────────────────────────────────────────────────


@guard("the vendor sent a distributor-priced quote after the finalize request, and that quote still fits the deal")
def quote_sent(scene: Scene) -> Refusal | None:
    if scene.is_quote_sent:
        return None
    why = "since finalize was requested, the vendor has not sent a distributor-priced quote that fits the deal as it is now"
    return Refusal("quote_not_sent", why, "the vendor sends it")


@guard("if the vendor records the signature: a reason is given")
def recorded_with_reason(scene: Scene) -> Refusal | None:
    signer = Party.SECOND_PARTNER if scene.deal.second_partner else Party.OWNER
    return None if signer in scene.standing.parties else reasoned.check(scene)


@guard("every licence of the signed quote is issued")
def licensed(scene: Scene) -> Refusal | None:
    if scene.is_licensed:
        return None
    return Refusal("not_licensed", "the licences of the signed quote are not issued yet", "the worker, within seconds of the signature")


@effect("an offer from an earlier finalize request is no longer valid")
def offered_anew(scene: Scene) -> Mapping[str, Value]:
    return {"quote_state": None} if scene.deal.values.get("quote_state") == QuoteState.SENT else {}


@effect("quote_signed; the quote is signed; a second signature changes nothing")
def signed(scene: Scene) -> Mapping[str, Value]:
    deal = scene.deal
    if deal.values.get("quote_state") == QuoteState.SIGNED and deal.lifecycle is not Lifecycle.FINALIZE_REQUESTED:
        return {}
    return {"lifecycle": Lifecycle.QUOTE_SIGNED.value, "quote_state": QuoteState.SIGNED.value}
