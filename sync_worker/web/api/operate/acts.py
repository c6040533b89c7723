"""What is common to all that an operator asks for over HTTP: how it is answered, and what it waits for."""

from __future__ import annotations

from sync_worker.domain.operate.status import halt_words
from sync_worker.store.operate.halts import Halt
from sync_worker.store.people.answers import Answer
from sync_worker.web.api.core import shapes
from sync_worker.web.api.core.authentication import Visit
from sync_worker.web.api.core.views import JSON


def waits(visit: Visit, halt: Halt | None) -> str | None:
    """Why nothing is done yet; None where the portal is not paused."""
    if halt is None:
        return None
    return f"the portal is paused {halt_words(halt.actor, halt.at, halt.reason, visit.tenant.services.clock())}"


def answered(body: shapes.View, status: int = 200) -> Answer:
    """The answer, as it is kept under an idempotency key too."""
    return Answer(status, body.model_dump_json(), JSON)
