"""What was taken away within the last day, by run and kind: the counter of the mass-change brake."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_worker.domain.sync.ingest.brake import WINDOW, Removal
from sync_worker.store.core.engine import Tx
from sync_worker.store.sync.tables import removals


def listed(tx: Tx) -> list[Removal]:
    """What went within the last day."""
    here = (removals.c.portal == tx.portal, removals.c.at > tx.now - WINDOW)
    query = select(removals.c.kind, removals.c.count, removals.c.at).where(*here).order_by(removals.c.at, removals.c.run_id)
    return [Removal(*row) for row in tx.connection.execute(query)]


def add(tx: Tx, run_id: str, kind: str, count: int) -> None:
    """Counts what a commit of this run takes away, in that commit."""
    insert = (postgresql if tx.is_postgresql else sqlite).insert(removals)
    statement = insert.on_conflict_do_update(
        index_elements=["portal", "run_id", "kind"], set_={"count": removals.c.count + insert.excluded["count"], "at": tx.now}
    )
    tx.connection.execute(statement, {"portal": tx.portal, "run_id": run_id, "kind": kind, "count": count, "at": tx.now})


def forget(tx: Tx) -> None:
    """The counter starts again."""
    tx.connection.execute(delete(removals).where(removals.c.portal == tx.portal))
