"""Where a database stands: whether its schema is of this release, and whether it takes a row.

Every process asks this when it starts, so the newest version is read from the names of the migrations; Alembic is loaded by `migrate.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, insert, inspect, select, table

from sync_worker.errors import StoreDown
from sync_worker.store.core.engine import Store
from sync_worker.store.sync.tables import strangers

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STANDS = table("alembic_version", column("version_num"))


def is_current(store: Store) -> bool:
    """Whether the schema is the one this release was written for. **Raises** StoreDown."""
    with store.schema(writes=False) as connection:
        return version_of(connection) == newest()


def try_to_write(store: Store) -> None:
    """Writes a row and takes it back. **Raises** StoreDown where the database takes none: a standby, a disk that is full or read-only."""
    with store.schema(writes=True) as connection, connection.begin_nested() as savepoint:
        connection.execute(insert(strangers).values(portal="", object="", crm_id="", crm_modified_at=EPOCH))
        savepoint.rollback()


@cache
def newest() -> str:
    """The version this release was written for: a migration's file begins with it, `0031_price_reasons.py`."""
    versions = [path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")]
    if not versions:
        raise StoreDown("this installation has no migrations; install it again")
    return max(versions)


def version_of(connection: Connection) -> str | None:
    """None: an empty database."""
    if not inspect(connection).has_table(_STANDS.name):
        return None
    return connection.execute(select(_STANDS.c.version_num)).scalar()
