"""A portal's rows copied into two files of their own: as they are, and to be worked on. What the work changed is what differs between them.

before   the rows of one snapshot, never written again
after    the same rows; the real steps run on it, as long as the block lasts, and then both are gone
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, MetaData, Table, and_, create_engine, event, or_, select, union_all, update

from sync_worker.store.core.companies import UNCLAIMED
from sync_worker.store.core.engine import Store, Tx
from sync_worker.store.core.statements import put
from sync_worker.store.core.tables import companies, cursors
from sync_worker.store.operate.schema import metadata

FETCH_COUNT = 2000  # rows in memory
PAGE_COUNT = 500  # differing rows looked at together
NEEDLESS = (
    "runs",
    "backfills",
    "interventions",
    "inquiries",
    "tries",
    "events",
    "deliveries",
    "answers",
    "deal_files",
    "deal_notes",
    "tokens",
    "grants",
    "consents",
)  # no reading and no writing looks at these


@dataclass(frozen=True, slots=True)
class Copy:
    """One portal twice. **Shapes** `before` is for reading."""

    portal: str
    before: Store
    after: Store
    _both: Engine

    def differing(self, table: Table, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Keys, without the portal, of the rows that are new, gone, or hold something else in one of these columns."""
        held = table.to_metadata(MetaData(), schema="held").alias()  # both are called the same
        keys = [column.name for column in table.primary_key]
        same = [table.c[name] == held.c[name] for name in keys]
        changed = or_(held.c.portal.is_(None), *(table.c[name].is_distinct_from(held.c[name]) for name in columns))
        there = select(*(table.c[name] for name in keys if name != "portal"))
        gone = select(*(held.c[name] for name in keys if name != "portal"))
        query = union_all(
            there.select_from(table.outerjoin(held, and_(*same))).where(changed),
            gone.select_from(held.outerjoin(table, and_(*same))).where(table.c.portal.is_(None)),
        )
        with self._both.connect() as connection:
            for row in connection.execution_options(yield_per=FETCH_COUNT).execute(query):
                yield tuple(row)

    def pages(self, table: Table, *columns: str) -> Iterator[list[str]]:
        """Ids of the rows that differ, some at a time."""
        keys = self.differing(table, *columns)
        while page := [key[0] for key in islice(keys, PAGE_COUNT)]:
            yield sorted(page)


@contextmanager
def copied(store: Store, portal: str, *, clock: Callable[[], datetime]) -> Iterator[Copy]:
    """The portal's rows as they are now, twice. Leases, and claims of patch-backs, stay behind. **Raises** StoreDown."""
    with TemporaryDirectory(prefix="sync-worker-") as directory:
        before_path, after_path = Path(directory) / "before.db", Path(directory) / "after.db"
        before = Store(f"sqlite:///{before_path}", clock=clock)
        _fill(store, before, portal)
        before.close()
        shutil.copy(before_path, after_path)
        after, both = Store(f"sqlite:///{after_path}", clock=clock), _both(after_path, before_path)
        try:
            yield Copy(portal, before, after, both)
        finally:
            both.dispose()
            after.close()
            before.close()


def _fill(source: Store, target: Store, portal: str) -> None:
    """Table by table, some rows at a time."""
    with target.schema(writes=True) as connection:
        metadata.create_all(connection)
    with source.reading(portal) as here, target.transaction(portal) as there:
        for table in metadata.sorted_tables:
            if table.name not in NEEDLESS:
                _copy_rows(here, there, table)
        there.connection.execute(update(cursors).values(lease_token=None, lease_until_at=None))
        there.connection.execute(update(companies).where(companies.c.patch_until_at.is_not(None)).values(**UNCLAIMED))


def _copy_rows(here: Tx, there: Tx, table: Table) -> None:
    names = tuple(column.name for column in table.columns)
    query = select(table).where(table.c.portal == here.portal).execution_options(yield_per=FETCH_COUNT)
    for rows in here.connection.execute(query).partitions():
        put(there, table, names, map(tuple, rows))


def _both(path: Path, held: Path) -> Engine:
    """One connection that sees both files: the other one's tables as `held`."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)

    def attach(connection: Any, _record: Any) -> None:
        connection.execute("ATTACH DATABASE ? AS held", (str(held),))

    event.listen(engine, "connect", attach)
    return engine
