"""When the last webhook of each record type came: whether the CRM still tells us of changes. Written in the commit of the notices."""

from __future__ import annotations

from collections.abc import Collection

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.sync.tables import webhooks


def came(tx: Tx, objects: Collection[str]) -> None:
    """The CRM has just told of records of these types."""
    if objects:
        upsert(tx, webhooks, [{"portal": tx.portal, "object": object_, "last_at": tx.now} for object_ in sorted(objects)])
