"""What PostgreSQL knows of how rows are spread, while a first load fills empty tables.

Without statistics it takes one portal of many for a small part of a table. So it reads all rows of the portal to find the two thousand that
a page asks for, and a first load costs the square of its companies. Autovacuum looks at the tables a minute later, or not at all.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from sync_worker.store.core.columns import metadata
from sync_worker.store.core.engine import Tx

_NEVER_LOOKED_AT: Final = text(
    """SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ANY (:tables)
    AND reltuples <= 0 AND pg_relation_size(oid) > 0 ORDER BY relname"""
)


def look(tx: Tx) -> None:
    """PostgreSQL looks at the tables that have rows and that it has never looked at; on SQLite nothing is to be done."""
    if tx.is_postgresql and (unknown := tx.connection.execute(_NEVER_LOOKED_AT, {"tables": list(metadata.tables)}).scalars().all()):
        tx.connection.execute(text(f"ANALYZE {', '.join(unknown)}"))
