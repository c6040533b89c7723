"""The price list as the vendor's admins keep it over HTTP: every row stays as history; of several for one day the latest said counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from sync_worker.domain.deals.quotes.price_list import Price, PriceList, product_key
from sync_worker.domain.tell.event import By, prices_event
from sync_worker.store.core import feed
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.deals.tables import prices
from sync_worker.telemetry.correlation import run_under_way


@dataclass(frozen=True, slots=True)
class SaidPrice:
    """One row as somebody said it."""

    price: Price
    said_at: datetime
    said_by: str
    reason: str = ""


def add(tx: Tx, said: Sequence[Price], actor: str, reason: str = "") -> None:
    """From now on these rows count, and the portal is told once; the rows that they replace stay as history."""
    rows = [
        {
            "portal": tx.portal,
            "product_key": product_key(one.product),
            "currency": one.currency,
            "valid_from": one.valid_from,
            "said_at": tx.now,
            "product": one.product,
            "unit_price": one.unit_price,
            "said_by": actor,
            "reason": reason,
        }
        for one in said
    ]
    upsert(tx, prices, rows)
    feed.tell(tx, [prices_event(By("portal", actor, run_under_way())) if rows else None])


def current(tx: Tx) -> PriceList:
    """The rows that count."""
    return PriceList(tuple({one.price.key: one.price for one in history(tx)}.values()))


def history(tx: Tx) -> list[SaidPrice]:
    """Every row that was ever said: by product, currency and day; of one day the oldest first."""
    order = (prices.c.product_key, prices.c.currency, prices.c.valid_from, prices.c.said_at)
    columns = (
        prices.c.product,
        prices.c.currency,
        prices.c.unit_price,
        prices.c.valid_from,
        prices.c.said_at,
        prices.c.said_by,
        prices.c.reason,
    )
    query = select(*columns).where(prices.c.portal == tx.portal).order_by(*order)
    return [SaidPrice(Price(*row[:4]), *row[4:]) for row in tx.connection.execute(query)]
