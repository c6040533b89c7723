"""The queue inside one process, for `sync-worker run`. No Redis is needed."""

from __future__ import annotations

from typing import Self

from dramatiq.brokers.stub import StubBroker


class LocalQueue(StubBroker):
    """dramatiq's broker in memory. It answers as `shared.RedisQueue` does, and is always there."""

    def reached(self) -> Self:
        return self

    def message_counts(self) -> dict[str, float]:
        """How many messages wait, delayed ones too."""
        return {name: self.queues[name].qsize() for name in sorted(self.get_declared_queues())}
