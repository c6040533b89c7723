"""The ways to log in, each a form for the token endpoint. None has a password in it; SOAP and password log-ins are going away.

A form is made again for every log-in: an assertion lives three minutes, and a refresh token may have been replaced by the last answer.
Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flows.htm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import jwt

from sync_worker.crm.login.consent import OwnLogin
from sync_worker.errors import AuthFailed, ConfigError, Mistake

ASSERTION_LIFE = timedelta(minutes=3)  # the vendor takes at most five, by its own clock
AUDIENCE = "https://login.salesforce.com"  # https://test.salesforce.com for the vendor's sandboxes


class SalesforceLogin(Protocol):
    """One portal's way in. **Shapes** `base_url` replaces the vendor's hosts by a sandbox on loopback."""

    @property
    def base_url(self) -> str | None: ...

    @property
    def host(self) -> str:
        """Where the token endpoint is, without a path."""

    @property
    def remedy(self) -> str:
        """What a person does where the CRM refuses what a consent has left; "" where there was none."""

    def edition(self) -> int:
        """Of the credentials: another number means that a person has given new ones. **Raises** StoreDown."""

    def turn(self) -> AbstractContextManager[None]:
        """While one log-in is asked for, and no other process asks. **Raises** AuthFailed, TransientError, StoreDown."""

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        """What to post there; secrets in it. `crm_now` asks the org for its time. **Raises** AuthFailed for a malformed key."""

    def basic(self) -> tuple[str, str] | None:
        """User and password of a Basic header, where the flow has one."""

    def granted(self, answer: Mapping[str, Any]) -> None:
        """The endpoint gave a token: what of it the next log-in needs is kept."""


@dataclass(frozen=True, slots=True)
class Credentials(OwnLogin):
    """The client-credentials flow: the app acts as its one integration user."""

    client_id: str
    client_secret: str = field(repr=False)
    domain: str
    base_url: str | None = None

    @property
    def host(self) -> str:
        return host_of(self.base_url, self.domain)

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        return {"grant_type": "client_credentials"}

    def basic(self) -> tuple[str, str] | None:
        return self.client_id, self.client_secret

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Nothing to keep."""


@dataclass(frozen=True, slots=True)
class JwtBearer(OwnLogin):
    """The JWT bearer flow: a user vouched for by a private key. **Shapes** `private_key`: PEM; `\\n` may stand for line ends."""

    client_id: str
    username: str
    private_key: str = field(repr=False)
    domain: str
    base_url: str | None = None
    audience: str = AUDIENCE

    @property
    def host(self) -> str:
        return host_of(self.base_url, self.domain)

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        """The assertion's end is told by the CRM's clock, not ours: skew is this flow's commonest failure."""
        end_s = int((crm_now() + ASSERTION_LIFE).timestamp())
        claims = {"iss": self.client_id, "sub": self.username, "aud": self.audience, "exp": end_s}
        try:
            assertion = jwt.encode(claims, self.private_key.replace("\\n", "\n"), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise AuthFailed("crm.auth.private_key is not an RSA private key in PEM form; correct the variable it names") from None
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}

    def basic(self) -> tuple[str, str] | None:
        return None

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Nothing to keep."""


@dataclass(slots=True)
class SalesforceRefreshToken(OwnLogin):
    """The refresh-token flow: a person has consented once. A token that is replaced by an answer lives on in this process only."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    domain: str
    base_url: str | None = None

    @property
    def host(self) -> str:
        return host_of(self.base_url, self.domain)

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token}

    def basic(self) -> tuple[str, str] | None:
        return self.client_id, self.client_secret

    def granted(self, answer: Mapping[str, Any]) -> None:
        """With rotation on, each answer ends the token it was asked with."""
        self.refresh_token = str(answer.get("refresh_token") or self.refresh_token)


@dataclass(frozen=True, slots=True)
class SalesforceLoginUnset(OwnLogin):
    """No way in: variables that the portal file names are not set. The first call says so, and none goes out."""

    mistakes: tuple[Mistake, ...]
    base_url: str | None = None

    @property
    def host(self) -> str:
        raise ConfigError(self.mistakes)

    def form(self, crm_now: Callable[[], datetime]) -> Mapping[str, str]:
        raise ConfigError(self.mistakes)

    def basic(self) -> tuple[str, str] | None:
        raise ConfigError(self.mistakes)

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Nothing is granted."""


def host_of(base_url: str | None, domain: str) -> str:
    """Where the token endpoint is, without a path."""
    return base_url or f"https://{domain}.salesforce.com"
