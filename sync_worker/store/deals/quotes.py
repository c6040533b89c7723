"""Quotes as made, sent and signed. A quote never changes; a new one is a new version. The first signature of a deal counts, for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, insert, select, update

from sync_worker.domain.core.moments import written
from sync_worker.domain.core.values import Plain, plain
from sync_worker.domain.deals.quotes.quote import Pricing, Quote
from sync_worker.domain.deals.quotes.quote_numbers import from_numbers, to_numbers
from sync_worker.domain.tell.event import QUOTE, By, Subject, difference_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.tables import deals, quotes
from sync_worker.telemetry.correlation import run_under_way


@dataclass(frozen=True, slots=True)
class StoredQuote:
    """One version.

    **Shapes** `version` counts from 1 within its deal and pricing; `offered_at`: when the vendor last sent it after finalize was requested;
    `signed_for`: the signer's company.
    """

    id: str
    version: int
    quote: Quote
    made_at: datetime
    made_by: str
    sent_at: datetime | None = None
    sent_by: str | None = None
    offered_at: datetime | None = None
    offered_by: str | None = None
    signed_at: datetime | None = None
    signed_by: str | None = None
    signed_for: str | None = None

    @property
    def number(self) -> str:
        """As people cite it: `1f2e3d4c-D2`, the deal's id cut short, the pricing's letter, the version."""
        return f"{self.quote.deal_id[:8]}-{_LETTERS[self.quote.pricing]}{self.version}"


_LETTERS: Final = {Pricing.RETAIL: "L", Pricing.DISTRIBUTOR: "D", Pricing.RESELLER: "R"}
_MOMENTS: Final = ("sent_at", "offered_at", "signed_at")
UNCOMPLETED: Final = and_(
    quotes.c.signed_at.is_not(None),
    quotes.c.completed_at.is_(None),
    exists().where(
        deals.c.portal == quotes.c.portal, deals.c.id == quotes.c.deal_id, deals.c.lifecycle.in_(["quote_signed", "completed", "won"])
    ),
)
"""Signed, and the worker's part of it is not through; one that was lost, or begins again, waits."""

_COLUMNS = [quotes.c["numbers" if name == "quote" else name] for name in StoredQuote.__slots__]


def add(tx: Tx, quote_id: str, quote: Quote, actor: str) -> StoredQuote:
    """One more version of this deal's quote in this pricing. The portal is told. Inside the portal's lock: no two get one number."""
    here = (quotes.c.portal == tx.portal, quotes.c.deal_id == quote.deal_id, quotes.c.pricing == quote.pricing.value)
    version = tx.connection.execute(select(func.coalesce(func.max(quotes.c.version), 0) + 1).where(*here)).scalar_one()
    row = {
        "portal": tx.portal,
        "id": quote_id,
        "deal_id": quote.deal_id,
        "pricing": quote.pricing.value,
        "version": version,
        "currency": quote.currency,
        "total": quote.total,
        "numbers": to_numbers(quote),
        "made_at": tx.now,
        "made_by": actor,
    }
    tx.connection.execute(insert(quotes).values(row))
    made = StoredQuote(quote_id, version, quote, tx.now, actor)
    _tell(tx, "quote.made", None, made, actor)
    return made


def get(tx: Tx, quote_id: str) -> StoredQuote | None:
    """One version."""
    return next(iter(_found(tx, _mine(tx).where(quotes.c.id == quote_id))), None)


def of_deal(tx: Tx, deal_id: str) -> list[StoredQuote]:
    """The deal's quotes of every pricing, the newest first."""
    return _found(
        tx, _mine(tx).where(quotes.c.deal_id == deal_id).order_by(quotes.c.made_at.desc(), quotes.c.pricing, quotes.c.version.desc())
    )


def signed(tx: Tx, deal_id: str) -> StoredQuote | None:
    """The one that was signed."""
    return next(iter(_found(tx, _mine(tx).where(quotes.c.deal_id == deal_id, quotes.c.signed_at.is_not(None)))), None)


def uncompleted(tx: Tx, *, after: str = "", limit: int = 100) -> list[str]:
    """Deals whose quote is signed and that are not through: ids that follow `after`."""
    query = select(quotes.c.deal_id).where(quotes.c.portal == tx.portal, UNCOMPLETED, quotes.c.deal_id > after)
    return list(tx.connection.execute(query.order_by(quotes.c.deal_id).limit(limit)).scalars())


def mark_completed(tx: Tx, deal_id: str) -> None:
    """Marks the deal: its signed quote needs no further step."""
    here = (quotes.c.portal == tx.portal, quotes.c.deal_id == deal_id, quotes.c.signed_at.is_not(None))
    tx.connection.execute(update(quotes).where(*here).values(completed_at=tx.now))


def mark_sent(tx: Tx, quote_id: str, actor: str) -> bool:
    """It was sent, and the portal is told. False: it had been already, and the first time counts."""
    before = get(tx, quote_id)
    if before is None or before.sent_at:
        return False
    _change(tx, "quote.sent", before, actor, sent_at=tx.now, sent_by=actor)
    return True


def mark_offered(tx: Tx, quote_id: str, actor: str) -> None:
    """The vendor sends it as an offer, and the portal is told: from now on it may be signed. Of the sendings, the first one counts."""
    if before := get(tx, quote_id):
        first = {} if before.sent_at else {"sent_at": tx.now, "sent_by": actor}
        _change(tx, "quote.sent", before, actor, offered_at=tx.now, offered_by=actor, **first)


def sign(tx: Tx, quote_id: str, actor: str, company_id: str) -> StoredQuote | None:
    """The deal's signed quote: this one, or the one that was signed before, unchanged. Inside the portal's lock. None: no such quote."""
    stored = get(tx, quote_id)
    if stored is None:
        return None
    before = signed(tx, stored.quote.deal_id)
    return before or _change(tx, "quote.signed", stored, actor, signed_at=tx.now, signed_by=actor, signed_for=company_id)


def _change(tx: Tx, kind: str, before: StoredQuote, actor: str, **values: Any) -> StoredQuote:
    """What happened to a quote is written and told. The quote as it is now."""
    tx.connection.execute(update(quotes).where(quotes.c.portal == tx.portal, quotes.c.id == before.id).values(**values))
    after = replace(before, **values)
    _tell(tx, kind, before, after, actor)
    return after


def _tell(tx: Tx, kind: str, before: StoredQuote | None, after: StoredQuote, actor: str) -> None:
    subject = Subject(QUOTE, after.id, {"deal_id": after.quote.deal_id})
    feed.tell(tx, [difference_event(kind, subject, _known(before), _known(after), By("portal", actor, run_under_way()))])


def _known(stored: StoredQuote | None) -> dict[str, Plain]:
    """What the portal is told of a quote; the lines are asked for."""
    if stored is None:
        return {}
    quote = stored.quote
    moments = {name: written(moment) for name in _MOMENTS if (moment := getattr(stored, name))}
    return {
        "number": stored.number,
        "pricing": quote.pricing.value,
        "column": quote.column.value,
        "currency": quote.currency,
        "total": plain(quote.total),
        "signed_for": stored.signed_for or None,
        **moments,
    }


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(quotes.c.portal == tx.portal)


def _found(tx: Tx, query: Select[Any]) -> list[StoredQuote]:
    return [StoredQuote(id_, version, from_numbers(numbers), *rest) for id_, version, numbers, *rest in tx.connection.execute(query)]
