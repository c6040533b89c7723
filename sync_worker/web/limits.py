"""What a stranger can cost this server: how many connections are open, and how long each may wait for what it has not sent yet.

uvicorn bounds the size of a head and the idle time between two requests. It has no deadline for a head or a body that comes slowly, it
counts only the connections that have sent a head, and it does not stop a client that does not read its answer. These bounds are here.

    head    a connection has so long for a whole head, from its beginning or from the first byte after an answer
    body    so long without a byte, and so long in all, whether anybody reads it or it is only thrown away after an early answer
    answer  so long without a byte taken
    room    a new connection takes the place of the one that has waited longest for a head; where none waits, it is refused
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sync_worker.config.settings import Settings
from sync_worker.telemetry import logs, metrics

SAID_EVERY_S: Final = 60.0  # at most once in this time, even if many connections are ended
_ENDED: Final = "connections were ended or had to wait; see the section on limits in docs/operations.md"


class EndedBecause(StrEnum):
    """Why a connection was ended, or not taken."""

    SLOW_HEAD = "slow head"
    SLOW_BODY = "slow body"
    UNREAD_ANSWER = "unread answer"
    MADE_ROOM = "made room"
    TOO_MANY = "too many"
    NO_DESCRIPTOR = "no file descriptor"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """**Units** `_s`: seconds. **Shapes** `connections`: open at the same time."""

    connections: int = 500
    head_s: float = 10
    pause_s: float = 10
    body_s: float = 60

    @classmethod
    def of(cls, settings: Settings) -> ConnectionLimits:
        """What the environment says."""
        return cls(settings.http_connections, settings.http_head_s, settings.http_pause_s, settings.http_body_s)


class Ended:
    """How many connections were ended, and why: each one counted for Prometheus, and a line in the log once a minute."""

    def __init__(self) -> None:
        self._unsaid: Counter[str] = Counter()
        self._said_s = float("-inf")

    def note(self, why: EndedBecause) -> None:
        self._unsaid[why.value] += 1
        metrics.CONNECTIONS_ENDED.labels(why.value).inc()

    def say(self) -> None:
        """A line of all that was noted since the last one, where there is anything and the last one is old enough."""
        now_s = time.monotonic()
        if self._unsaid and now_s - self._said_s >= SAID_EVERY_S:
            logs.get().warning(_ENDED, **{why.replace(" ", "_"): count for why, count in self._unsaid.items()})
            self._unsaid.clear()
            self._said_s = now_s


class BoundedProtocol(H11Protocol):
    """One connection of uvicorn, which `sweep` ends when it lets us wait too long."""

    limits = ConnectionLimits()
    ended = Ended()

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._stage: tuple[Any, ...] = ()
        self.since_s = self._heard_s = self._taken_s = time.monotonic()
        self._left_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._find_room()

    def data_received(self, data: bytes) -> None:
        self._heard_s = time.monotonic()
        if self.is_idle:
            self.since_s = self._heard_s
        super().data_received(data)

    @property
    def awaits_head(self) -> bool:
        return bool(self.conn.their_state is h11.IDLE and not self.transport.is_closing())

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come since the last answer; uvicorn closes such a connection in its own time."""
        return self.timeout_keep_alive_task is not None

    def judge(self, now_s: float) -> None:
        """Ends this connection if its time is over."""
        self._look(now_s)
        if self._is_unread(now_s):
            self.ended.note(EndedBecause.UNREAD_ANSWER)
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.awaits_head and not self.is_idle and now_s - self.since_s >= self.limits.head_s:
            self.end(EndedBecause.SLOW_HEAD)
        elif self.conn.their_state is h11.SEND_BODY and self._is_slow(now_s):
            self.end(EndedBecause.SLOW_BODY)

    def end(self, why: EndedBecause, status: int = 408) -> None:
        """Closes the connection, with an answer where none has begun."""
        self.ended.note(why)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(status)
        if self.cycle is not None:
            self.cycle.disconnected = True  # the reader of the body learns that the client is gone
            self.cycle.message_event.set()
        self.transport.close()

    def _look(self, now_s: float) -> None:
        """Notes a new stage of the conversation, and what counts as a byte heard or taken."""
        stage = (self.conn.their_state, self.cycle)
        if stage != self._stage:
            self._stage, self.since_s = stage, now_s
        if self.flow.read_paused:
            self._heard_s = now_s  # it is we who do not read
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes != self._left_bytes:
            self._left_bytes, self._taken_s = left_bytes, now_s

    def _is_slow(self, now_s: float) -> bool:
        return now_s - max(self._heard_s, self.since_s) >= self.limits.pause_s or now_s - self.since_s >= self.limits.body_s

    def _is_unread(self, now_s: float) -> bool:
        return self._left_bytes > 0 and now_s - self._taken_s >= self.limits.pause_s

    def _find_room(self) -> None:
        waiting = [one for one in self.connections if one is not self and isinstance(one, BoundedProtocol) and one.awaits_head]
        if waiting:
            min(waiting, key=lambda one: one.since_s).end(EndedBecause.MADE_ROOM)
        else:
            self.end(EndedBecause.TOO_MANY, 503)

    def _answer(self, status: int) -> None:
        headers = [(b"content-length", b"0"), (b"connection", b"close"), *([(b"retry-after", b"5")] if status == 503 else [])]
        response = h11.Response(status_code=status, headers=headers, reason=b"")
        for event in (response, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))


def sweep(connections: Iterable[Any]) -> None:
    """Judges every connection; a few times a second."""
    now_s = time.monotonic()
    for one in list(connections):
        if isinstance(one, BoundedProtocol):
            one.judge(now_s)
