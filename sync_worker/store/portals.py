"""The portal's own row: association mode, the counter of reads, and the pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from sync_worker.store.engine import Tx, upsert
from sync_worker.store.tables import portals


@dataclass(frozen=True, slots=True)
class PortalRow:
    """What the store knows of a portal."""

    mode: str
    mode_set_at: datetime
    read_no: int
    paused_until_at: datetime | None
    paused_because: str | None


def enter(tx: Tx, mode: str) -> PortalRow:
    """The portal's row, made at the first sync with the mode of that day."""
    row = {"portal": tx.portal, "mode": mode, "mode_set_at": tx.now}
    upsert(tx, portals, [row], keep=("mode", "mode_set_at"))
    found = get(tx)
    assert found is not None  # noqa: S101  # just written
    return found


def get(tx: Tx) -> PortalRow | None:
    """The row, None before the first sync."""
    row = tx.connection.execute(select(portals).where(portals.c.portal == tx.portal)).mappings().first()
    if row is None:
        return None
    return PortalRow(row["mode"], row["mode_set_at"], row["read_no"], row["paused_until_at"], row["paused_because"])


def draw_read_no(tx: Tx) -> int:
    """The next number of the portal's order of reading. Drawn before a request, and when a write is settled."""
    statement = update(portals).where(portals.c.portal == tx.portal).values(read_no=portals.c.read_no + 1).returning(portals.c.read_no)
    return int(tx.connection.execute(statement).scalar_one())


def pause(tx: Tx, until_at: datetime, because: str) -> None:
    """No work of this portal is begun before `until_at`."""
    tx.connection.execute(update(portals).where(portals.c.portal == tx.portal).values(paused_until_at=until_at, paused_because=because))


def unpause(tx: Tx) -> None:
    """Work again."""
    tx.connection.execute(
        update(portals)
        .where(portals.c.portal == tx.portal, portals.c.paused_until_at.is_not(None))
        .values(paused_until_at=None, paused_because=None)
    )
