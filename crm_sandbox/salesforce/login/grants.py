"""A form at the token endpoint → the user it opens a session for, one function per grant type."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from crm_sandbox.salesforce.data.org import Org
from crm_sandbox.salesforce.data.store import Values
from crm_sandbox.salesforce.login import assertions, keys
from crm_sandbox.salesforce.login.consent import Consents
from crm_sandbox.salesforce.login.credentials import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_PASSWORD,
    SANDBOX_SECURITY_TOKEN,
)
from crm_sandbox.salesforce.login.refresh import RefreshGrant, RefreshTokens
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal

Form = Mapping[str, str]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Granted:
    """Who gets a session. **Shapes** `refresh_token`: a new one; `held`: what the token stands for that the next log-in shows."""

    user_id: str
    refresh_token: str | None = None
    held: RefreshGrant | None = None
    scope: str = "api"


@dataclass(slots=True)
class Grants:
    """The org's rules about who may log in how."""

    org: Org
    base_url: str
    refresh_tokens: RefreshTokens
    consents: Consents
    public_pem: str | None = None  # None: the sandbox's own test key
    unapproved: set[str] = field(default_factory=set)  # usernames that have not approved the client

    def grant(self, form: Form) -> Granted:
        """Who the form opens a session for.

        Raises: OAuthRefusal.
        """
        flows: dict[str, Callable[[Form], Granted]] = {
            "authorization_code": self._authorization_code,
            "client_credentials": self._client_credentials,
            "password": self._password,
            "refresh_token": self._refresh_token,
            JWT_BEARER: self._jwt_bearer,
        }
        flow = flows.get(form.get("grant_type", ""))
        if flow is None:
            raise OAuthRefusal("unsupported_grant_type", "grant type not supported")
        granted = flow(form)
        user = self.org.store.get(self.org.sobject("User"), granted.user_id)
        if user is None or not user["IsActive"]:
            raise OAuthRefusal("inactive_user", "user is inactive")
        return granted

    def user_named(self, username: str) -> Values | None:
        """The user of that username, in any case."""
        user = self.org.sobject("User")
        names = [one.name for one in user.fields]
        return next(iter(self.org.store.select(user, names, '"Username" = ?', [username])), None)

    def knows(self, username: str, password: str) -> Values | None:
        """The user behind a username and a password, with the security token appended or, as on a trusted network, without."""
        user = self.user_named(username)
        is_right = password in (SANDBOX_PASSWORD, SANDBOX_PASSWORD + SANDBOX_SECURITY_TOKEN)
        return user if is_right else None

    def _authorization_code(self, form: Form) -> Granted:
        check_client(form)
        code = self.consents.take(form, self.org.clock.now())
        scope = " ".join(code.wish.scopes)
        if not code.wish.is_offline:
            return Granted(code.user_id, scope=scope)
        return Granted(code.user_id, *self.refresh_tokens.add(code.user_id), scope=scope)

    def _client_credentials(self, form: Form) -> Granted:
        check_client(form)
        return Granted(self.org.people.integration)

    def _password(self, form: Form) -> Granted:
        check_client(form)
        user = self.knows(form.get("username", ""), form.get("password", ""))
        if user is None:
            raise OAuthRefusal("invalid_grant", "authentication failure")
        return Granted(user["Id"])

    def _refresh_token(self, form: Form) -> Granted:
        check_client(form)
        shown = form.get("refresh_token", "")
        token, held = self.refresh_tokens.exchange(shown)
        return Granted(held.user_id, None if token == shown else token, held)

    def _jwt_bearer(self, form: Form) -> Granted:
        pem = self.public_pem or keys.test_keys().public_pem
        name = assertions.username(form.get("assertion", ""), pem, now=self.org.clock.now(), is_ours=self._is_ours)
        user = self.user_named(name)
        if user is None or user["Username"] in self.unapproved:
            raise OAuthRefusal("invalid_grant", "user hasn't approved this consumer")
        return Granted(user["Id"])

    def _is_ours(self, audience: str) -> bool:
        return audience.rstrip("/").removesuffix("/services/oauth2/token") == self.base_url


def check_client(form: Form) -> None:
    """Raises: OAuthRefusal for a client that is not the one registered."""
    if form.get("client_id") != SANDBOX_CLIENT_ID:
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    if form.get("client_secret") != SANDBOX_CLIENT_SECRET:
        raise OAuthRefusal("invalid_client", "invalid client credentials")


def basic(authorization: str | None) -> dict[str, str]:
    """Client id and secret from a Basic header, percent-decoded as OAuth asks."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}
