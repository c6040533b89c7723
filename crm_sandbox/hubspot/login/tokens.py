"""Who may call: static tokens that do not expire, OAuth's that end after half an hour, and what refreshes them.

An install is one app in the account, with the scopes that an admin has granted; every token of it loses a scope when the install does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from crm_sandbox.hubspot.login.credentials import (
    SANDBOX_APP_ID,
    SANDBOX_REDIRECT_URI,
    SANDBOX_REFRESH_TOKEN,
    SANDBOX_TOKEN,
)
from crm_sandbox.hubspot.login.scopes import EVERY_SCOPE
from crm_sandbox.hubspot.wire.limits import App

TOKEN_LIFE = timedelta(seconds=1800)
CODE_LIFE = timedelta(minutes=10)
ROTATION_GRACE = timedelta(days=7)  # for which a rotated service key goes on working
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(slots=True)
class Install:
    """One app in the account."""

    app_id: int
    scopes: set[str]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens the door. A static one ends when it is revoked, or after the grace of a rotation."""

    text: str
    install: Install
    is_oauth: bool = False
    ends_at: datetime | None = None

    @property
    def app(self) -> App:
        """Who it speaks for, as the limits tell apps apart."""
        return App(self.install.app_id, self.is_oauth)

    def seconds_over(self, now: datetime) -> int | None:
        """For how long it has been over, if it is."""
        return None if self.ends_at is None or now < self.ends_at else int((now - self.ends_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Code:
    """What a person's consent puts into the address of the redirect; good for one exchange."""

    install: Install
    redirect_uri: str
    ends_at: datetime


@dataclass(slots=True)
class AccessTokens:
    """All tokens of an account."""

    rng: Random
    redirect_uris: Sequence[str] | None = None  # that the app names; None: any address on loopback
    _next_app_id: int = SANDBOX_APP_ID + 1
    _token_by_text: dict[str, AccessToken] = field(default_factory=dict)
    _install_by_refresh_token: dict[str, Install] = field(default_factory=dict)
    _code_by_text: dict[str, Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        install = Install(SANDBOX_APP_ID, set(EVERY_SCOPE))
        self._token_by_text[SANDBOX_TOKEN] = AccessToken(SANDBOX_TOKEN, install)
        self._install_by_refresh_token[SANDBOX_REFRESH_TOKEN] = install

    def find(self, text: str) -> AccessToken | None:
        """The token of that text, over or not."""
        return self._token_by_text.get(text)

    def refreshed_by(self, text: str) -> Install | None:
        """The install of a refresh token."""
        return self._install_by_refresh_token.get(text)

    def add_static(self, scopes: set[str]) -> AccessToken:
        """Another app's static token."""
        self._next_app_id += 1
        return self._keep(AccessToken(self._static_text(), Install(self._next_app_id, scopes)))

    def open(self, install: Install, now: datetime) -> AccessToken:
        """A new OAuth access token."""
        return self._keep(AccessToken(self._random_text("C", 160), install, is_oauth=True, ends_at=now + TOKEN_LIFE))

    def rotate(self, text: str, now: datetime, *, grace: timedelta = ROTATION_GRACE) -> AccessToken:
        """A new static token in the place of one that ends after the grace.

        Raises: KeyError.
        """
        old = self._token_by_text[text]
        self._keep(replace(old, ends_at=now + grace))
        return self._keep(AccessToken(self._static_text(), old.install))

    def consent(self, scopes: set[str], now: datetime, redirect_uri: str = SANDBOX_REDIRECT_URI) -> str:
        """A person connects the app with those scopes; the code of the redirect."""
        text = self._random_text("na1-", 32)
        self._code_by_text[text] = Code(Install(SANDBOX_APP_ID, scopes), redirect_uri, now + CODE_LIFE)
        return text

    def take_code(self, text: str, redirect_uri: str, now: datetime) -> tuple[str, Install] | None:
        """A fresh refresh token and what it is for, in exchange for a code; the code is gone whatever comes of it."""
        code = self._code_by_text.pop(text, None)
        if code is None or code.redirect_uri != redirect_uri or now >= code.ends_at:
            return None
        refresh_token = self._random_text("na1-", 36)
        self._install_by_refresh_token[refresh_token] = code.install
        return refresh_token, code.install

    def revoke(self, text: str) -> bool:
        """End a token of any sort; whether there was one. With a refresh token its access tokens end too."""
        install = self._install_by_refresh_token.pop(text, None)
        if install is None:
            return self._token_by_text.pop(text, None) is not None
        self._token_by_text = {key: one for key, one in self._token_by_text.items() if not one.is_oauth or one.install is not install}
        return True

    def expire_oauth(self, now: datetime) -> int:
        """Every OAuth access token is over; how many went."""
        alive = [one for one in self._token_by_text.values() if one.is_oauth and one.seconds_over(now) is None]
        for token in alive:
            self._keep(replace(token, ends_at=now))
        return len(alive)

    def installs(self) -> list[Install]:
        """Every app in the account, once."""
        held = [*(one.install for one in self._token_by_text.values()), *self._install_by_refresh_token.values()]
        return list({id(install): install for install in held}.values())

    def _keep(self, token: AccessToken) -> AccessToken:
        self._token_by_text[token.text] = token
        return token

    def _static_text(self) -> str:
        return "pat-na1-" + "-".join("".join(self.rng.choices("0123456789abcdef", k=length)) for length in (8, 4, 4, 4, 12))

    def _random_text(self, start: str, length: int) -> str:
        return start + "".join(self.rng.choices(_LETTERS, k=length))
