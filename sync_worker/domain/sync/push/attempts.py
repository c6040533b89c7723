"""How often a write is tried, and how long it waits in between. Two counters: what the CRM refused, and what it never answered.

    refused      the CRM said "not now" to this record        waits longer each time; a person looks after ten
    unanswered   sent, and no reading has shown it there      waits 30 s at most between two sends; goes alone from the third send on;
                                                              a person looks after ten

A write that was not sent counts for neither: a worker died before its call, the connection was down, the claim had too little time left.
"""

from __future__ import annotations

from typing import Final

from sync_worker.domain.core.backoff import Backoff

MOST_REFUSED: Final = 10  # nine to seventeen minutes after the first
MOST_UNANSWERED: Final = 10  # a row that kills its worker must not do so for ever
ALONE_FROM: Final = 3  # this send and those after it carry the one record only: whatever is wrong with it befalls no other


FIRST_WAIT_S: Final = 2.0  # of what was not sent at all, too

AFTER_REFUSAL: Final = Backoff(first_s=FIRST_WAIT_S, factor=2, ceiling_s=600, jitter=0.5)
"""Two seconds after the first refusal, then twice as long each time, ten minutes at most; chance takes away a half at most."""

AFTER_NO_ANSWER: Final = Backoff(first_s=FIRST_WAIT_S, factor=2, ceiling_s=30, jitter=0.5)
"""The same, half a minute at most. It is counted from the send, so what a claim takes to expire is over by then."""


def is_sent_alone(unanswered: int) -> bool:
    """Whether the next send, after so many without answer, carries one record only."""
    return unanswered + 1 >= ALONE_FROM


def refused_wait_s(refused: int, chance: float) -> float:
    """From a refusal to the next try; `refused` counts that one. **Shapes** `chance` in [0, 1): not the same for all."""
    return AFTER_REFUSAL.wait_s(refused, chance)


def unanswered_wait_s(unanswered: int, chance: float) -> float:
    """From a send without answer to the next one; `unanswered` counts that one. The first is repeated as soon as it was read back."""
    return AFTER_NO_ANSWER.wait_s(unanswered, chance) if unanswered > 1 else 0.0
