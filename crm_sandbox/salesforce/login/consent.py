"""The web server flow: a person allows the app, and the code in the address that the browser goes back to is exchanged for tokens, once.

Source: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm, and _oauth_pkce.htm
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from crm_sandbox.consent_page import is_registered
from crm_sandbox.salesforce.login.credentials import SANDBOX_CLIENT_ID
from crm_sandbox.salesforce.wire.ids import ALPHABET
from crm_sandbox.salesforce.wire.refusal import OAuthRefusal

CODE_LIFE = timedelta(minutes=15)
ASKED = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class ConsentWish:
    """What an app asks a person for."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    challenge: str

    @property
    def is_offline(self) -> bool:
        """Whether it asks for a refresh token."""
        return not {"refresh_token", "offline_access"}.isdisjoint(self.scopes)


@dataclass(frozen=True, slots=True)
class SalesforceCode:
    """What a consent puts into the address; good for one exchange."""

    wish: ConsentWish
    user_id: str
    ends_at: datetime


@dataclass(slots=True)
class Consents:
    """The app's settings for this flow, and the codes that are out. **Shapes** `redirect_uris` None: any address on loopback."""

    rng: Random
    redirect_uris: Sequence[str] | None = None
    requires_pkce: bool = False
    _code_by_text: dict[str, SalesforceCode] = field(default_factory=dict)

    def check(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes back to, whatever is said there.

        Raises: OAuthRefusal, which the person sees.
        """
        if asked.get("client_id") != SANDBOX_CLIENT_ID:
            raise OAuthRefusal("invalid_client_id", "client identifier invalid")
        redirect_uri = asked.get("redirect_uri", "")
        if not redirect_uri:
            raise OAuthRefusal("invalid_request", "missing redirect_uri")
        if not is_registered(redirect_uri, self.redirect_uris):
            raise OAuthRefusal("redirect_uri_mismatch", "redirect_uri must match configuration")
        return redirect_uri

    def read(self, asked: Mapping[str, str]) -> ConsentWish:
        """The app's wish.

        Raises: OAuthRefusal, which the app hears of.
        """
        if asked.get("response_type") != "code":
            raise OAuthRefusal("unsupported_response_type", "response type not supported")
        challenge = asked.get("code_challenge", "")
        if self.requires_pkce and not challenge:
            raise OAuthRefusal("invalid_request", "missing required code challenge")
        if challenge and (asked.get("code_challenge_method", "S256") != "S256" or not _CHALLENGE.fullmatch(challenge)):
            raise OAuthRefusal("invalid_request", "invalid code challenge")
        scopes = tuple(asked.get("scope", "").split()) or ("api",)
        return ConsentWish(asked["redirect_uri"], scopes, asked.get("state", ""), challenge)

    def allow(self, wish: ConsentWish, user_id: str, now: datetime) -> str:
        """The code of a person's consent."""
        text = f"aPrx{''.join(self.rng.choices(ALPHABET, k=80))}=="
        self._code_by_text[text] = SalesforceCode(wish, user_id, now + CODE_LIFE)
        return text

    def take(self, form: Mapping[str, str], now: datetime) -> SalesforceCode:
        """What a code stands for; it is used up, whatever comes of it.

        Raises: OAuthRefusal.
        """
        code = self._code_by_text.pop(form.get("code", ""), None)
        if code is None:
            raise OAuthRefusal("invalid_grant", "invalid authorization code")
        if now >= code.ends_at:
            raise OAuthRefusal("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.wish.redirect_uri:
            raise OAuthRefusal("redirect_uri_mismatch", "redirect_uri must match configuration")
        if code.wish.challenge and not _is_verified(form.get("code_verifier", ""), code.wish.challenge):
            raise OAuthRefusal("invalid_grant", "invalid code verifier")
        return code


def _is_verified(verifier: str, challenge: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(digest, challenge)
