"""Logging in, and one HTTP session per thread. simple-salesforce speaks the REST API; the token is ours to get and to renew.

simple-salesforce's own renewal loses headers and can recurse without end on a 401, so clients are built in its direct mode and rebuilt here
(github.com/simple-salesforce/simple-salesforce, issues 619 and 406, PR 685). `crm/login/renewal.py` says what follows
when a log-in or a token is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceGeneralError

from sync_worker.boundary import silence, text
from sync_worker.boundary.headers import said_at
from sync_worker.crm.budget import UNMETERED, Purse
from sync_worker.crm.faults import BadAnswer, Patience, insist
from sync_worker.crm.login.renewal import MOST_LOGINS, SharedToken, Trust
from sync_worker.crm.salesforce.connection import faults
from sync_worker.crm.salesforce.connection.ids import id_18
from sync_worker.crm.salesforce.connection.login import SalesforceLogin
from sync_worker.crm.salesforce.connection.wire import API_VERSION, SalesforceWire, decoded
from sync_worker.crm.siblings import Siblings
from sync_worker.crm.turnstile import Errand, MayWait, OpenTurnstile, Turnstile, as_long_as_it_takes, is_crowd
from sync_worker.errors import ConnectionDown, SyncError
from sync_worker.services import Services

BLOCK_BYTES = 1 << 16  # of a long answer at once
REFUSES_ITS_TOKENS = "Salesforce gives out tokens and refuses them; may the integration user use the API, and from this address?"

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class SalesforceToken(Trust):
    """An access token and the instance it belongs to. Its end is discovered by a 401: the vendor names no time.

    **Shapes** `user_id`: whose it is, "" where the log-in did not say.
    """

    access_token: str = field(repr=False)
    instance_url: str
    user_id: str = ""


class Tokens:
    """The one token of a portal, shared by its threads."""

    def __init__(self, login: SalesforceLogin, services: Services, patience: Patience, turnstile: Turnstile | None = None) -> None:
        self._login = login
        self.turnstile = turnstile or OpenTurnstile(services)
        self._services = services
        self._shared = SharedToken[SalesforceToken](services, patience, login.edition)

    def current(self, wire: SalesforceWire) -> SalesforceToken:
        """The token in use, after a log-in if there is none. **Raises** AuthFailed, TransientError."""
        return self._shared.current(lambda: self._ask(wire))

    def renew(self, failed: SalesforceToken, wire: SalesforceWire) -> None:
        """Sees to it that the next `current` is not the token that just failed. **Raises** AuthFailed, TransientError."""
        self._shared.renew(failed, lambda: self._ask(wire), refusal=REFUSES_ITS_TOKENS)

    def _ask(self, wire: SalesforceWire) -> SalesforceToken:
        with self._login.turn():
            return self._asked(wire)

    def _asked(self, wire: SalesforceWire) -> SalesforceToken:
        basic = self._login.basic()
        form = self._login.form(lambda: date_of(wire, self._login.host, self._services.clock))
        try:
            answer = wire.post(
                f"{self._login.host}/services/oauth2/token",
                data=form,
                auth=HTTPBasicAuth(*(part.encode() for part in basic)) if basic else None,
            )
        except requests.RequestException as error:
            raise faults.of_call(error, doing="logging in") from error
        content = decoded(answer)
        if answer.ok and isinstance(content, Mapping) and content.get("access_token"):
            self._login.granted(content)
            user_id = id_18(str(content.get("id") or "").rpartition("/")[2])  # the identity URL ends with it
            return SalesforceToken(str(content["access_token"]), _instance(str(content.get("instance_url") or self._login.host)), user_id)
        raise faults.of_token_answer(answer.status_code, content, heard=wire.heard(), remedy=self._login.remedy)


def date_of(wire: SalesforceWire, host: str, clock: Callable[[], datetime]) -> datetime:
    """The org's clock, from the `Date` header of a call the vendor neither counts nor asks a token for; ours where it tells none.

    **Raises** TransientError; ConnectionDown where it is sent elsewhere.
    """
    doing = "asking for the time"
    try:
        answer = wire.get(f"{host}/services/data")
    except requests.RequestException as error:
        raise faults.of_call(error, doing=doing) from error
    if not silence.is_of_the_server(answer.status_code):
        failed = SalesforceGeneralError(answer.url, answer.status_code, "time", decoded(answer))
        raise faults.of_call(failed, doing=doing, heard=wire.heard())
    return said_at(answer.headers) or clock()


def _instance(told: str) -> str:
    """An org's address without a path, whether a scheme stands before it or not."""
    parts = urlsplit(told if "://" in told else f"https://{told}")
    return f"{parts.scheme}://{parts.netloc}"


