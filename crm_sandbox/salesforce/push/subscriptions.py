"""What is told to whom, and one notification on its way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

FIRST_RETRY_S = 30
MAX_RETRY_S = 7_200
QUEUE_LIFE = timedelta(hours=24)  # then a message is dropped


@dataclass(frozen=True, slots=True)
class MessageSubscription:
    """An admin's order. `deleted`: what is said of a record that is gone by then, nothing at all or its id.

    With `is_auto` messages leave by themselves; otherwise they wait for the control.
    """

    action_id: str
    sobject: str
    fields: tuple[str, ...]
    url: str
    organization_id: str
    is_auto: bool = False
    deleted: Literal["empty", "id"] = "empty"
    ignores_integration_user: bool = False


@dataclass(slots=True)
class MessageNotification:
    """One change waiting to be told."""

    id: str
    subscription: MessageSubscription
    record_id: str
    queued_at: datetime
    next_at: datetime
    tries: int = 0

    def put_off(self, now: datetime) -> None:
        """It was not taken: later, and each time twice as late."""
        self.tries += 1
        self.next_at = now + timedelta(seconds=min(MAX_RETRY_S, FIRST_RETRY_S * 2 ** (self.tries - 1)))
