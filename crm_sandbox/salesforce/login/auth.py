"""Sessions: who has one, and whether it still holds. How one is opened: `login/`.

The token endpoint answers in OAuth's shape, not in the API's. There is no `expires_in`: a client learns of the end by 401.
Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from crm_sandbox.salesforce.data.org import ORG_ID, Org
from crm_sandbox.salesforce.login.consent import Consents
from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from crm_sandbox.salesforce.login.grants import Grants, basic
from crm_sandbox.salesforce.login.refresh import RefreshTokens
from crm_sandbox.salesforce.wire import errors
from crm_sandbox.salesforce.wire.ids import ALPHABET
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal

__all__ = ["SANDBOX_CLIENT_ID", "SANDBOX_CLIENT_SECRET", "SESSION_LIFE", "OAuthRefusal", "OrgSessions", "Session", "form_of"]

SESSION_LIFE = timedelta(hours=2)  # since the last use, the vendor's default session time-out


@dataclass(slots=True)
class Session:
    """What a token stands for."""

    token: str
    user_id: str
    used_at: datetime


class OrgSessions:
    """The sessions of an org. `instance_url` is where clients are sent to; it differs from `base_url` after a move."""

    def __init__(self, org: Org, rng: Random, base_url: str) -> None:
        self._org, self._rng = org, rng
        self.instance_url = base_url
        self.has_moved = False  # once it has, other hosts answer as gone
        self.refresh_tokens = RefreshTokens(rng)
        self.refresh_tokens.begin(org.people.integration)
        self.consents = Consents(rng)
        self.grants = Grants(org, base_url, self.refresh_tokens, self.consents)
        self.has_soap_login = True
        self._session_by_token: dict[str, Session] = {}

    def grant(self, body: bytes, authorization: str | None) -> dict[str, Any]:
        """A new token for a form-encoded request.

        Raises: OAuthRefusal.
        """
        granted = self.grants.grant(form_of(body) | basic(authorization))
        session = self.open(granted.user_id)
        answer = self._answer(session) | {"scope": granted.scope}
        if granted.held is not None:
            ended = self.refresh_tokens.ended_by(granted.held, session.token)
            self.end(ended or "")
        if granted.refresh_token is not None:
            answer["refresh_token"] = granted.refresh_token
        return answer

    def _answer(self, session: Session) -> dict[str, Any]:
        identity = self.identity_url(session.user_id)
        issued_at = str(int(self._org.clock.now().timestamp() * 1000))
        digest = hmac.new(SANDBOX_CLIENT_SECRET.encode(), (identity + issued_at).encode(), hashlib.sha256).digest()
        return {
            "access_token": session.token,
            "signature": base64.b64encode(digest).decode(),
            "instance_url": self.instance_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }

    def identity_url(self, user_id: str) -> str:
        """Where a client asks who a user is."""
        return f"{self.instance_url}/id/{ORG_ID}/{user_id}"

    def session(self, authorization: str | None) -> Session:
        """The session of a request.

        Raises: Refusal INVALID_SESSION_ID, or INVALID_AUTH_HEADER for a malformed header.
        """
        if authorization is None:
            raise errors.session_invalid()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "oauth"):
            raise errors.SalesforceRefusal("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401)
        session = self.alive(token.strip())
        if session is None:
            raise errors.session_invalid()
        session.used_at = self._org.clock.now()
        return session

    def alive(self, token: str) -> Session | None:
        """The session of a token, if it has not ended; asking does not prolong it."""
        session = self._session_by_token.get(token)
        return None if session is None or self._org.clock.now() - session.used_at > SESSION_LIFE else session

    def open(self, user_id: str) -> Session:
        """A new session for a user."""
        token = f"{ORG_ID[:15]}!AQ{''.join(self._rng.choices(ALPHABET, k=90))}"
        session = Session(token, user_id, self._org.clock.now())
        self._session_by_token[token] = session
        return session

    def end(self, token: str) -> bool:
        """End one session; whether there was one."""
        return self._session_by_token.pop(token, None) is not None

    def expire_all(self) -> int:
        """End every session; how many there were."""
        count = len(self._session_by_token)
        self._session_by_token.clear()
        return count


def form_of(body: bytes) -> dict[str, str]:
    """A form-encoded body."""
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
