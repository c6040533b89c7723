"""The notices of every request that waits, in one commit: while one is under way, the next gathers.

A request costs the database almost nothing that way, even if many come at once, and SQLite's one writer is asked for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sync_worker.errors import StaleRead, StoreDown
from sync_worker.store.core.engine import Store
from sync_worker.store.sync import notices, webhooks
from sync_worker.telemetry import logs
from sync_worker.web.webhooks.heard import HeardNotices

THREADS = 4  # portals whose notices are stored at the same time
TRIES = 3  # a page may hold the rows of a notice the other way round; the database breaks the tie, and we begin again

Waiting = tuple[HeardNotices, asyncio.Future[None]]


class Inbox:
    """Belongs to one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, list[Waiting]] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="inbox")

    async def put(self, portal: str, heard: HeardNotices) -> None:
        """Returns when it is committed. **Raises** StoreDown."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(portal, []).append((heard, done))
        if portal not in self._writing:
            self._writing[portal] = asyncio.create_task(self._write(portal))
        await done

    async def _write(self, portal: str) -> None:
        while taken := self._waiting.pop(portal, None):
            error = await asyncio.get_running_loop().run_in_executor(self._threads, self._store_all, portal, [heard for heard, _ in taken])
            for _, done in taken:
                if done.cancelled():
                    continue
                if error:
                    done.set_exception(error)
                else:
                    done.set_result(None)
        del self._writing[portal]

    def _store_all(self, portal: str, requests: Sequence[HeardNotices]) -> Exception | None:
        """In a thread; what goes wrong is for everybody who waits."""
        together = HeardNotices()
        for heard in requests:
            together.add(heard)
        try:
            self._commit(portal, together)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised again where each of them waits
            return error
        records = sum(map(len, together.noticed.values()))
        skipped = dict(together.skipped)
        logs.get().info("noticed", portal=portal, requests=len(requests), events=together.events, records=records, skipped=skipped)
        return None

    def _commit(self, portal: str, heard: HeardNotices) -> None:
        for _ in range(TRIES):
            try:
                with self._store.side_transaction(portal) as tx:
                    for record in sorted(heard.noticed):
                        notices.add(tx, record, heard.noticed[record])
                    webhooks.came(tx, heard.noticed)
                return
            except StaleRead:
                continue
        raise StoreDown(f"notices of portal {portal} met other writers {TRIES} times")

    def close(self) -> None:
        self._threads.shutdown(wait=False)
