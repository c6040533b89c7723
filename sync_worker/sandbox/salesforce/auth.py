"""Tokens: who gets one, and whether it still holds.

The token endpoint answers in OAuth's shape, not in the API's. There is no `expires_in`: a client learns of the end by 401.
Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from sync_worker.sandbox.salesforce import errors
from sync_worker.sandbox.salesforce.ids import ALPHABET
from sync_worker.sandbox.salesforce.org import ORG_ID, Org

SANDBOX_CLIENT_ID = "sandbox"
SANDBOX_CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - known to everybody: it opens nothing but the sandbox
SESSION_LIFE = timedelta(hours=2)  # since the last use, the vendor's default session time-out


class OAuthRefusal(Exception):
    """The token endpoint says no."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.status = status
        self.body = {"error": error, "error_description": description}


@dataclass(slots=True)
class Session:
    """What a token stands for."""

    token: str
    user_id: str
    used_at: datetime


class Auth:
    """The sessions of an org, and the ways to open one. A further grant type is a further entry in `_grants`."""

    def __init__(self, org: Org, rng: Random) -> None:
        self._org, self._rng = org, rng
        self._session_by_token: dict[str, Session] = {}
        self._grants: dict[str, Callable[[Mapping[str, str]], str]] = {"client_credentials": self._client_credentials}

    def grant(self, body: bytes, authorization: str | None, *, instance_url: str) -> dict[str, Any]:
        """A new token for a form-encoded request.

        Raises: OAuthRefusal.
        """
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        form |= _basic(authorization)
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            raise OAuthRefusal("unsupported_grant_type", "grant type not supported")
        user_id = grant(form)
        session = self._open(user_id)
        identity = f"{instance_url}/id/{ORG_ID}/{user_id}"
        issued_at = str(int(self._org.clock.now().timestamp() * 1000))
        digest = hmac.new(SANDBOX_CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256).digest()
        return {
            "access_token": session.token,
            "signature": base64.b64encode(digest).decode(),
            "scope": "api",
            "instance_url": instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }

    def session(self, authorization: str | None) -> Session:
        """The session of a request.

        Raises: Refusal INVALID_SESSION_ID, or INVALID_AUTH_HEADER for a header that is none.
        """
        if authorization is None:
            raise errors.session_invalid()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "oauth"):
            raise errors.Refusal("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401)
        session = self._session_by_token.get(token.strip())
        now = self._org.clock.now()
        if session is None or now - session.used_at > SESSION_LIFE:
            raise errors.session_invalid()
        session.used_at = now
        return session

    def expire_all(self) -> int:
        """End every session; how many there were."""
        count = len(self._session_by_token)
        self._session_by_token.clear()
        return count

    def _open(self, user_id: str) -> Session:
        token = f"{ORG_ID[:15]}!AQ{''.join(self._rng.choices(ALPHABET, k=90))}"
        session = Session(token, user_id, self._org.clock.now())
        self._session_by_token[token] = session
        return session

    def _client_credentials(self, form: Mapping[str, str]) -> str:
        if form.get("client_id") != SANDBOX_CLIENT_ID:
            raise OAuthRefusal("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != SANDBOX_CLIENT_SECRET:
            raise OAuthRefusal("invalid_client", "invalid client credentials")
        return self._org.people.integration


def _basic(authorization: str | None) -> dict[str, str]:
    """Client id and secret from a Basic header, percent-decoded as OAuth asks."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}
