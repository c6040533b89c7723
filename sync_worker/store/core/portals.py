"""The portal's own row: association mode, the counter of reads, and the pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, literal, select, update

from sync_worker.store.core.engine import Tx
from sync_worker.store.core.statements import upsert
from sync_worker.store.core.tables import portals


@dataclass(frozen=True, slots=True)
class PortalRow:
    """What the store knows of a portal. **Shapes** `mode` answers; `next_mode` will, once all is derived up to the last company by id."""

    mode: str
    next_mode: str | None
    next_position: str
    mode_set_at: datetime
    read_no: int
    paused_until_at: datetime | None
    paused_because: str | None

    @property
    def set_mode(self) -> str:
        """The mode that the portal file is held to."""
        return self.next_mode or self.mode


def enter(tx: Tx, mode: str) -> PortalRow:
    """The portal's row, made at the first sync with the mode of that day."""
    row = {"portal": tx.portal, "mode": mode, "mode_set_at": tx.now}
    upsert(tx, portals, [row], keep=("mode", "mode_set_at"))
    found = get(tx)
    assert found is not None  # noqa: S101  # just written
    return found


def get(tx: Tx) -> PortalRow | None:
    """The row, None before the first sync."""
    row = tx.connection.execute(_row(), {"portal": tx.portal}).first()
    return PortalRow(*row) if row else None


@cache
def _row() -> Select[Any]:
    """Asked before most other questions, so made once."""
    return select(*(portals.c[name] for name in PortalRow.__slots__)).where(portals.c.portal == bindparam("portal"))


def plan_mode(tx: Tx, mode: str) -> None:
    """This mode is to be derived from the first company on; going back to the mode that answers ends it."""
    next_mode = case((portals.c.mode == mode, None), else_=mode)
    tx.connection.execute(update(portals).where(portals.c.portal == tx.portal).values(next_mode=next_mode, next_position=""))


def derive_again(tx: Tx, mode: str) -> None:
    """The associations of the present mode are worked out again, from the first company on, unless another mode is planned."""
    here = (portals.c.portal == tx.portal, portals.c.mode == mode, func.coalesce(portals.c.next_mode, mode) == mode)
    tx.connection.execute(update(portals).where(*here).values(next_mode=mode, next_position=""))


def derived(tx: Tx, position: str) -> None:
    """Derivation under the planned mode has come as far as this company."""
    tx.connection.execute(update(portals).where(portals.c.portal == tx.portal).values(next_position=position))


def adopt_mode(tx: Tx) -> None:
    """What was planned answers from now on."""
    here = (portals.c.portal == tx.portal, portals.c.next_mode.is_not(None))
    set_at = case((portals.c.mode == portals.c.next_mode, portals.c.mode_set_at), else_=literal(tx.now, portals.c.mode_set_at.type))
    values = {"mode": portals.c.next_mode, "mode_set_at": set_at, "next_mode": None, "next_position": ""}
    tx.connection.execute(update(portals).where(*here).values(**values))


def draw_read_no(tx: Tx) -> int:
    """The next number of the portal's order of reading. Drawn before a request, and when a write is settled."""
    return int(tx.connection.execute(_drawing(), {"its_portal": tx.portal}).scalar_one())


@cache
def _drawing() -> Any:
    here = portals.c.portal == bindparam("its_portal")
    return update(portals).where(here).values(read_no=portals.c.read_no + 1).returning(portals.c.read_no)


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
