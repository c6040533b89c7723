"""The workers of one portal on an in-process queue: whom the demo gives its work to, and waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import dramatiq
from dramatiq.brokers.stub import StubBroker

from sync_worker.actors import register
from sync_worker.bootstrap import Installation
from sync_worker.errors import TransientError
from sync_worker.steps.core.follow_up import FollowUp
from sync_worker.steps.core.tenant import Tenant
from sync_worker.store.core import failures


class Crew:
    """One portal's workers. They read the portal file when they start: what is edited counts from `restart` on."""

    def __init__(self, portal: str, build: Callable[[], Installation]) -> None:
        self._portal = portal
        self._build = build
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def restart(self) -> None:
        """As an operator restarts the processes."""
        self._closing.close()
        self._start()

    @property
    def tenant(self) -> Tenant:
        return self._installation.tenant(self._portal)

    def work(self, follow_ups: Iterable[FollowUp]) -> None:
        """Sends the work to the actors and waits until it is done, what followed from it included. **Raises** TransientError."""
        self._actors.send_all(self._portal, follow_ups)
        for name in self._queue.get_declared_queues():
            self._queue.join(name)
        self._worker.join()
        with self.tenant.store.reading(self._portal) as tx:
            stopped = [row.failure for row in failures.listed(tx) if row.failure.stage == "pull"]
        if stopped:
            raise TransientError(f"the story ends here, {stopped[0].name} did not go through: {stopped[0].message}")

    def _start(self) -> None:
        self._installation = self._build()
        self._closing.callback(self._installation.close)
        self._queue = StubBroker(middleware=[])
        self._actors = register(self._queue, self._installation)
        self._worker = dramatiq.Worker(self._queue, worker_threads=1, worker_timeout=10)
        self._worker.start()
        self._closing.callback(self._worker.stop)
