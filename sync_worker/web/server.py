"""The HTTP server of every process: uvicorn in a thread, with bounds for what strangers can cost."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from sync_worker.errors import ConfigError
from sync_worker.telemetry import logs
from sync_worker.web.limits import BoundedProtocol, ConnectionLimits, Ended, EndedBecause, sweep

START_TIMEOUT_S: Final = 10
STOP_S: Final = 2  # for answers that are under way when the process ends
IDLE_S: Final = 75  # between two requests; longer than proxies (60 s) and clients that poll keep a connection, so that they close first
BACKLOG: Final = 1024  # connections that the kernel holds until we take them
OTHER_FILES: Final = 512  # file descriptors for everything that is not a connection: databases, CRMs, uploads
_NO_DESCRIPTOR: Final = "socket.accept() out of system resource"  # asyncio's words


@contextmanager
def listening(app: Starlette, host: str, port: int, limits: ConnectionLimits) -> Iterator[str]:
    """The application, answering at the address that this yields, until the end. **Raises** ConfigError for a port that cannot be had.

    It runs in a thread; the main thread keeps the signals. There is no access log, because an address may hold a secret.
    """
    with _bound(host, port) as listener:
        server = _Server(app, limits)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
        thread.start()
        try:
            server.answers.wait(START_TIMEOUT_S)
            host, bound = listener.getsockname()[:2]
            yield f"http://{host}:{bound}"
        finally:
            server.should_exit = True
            thread.join(timeout=START_TIMEOUT_S)


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """**Raises** ConfigError where another process listens there, or we may not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not a host name"
            raise ConfigError(f"{host}:{port} cannot be listened on ({why}) — choose another port or SYNC_WORKER_HTTP_HOST") from None
        yield listener


class _Server(uvicorn.Server):
    """A server that says when it answers, and ends connections that cost too much."""

    def __init__(self, app: Starlette, limits: ConnectionLimits) -> None:
        self.answers = threading.Event()
        self._ended = Ended()
        bounds = {"limits": replace(limits, connections=_with_descriptors(limits.connections)), "ended": self._ended}
        super().__init__(
            uvicorn.Config(
                app,
                http=type("Connection", (BoundedProtocol,), bounds),
                ws="none",
                # asyncio takes so many connections in one go, and goes on when there is no file descriptor left, with a traceback and
                # a timer for each: https://github.com/python/cpython/issues/151615. One at a time, it waits a second and tries again.
                backlog=1,
                log_config=None,
                access_log=False,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=STOP_S,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)  # asyncio has told the kernel its own number
        asyncio.get_running_loop().set_exception_handler(self._hear)
        self.answers.set()

    async def on_tick(self, counter: int) -> bool:
        sweep(self.server_state.connections)
        self._ended.say()
        return await super().on_tick(counter)

    def _hear(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == _NO_DESCRIPTOR:
            self._ended.note(EndedBecause.NO_DESCRIPTOR)
        else:
            loop.default_exception_handler(context)


def _with_descriptors(connections: int) -> int:
    """As many connections as there are file descriptors for. The process takes more of them first, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return connections
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most >= needed:
        return connections
    fewer = max(most - OTHER_FILES, most // 2)
    logs.get().warning(
        "there are too few file descriptors for SYNC_WORKER_HTTP_CONNECTIONS, so fewer connections are taken; raise the limit of the "
        "service (LimitNOFILE, ulimit -n)",
        file_descriptors=most,
        needed=needed,
        connections=fewer,
    )
    return min(connections, fewer)
