"""CRM records that look like ours and are not: each with its stamp as it was read, so that the nightly comparison reads it once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import among, upsert
from sync_worker.store.sync.tables import strangers


def remember(tx: Tx, object_: str, stamps: Mapping[str, datetime]) -> None:
    """These were read with these stamps, and are not ours."""
    rows = [{"portal": tx.portal, "object": object_, "crm_id": crm_id, "crm_modified_at": at} for crm_id, at in stamps.items()]
    upsert(tx, strangers, rows)


def stamps(tx: Tx, object_: str, crm_ids: Collection[str]) -> dict[str, datetime]:
    """Those of the ids that were read and are not ours, with their stamps of then."""
    query = select(strangers.c.crm_id, strangers.c.crm_modified_at).where(
        strangers.c.portal == tx.portal, strangers.c.object == object_, among(tx, strangers.c.crm_id, crm_ids)
    )
    return {crm_id: at for crm_id, at in tx.connection.execute(query)}
