"""Logging in, and one HTTP session per thread. simple-salesforce speaks the REST API; the token is ours to get and to renew.

simple-salesforce's own renewal loses headers and can recurse without end on a 401, so clients are built in its direct mode and rebuilt here
(github.com/simple-salesforce/simple-salesforce, issues 619 and 406, PR 685). A refused log-in is not tried again: that locks the user out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession

from sync_worker.crm.faults import Patience, insist
from sync_worker.crm.salesforce import faults
from sync_worker.errors import AuthFailed, SyncError
from sync_worker.services import Services

API_VERSION = "62.0"  # Winter '25; every org still accepts it, and resultPages and duplicate headers are in
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 120.0  # the vendor's own limit for one request
REFUSED_FOR_S = 300.0  # how long a refused log-in is remembered before it may be tried again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The client-credentials flow. `base_url` replaces the vendor's hosts by a sandbox on loopback."""

    client_id: str
    client_secret: str
    domain: str
    base_url: str | None = None

    @property
    def token_url(self) -> str:
        return f"{self.base_url or f'https://{self.domain}.salesforce.com'}/services/oauth2/token"


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the instance it belongs to. Its end is discovered by a 401: the vendor names no time."""

    access_token: str
    instance_url: str


class _Wire(HTTPAdapter):
    """Gives every request a time-out, and sends it to the loopback sandbox where one is named (simple-salesforce insists on https)."""

    def __init__(self, base_url: str | None) -> None:
        self._base = urlsplit(base_url) if base_url else None
        super().__init__()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self._base and request.url:
            request.url = urlunsplit(urlsplit(request.url)._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        return super().send(request, stream, timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S), verify, cert, proxies)


def http_session(base_url: str | None) -> requests.Session:
    """A keep-alive session for one thread."""
    session = requests.Session()
    session.trust_env = base_url is None
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Wire(base_url))
    return session


class Tokens:
    """The one token of a portal, shared by its threads: whoever meets a 401 first renews it, the others find it renewed."""

    def __init__(self, credentials: Credentials, services: Services, patience: Patience) -> None:
        self._credentials = credentials
        self._services = services
        self._patience = patience
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refusal: AuthFailed | None = None
        self._refused_at_s = 0.0

    def current(self, session: requests.Session) -> Token:
        """The token in use, after a log-in if there is none. **Raises** AuthFailed, TransientError."""
        with self._lock:
            return self._token or self._log_in(session)

    def renew(self, failed: Token, session: requests.Session) -> Token:
        """A token other than the one that just failed."""
        with self._lock:
            if self._token is None or self._token is failed:
                return self._log_in(session)
            return self._token

    def _log_in(self, session: requests.Session) -> Token:
        if self._refusal and self._services.monotonic() - self._refused_at_s < REFUSED_FOR_S:
            raise self._refusal
        try:
            self._token = insist(lambda: self._ask(session), patience=self._patience, services=self._services)
        except AuthFailed as refusal:
            self._refusal, self._refused_at_s, self._token = refusal, self._services.monotonic(), None
            raise
        return self._token

    def _ask(self, session: requests.Session) -> Token:
        try:
            answer = session.post(
                self._credentials.token_url,
                data={"grant_type": "client_credentials"},
                auth=(self._credentials.client_id, self._credentials.client_secret),
            )
        except requests.RequestException as error:
            raise faults.of_call(error, doing="logging in") from error
        content = _decoded(answer)
        if answer.status_code != 200 or not isinstance(content, Mapping) or "access_token" not in content:
            raise faults.of_token_answer(answer.status_code, content)
        return Token(access_token=str(content["access_token"]), instance_url=str(content["instance_url"]))


class Client(Salesforce):
    """simple-salesforce in direct mode, decoding with orjson and asking for compact JSON."""

    def __init__(self, token: Token, session: requests.Session) -> None:
        super().__init__(session_id=token.access_token, instance_url=token.instance_url, session=session, version=API_VERSION)
        self.headers["X-PrettyPrint"] = "0"

    def parse_result_to_json(self, result: requests.Response) -> Any:
        return orjson.loads(result.content)


class Connection:
    """One thread's way to one org: renews the token once when a call meets a 401, translates every failure, counts data calls."""

    def __init__(self, credentials: Credentials, tokens: Tokens, services: Services, patience: Patience) -> None:
        self._tokens = tokens
        self._services = services
        self._patience = patience
        self._credentials = credentials
        self._session = http_session(credentials.base_url)
        self._token: Token | None = None
        self._client: Client | None = None
        self.calls = 0

    def read(self, ask: Callable[[Client], T], *, doing: str, is_counted: bool = True) -> T:
        """The answer of a call that changes nothing, so that it may be repeated. **Raises** what `crm/port.py` lists."""

        def attempt() -> T:
            return self._once(ask, doing=doing, is_write=False, is_counted=is_counted)

        return insist(attempt, patience=self._patience, services=self._services)

    def write(self, send: Callable[[Client], T], *, doing: str) -> T:
        """The answer of a call that changes something: never repeated here. **Raises** also UncertainWrite."""
        return self._once(send, doing=doing, is_write=True, is_counted=True)

    def now(self) -> datetime:
        """The org's clock, from the `Date` header of a call the vendor does not count."""

        def ask() -> datetime:
            try:
                answer = self._session.get(f"{self._instance_url()}/services/data")
                return parsedate_to_datetime(answer.headers["Date"])
            except (requests.RequestException, KeyError, ValueError) as error:
                raise faults.of_call(_as_exception(error), doing="asking for the time") from error

        return insist(ask, patience=self._patience, services=self._services)

    def _instance_url(self) -> str:
        return self._credentials.base_url or self._tokens.current(self._session).instance_url

    def _once(self, ask: Callable[[Client], T], *, doing: str, is_write: bool, is_counted: bool) -> T:
        try:
            return self._counted(ask, is_counted=is_counted)
        except SalesforceExpiredSession:
            self._renew()
        except Exception as error:
            raise _translated(error, doing=doing, is_write=is_write) from error
        try:
            return self._counted(ask, is_counted=is_counted)
        except Exception as error:
            raise _translated(error, doing=doing, is_write=is_write) from error

    def _counted(self, ask: Callable[[Client], T], *, is_counted: bool) -> T:
        client = self._connected()
        self.calls += is_counted
        return ask(client)

    def _connected(self) -> Client:
        token = self._tokens.current(self._session)
        if self._client is None or token is not self._token:
            self._token, self._client = token, Client(token, self._session)
        return self._client

    def _renew(self) -> None:
        if self._token is not None:
            self._tokens.renew(self._token, self._session)


def _translated(error: Exception, *, doing: str, is_write: bool) -> SyncError:
    return error if isinstance(error, SyncError) else faults.of_call(error, doing=doing, is_write=is_write)


def _as_exception(error: Exception) -> Exception:
    return ValueError("no Date header") if isinstance(error, KeyError) else error


def _decoded(answer: requests.Response) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return answer.text
