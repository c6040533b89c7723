"""The schema's version: where a database stands, and the way to the newest. Safe to run twice, and twice at once.

The whole upgrade is one transaction behind one lock, so a second process waits and then finds nothing to do. Config is built here, not
in an alembic.ini, so that it works from an installed wheel.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, insert, text

from sync_worker.errors import StoreDown
from sync_worker.store.core.engine import Store
from sync_worker.store.sync.tables import strangers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = 7_309_453_021_001  # pg_advisory_xact_lock: any number, as long as every release uses the same


def upgrade(store: Store) -> tuple[str | None, str]:
    """Brings the schema to the newest version. Returns (before, after); before is None on an empty database. **Raises** StoreDown."""
    with store.schema(writes=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = _version(connection)
        if before != newest():
            config = _config()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise StoreDown(f"the schema is of a newer release than this one ({before}): {error}") from error
        return before, newest()


def is_current(store: Store) -> bool:
    """Whether the schema is the one this release was written for. **Raises** StoreDown."""
    with store.schema(writes=False) as connection:
        return _version(connection) == newest()


def try_to_write(store: Store) -> None:
    """Writes a row and takes it back. **Raises** StoreDown where the database takes none: a standby, a disk that is full or read-only."""
    with store.schema(writes=True) as connection, connection.begin_nested() as savepoint:
        connection.execute(insert(strangers).values(portal="", object="", crm_id="", crm_modified_at=EPOCH))
        savepoint.rollback()


@cache
def newest() -> str:
    """The version this release was written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreDown("this installation has no migrations; install it again")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    return config


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
