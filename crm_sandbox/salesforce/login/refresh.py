"""Refresh tokens: one is there from the start, and each exchange may put a new one in its place.

With rotation the old token is dead after its first use, and the session that it had opened ends: pages that were being
read through it cannot be read on. Source: github.com/airbytehq/airbyte, PR 84302.
"""

from dataclasses import dataclass, field
from random import Random

from crm_sandbox.salesforce.login.credentials import SANDBOX_REFRESH_TOKEN
from crm_sandbox.salesforce.wire.ids import ALPHABET
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal


@dataclass(slots=True)
class RefreshGrant:
    """Whose it is, and the access token that it opened last."""

    user_id: str
    access_token: str | None = None


@dataclass(slots=True)
class RefreshTokens:
    """All refresh tokens of an org. `ends_previous` follows `rotates` unless it is set."""

    rng: Random
    rotates: bool = False
    ends_previous: bool | None = None
    _held: dict[str, RefreshGrant] = field(default_factory=dict)

    def begin(self, user_id: str) -> None:
        """The token that clients are configured with."""
        self._held[SANDBOX_REFRESH_TOKEN] = RefreshGrant(user_id)

    def exchange(self, token: str) -> tuple[str, RefreshGrant]:
        """The token to use from now on (the same one without rotation), and what it stands for.

        Raises: OAuthRefusal.
        """
        held = self._held.get(token)
        if held is None:
            raise OAuthRefusal("invalid_grant", "expired access/refresh token")
        if not self.rotates:
            return token, held
        del self._held[token]
        return self._keep(held), held

    def add(self, user_id: str) -> tuple[str, RefreshGrant]:
        """A new token for a user who has allowed the app."""
        held = RefreshGrant(user_id)
        return self._keep(held), held

    def _keep(self, held: RefreshGrant) -> str:
        fresh = "5Aep861" + "".join(self.rng.choices(ALPHABET, k=60))
        self._held[fresh] = held
        return fresh

    def ended_by(self, held: RefreshGrant, access_token: str) -> str | None:
        """Note the newly opened session; the one that ends for it, if any."""
        ends = self.rotates if self.ends_previous is None else self.ends_previous
        previous, held.access_token = held.access_token, access_token
        return previous if ends else None

    def revoke(self, token: str) -> RefreshGrant | None:
        """Forget a token; what it stood for."""
        return self._held.pop(token, None)

    def clear(self) -> None:
        """No refresh token works any more."""
        self._held.clear()
