"""How the feed goes on after an answer of the portal: the event is done, it is sent later, all events wait, or a person must act. Pure.

The waits are lists, not a `Backoff`: docs/feed.md promises them one by one to those who write a receiver.

2xx                      delivered
410                      gone: the feed is paused until somebody resumes it
429, 503, no answer      the receiver is down: everything rests, as long as it says or a little longer each time
anything else            refused: this event is tried again later and later, those of other records go on
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RETRY_S: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14_400)  # after each refusal of one event …
RETRY_LAST_S: Final = 21_600  # … and from then on
MOST_ATTEMPTS: Final = 28  # of one event: five days; its record goes on without it then, and a person hears of it
REST_S: Final = (2, 5, 15, 30, 60, 120, 300)  # of the whole feed, by failures in a row …
REST_LAST_S: Final = 600  # … so a receiver that is back waits ten minutes at most
LONGEST_REST_S: Final = 86_400  # whatever Retry-After says
ROW_COUNT: Final = 5  # events in a row, refused for the first time, that mean the receiver itself
TELL_COUNT: Final = 3  # failures in a row from which an operator is told


class DeliveryOutcome(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    DOWN = "down"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ReceiverAnswer:
    """What came back. **Shapes** `status` 0 = nothing did; `words`: the beginning of the body, or what went wrong."""

    status: int
    words: str = ""
    retry_after_s: float | None = None

    def __str__(self) -> str:
        said = f": {self.words}" if self.words else ""
        return f"HTTP {self.status}{said}" if self.status else self.words


def ending_of(answer: ReceiverAnswer) -> DeliveryOutcome:
    """What the answer means. A redirect is not followed: it would send what is ours to somebody else."""
    if 200 <= answer.status < 300:
        return DeliveryOutcome.DELIVERED
    if answer.status == 410:
        return DeliveryOutcome.GONE
    return DeliveryOutcome.DOWN if answer.status in (0, 429, 503) else DeliveryOutcome.REFUSED


def retry_s(attempts: int) -> float | None:
    """How long an event waits after so many refusals; None: it has been tried long enough."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return RETRY_S[attempts - 1] if attempts <= len(RETRY_S) else RETRY_LAST_S


def rest_s(failed_count: int, retry_after_s: float | None) -> float:
    """How long the whole feed waits after so many failures in a row."""
    if retry_after_s is not None:
        return min(max(retry_after_s, 1.0), LONGEST_REST_S)
    return REST_S[failed_count - 1] if failed_count <= len(REST_S) else REST_LAST_S
