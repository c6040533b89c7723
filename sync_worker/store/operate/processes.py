"""The processes, by their heartbeats. They serve every portal, so their rows and transactions are of none ("")."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, or_, select

from sync_worker.domain.operate.status import SILENT_S, Process
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.operate.tables import processes

KEPT_S: Final = 3600.0  # how long a silent process is shown where no other took its place


def beat(tx: Tx, process: Process) -> None:
    """The process is there, now. Its start is kept from the first beat on, by the clock that all processes share."""
    names = ("id", "kind", "host", "pid", "version", "configuration")
    row = {name: getattr(process, name) for name in names}
    upsert(tx, processes, [{"portal": tx.portal, **row, "started_at": tx.shared_now, "seen_at": tx.shared_now}], keep=("started_at",))


def sweep(tx: Tx) -> None:
    """Forgets silent processes whose place another one of their kind has taken since, and whatever was silent for long."""
    other = processes.alias()
    is_replaced = exists().where(
        other.c.portal == processes.c.portal, other.c.kind == processes.c.kind, other.c.started_at > processes.c.seen_at
    )
    is_silent = processes.c.seen_at < tx.shared_now - timedelta(seconds=SILENT_S)
    is_old = processes.c.seen_at < tx.shared_now - timedelta(seconds=KEPT_S)
    tx.connection.execute(delete(processes).where(processes.c.portal == tx.portal, or_(is_old, and_(is_silent, is_replaced))))


def leave(tx: Tx, id_: str) -> None:
    """The process ends in order."""
    tx.connection.execute(delete(processes).where(processes.c.portal == tx.portal, processes.c.id == id_))


def listed(tx: Tx) -> list[Process]:
    """Every process that is known, by kind and start."""
    columns = [processes.c[name] for name in Process.__slots__]
    query = select(*columns).where(processes.c.portal == tx.portal)
    return [Process(*row) for row in tx.connection.execute(query.order_by(processes.c.kind, processes.c.started_at, processes.c.id))]
