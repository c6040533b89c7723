"""A deadline for a whole answer. urllib3's time-outs begin again with each byte: one byte now and then could hold a caller for hours."""

from __future__ import annotations

import io
import socket
import time
from functools import partial
from http.client import HTTPResponse
from typing import Any, Final, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

TIMES: Final = 5  # as long as one piece of an answer may take, the whole of it may


class AnswerUntil(HTTPResponse):
    """An answer of which every byte is read before the deadline.

    **Units** `until_s`: on the monotonic clock; `piece_s`: the longest wait for one piece, None for what is left of the time.
    """

    def __init__(self, sock: socket.socket, *args: Any, until_s: float, piece_s: float | None = None, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Bytes(self.fp.detach(), sock, until_s, piece_s))


class _Bytes(io.RawIOBase):
    """What comes over a socket, until the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until_s: float, piece_s: float | None) -> None:
        self._raw = raw
        self._sock = sock
        self._until_s = until_s
        self._piece_s = piece_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        until_s = left_s(self._until_s)
        self._sock.settimeout(until_s if self._piece_s is None else min(until_s, self._piece_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    """A connection whose answers have `TIMES` the time-out of the request."""

    def getresponse(self) -> Any:
        piece_s = cast("float", self.timeout)  # each of our requests has one
        until_s = time.monotonic() + TIMES * piece_s
        self.response_class = cast("type[HTTPResponse]", partial(AnswerUntil, until_s=until_s, piece_s=piece_s))
        return super().getresponse()


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


def pools(plain: type[HTTPConnection], tls: type[HTTPSConnection]) -> dict[str, type]:
    """For `pool_classes_by_scheme` of a PoolManager: pools of these connections."""
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


POOLS: Final = pools(_Connection, _TlsConnection)
"""Those whose answers have a deadline."""


def left_s(until_s: float) -> float:
    """**Raises** TimeoutError where nothing is left."""
    left = until_s - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
