"""Describe as cached: what the CRM last said of each record type, so that a pull costs no describe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from sync_worker.mapping.catalog import Catalog
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.core.tables import catalogs

FORGOTTEN_AT = datetime(1970, 1, 1, tzinfo=UTC)
FRESH_S = 86_400  # a new field is noticed within a day, or at once by `check`


def get(tx: Tx, native: str) -> Catalog | None:
    """The cached catalog, None where there is none or it is older than a day."""
    return _got(tx, native, tx.now - timedelta(seconds=FRESH_S))


def last(tx: Tx, native: str) -> Catalog | None:
    """What the CRM said last, even long ago; forgotten ones too."""
    return _got(tx, native, None)


def _got(tx: Tx, native: str, since_at: datetime | None) -> Catalog | None:
    here = {"its_portal": tx.portal, "its_native": native}
    found = tx.connection.execute(_one(), here).first()
    if found is None or (since_at and found.fetched_at <= since_at):
        return None
    return Catalog.from_document(found.document) if found.document else None


@cache
def _one() -> Select[Any]:
    here = (catalogs.c.portal == bindparam("its_portal"), catalogs.c.native == bindparam("its_native"))
    return select(catalogs.c.fetched_at, catalogs.c.document).where(*here)


def described_at(tx: Tx) -> dict[str, datetime]:
    """When each record type was described, native record name → moment; old ones too, but none that was forgotten."""
    return {native: fetched_at for native, fetched_at in tx.connection.execute(_described(), {"its_portal": tx.portal})}


@cache
def _described() -> Select[Any]:
    """Asked at the beginning of each run, so made once."""
    here = (catalogs.c.portal == bindparam("its_portal"), catalogs.c.fetched_at > FORGOTTEN_AT)
    return select(catalogs.c.native, catalogs.c.fetched_at).where(*here)


def save(tx: Tx, catalog: Catalog) -> None:
    """Keeps a fresh one."""
    row = {"portal": tx.portal, "native": catalog.native, "fetched_at": tx.now, "document": catalog.to_document()}
    upsert(tx, catalogs, [row])


def forget(tx: Tx) -> None:
    """With the next use the CRM is asked again. What it said last stays, for the commands that say what is new."""
    tx.connection.execute(update(catalogs).where(catalogs.c.portal == tx.portal).values(fetched_at=FORGOTTEN_AT))