class Client(Salesforce):
    """simple-salesforce in direct mode, decoding with orjson and asking for compact JSON."""

    def __init__(self, token: SalesforceToken, wire: SalesforceWire) -> None:
        super().__init__(session_id=token.access_token, instance_url=token.instance_url, session=wire, version=API_VERSION)
        self.headers["X-PrettyPrint"] = "0"

    def bulk_answer(self, job: str, locator: str, count: int | None, *, into: IO[bytes]) -> str | None:
        """Writes one answer of a query job as it comes. Returns the next one's locator as the vendor spells it, None where he does not.

        **Shapes** `count`: how many records it holds at most; None leaves that to the locator.
        """
        params = ({"maxRecords": str(count)} if count else {}) | ({"locator": locator} if locator else {})
        url = f"{self.base_url}jobs/query/{job}/results"
        with closing(
            self._call_salesforce("GET", url, name="results", params=params, headers={"Accept": "text/csv"}, stream=True)
        ) as answer:
            for part in answer.iter_content(BLOCK_BYTES):
                into.write(part)
            return answer.headers.get("Sforce-Locator")

    def retrieve(self, native: str, ids: Sequence[str], columns: Sequence[str]) -> Any:
        """The records of these ids. `restful` would not tell an empty list from no answer at all."""
        body = {"ids": list(ids), "fields": list(columns)}
        return self.parse_result_to_json(
            self._call_salesforce("POST", f"{self.base_url}composite/sobjects/{native}", name="retrieve", json=body)
        )

    def parse_result_to_json(self, result: requests.Response) -> Any:
        found = text.loads(result.content)
        if not isinstance(found, (dict, list)):
            raise BadAnswer("a bare value")
        return found


