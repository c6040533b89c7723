"""A person lets the worker into a CRM account: where the browser is sent, what comes back, and the refresh token that it leaves.

begin      the address of the vendor's page, with a state and, where the vendor takes it, a PKCE challenge
come back  the code in the address is exchanged once, for a refresh token and the name of the account
log in     the refresh token is asked with by one process at a time, because a vendor may replace it with each answer
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

CONNECT_AGAIN: Final = "connect the portal again: the page Connection of the console"
BEGIN_AGAIN: Final = "begin again on the page Connection of the console"


@dataclass(frozen=True, slots=True)
class ConsentAsk:
    """What a consent is asked with. **Shapes** `redirect_uri`: where the vendor sends the browser back to; `verifier`: of PKCE."""

    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """What the vendor's page is told of the verifier (S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Consented:
    """What a person has allowed. **Shapes** `org`: the org's or the hub's id."""

    refresh_token: str = field(repr=False)
    org: str


class Consent(Protocol):
    """One portal's way to ask a person."""

    @property
    def vendor(self) -> str:
        """Its name, as people write it."""

    @property
    def org_kind(self) -> str:
        """What the vendor calls an account."""

    def address(self, ask: ConsentAsk) -> str:
        """The vendor's page."""

    def exchange(self, code: str, ask: ConsentAsk) -> Consented:
        """The code for a token. **Raises** AuthFailed, RateLimited, TransientError."""


class HeldToken(Protocol):
    """A refresh token, while no other process asks with it."""

    @property
    def text(self) -> str:
        """The token. No repr shows it."""

    def keep(self, text: str) -> None:
        """The token for the next time: the same one, or the one that the vendor has put in its place. **Raises** StoreDown."""


class Grant(Protocol):
    """What a consent has left, for every process of the portal."""

    def edition(self) -> int:
        """Grows whenever a person consents again; 0 before the first time. **Raises** StoreDown."""

    def turn(self) -> AbstractContextManager[HeldToken]:
        """The token, in the turn of this process alone. **Raises** AuthFailed where there is none; TransientError; StoreDown."""


@dataclass(slots=True, kw_only=True)
class GrantLogin:
    """A log-in with the refresh token that a consent has left, which every process of the portal shares."""

    grant: Grant = field(repr=False)
    remedy: str = CONNECT_AGAIN
    _held: HeldToken | None = field(default=None, init=False, repr=False)

    @property
    def refresh_token(self) -> str:
        """While it is our turn; "" otherwise."""
        return self._held.text if self._held else ""

    def edition(self) -> int:
        return self.grant.edition()

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self.grant.turn() as self._held:
            yield

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Where the vendor rotates tokens, each answer ends the token that it was asked with."""
        if self._held:
            self._held.keep(str(answer.get("refresh_token") or self._held.text))


class OwnLogin:
    """A log-in with credentials that stand in the portal file: none of another process disturbs it."""

    __slots__ = ()

    @property
    def remedy(self) -> str:
        return ""

    def edition(self) -> int:
        return 0

    def turn(self) -> AbstractContextManager[None]:
        return nullcontext()


def new_verifier() -> str:
    """64 characters that cannot be guessed (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(48)
