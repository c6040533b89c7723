"""The company's own log-in: OpenID Connect's code flow with PKCE, at the one provider that the environment names.

authlib builds what is asked and checks what an ID token says; joserfc checks who signed it. What the provider publishes is read with a
time-out and kept for an hour. A key that is not known is looked for once a minute at most, because providers replace their keys.

Source: https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth, sections 3.1.2 and 3.1.3.7
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import requests

from sync_worker.boundary import silence, text
from sync_worker.boundary.sealing import NotOpened, Seal
from sync_worker.config.settings import LOOPBACK, CompanyLogIn
from sync_worker.domain.people.console import LOG_IN_LASTS, claimed
from sync_worker.errors import ConfigError, SyncError, TransientError

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session
    from joserfc.jwk import KeySet
    from joserfc.jwt import Token

DISCOVERY: Final = "/.well-known/openid-configuration"
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SCOPES: Final = ("openid", "profile", "email")
ALGORITHMS: Final = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]  # signed with a key that we do not have
NAMES: Final = ("name", "preferred_username", "email")
MOST_NAME: Final = 200  # characters

ANSWER_S: Final = 5.0  # of the provider; a person waits
LEEWAY_S: Final = 60  # between the provider's clock and ours
KEPT: Final = timedelta(hours=1)  # what it publishes
SOUGHT_EVERY: Final = timedelta(minutes=1)  # a key that is not known
RESTS: Final = timedelta(seconds=5)  # after no answer: a row of people does not wait one after the other

BEGIN_AGAIN: Final = "This way back was used before, is of another browser, or took too long. Log in again."
TELL: Final = "Log in again; if this comes back, tell an operator."
_IS_ERROR: Final = re.compile(r"[a-z_]{1,60}").fullmatch
_LATER: Final = "The provider cannot log people in at the moment. Log in again later."
_ERRORS: Final = {
    "": f"The provider sent no code. {TELL}",
    "access_denied": "The provider did not let you in: you have not allowed it, or your account may not use the console.",
    "invalid_grant": "The provider did not take the code: it was used before, or took too long. Log in again.",
    "server_error": _LATER,
    "temporarily_unavailable": _LATER,
}


class LogInRefused(Exception):
    """The person is not let in; the words say why."""


class Begun(NamedTuple):
    """**Shapes** `address`: where the browser goes; `cookie`: what it must bring back."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True)
