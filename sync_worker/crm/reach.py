"""Redis as long as it answers. One that does not is left alone for half a minute, and this process goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from redis import RedisError

from sync_worker.services import Services
from sync_worker.telemetry import logs

AWAY_S = 30.0  # how long a Redis that did not answer is left alone

T = TypeVar("T")


def nothing_kept() -> None:
    """For what needs no handing in once Redis is back."""


class RedisReach:
    """**Shapes** `meanwhile`: what each process does while Redis is away, for the log; `hand_in`: gives Redis what was kept until then."""

    def __init__(self, services: Services, meanwhile: str, *, hand_in: Callable[[], None] = nothing_kept) -> None:
        self._services = services
        self._meanwhile = meanwhile
        self._hand_in = hand_in
        self._away_until_s = 0.0

    def ask(self, there: Callable[[], T], here: Callable[[], T]) -> T:
        """The answer of Redis, or of this process while Redis is away."""
        now_s = self._services.monotonic()
        if now_s < self._away_until_s:
            return here()
        try:
            if self._away_until_s:
                self._hand_in()
            answer = there()
        except RedisError as error:
            if not self._away_until_s:
                logs.get().error(f"Redis is out of reach: {self._meanwhile} until it is back", error=str(error))
            self._away_until_s = now_s + AWAY_S
            return here()
        if self._away_until_s:
            self._away_until_s = 0.0
            logs.get().info("Redis is back", until_now=self._meanwhile)
        return answer
