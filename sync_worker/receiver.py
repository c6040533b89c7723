"""The portal's end of the feed: one signed POST, and what came back. Nothing here knows what is owed, or when to try again.

Signed as Standard Webhooks says (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`, with a
signature for each secret while one is rotated. Redirects are not followed, and no proxy of the environment is used: the operator wrote
where events go, and they go nowhere else.

A call has one deadline for everything. urllib3's time-outs begin again with each byte, so a receiver that sends a byte now and then could
hold a sender for hours; the connections here know until when.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from http.client import HTTPResponse
from typing import Any, Final, cast

import orjson
from standardwebhooks import Webhook
from urllib3 import PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from sync_worker.boundary import silence
from sync_worker.boundary.deadline import AnswerUntil, left_s, pools
from sync_worker.boundary.headers import retry_after_s, whole
from sync_worker.boundary.text import decoded
from sync_worker.domain.tell.delivery import ReceiverAnswer
from sync_worker.errors import ConfigError, Mistake

CONNECT_S: Final = 5.0  # whatever number of addresses the name has
ANSWER_S: Final = 15.0  # from the first byte sent to the last byte read: to store an event and say so; the work belongs behind the answer
SEND_S: Final = CONNECT_S + ANSWER_S
SEND_BYTES: Final = 16_384  # at once; each has what is left of the time
WORDS_BYTES: Final = 300  # of a refusal, for the reader of the failure
CONNECTIONS: Final = 8


class Receiver:
    """One portal's address and secrets. Safe to share among threads."""

    def __init__(self, url: str, *secrets: str, clock: Callable[[], datetime]) -> None:
        """**Shapes** `secrets`: one, or two while the portal exchanges one for the other."""
        self.url = url
        self._webhooks = [Webhook(secret) for secret in secrets]
        self._clock = clock
        timeout = Timeout(connect=CONNECT_S, read=ANSWER_S)
        self._pool = PoolManager(num_pools=1, maxsize=CONNECTIONS, retries=False, timeout=timeout)
        self._pool.pool_classes_by_scheme = _POOLS

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> ReceiverAnswer:
        """Sends one event. Never raises for what the other side does: no answer is an answer."""
        body = orjson.dumps({"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}, option=orjson.OPT_SORT_KEYS)
        now = self._clock()
        headers = {
            "content-type": "application/json",
            "user-agent": "sync-worker",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(one.sign(event_id, now, body.decode()) for one in self._webhooks),
        }
        try:
            response = self._pool.request("POST", self.url, body=body, headers=headers, redirect=False, preload_content=False)
            try:
                words = decoded(response.read(WORDS_BYTES, decode_content=True)).strip()
            finally:
                response.drain_conn() if _is_short(response.headers) else response.close()
        except (HTTPError, OSError) as error:
            return ReceiverAnswer(0, f"no answer: {silence.reason(error)}")
        if 300 <= response.status < 400:
            words = silence.not_followed(response.headers.get("location"))
        return ReceiverAnswer(response.status, " ".join(words.split()), retry_after_s(response.headers, now=now))

    def close(self) -> None:
        self._pool.clear()


class UnsetReceiver(Receiver):
    """Variables that the portal file names are not set: the first event says so, and none goes out."""

    def __init__(self, url: str, unset: Sequence[Mistake]) -> None:
        self.url = url
        self._unset = tuple(unset)

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> ReceiverAnswer:
        """**Raises** ConfigError."""
        raise ConfigError(self._unset)

    def close(self) -> None:
        """Nothing is open."""


def _is_short(headers: Mapping[str, str]) -> bool:
    """Whether what is left of the body is worth reading, so that the connection can be used again."""
    length = whole(headers.get("content-length"))
    return length is not None and length < 100_000


# ── one deadline for a call ──────────────────────────────────────────────────────────────────────────────────────────


class _Connection(HTTPConnection):
    """A connection whose calls each have one deadline. **Units** `_until_s`: on the monotonic clock."""

    _until_s = 0.0

    def connect(self) -> None:
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        self.timeout = CONNECT_S / len(addresses)
        super().connect()
        self._until_s = time.monotonic() + ANSWER_S

    def request(self, *args: Any, **more: Any) -> None:
        self._until_s = time.monotonic() + ANSWER_S
        super().request(*args, **more)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        for start in range(0, len(data), SEND_BYTES):
            self.sock.settimeout(left_s(self._until_s))
            self.sock.sendall(data[start : start + SEND_BYTES])

    def getresponse(self) -> Any:
        self.response_class = cast("type[HTTPResponse]", partial(AnswerUntil, until_s=self._until_s))  # http.client only calls it
        return super().getresponse()


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


_POOLS: Final = pools(_Connection, _TlsConnection)
