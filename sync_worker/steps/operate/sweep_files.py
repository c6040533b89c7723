"""SWEEP: deletes the portal's files that no row names: those that a crash left behind, and those whose row was removed, erased or swept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sync_worker.files import Files
from sync_worker.services import Services
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.deals import attached
from sync_worker.store.distributors import agreements

ORPHAN_AFTER: Final = timedelta(days=1)  # no upload takes that long


def sweep_files(store: Store, portal: str, files: Files, *, services: Services) -> int:
    """Once a night, after the rows. Returns how many files were removed."""
    before_at = services.clock() - ORPHAN_AFTER
    with store.reading(portal) as tx:
        named = named_files(tx)
    return files.sweep(portal, named=named, before_at=before_at)


def named_files(tx: Tx) -> set[str]:
    """Every file that counts. A new table with files belongs here, or the sweep removes them."""
    return agreements.keys(tx) | attached.keys(tx)
