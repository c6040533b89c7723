"""The portal's end of the feed: one signed POST, and what came back. Nothing here knows what is owed, or when to try again.

Signed as Standard Webhooks says (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`. Redirects are
not followed, and no proxy of the environment is used: the operator wrote where events go, and they go nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from standardwebhooks import Webhook
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from sync_worker.domain.delivery import Answer
from sync_worker.headers import retry_after_s, whole
from sync_worker.text import decoded

CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0  # to store an event and say so; what takes longer belongs behind the answer
SEND_S: Final = CONNECT_S + ANSWER_S
WORDS_BYTES: Final = 300  # of a refusal, for whoever reads the failure
CONNECTIONS: Final = 8


class Receiver:
    """One portal's address and secret. Safe to share among threads."""

    def __init__(self, url: str, secret: str, *, clock: Callable[[], datetime]) -> None:
        self.url = url
        self._webhook = Webhook(secret)
        self._clock = clock
        timeout = Timeout(connect=CONNECT_S, read=ANSWER_S)
        self._pool = PoolManager(num_pools=1, maxsize=CONNECTIONS, retries=False, timeout=timeout)

    def send(self, event_id: str, kind: str, at: datetime, data: Any) -> Answer:
        """Sends one event. Never raises for what the other side does: no answer is an answer."""
        body = orjson.dumps({"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}, option=orjson.OPT_SORT_KEYS)
        now = self._clock()
        headers = {
            "content-type": "application/json",
            "user-agent": "sync-worker",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(event_id, now, body.decode()),
        }
        try:
            response = self._pool.request("POST", self.url, body=body, headers=headers, redirect=False, preload_content=False)
            try:
                words = decoded(response.read(WORDS_BYTES, decode_content=True)).strip()
            finally:
                response.drain_conn() if _is_short(response.headers) else response.close()
        except (HTTPError, OSError) as error:
            return Answer(0, f"no answer: {type(error).__name__}: {error}")
        return Answer(response.status, " ".join(words.split()), retry_after_s(response.headers, now=now))

    def close(self) -> None:
        self._pool.clear()


def _is_short(headers: Mapping[str, str]) -> bool:
    """Whether what is left of the body is worth reading, so that the connection can be used again."""
    length = whole(headers.get("content-length"))
    return length is not None and length < 100_000
