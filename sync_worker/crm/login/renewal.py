"""One token for all threads of a portal: when a thread logs in, how long it waits before, when it gives up; refused log-ins are remembered.

A CRM may give out a token that a part of it does not know for some seconds. So the first log-in after a 401 comes at once, the next ones
after a wait that grows. A call that was refused with a 401 did nothing, so it may be sent again, a write too. A log-in that was refused is
not tried again for some minutes, because more tries would lock the user out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from sync_worker.crm.faults import Patience, TriedEnough, insist
from sync_worker.domain.core.backoff import Backoff
from sync_worker.errors import AuthFailed, RateLimited, TransientError
from sync_worker.services import Services

REFUSED_FOR_S: Final = 300.0  # how long a refused log-in is remembered before it may be tried again
MOST_LOGINS: Final = 5  # in a row, for tokens that are refused as new as they are
BETWEEN_LOGINS: Final = Backoff(first_s=1, factor=2, ceiling_s=8)
"""The first log-in comes at once, the next ones after 1, 2, 4 and 8 s: 15 s in all, half of what a claim lasts without a renewal."""


@dataclass(slots=True, eq=False, kw_only=True)
class Trust:
    """What a token has shown.

    **Shapes** `is_fixed`: a person gave it, so another log-in brings the same one. `renewed_at_s`: when on the monotonic clock it is to be
    renewed; None: no time is known. `refused_before`: so many tokens in a row before it were refused as new as they were.
    """

    is_fixed: bool = False
    renewed_at_s: float | None = None
    refused_before: int = field(default=0, init=False)
    has_worked: bool = field(default=False, init=False)

    @property
    def is_hopeless(self) -> bool:
        """Whether more log-ins would only keep people waiting: too many tokens were refused, or the one that there is never worked."""
        return not self.has_worked and (self.refused_before == MOST_LOGINS or (self.is_fixed and self.refused_before == 0))

    def is_due(self, now_s: float) -> bool:
        """Whether its end is near."""
        return self.renewed_at_s is not None and now_s >= self.renewed_at_s

    def follow(self, refused: Trust) -> None:
        """It takes the place of this one."""
        self.refused_before = _refused_in_a_row(refused) + 1


TokenT = TypeVar("TokenT", bound=Trust)


class SharedToken(Generic[TokenT]):
    """The one token of a portal, shared by its threads: the first that meets a 401 renews it, the others find it renewed.

    `log_in` asks the CRM for a token, once; it is called again where the CRM is out of reach. `edition`: of the credentials. A refusal is
    forgotten when a person has given new ones.
    """

    def __init__(self, services: Services, patience: Patience, edition: Callable[[], int]) -> None:
        self._services = services
        self._patience = patience
        self._edition = edition
        self._lock = threading.Lock()
        self._token: TokenT | None = None
        self._refusal = ""
        self._refused_at_s = 0.0
        self._refused_edition = 0

    @property
    def has_worked(self) -> bool:
        """Whether the CRM has taken the token in use."""
        token = self._token
        return token is not None and token.has_worked

    def current(self, log_in: Callable[[], TokenT]) -> TokenT:
        """The token in use, after a log-in if there is none or if its end is near. **Raises** AuthFailed, TransientError."""
        with self._lock:
            token = self._token
            return self._logged_in(log_in) if token is None or token.is_due(self._services.monotonic()) else token

    def renew(self, failed: TokenT, log_in: Callable[[], TokenT], *, refusal: str) -> None:
        """Sees to it that the next `current` is not the token that just failed. **Raises** AuthFailed in these words, TransientError."""
        with self._lock:
            if self._token is not failed:
                return  # another thread has renewed it, or has given up
            if failed.is_hopeless:
                self._remember(refusal, self._edition())
                raise AuthFailed(refusal)
            _wait_for_another(failed, self._services)
            self._logged_in(log_in).follow(failed)

    def _logged_in(self, log_in: Callable[[], TokenT]) -> TokenT:
        edition = self._edition()
        is_recent = self._services.monotonic() - self._refused_at_s < REFUSED_FOR_S
        if self._refusal and is_recent and edition == self._refused_edition:
            raise AuthFailed(self._refusal)
        try:
            token = insist(log_in, patience=self._patience, services=self._services)
        except AuthFailed as refused:
            self._remember(str(refused), edition)
            raise
        except RateLimited:
            raise
        except TransientError as error:
            raise TriedEnough(str(error)) from error
        self._token, self._refusal = token, ""
        return token

    def _remember(self, refusal: str, edition: int) -> None:
        self._refusal, self._refused_edition, self._token = refusal, edition, None
        self._refused_at_s = self._services.monotonic()


def _wait_for_another(refused: Trust, services: Services) -> None:
    """Waits as long as the next log-in has to. **Raises** TriedEnough where the process is asked to stop meanwhile."""
    tries = _refused_in_a_row(refused)
    if not tries:
        return
    services.sleep(BETWEEN_LOGINS.wait_s(tries))
    if services.is_stopping():
        raise TriedEnough("the CRM refused a token that it had just given, and the worker stops before it asks for another")


def _refused_in_a_row(token: Trust) -> int:
    return 0 if token.has_worked else token.refused_before