class SalesforceConnection:
    """One thread's way to one org: renews the token when a call meets a 401, translates every failure, counts data calls."""

    def __init__(self, login: SalesforceLogin, tokens: Tokens, services: Services, patience: Patience, purse: Purse = UNMETERED) -> None:
        self._tokens = tokens
        self.services = services
        self._patience = patience
        self._login = login
        self._purse = purse
        self._wire = SalesforceWire(login.base_url, services.clock)
        self._token: SalesforceToken | None = None
        self._client: Client | None = None
        self._number = 0  # of the last call that was let through
        self.siblings: Siblings[SalesforceConnection] = Siblings(self._sibling)

    @property
    def calls(self) -> int:
        """Data calls of this connection and its siblings."""
        return self.siblings.calls.count

    @contextmanager
    def another(self) -> Iterator[SalesforceConnection]:
        """A sibling, for one other thread while the context lasts."""
        with self.siblings.lend() as sibling:
            yield sibling

    def _sibling(self) -> SalesforceConnection:
        made = SalesforceConnection(self._login, self._tokens, self.services, self._patience, self._purse)
        made.siblings = self.siblings
        return made

    @property
    def parallel_calls(self) -> int:
        """How many calls the portal may have in flight now, for this kind of work."""
        return self._tokens.turnstile.parallel_calls(self._purse.share)

    @property
    def is_trusted(self) -> bool:
        """Whether several calls may be made at once. A token comes from a log-in here, and one thread logs in for all."""
        return True

    def hear(self, errors: Iterable[SyncError | None]) -> None:
        """What the last answer said of its records: where one was locked, there are too many calls at once."""
        if any(map(is_crowd, errors)):
            self._tokens.turnstile.crowded(self._number)

    def read(self, ask: Callable[[Client], T], *, doing: str, is_counted: bool = True) -> T:
        """The answer of a call that changes nothing, so that it may be repeated. **Raises** what `crm/port.py` lists."""

        def attempt() -> T:
            return self._once(ask, Errand(doing, is_counted=is_counted))

        return insist(attempt, patience=self._patience, services=self.services)

    def write(self, send: Callable[[Client], T], *, doing: str, may_wait: MayWait = as_long_as_it_takes) -> T:
        """The answer of a call that changes something: never repeated here. **Raises** also UncertainWrite, and what `may_wait` does."""
        return self._once(send, Errand(doing, is_write=True, may_wait=may_wait))

    @property
    def user_id(self) -> str:
        """The user we work as; asks for a token where there is none."""
        return self._tokens.current(self._wire).user_id

    def now(self) -> datetime:
        """The org's clock, from the `Date` header of a call the vendor does not count."""
        return insist(self._date, patience=self._patience, services=self.services)

    def _date(self) -> datetime:
        """Asks a second time after a new log-in where the org has left its address."""
        clock = self.services.clock
        if self._login.base_url:
            return date_of(self._wire, self._login.base_url, clock)
        token = self._tokens.current(self._wire)
        try:
            return date_of(self._wire, token.instance_url, clock)
        except ConnectionDown:
            if token.is_hopeless:
                raise
        self._tokens.renew(token, self._wire)
        return date_of(self._wire, self._tokens.current(self._wire).instance_url, clock)

    def _once(self, ask: Callable[[Client], T], errand: Errand) -> T:
        """One attempt, and a second one after a new log-in where the org has left its address: the log-in says where it is now."""
        try:
            return self._admitted(ask, errand)
        except Exception as error:
            is_new_there = bool(self._token and self._token.is_hopeless)  # the log-in has just said where the org is
            if is_new_there or not faults.is_dead_address(error):
                raise self._translated(error, errand) from error
        self._renew()
        try:
            return self._admitted(ask, errand)
        except Exception as error:
            raise self._translated(error, errand) from error

    def _admitted(self, ask: Callable[[Client], T], errand: Errand) -> T:
        """The answer with a token that is not refused. **Raises** AuthFailed, SalesforceExpiredSession where every one of them is."""
        for _ in range(MOST_LOGINS + 1):
            try:
                return self._counted(ask, errand)
            except SalesforceExpiredSession:
                self._renew()
        return self._counted(ask, errand)

    def _counted(self, ask: Callable[[Client], T], errand: Errand) -> T:
        client, token = self._connected(), self._token
        with self._tokens.turnstile.passing(self._purse.share, errand.may_wait) as self._number:
            self._purse.take()
            self.siblings.calls.add(errand.is_counted)
            try:
                answer = ask(client)
            finally:
                if self._wire.told:
                    self._purse.hear(*self._wire.told)
        if token:
            token.has_worked = True
        return answer

    def _connected(self) -> Client:
        token = self._tokens.current(self._wire)
        if self._client is None or token is not self._token:
            self._token, self._client = token, Client(token, self._wire)
        return self._client

    def _renew(self) -> None:
        if self._token is not None:
            self._tokens.renew(self._token, self._wire)

    def _translated(self, error: Exception, errand: Errand) -> SyncError:
        if isinstance(error, SyncError):
            return error
        found = faults.of_call(error, doing=errand.doing, is_write=errand.is_write, heard=self._wire.heard())
        self.hear([found])
        return found
