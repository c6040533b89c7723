"""The way of a database to the newest version of the schema. Safe to run twice, and twice at once.

The whole upgrade is one transaction behind one lock, so a second process waits and then finds nothing to do. Config is built here, not
in an alembic.ini, so that it works from an installed wheel.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text

from sync_worker.errors import StoreDown
from sync_worker.store.core.engine import Store
from sync_worker.store.operate.version import MIGRATIONS, newest, version_of

_LOCK = 7_309_453_021_001  # pg_advisory_xact_lock: any number, as long as every release uses the same


def upgrade(store: Store) -> tuple[str | None, str]:
    """Brings the schema to the newest version. Returns (before, after); before is None on an empty database. **Raises** StoreDown."""
    with store.schema(writes=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = version_of(connection)
        if before != newest():
            config = _config()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreDown(f"the schema is of a newer release than this one ({before}): {error}") from error
        return before, newest()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
