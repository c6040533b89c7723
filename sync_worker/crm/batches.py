"""What writing by batches is at every CRM: no record twice in a batch, calls that begin within the claim, calls without an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sync_worker.crm.port import RecordWrite, WriteOutcome, Wrote
from sync_worker.errors import (
    CallRefused,
    ConnectionDown,
    RateLimited,
    StaleRead,
    Stopped,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WritesRest,
)

LONGEST_CALL_S = 120.0  # 200 records with triggers take most of it in a real org; the claim is renewed meanwhile
LEAST_LEFT_S = 5.0  # with less of the claim left no call is begun
SPARE_S = 1.0  # of the time left, so that what is connected in it is sent in it


class TimeIsUp(SyncError):
    """Too little time is left to begin a call. Raised last before the send: a log-in may have come between."""


def timeout(time_left_s: float, *, longest_connect_s: float) -> tuple[float, float]:
    """For the connect, which ends before the claim does, and for the answer, which may come later. **Raises** TimeIsUp."""
    if time_left_s < LEAST_LEFT_S:
        raise TimeIsUp("too little time is left to begin a write")
    connect_s = min(longest_connect_s, time_left_s - SPARE_S)
    return connect_s, LONGEST_CALL_S - connect_s


def not_answered(change: RecordWrite, error: SyncError) -> WriteOutcome:
    """One record of a call that gave no answer, or was refused as a whole."""
    if isinstance(error, (TimeIsUp, Stopped)):
        return WriteOutcome(change.ref, Wrote.NOT_BEGUN)
    if isinstance(error, UncertainWrite):
        return WriteOutcome(change.ref, Wrote.UNCERTAIN, error=error)
    return WriteOutcome(change.ref, Wrote.LATER if is_later(error) else Wrote.REJECTED, error=error)


def is_later(error: SyncError) -> bool:
    """Whether the refusal says nothing against the record: the same write may pass later."""
    return isinstance(error, (TransientError, ConnectionDown))


def check_connection(outcomes: Sequence[WriteOutcome]) -> None:
    """**Raises** the ConnectionDown or CallRefused that stopped a batch halfway. Asked once the batch's outcomes are told."""
    for outcome in outcomes:
        if isinstance(outcome.error, (ConnectionDown, CallRefused)):
            raise outcome.error


def batches(changes: Sequence[RecordWrite], count: int, *, name_of: Callable[[RecordWrite], str]) -> Iterator[list[RecordWrite]]:
    """Up to `count` in their order, no record twice in one: vendors refuse both of such a pair, or the whole request."""
    batch: list[RecordWrite] = []
    seen: set[str] = set()
    for change in changes:
        name = name_of(change)
        if name in seen or len(batch) == count:
            yield batch
            batch, seen = [], set()
        batch.append(change)
        seen.add(name)
    if batch:
        yield batch


@contextmanager
def as_refusal_of_the_call() -> Iterator[None]:
    """An error that may pass, of a call that writes as a whole, does not count as a try. **Raises** CallRefused in its place."""
    try:
        yield
    except (RateLimited, TooLarge, StaleRead, WritesRest):  # each has its own way on
        raise
    except TransientError as error:
        raise CallRefused(str(error)) from error
