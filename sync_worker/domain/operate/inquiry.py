"""Inquiries: what a person asks that takes too long to wait for. A worker answers, and the answer is kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final


class InquiryKind(StrEnum):
    """What is asked."""

    CHECK = "check"
    PLAN = "plan"
    COMPARE = "compare"
    REPAIR = "repair"
    RULES = "rules"


class InquiryState(StrEnum):
    """How far it is: no worker has taken it up, one is at it, its answer is there, or it ended without one."""

    WAITS = "waits"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"


ASKS: Final[Mapping[InquiryKind, str]] = {
    InquiryKind.CHECK: "whether the CRM has what portal file and mapping name, and whether its data fit",
    InquiryKind.PLAN: "what a pull and a push would change on both sides, and what they would cost",
    InquiryKind.COMPARE: "whether the CRM still holds what we hold, record by record",
    InquiryKind.REPAIR: "a worker to compare both sides, to read again what differs, and to write what is owed",
    InquiryKind.RULES: "which associations would begin and end with other rules",
}
"""What each kind asks."""

KEPT: Final = timedelta(days=7)  # an answer tells of a moment that is over
MOST_TRIES: Final = 3  # a worker that ended in the middle of it each time: somebody should look before a fourth
SHOWN_COUNT: Final = 200  # rows of one list of an answer; its count tells of all
GIVEN_UP: Final = (
    f"the worker that was at it ended {MOST_TRIES} times, perhaps because its memory was too small. Look into its log, then ask again"
)
BUG: Final = "a bug stopped it; the worker's log and the failures of the portal tell more"
