"""The mode of a portal's associations. The first sync sets it; if the file says another one later, the portal stops."""

from __future__ import annotations

from sync_worker.config.portal import Portal
from sync_worker.errors import ConfigError
from sync_worker.store.core import portals
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.portals import PortalRow


def enter(tx: Tx, portal: Portal) -> None:
    """The portal's row, made with the mode of its first sync. **Raises** ConfigError where the file says another one by now."""
    _refuse_other_mode(portal, portals.enter(tx, portal.associations.mode))


def hold_mode(store: Store, portal: Portal) -> None:
    """The same for work that may end before it begins, and for looking. **Raises** ConfigError."""
    with store.reading(portal.name) as tx:
        row = portals.get(tx)
    if row:
        _refuse_other_mode(portal, row)


def _refuse_other_mode(portal: Portal, row: PortalRow) -> None:
    wanted = portal.associations.mode
    if wanted != row.set_mode:
        what = f"portal {portal.name} uses {row.set_mode} since {row.mode_set_at:%Y-%m-%d}, and a mode is set once"
        command = f"sync-worker portals set-association-mode {portal.name} {wanted} --override --reason TEXT"
        raise ConfigError([portal.source.mistake(("associations", "mode"), what, f"write {row.set_mode} again, or: {command}")])
