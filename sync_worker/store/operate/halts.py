"""A portal that a person has paused: one row while it stands still. Who paused and resumed it, and why, stays in the interventions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, select

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.operate.tables import halts


@dataclass(frozen=True, slots=True)
class Halt:
    """Since when nothing is done for the portal, who said so, and why."""

    at: datetime
    actor: str
    reason: str


def get(tx: Tx) -> Halt | None:
    """The halt; None where the portal works."""
    row = tx.connection.execute(_one(), {"its_portal": tx.portal}).first()
    return Halt(*row) if row else None


@cache
def _one() -> Select[Any]:
    """Asked before most other questions, so made once."""
    return select(*(halts.c[name] for name in Halt.__slots__)).where(halts.c.portal == bindparam("its_portal"))


def begin(tx: Tx, *, actor: str, reason: str) -> None:
    """Pauses the portal. An earlier pause, with its reason, is replaced."""
    upsert(tx, halts, [{"portal": tx.portal, "at": tx.now, "actor": actor, "reason": reason}])


def end(tx: Tx) -> None:
    """It works again."""
    tx.connection.execute(delete(halts).where(halts.c.portal == tx.portal))
