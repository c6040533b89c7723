"""Seconds inside one call: which errors are tried again at once, how often, how long. Minutes and more belong to the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from sync_worker.errors import RateLimited, StaleRead, TooLarge, TransientError
from sync_worker.services import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may insist. **Units** seconds."""

    attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    total_s: float = 60.0


def insist(call: Callable[[], T], *, patience: Patience, services: Services) -> T:
    """The call's answer, after at most `patience.attempts` tries with jittered back-off. **Raises** the last error as it was."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_another_try),
        stop=tenacity.stop_after_attempt(patience.attempts) | tenacity.stop_after_delay(patience.total_s),
        wait=_wait(patience, services),
        sleep=services.sleep,
        reraise=True,
    )
    return retrying(call)


def _wait(patience: Patience, services: Services) -> Callable[[tenacity.RetryCallState], float]:
    def wait_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited):
            return min(error.retry_after_s, patience.longest_wait_s)
        ceiling: float = min(patience.first_wait_s * 2 ** (state.attempt_number - 1), patience.longest_wait_s)
        return ceiling * (0.5 + services.random.random() / 2)

    return wait_s


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, RateLimited):
        return error.scope == "burst"
    return isinstance(error, TransientError) and not isinstance(error, (TooLarge, StaleRead))
