"""The queue in Redis, for processes side by side. It is loaded only where a Redis is named, because its client makes a start longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from redis import RedisError

from sync_worker.errors import TransientError

ANSWER_S = 30  # of Redis to a worker that waits for work
SILENT_MS = 15_000  # the messages of a worker that was killed come back within twice that


class RedisQueue(RedisBroker):
    """dramatiq's broker; a Redis that is out of reach is told by errors that callers know without Redis."""

    @classmethod
    def at(cls, url: str, middleware: Sequence[dramatiq.Middleware]) -> Self:
        return cls(
            url=_with_timeout(url),
            middleware=middleware,
            namespace="sync-worker",
            heartbeat_timeout=SILENT_MS,
            maintenance_chance=100_000,  # a killed worker's messages come back, because one call in ten looks for them (of 1,000,000)
        )

    def enqueue(self, message: dramatiq.Message[object], *, delay: int | None = None) -> dramatiq.Message[object]:
        """**Raises** BrokerConnectionError."""
        try:
            return super().enqueue(message, delay=delay)
        except RedisError as error:
            raise BrokerConnectionError(str(error)) from error  # type: ignore[no-untyped-call]  # dramatiq does not type it

    def reached(self) -> Self:
        """The same, once it has answered. **Raises** TransientError."""
        try:
            self.client.ping()
        except RedisError as error:
            raise _away(error) from error
        return self

    def message_counts(self) -> dict[str, float]:
        """How many messages wait, delayed ones too. **Raises** TransientError."""
        names = sorted(self.get_declared_queues())
        try:
            with self.client.pipeline(transaction=False) as asked:
                for name in names:
                    asked.llen(f"{self.namespace}:{name}")
                    asked.llen(f"{self.namespace}:{name}.DQ")
                lengths = asked.execute()
        except RedisError as error:
            raise _away(error) from error
        return {name: sum(lengths[2 * at : 2 * at + 2]) for at, name in enumerate(names)}


def _away(error: RedisError) -> TransientError:
    return TransientError(f"Redis (SYNC_WORKER_REDIS_URL) is out of reach: {error}")


def _with_timeout(url: str) -> str:
    """redis-py gives up after 5 s by default, in the middle of a blocking read of its own."""
    return url if "socket_timeout" in url else f"{url}{'&' if '?' in url else '?'}socket_timeout={ANSWER_S}"