class LogInUnderWay:
    """A person is at the provider. **Units** `until_s`: since 1970."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    until_s: float


class Identified(NamedTuple):
    """Who the provider says it is. **Shapes** `values`: of the claim that decides."""

    subject: str
    name: str
    values: frozenset[str]


class Provider:
    """For all threads of a process."""

    def __init__(self, terms: CompanyLogIn, clock: Callable[[], datetime]) -> None:
        self.terms = terms
        self._clock = clock
        self._published = _Published(self._fetch, clock)
        key = hashlib.sha256(b"console login\n" + terms.client_secret.encode()).digest()
        self._seal = Seal([base64.urlsafe_b64encode(key).decode()])  # each process has the same, and the database none

    def begin(self, redirect_uri: str) -> Begun:
        """**Raises** TransientError, ConfigError."""
        until_s = (self._clock() + LOG_IN_LASTS).timestamp()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        about = self._about()
        scope = " ".join([*SCOPES, *({self.terms.claim} & {*about.get("scopes_supported", ())} - {*SCOPES})])
        with self._wire(about, scope=scope, redirect_uri=redirect_uri) as wire:
            address, _ = wire.create_authorization_url(about["authorization_endpoint"], state, verifier, nonce=nonce)
        under_way = LogInUnderWay(state, nonce, verifier, redirect_uri, until_s)
        return Begun(address, self._seal.close("", json.dumps(asdict(under_way))))

    def log_out_address(self) -> str | None:
        """Where a person ends the session at the provider; None where it has no such page, or does not answer.

        No ID token is kept, so the provider may ask first. **Source** https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout
        """
        try:
            address = self._about().get("end_session_endpoint")
        except SyncError:
            return None
        if not _is_safe(address):
            return None
        parts = urlsplit(str(address))
        return parts._replace(query=urlencode([*parse_qsl(parts.query), ("client_id", self.terms.client_id)])).geturl()

    def opened(self, cookie: str, state: str) -> LogInUnderWay:
        """What this browser has begun. **Raises** LogInRefused."""
        try:
            found = LogInUnderWay(**json.loads(self._seal.open("", cookie)))
        except NotOpened:
            raise LogInRefused(BEGIN_AGAIN) from None
        is_same = hmac.compare_digest(found.state.encode(), state.encode())
        if not is_same or found.until_s < self._clock().timestamp():
            raise LogInRefused(BEGIN_AGAIN)
        return found

    def finish(self, under_way: LogInUnderWay, code: str, error: str) -> Identified:
        """Who came back. **Raises** LogInRefused, TransientError, ConfigError.

        **Shapes** `error`: what the provider said in place of a code.
        """
        if error or not code:
            raise LogInRefused(_told(error))
        answer = self._exchange(under_way, code)
        claims = self._verified(under_way, answer)
        subject, names = str(claims["sub"]), (claims.get(one) for one in NAMES)
        name = next((one for one in names if isinstance(one, str) and one.strip()), subject)
        return Identified(subject, text.one_line(text.storable(name))[:MOST_NAME], claimed(claims, self.terms.claim))

    def _exchange(self, under_way: LogInUnderWay, code: str) -> Mapping[str, Any]:
        from authlib.integrations.base_client import OAuthError

        about = self._about()
        asked = {"code": code, "code_verifier": under_way.verifier, "redirect_uri": under_way.redirect_uri}
        try:
            with self._wire(about) as wire:
                answer = wire.fetch_token(about["token_endpoint"], grant_type="authorization_code", allow_redirects=False, **asked)
        except OAuthError as error:
            if error.error in ("invalid_client", "unauthorized_client"):
                remedy = "an operator looks at SYNC_WORKER_OIDC_CLIENT_ID and SYNC_WORKER_OIDC_CLIENT_SECRET"
                raise ConfigError(f"the provider does not take the id and the secret of this installation — {remedy}") from None
            raise LogInRefused(_told(str(error.error))) from None
        except requests.RequestException as error:
            raise TransientError(self._silent(error)) from None
        except ValueError:
            raise TransientError(f"the provider{silence.named(self.terms.issuer)} did not answer with a token") from None
        return dict(answer)

    def _verified(self, under_way: LogInUnderWay, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        wanted = {"iss": self.terms.issuer, "aud": self.terms.client_id}
        options = {"sub": {"essential": True}, **{name: {"essential": True, "value": one} for name, one in wanted.items()}}
        params = {"nonce": under_way.nonce, "client_id": self.terms.client_id, "access_token": answer.get("access_token")}
        try:
            token = self._signed(str(answer.get("id_token") or ""))
            CodeIDToken(token.claims, token.header, options, params).validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise LogInRefused(f"The provider's ID token is not valid: {_fault(error)}. {TELL}") from None
        return token.claims

    def _signed(self, id_token: str) -> Token:
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError

        try:
            return jwt.decode(id_token, self._keys(KEPT), ALGORITHMS)
        except (BadSignatureError, InvalidKeyIdError):
            return jwt.decode(id_token, self._keys(SOUGHT_EVERY), ALGORITHMS)

    def _keys(self, lasts: timedelta) -> KeySet:
        from joserfc.jwk import KeySet

        published = self._published.read(self._about()["jwks_uri"], lasts)
        return KeySet.import_key_set({"keys": [one for one in published["keys"] if isinstance(one, dict)]})

    def _about(self) -> Mapping[str, Any]:
        """What the provider says of itself."""
        issuer = self.terms.issuer
        about = self._published.read(issuer.rstrip("/") + DISCOVERY, KEPT)
        if about.get("issuer") != issuer:
            raise ConfigError(f"the provider of {issuer} gives itself another name — correct SYNC_WORKER_OIDC_ISSUER")
        if wrong := [name for name in ENDPOINTS if not _is_safe(about.get(name))]:
            raise ConfigError(
                f"the provider of {issuer} does not give an https address for {wrong[0]} — ask its administrator to correct it"
            )
        return about

    def _fetch(self, address: str) -> Mapping[str, Any]:
        try:
            with self._wire({}) as wire:
                answer = wire.get(address, auth=_as_it_is, allow_redirects=False)
                answer.raise_for_status()
                found = text.loads(answer.content)
        except requests.RequestException as error:
            raise TransientError(self._silent(error)) from None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise TransientError(f"the provider{silence.named(address)} did not answer with JSON")
        return found

    def _silent(self, error: requests.RequestException) -> str:
        status = getattr(error.response, "status_code", None)
        became = f"{silence.named(self.terms.issuer)}: HTTP {status}" if status else silence.told(error, at=self.terms.issuer)
        return f"the provider of the log-in cannot be asked{became}; try again later"

    def _wire(self, about: Mapping[str, Any], **more: str) -> OAuth2Session:
        from authlib.integrations.requests_client import OAuth2Session

        from sync_worker.boundary.adapter import DeadlineAdapter

        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        way = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        wire = OAuth2Session(
            self.terms.client_id, self.terms.client_secret, way, code_challenge_method="S256", default_timeout=ANSWER_S, **more
        )
        wire.trust_env = urlsplit(self.terms.issuer).hostname not in LOOPBACK  # a proxy of the machine is for the world outside
        for scheme in ("https://", "http://"):
            wire.mount(scheme, DeadlineAdapter())
        return wire


class _Published:
    """What stands at the provider's addresses: asked once, whatever number of people come."""

    def __init__(self, fetch: Callable[[str], Mapping[str, Any]], clock: Callable[[], datetime]) -> None:
        self._fetch, self._clock = fetch, clock
        self._held: dict[str, tuple[datetime, Mapping[str, Any] | str]] = {}
        self._turn = threading.Lock()

    def read(self, address: str, lasts: timedelta) -> Mapping[str, Any]:
        """What was read in this time, or is there now. **Raises** TransientError."""
        with self._turn:
            now = self._clock()
            at, found = self._held.get(address, (datetime.min.replace(tzinfo=now.tzinfo), ""))
            if now - at >= (RESTS if isinstance(found, str) else lasts):
                found = self._asked(address)
                self._held[address] = now, found
        if isinstance(found, str):
            raise TransientError(found)
        return found

    def _asked(self, address: str) -> Mapping[str, Any] | str:
        try:
            return self._fetch(address)
        except SyncError as error:
            return str(error)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would send what ~/.netrc has for the host."""
    return request


def _is_safe(address: object) -> bool:
    parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _told(error: str) -> str:
    shown = f"it says {error}" if _IS_ERROR(error) else "its reason has no known form"
    return _ERRORS.get(error, f"The provider did not let you in; {shown}. {TELL}")


def _fault(error: Exception) -> str:
    from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, MissingClaimError

    match error:
        case ExpiredTokenError():
            return "it has expired"
        case BadSignatureError() | InvalidKeyIdError():
            return "it is not signed with a key of the provider"
        case InvalidClaimError() | MissingClaimError():
            return f"its {error.claim} is wrong"
    return "it cannot be read"
