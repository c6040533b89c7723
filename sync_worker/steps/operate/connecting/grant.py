"""The refresh token that a consent has left, for the log-ins of every process: one asks at a time, and what the CRM answers is kept.

A CRM that rotates ends a refresh token with the answer that brings the next one. So a process that asks with a token that another has just
used is refused for good. Each asks in its turn therefore, and reads the token at its beginning. A process that is killed between the
answer and the commit loses the token: then the log-in is refused, and a person connects again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sync_worker.boundary.sealing import NotOpened, Seal
from sync_worker.errors import AuthFailed, StoreDown, TransientError
from sync_worker.services import Services
from sync_worker.store.core.engine import Store
from sync_worker.store.operate import grants
from sync_worker.store.operate.grants import KeptGrant

TURN_LASTS: Final = timedelta(seconds=150)  # longer than the longest call to a token endpoint: 10 s to connect, 120 s to answer
LOOK_EVERY_S: Final = 0.25  # whether the turn is free
KEEP_AGAIN_S: Final = (1.0, 2.0, 4.0)  # the token that was replaced is worthless, so the new one is not given up at once
_STOPS: Final = "the worker stops before its turn to log in"
_BUSY: Final = "another process has been logging in for too long; it is tried again"


@dataclass(slots=True)
class TokenInTurn:
    """The token of one turn."""

    text: str = field(repr=False)
    _sealed: str = field(repr=False)
    _portal: str
    _store: Store = field(repr=False)
    _seal: Seal = field(repr=False)
    _services: Services = field(repr=False)

    def keep(self, text: str) -> None:
        """Nothing to write where it is the same one, sealed with the first key."""
        if text == self.text and self._seal.is_by_the_first_key(self._sealed):
            return
        sealed = self._seal.close(self._portal, text)
        for wait_s in (*KEEP_AGAIN_S, None):
            try:
                with self._store.side_transaction(self._portal) as tx:
                    grants.replace(tx, self._sealed, sealed)
            except StoreDown:
                if wait_s is None or self._services.is_stopping():
                    raise
                self._services.sleep(wait_s)
            else:
                self.text, self._sealed = text, sealed
                return


class SharedGrant:
    """One portal's, as `crm.login.consent.Grant` has it."""

    def __init__(self, portal: str, store: Store, seal: Seal, services: Services) -> None:
        self._portal, self._store, self._seal, self._services = portal, store, seal, services

    def edition(self) -> int:
        with self._store.reading(self._portal) as tx:
            found = grants.get(tx)
        return found.edition if found else 0

    @contextmanager
    def turn(self) -> Iterator[TokenInTurn]:
        turn = self._services.new_id()
        kept = self._taken(turn)
        try:
            yield TokenInTurn(self._opened(kept), kept.sealed, self._portal, self._store, self._seal, self._services)
        finally:
            with self._store.side_transaction(self._portal) as tx:
                grants.end_turn(tx, turn)

    def _taken(self, turn: str) -> KeptGrant:
        ends_s = self._services.monotonic() + TURN_LASTS.total_seconds()
        while self._services.monotonic() < ends_s:
            with self._store.side_transaction(self._portal) as tx:
                if grants.get(tx) is None:
                    raise AuthFailed(f"{self._portal} was not connected to its CRM yet; connect it: the page Connection of the console")
                if taken := grants.take_turn(tx, turn, TURN_LASTS):
                    return taken
            if self._services.is_stopping():
                raise TransientError(_STOPS)
            self._services.sleep(LOOK_EVERY_S)
        raise TransientError(_BUSY)

    def _opened(self, kept: KeptGrant) -> str:
        try:
            return self._seal.open(self._portal, kept.sealed)
        except NotOpened:
            remedy = "put the key that it was kept with behind the first one in SYNC_WORKER_SECRET_KEY, or connect the portal again"
            raise AuthFailed(f"the kept refresh token of {self._portal} does not open with the keys that there are; {remedy}") from None
