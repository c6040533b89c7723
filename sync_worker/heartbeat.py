"""HEARTBEAT: a process says every few seconds that it is there, in a thread of its own; `sync-worker status` tells who is, and who was.

One small write per beat. A beat that cannot be written is left out: it must never stop the work that it tells of.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from sync_worker.bootstrap import Installation
from sync_worker.domain.operate.status import BEAT_S, Process
from sync_worker.errors import SyncError, told
from sync_worker.store.core.engine import Tx
from sync_worker.store.core.trouble import StatementRefused
from sync_worker.store.operate import processes
from sync_worker.telemetry import logs

LEAVE_S = 5.0  # how long the end of a process waits for its last word


@dataclass(slots=True)
class Heartbeat:
    """Beats inside its `with` block. A process that ends in order leaves no row behind.

    **Shapes** `kind`: run | web | schedule | worker.
    """

    installation: Installation
    kind: str
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(LEAVE_S)

    def _live(self) -> None:
        process, is_heard = self._process(), True
        while True:
            is_heard = self._written(partial(_beat, process=process), was_heard=is_heard)
            if self._ended.wait(BEAT_S):
                break
        self._written(partial(processes.leave, id_=process.id), was_heard=is_heard)

    def _written(self, write: Callable[[Tx], None], *, was_heard: bool) -> bool:
        """Whether it was written; what keeps the beats from being written is told once."""
        log = logs.get()
        try:
            with self.installation.store.side_transaction("") as tx:
                write(tx)
        except (SyncError, StatementRefused) as error:  # a database before its upgrade has no such table
            if was_heard:
                log.warning("this process could not write that it is there", error=str(error))
            return False
        except Exception as bug:
            log.exception("a bug kept this process from writing that it is there", error=told(bug))
            return False
        return True

    def _process(self) -> Process:
        services = self.installation.services
        now, release = services.clock(), self.installation.release
        return Process(services.new_id(), self.kind, socket.gethostname(), os.getpid(), release.version, release.configuration, now, now)


def _beat(tx: Tx, process: Process) -> None:
    processes.beat(tx, process)
    processes.sweep(tx)
