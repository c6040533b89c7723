"""Licences as issued: exactly once, because their ids are computed and the database holds one per deal and number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select, update

from sync_worker.domain.deals.completion import Licence
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.deals.tables import licences

_COLUMNS = [licences.c[name] for name in Licence.__slots__]


def issue(tx: Tx, issued: Sequence[Licence]) -> None:
    """Those that are not there yet; what is there stays as it is."""
    rows = [{"portal": tx.portal, "issued_at": tx.now, **{name: getattr(one, name) for name in Licence.__slots__}} for one in issued]
    upsert(tx, licences, rows, keep=[column.name for column in licences.columns if not column.primary_key])


def of_deal(tx: Tx, deal_id: str) -> list[Licence]:
    """A deal's licences, by number."""
    return [Licence(*row) for row in tx.connection.execute(_mine(tx).where(licences.c.deal_id == deal_id).order_by(licences.c.number))]


def of_company(tx: Tx, company_id: str) -> list[Licence]:
    """Every licence in this company, those that end last first."""
    query = _mine(tx).where(licences.c.company_id == company_id)
    return [Licence(*row) for row in tx.connection.execute(query.order_by(licences.c.ends_on.desc(), licences.c.id))]


def move_company(tx: Tx, old_company_id: str, company_id: str) -> None:
    """Licences of a company that lost a merge are the survivor's."""
    moved = update(licences).where(licences.c.portal == tx.portal, licences.c.company_id == old_company_id)
    tx.connection.execute(moved.values(company_id=company_id))


def _mine(tx: Tx) -> Select[Any]:
    return select(*_COLUMNS).where(licences.c.portal == tx.portal)
