"""Redis as long as it answers. One that does not is left alone for half a minute, and this process goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis import RedisError

from sync_worker.services import Services
from sync_worker.telemetry import logs

AWAY_S = 30.0  # how long a Redis that did not answer is left alone

T = TypeVar("T")


class RedisReach:
    """**Shapes** `meanwhile`: what each process does while Redis is away, for the log."""

    def __init__(self, services: Services, meanwhile: str) -> None:
        self._services = services
        self._meanwhile = meanwhile
        self._away_until_s = 0.0

    def ask(self, there: Callable[[], T]) -> T | None:
        """The answer; None while Redis is away."""
        now_s = self._services.monotonic()
        if now_s < self._away_until_s:
            return None
        try:
            return there()
        except RedisError as error:
            if not self._away_until_s:
                logs.get().error(f"Redis is out of reach: {self._meanwhile} until it is back", error=str(error))
            self._away_until_s = now_s + AWAY_S
            return None
