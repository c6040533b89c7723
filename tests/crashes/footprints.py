"""Whether anything outside a process has changed: a commit that wrote rows, a record of the vendor, an event or a letter that left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from sync_worker.store.core.engine import Store
from tests.crashes.scene import Scene

WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


class CommittedRows:
    """**Shapes** `count`: rows that committed statements of one store have written."""

    def __init__(self) -> None:
        self.count = 0
        self._pending: Counter[int] = Counter()

    @contextmanager
    def counting(self, store: Store) -> Iterator[None]:
        """Inside, the store's commits are counted."""
        hooks = (("after_cursor_execute", self._executed), ("commit", self._committed), ("rollback", self._rolled_back))
        for name, hook in hooks:
            event.listen(store.writers, name, hook)
        try:
            yield
        finally:
            for name, hook in hooks:
                event.remove(store.writers, name, hook)

    def _executed(self, connection: Connection, cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip()[:6].upper().startswith(WRITES) and cursor.rowcount:
            self._pending[id(connection.connection.driver_connection)] += 1

    def _committed(self, connection: Connection) -> None:
        self.count += self._pending.pop(id(connection.connection.driver_connection), 0)

    def _rolled_back(self, connection: Connection) -> None:
        self._pending.pop(id(connection.connection.driver_connection), None)


def footprint(scene: Scene, rows: CommittedRows) -> object:
    """How it looks outside the process."""
    vendor = scene.desk.vendor
    told = repr([vendor.catalog(native) for native in vendor.ways.types])
    return (
        rows.count,
        repr(list(vendor._rows.values())),
        len(vendor.jobs),
        told,
        len(scene.outside.events),
        len(scene.world.mailbox.letters),
    )
