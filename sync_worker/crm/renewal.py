"""A token that is refused as new as it is: how long to wait before the next log-in, and when to give up.

A CRM may give out a token that a part of it does not know for some seconds. So the first log-in after a 401 comes at once, the next ones
after a wait that grows. A call that was refused with a 401 did nothing, so it may be sent again, a write too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sync_worker.crm.faults import TriedEnough
from sync_worker.domain.core.backoff import Backoff
from sync_worker.services import Services

MOST_LOGINS: Final = 5  # in a row, for tokens that are refused as new as they are
BETWEEN_LOGINS: Final = Backoff(first_s=1, factor=2, ceiling_s=8)
"""The first log-in comes at once, the next ones after 1, 2, 4 and 8 s: 15 s in all, half of what a claim lasts without a renewal."""


@dataclass(slots=True, eq=False, kw_only=True)
class Trust:
    """What a token has shown. **Shapes** `refused_before`: so many tokens in a row before it were refused as new as they were."""

    refused_before: int = field(default=0, init=False)
    has_worked: bool = field(default=False, init=False)

    @property
    def is_hopeless(self) -> bool:
        """Refused like those before it: another log-in would bring another like it."""
        return not self.has_worked and self.refused_before == MOST_LOGINS

    def follow(self, refused: Trust) -> None:
        """It takes the place of this one."""
        self.refused_before = _refused_in_a_row(refused) + 1


def wait_for_another(refused: Trust, services: Services) -> None:
    """Waits as long as the next log-in has to. **Raises** TriedEnough where the process is asked to stop meanwhile."""
    tries = _refused_in_a_row(refused)
    if not tries:
        return
    services.sleep(BETWEEN_LOGINS.wait_s(tries))
    if services.is_stopping():
        raise TriedEnough("the CRM refused a token that it had just given, and the worker stops before it asks for another")


def _refused_in_a_row(token: Trust) -> int:
    return 0 if token.has_worked else token.refused_before
