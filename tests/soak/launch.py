"""`python -m tests.soak.launch AHEAD_S WORDS…`: the command `sync-worker WORDS…` on a machine whose clock is that many seconds ahead.

It is the command as it is installed, except for three things. `sync_worker/services.py` takes another time for that of this machine. Writes
that are begun past the deadline of their claim are printed (LATE_WRITE). It ends when the process that started it ends.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import wraps
from typing import Any

import sync_worker.services
from sync_worker.cli import main
from sync_worker.crm.hubspot.adapter import HubspotCrm
from sync_worker.crm.hubspot.connection.session import HubspotConnection
from sync_worker.crm.salesforce.adapter import SalesforceCrm
from sync_worker.crm.salesforce.connection.session import SalesforceConnection
from sync_worker.errors import SyncError

LATE_WRITE = "LATE WRITE:"
DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


class _Told(threading.local):
    """The deadline that this thread was told last, on the monotonic clock."""

    deadline_s = float("inf")


_TOLD = _Told()


def noting(time_left_s: Callable[[], float]) -> Callable[[], float]:
    """The same, its answers kept as the deadline of what this thread writes next."""

    def noted() -> float:
        left_s = time_left_s()
        _TOLD.deadline_s = time.monotonic() + left_s
        return left_s

    return noted


def watched(send: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same; a write that began past its deadline is printed. What did not begin for lack of time says so by an error of ours."""

    def sent(client: Any) -> Any:
        begun_s, is_begun = time.monotonic(), True
        try:
            return send(client)
        except SyncError:
            is_begun = False
            raise
        finally:
            if is_begun and begun_s > _TOLD.deadline_s:
                print(f"{LATE_WRITE} begun {begun_s - _TOLD.deadline_s:.1f} s past the deadline of its claim", flush=True)

    return sent


def _watch_writes() -> None:
    for crm in (SalesforceCrm, HubspotCrm):
        _replace(crm, "write", lambda write: lambda *given, time_left_s, **words: write(*given, time_left_s=noting(time_left_s), **words))
    for connection in (SalesforceConnection, HubspotConnection):
        _replace(connection, "write", lambda write: lambda self, send, **words: write(self, watched(send), **words))


def _replace(owner: type, name: str, around: Callable[[Any], Any]) -> None:
    inner = getattr(owner, name)
    setattr(owner, name, wraps(inner)(around(inner)))


def _set_clock(ahead_s: float) -> None:
    ahead = timedelta(seconds=ahead_s)

    class OtherClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + ahead

    setattr(sync_worker.services, "datetime", OtherClock)  # noqa: B010  # mypy: a class is not a variable


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
    _set_clock(float(sys.argv[1]))
    _watch_writes()
    sys.argv = ["sync-worker", *sys.argv[2:]]
    main()
