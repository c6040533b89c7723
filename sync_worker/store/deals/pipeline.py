"""The pipeline: the deals that somebody sees, narrowed, in an order, page by page; exactly those for which `can_see` holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from sync_worker.domain.deals.deal_edit import StoredDeal
from sync_worker.domain.people.visibility import DealShare
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among
from sync_worker.store.deals.deals import by_ids
from sync_worker.store.deals.narrowing import WHOLE, Narrowing, conditions
from sync_worker.store.deals.orders import LATEST, ListOrder
from sync_worker.store.deals.rows import from_row
from sync_worker.store.deals.tables import deals


@dataclass(frozen=True, slots=True)
class SeenDeal:
    """A deal and its place in the order that was asked for. **Shapes** `place`: one value for each key of the order; then comes the id."""

    stored: StoredDeal
    place: tuple[Any, ...]


def seen(
    tx: Tx,
    shares: Iterable[DealShare],
    wanted: Narrowing = WHOLE,
    *,
    order: ListOrder = LATEST,
    after: tuple[Sequence[Any], str] | None = None,
    limit: int = 100,
) -> list[SeenDeal]:
    """A page of the deals that these shares cover. **Shapes** `after`: the place and the id of the last one seen."""
    order = order if wanted.is_open else order.without_index()
    page = order.joined(select(deals.c.id, *order.columns)).where(*conditions(tx, shares, wanted))
    if after:
        page = page.where(order.behind(*after))
    rows = tx.connection.execute(page.order_by(*order.clauses).limit(limit)).all()
    known = by_ids(tx, [row[0] for row in rows])
    return [SeenDeal(known[id_], tuple(place)) for id_, *place in rows]


def ids_seen(tx: Tx, shares: Iterable[DealShare], wanted: Narrowing = WHOLE, *, order: ListOrder = LATEST) -> list[str]:
    """All of them, by their ids."""
    query = order.joined(select(deals.c.id)).where(*conditions(tx, shares, wanted))
    return list(tx.connection.execute(query.order_by(*order.clauses)).scalars())


def seen_among(tx: Tx, shares: Iterable[DealShare], ids: Collection[str]) -> frozenset[str]:
    """Those of these deals that the shares cover, by their ids."""
    query = select(deals.c.id).where(*conditions(tx, shares, WHOLE), among(tx, deals.c.id, ids))
    return frozenset(tx.connection.execute(query).scalars())


def seen_of(tx: Tx, shares: Iterable[DealShare], ids: Collection[str], wanted: Narrowing = WHOLE) -> dict[str, StoredDeal]:
    """Those of these deals that are still among them, by id."""
    query = select(deals).where(*conditions(tx, shares, wanted), among(tx, deals.c.id, ids))
    found = (from_row(*row) for row in tx.connection.execute(query))
    return {stored.deal.id: stored for stored in found}
