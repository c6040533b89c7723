"""What a page that would ask the CRM says while a person has paused the portal."""

from __future__ import annotations

from sync_worker.domain.operate.status import halt_words
from sync_worker.web.console.core.away import TurnedAway
from sync_worker.web.console.core.door import ConsoleVisit


def refuse_paused(visit: ConsoleVisit) -> None:
    """**Raises** TurnedAway: the portal is paused, by whom, since when and why."""
    if halt := visit.tenant.halted():
        words = halt_words(halt.actor, halt.at, halt.reason, visit.tenant.services.clock())
        raise TurnedAway(409, "The portal is paused", f"It is paused {words}. Let it go on first: the CRM is not asked while it is paused.")
