"""Deals of subgroups that need not name their distributor: the vendor let each of them go without, and said why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, put
from sync_worker.store.distributors.tables import waivers


@dataclass(frozen=True, slots=True)
class Waiver:
    """The vendor's word on one deal. **Shapes** `company_id`: the subgroup that owned the deal then. **Units** `at`: aware UTC."""

    deal_id: str
    company_id: str
    parent_id: str
    at: datetime
    actor: str
    reason: str


_NAMES = ("portal", *Waiver.__slots__)


def keep(tx: Tx, waiver: Waiver) -> None:
    """From now on this deal need not name that parent; the latest word on a deal counts."""
    put(tx, waivers, _NAMES, [(tx.portal, *(getattr(waiver, name) for name in Waiver.__slots__))])


def end(tx: Tx, deal_ids: Collection[str]) -> None:
    """These deals keep their distributor again, as every subgroup's deal does."""
    if deal_ids:
        tx.connection.execute(delete(waivers).where(waivers.c.portal == tx.portal, among(tx, waivers.c.deal_id, deal_ids)))


def of_deals(tx: Tx, deal_ids: Collection[str]) -> dict[str, Waiver]:
    """By deal: those of the deals that the vendor has let go without their distributor."""
    columns = [waivers.c[name] for name in Waiver.__slots__]
    query = select(*columns).where(waivers.c.portal == tx.portal, among(tx, waivers.c.deal_id, deal_ids))
    return {row.deal_id: Waiver(*row) for row in tx.connection.execute(query)}


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """A company that lost a merge is the survivor here too."""
    for column in (waivers.c.company_id, waivers.c.parent_id):
        here = (waivers.c.portal == tx.portal, column == old_company_id)
        tx.connection.execute(update(waivers).where(*here).values({column.name: company_id}))
