"""`db upgrade`: brings the database to this version."""

from __future__ import annotations

import typer

from sync_worker.cli.core.output import out
from sync_worker.config.settings import read_settings
from sync_worker.services import Services
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.migrate import upgrade as upgrade_store

db = typer.Typer(no_args_is_help=True, help="Brings the database to this version.")


@db.callback()
def database() -> None:
    """Brings the database to this version."""


@db.command()
def upgrade() -> None:
    """Brings the database to this version. You may run it again: then it changes nothing.

    Example: sync-worker db upgrade
    """
    store = Store(read_settings().database_url, clock=Services().clock)
    before, after = upgrade_store(store)
    store.close()
    words = f"already at {after}" if before == after else f"{before or 'empty'} → {after}"
    out.print(f"{store.shown_url}: {words}", highlight=False, soft_wrap=True)
