"""Describe as cached: what the CRM last said of each record type, so that a pull costs no describe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from sync_worker.mapping.catalog import Catalog
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.core.tables import catalogs

FORGOTTEN_AT = datetime(1970, 1, 1, tzinfo=UTC)
FRESH_S = 86_400  # a new field is noticed within a day, or at once by `check`


def get(tx: Tx, native: str) -> Catalog | None:
    """The cached catalog, None where there is none or it is older than a day."""
    return _got(tx, native, catalogs.c.fetched_at > tx.now - timedelta(seconds=FRESH_S))


def last(tx: Tx, native: str) -> Catalog | None:
    """What the CRM said last, even long ago; forgotten ones too."""
    return _got(tx, native)


def _got(tx: Tx, native: str, *fresh: ColumnElement[bool]) -> Catalog | None:
    query = select(catalogs.c.document).where(catalogs.c.portal == tx.portal, catalogs.c.native == native, *fresh)
    document = tx.connection.execute(query).scalar()
    return Catalog.from_document(document) if document else None


def described_at(tx: Tx) -> dict[str, datetime]:
    """When each record type was described, native record name → moment; old ones too, but none that was forgotten."""
    here = (catalogs.c.portal == tx.portal, catalogs.c.fetched_at > FORGOTTEN_AT)
    query = select(catalogs.c.native, catalogs.c.fetched_at).where(*here)
    return {native: fetched_at for native, fetched_at in tx.connection.execute(query)}


def save(tx: Tx, catalog: Catalog) -> None:
    """Keeps a fresh one."""
    row = {"portal": tx.portal, "native": catalog.native, "fetched_at": tx.now, "document": catalog.to_document()}
    upsert(tx, catalogs, [row])


def forget(tx: Tx) -> None:
    """The next use asks the CRM again. What it said last stays, for the commands that tell what is new."""
    tx.connection.execute(update(catalogs).where(catalogs.c.portal == tx.portal).values(fetched_at=FORGOTTEN_AT))
