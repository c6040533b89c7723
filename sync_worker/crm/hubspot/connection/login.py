"""The ways to log in: a token that stands (service key, private or project app), or one that a refresh token renews every half hour."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sync_worker.crm.login.consent import OwnLogin
from sync_worker.errors import ConfigError, Mistake

HOST = "https://api.hubapi.com"


class HubspotLogin(Protocol):
    """One portal's way in. **Shapes** `base_url` replaces the vendor's host by a sandbox on loopback."""

    @property
    def base_url(self) -> str | None: ...

    @property
    def token(self) -> str | None:
        """The token that stands; None where one is to be asked for. **Raises** ConfigError where a variable is not set."""

    @property
    def remedy(self) -> str:
        """What a person does where the CRM refuses what a consent has left; "" where there was none."""

    def edition(self) -> int:
        """Of the credentials: another number means that a person has given new ones. **Raises** StoreDown."""

    def turn(self) -> AbstractContextManager[None]:
        """While one log-in is asked for, and no other process asks. **Raises** AuthFailed, TransientError, StoreDown."""

    def form(self) -> Mapping[str, str]:
        """What to post to the token endpoint; secrets in it."""

    def granted(self, answer: Mapping[str, Any]) -> None:
        """The endpoint gave a token: what of it the next log-in needs is kept."""


@dataclass(frozen=True, slots=True)
class StaticToken(OwnLogin):
    """A token without an end; a person revokes or replaces it."""

    token: str = field(repr=False)
    base_url: str | None = None

    def form(self) -> Mapping[str, str]:
        """Nothing to post."""
        return {}

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Nothing to keep."""


@dataclass(slots=True)
class HubspotRefreshToken(OwnLogin):
    """An OAuth app that a person installed once. A refresh token that an answer replaces lives on in this process only."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    base_url: str | None = None

    @property
    def token(self) -> str | None:
        return None

    def form(self) -> Mapping[str, str]:
        own = {"client_id": self.client_id, "client_secret": self.client_secret, "refresh_token": self.refresh_token}
        return {"grant_type": "refresh_token", **own}

    def granted(self, answer: Mapping[str, Any]) -> None:
        self.refresh_token = str(answer.get("refresh_token") or self.refresh_token)


@dataclass(frozen=True, slots=True)
class HubspotLoginUnset(OwnLogin):
    """No way in: variables that the portal file names are not set. The first call says so, and none goes out."""

    mistakes: tuple[Mistake, ...]
    base_url: str | None = None

    @property
    def token(self) -> str | None:
        raise ConfigError(self.mistakes)

    def form(self) -> Mapping[str, str]:
        raise ConfigError(self.mistakes)

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Nothing is granted."""
