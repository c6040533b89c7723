"""Quotes as made, sent and signed. A quote never changes; a new one is a new version. The first signature of a deal counts, for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, exists, func, insert, select, update

from sync_worker.domain.deals.quote import Pricing, Quote
from sync_worker.domain.deals.quote_numbers import from_numbers, to_numbers
from sync_worker.store.core.engine import Tx
from sync_worker.store.deals.tables import deals, quotes


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
    """One more version of this deal's quote in this pricing. Inside the portal's lock, so that no two get one number."""
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
    return StoredQuote(quote_id, version, quote, tx.now, actor)


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
    """Nothing is left to be done for this deal's signed quote."""
    here = (quotes.c.portal == tx.portal, quotes.c.deal_id == deal_id, quotes.c.signed_at.is_not(None))
    tx.connection.execute(update(quotes).where(*here).values(completed_at=tx.now))


def mark_sent(tx: Tx, quote_id: str, actor: str) -> bool:
    """It was sent. False: it had been already, and the first time counts."""
    here = (quotes.c.portal == tx.portal, quotes.c.id == quote_id, quotes.c.sent_at.is_(None))
    return tx.connection.execute(update(quotes).where(*here).values(sent_at=tx.now, sent_by=actor)).rowcount > 0


def mark_offered(tx: Tx, quote_id: str, actor: str) -> None:
    """The vendor offers it: from now on it may be signed."""
    here = (quotes.c.portal == tx.portal, quotes.c.id == quote_id)
    tx.connection.execute(update(quotes).where(*here).values(offered_at=tx.now, offered_by=actor))


def sign(tx: Tx, quote_id: str, actor: str, company_id: str) -> StoredQuote | None:
    """The deal's signed quote: this one, or the one that was signed before, unchanged. Inside the portal's lock. None: no such quote."""
    stored = get(tx, quote_id)
    if stored is None:
        return None
    before = signed(tx, stored.quote.deal_id)
    if before:
        return before
    here = (quotes.c.portal == tx.portal, quotes.c.id == quote_id)
    tx.connection.execute(update(quotes).where(*here).values(signed_at=tx.now, signed_by=actor, signed_for=company_id))
    return get(tx, quote_id)


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(quotes.c.portal == tx.portal)


def _found(tx: Tx, query: Select[Any]) -> list[StoredQuote]:
    return [StoredQuote(id_, version, from_numbers(numbers), *rest) for id_, version, numbers, *rest in tx.connection.execute(query)]
