"""Seconds inside one call: which errors are tried again at once, how often, how long. Minutes and more belong to the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import tenacity

from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import RateLimited, StaleRead, TooLarge, TransientError
from sync_worker.services import Services

T = TypeVar("T")

BETWEEN_TRIES: Final = Backoff(first_s=0.5, factor=2, ceiling_s=8, jitter=0.5)
"""Half a second, one, two, four, then eight seconds; chance takes away a half at most."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may insist. **Units** seconds."""

    attempts: int = 4
    wait: Backoff = BETWEEN_TRIES
    total_s: float = 60.0


class BadAnswer(ValueError):
    """The vendor answered in a shape that it does not promise."""


class RecordLocked(TransientError):
    """Another call, ours or somebody else's, has locked the record or what belongs to it. Nothing was written."""


class TriedEnough(TransientError):
    """Something within a call was tried often enough: the call around it does not begin all of that again."""


def insist(call: Callable[[], T], *, patience: Patience, services: Services) -> T:
    """The call's answer, after `patience.attempts` tries at most, with jittered back-off. **Raises** the last error, its tries counted.

    A wait that the CRM asks for and that is longer than the longest of ours is the queue's: the error goes up at once. A process that is
    asked to stop does not insist.
    """
    started_s = services.monotonic()

    def is_over(state: tenacity.RetryCallState) -> bool:
        passed_s = services.monotonic() - started_s
        is_too_long = passed_s + state.upcoming_sleep >= patience.total_s
        return state.attempt_number >= patience.attempts or is_too_long or services.is_stopping()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: _is_worth_another_try(error, patience)),
        stop=is_over,
        wait=_wait(patience, services),
        sleep=services.sleep,
        reraise=True,
    )
    try:
        return retrying(call)
    except TransientError as error:
        tries = retrying.statistics.get("attempt_number", 1)
        if tries > 1 and not isinstance(error, TriedEnough):
            error.args = (f"{error} ({tries} tries)",)
        raise


def _wait(patience: Patience, services: Services) -> Callable[[tenacity.RetryCallState], float]:
    def wait_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited):
            return error.retry_after_s
        return patience.wait.wait_s(state.attempt_number, services.random.random())

    return wait_s


def _is_worth_another_try(error: BaseException, patience: Patience) -> bool:
    if isinstance(error, RateLimited):
        return error.scope == "burst" and error.retry_after_s <= patience.wait.ceiling_s
    return isinstance(error, TransientError) and not isinstance(error, (TooLarge, StaleRead, TriedEnough))
