"""The stamps in the answers to our own last writes: a search that shows such a stamp shows what we wrote, and nothing since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, DateTime, Table, Text, bindparam, func, literal, select, update
from sqlalchemy.dialects import postgresql

from sync_worker.domain.sync.ingest.echoes import OwnWrite
from sync_worker.domain.tell.event import COMPANY
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among
from sync_worker.store.core.tables import companies
from sync_worker.store.deals.tables import deal_links

Here: TypeAlias = tuple[ColumnElement[bool], ...]
"""Which rows are meant."""


def keep(tx: Tx, object_: str, stamps: Mapping[str, datetime | None]) -> None:
    """The last writes of these records were answered with these stamps. **Shapes** by CRM id; None: with none that can be relied on."""
    table, here = _home(tx, object_)
    told = {crm_id: stamp for crm_id, stamp in stamps.items() if stamp}
    if told:
        (_keep_listed if tx.is_postgresql else _keep_each)(tx, table, here, told)
    if untold := stamps.keys() - told.keys():
        these = among(tx, table.c.crm_id, untold), table.c.own_stamp_at.is_not(None)
        tx.connection.execute(update(table).where(*here, *these).values(own_stamp_at=None))


def of(tx: Tx, object_: str, crm_ids: Collection[str]) -> dict[str, OwnWrite]:
    """Our last writes of those of these records that are live and whose stamp is known, by CRM id."""
    table, here = _home(tx, object_)
    living = [table.c.deleted_at.is_(None), *([table.c.is_current] if "is_current" in table.c else ())]
    query = select(table.c.crm_id, table.c.own_stamp_at, table.c.crm_modified_at).where(
        *here, among(tx, table.c.crm_id, crm_ids), table.c.own_stamp_at.is_not(None), *living
    )
    return {crm_id: OwnWrite(stamp, held_at) for crm_id, stamp, held_at in tx.connection.execute(query)}


def _home(tx: Tx, object_: str) -> tuple[Table, Here]:
    """Where records of this type have their row, and what its rows have in common."""
    if object_ == COMPANY:
        return companies, (companies.c.portal == tx.portal,)
    return deal_links, (deal_links.c.portal == tx.portal, deal_links.c.object == object_)


def _keep_listed(tx: Tx, table: Table, here: Here, stamps: Mapping[str, datetime]) -> None:
    """All in one statement, the stamps sent as two parameters."""
    ids = literal(list(stamps), postgresql.ARRAY(Text))
    moments = literal(list(stamps.values()), postgresql.ARRAY(DateTime(timezone=True)))
    rows = func.unnest(ids, moments).table_valued("crm_id", "stamp").render_derived()
    tx.connection.execute(update(table).where(*here, table.c.crm_id == rows.c.crm_id).values(own_stamp_at=rows.c.stamp))


def _keep_each(tx: Tx, table: Table, here: Here, stamps: Mapping[str, datetime]) -> None:
    """One by one: joined with a list of rows, SQLite walks all records of the portal for each list."""
    change = update(table).where(*here, table.c.crm_id == bindparam("its_id")).values(own_stamp_at=bindparam("its_stamp"))
    tx.connection.execute(change, [{"its_id": crm_id, "its_stamp": stamp} for crm_id, stamp in stamps.items()])
