"""What one request says, in our words, or why nothing was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

DISABLED_S: Final = 300  # until a portal that is disabled is asked again: a person has to correct its file


@dataclass(slots=True)
class HeardNotices:
    """**Shapes** `noticed`: record type → CRM ids to read again; `skipped`: why an event means nothing to us → how many of them."""

    events: int = 0
    noticed: dict[str, set[str]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def notice(self, record: str, crm_ids: Iterable[str]) -> None:
        """These records are to be read again."""
        self.noticed.setdefault(record, set()).update(crm_ids)

    def skip(self, why: str, count: int = 1) -> None:
        """An event that names nothing we keep."""
        self.skipped[why] += count

    def add(self, other: HeardNotices) -> None:
        """What another request says, too."""
        self.events += other.events
        self.skipped.update(other.skipped)
        for record, crm_ids in other.noticed.items():
            self.notice(record, crm_ids)


@dataclass(frozen=True, slots=True)
class WebhookRefusal:
    """Why a request is not taken: the status for the sender, the reason for our log alone."""

    status: int
    reason: str


Records = Mapping[str, str]
"""The CRM's record types that this portal reads → what the portal calls them."""
