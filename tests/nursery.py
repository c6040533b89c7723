"""Processes of ours that begin with everything imported: copies of one process, which has imported all commands.

A command takes a second or two of CPU to start, nearly all of it for imports, and the tests start more than a hundred. A copy has its own
arguments, environment, folder and streams before it begins the command, and from there on nothing differs. That a command starts by itself,
from its file in `bin`, is shown by those tests that take `started` of journey/stage.py.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).parent.parent
WARNINGS: Final = "PYTHONWARNINGS"  # read when Python starts, so it is the same for all
HELD: Final = "error::ResourceWarning"
IMPORTED_LATER: Final = (
    "sync_worker.connections.hubspot",
    "sync_worker.connections.salesforce",
    "sync_worker.web.api.mount",
    "sync_worker.web.console.mount",
)
_MOST_BYTES: Final = 1 << 18
_RUNNING: Final = 1 << 30  # in the place of an exit code


class Copy:
    """One copy, as `subprocess.Popen` shows a process. **Shapes** `ending`: where its exit code comes once it has ended."""

    def __init__(self, pid: int, ending: IO[bytes], stdout: IO[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self._ending = ending
        self._code = _RUNNING

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended. **Raises** subprocess.TimeoutExpired."""
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"the process {self.pid}", timeout or 0)
        return code

    def send_signal(self, kind: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, kind)

    def _ended_within(self, timeout_s: float | None) -> int | None:
        if self._code == _RUNNING:
            if not select.select([self._ending], [], [], timeout_s)[0]:
                return None
            self._code = int(self._ending.readline())
            self._ending.close()
        return self._code


def begin(words: Sequence[str], env: Mapping[str, str], folder: Path, stderr: IO[bytes] | None = None) -> Copy:
    """`sync-worker` with these words, in a session of its own; without `stderr` it says everything on `stdout`."""
    assert env[WARNINGS] == HELD
    out, their_out = os.pipe()
    ending, their_ending = os.pipe()
    order = json.dumps({"words": list(words), "env": dict(env), "folder": str(folder)}).encode()
    assert len(order) < _MOST_BYTES
    nursery = _nursery()
    try:
        socket.send_fds(nursery, [order], [their_out, stderr.fileno() if stderr else their_out, their_ending])
        pid = int(nursery.recv(64))
    finally:
        os.close(their_out)
        os.close(their_ending)
    return Copy(pid, os.fdopen(ending, "rb", buffering=0), TextIOWrapper(os.fdopen(out, "rb")))


@cache
def _nursery() -> socket.socket:
    """The way to the process that is copied; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for size in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        here.setsockopt(socket.SOL_SOCKET, size, _MOST_BYTES)
    with there:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(there.fileno())],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("SYNC_WORKER_", "ACME_"))} | {WARNINGS: HELD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[there.fileno()],
        )
    atexit.register(_end, here, process)
    return here


def _end(nursery: socket.socket, process: subprocess.Popen[bytes]) -> None:
    nursery.close()
    process.wait()


# ── the process that is copied ───────────────────────────────────────────────────────────────────────────────────────


def _serve(orders: socket.socket) -> None:
    """Makes copies until the process that asks for them ends; a copy comes back from here with the command to be done."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    asked = orders.fileno()
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    endings: dict[int, int] = {}
    while True:
        ready = select.select([asked, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            _tell(endings)
        if asked in ready:
            order, fds, _, _ = socket.recv_fds(orders, _MOST_BYTES, 3)
            if not order:
                os._exit(0)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for fd in (woken, wake, *endings.values(), fds[2]):
                    os.close(fd)
                orders.close()
                _become(json.loads(order), fds[0], fds[1])
                return
            for fd in fds[:2]:
                os.close(fd)
            endings[pid] = fds[2]
            orders.send(str(pid).encode())


def _tell(endings: dict[int, int]) -> None:
    for pid in list(endings):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with suppress(BrokenPipeError), os.fdopen(endings.pop(pid), "w") as ending:
                ending.write(f"{os.waitstatus_to_exitcode(status)}\n")


def _become(order: Mapping[str, object], stdout: int, stderr: int) -> None:
    os.setsid()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for fd in {stdout, stderr}:
        os.close(fd)
    os.chdir(str(order["folder"]))
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]  # names and values, as `begin` sent them
    sys.argv = [str(Path(sys.executable).parent / "sync-worker"), *order["words"]]  # type: ignore[misc]


def _import_all() -> None:
    from sync_worker.cli import app

    for place, _ in app.COMMANDS.values():
        module = place.partition(":")[0]
        import_module(module if module.startswith("sync_worker.") else f"sync_worker.cli.{module}")
    for module in IMPORTED_LATER:
        import_module(module)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_all()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    from sync_worker.cli import main

    main()
