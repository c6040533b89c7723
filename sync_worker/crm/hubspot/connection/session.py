"""One portal's account at HubSpot, shared by its threads, and one thread's connection to it: the token, what a failure means, the count.

An OAuth token lives half an hour and is renewed before its end. A 401 need not mean that it ended (HubSpot says so only sometimes, by
EXPIRED_AUTHENTICATION), but a call that was refused did nothing: another token is asked for and tried (`crm/login/renewal.py`). A token
of a private app is fixed: once it has worked, the same one is tried after the same waits; before that it is simply wrong.
Source: https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from urllib3.exceptions import HTTPError

from sync_worker.boundary import silence
from sync_worker.boundary.headers import retry_after_s, said_at, whole
from sync_worker.crm.budget import UNMETERED, Purse
from sync_worker.crm.faults import BadAnswer, Patience, insist
from sync_worker.crm.hubspot.connection import faults
from sync_worker.crm.hubspot.connection.faults import Midnight
from sync_worker.crm.hubspot.connection.login import HubspotLogin
from sync_worker.crm.hubspot.connection.pace import Pace
from sync_worker.crm.hubspot.connection.wire import PLATFORM_VERSION, Apis, HubspotWire
from sync_worker.crm.login.renewal import MOST_LOGINS, SharedToken, Trust
from sync_worker.crm.siblings import Siblings
from sync_worker.crm.turnstile import Errand, MayWait, OpenTurnstile, Turnstile, as_long_as_it_takes, is_crowd
from sync_worker.errors import RateLimited, SyncError, TransientError
from sync_worker.services import Services

TOKEN_PATH = f"/oauth/{PLATFORM_VERSION}/token"
DETAILS_PATH = f"/account-info/{PLATFORM_VERSION}/details"
TOKEN_LIFE_S = 1800.0  # where an answer does not tell
RENEWED_BEFORE_S = 300.0  # the end of a token

T = TypeVar("T")
Document: TypeAlias = Mapping[str, Any]
Ask: TypeAlias = Callable[[Apis], Any]
"""Makes one call and gives the raw answer, as `_preload_content=False` has it."""


@dataclass(slots=True, eq=False)
class HubspotToken(Trust):
    """An access token: of a private app, which is fixed, or of OAuth, which is renewed before its end."""

    access_token: str = field(repr=False)


class Access:
    """What the threads of one portal share: its token, its pace, its time zone (None until an answer has told it)."""

    def __init__(
        self,
        login: HubspotLogin,
        services: Services,
        patience: Patience,
        pace: Pace | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        self.login = login
        self.pace = pace or Pace(services)
        self.turnstile = turnstile or OpenTurnstile(services)
        self._services = services
        self._shared = SharedToken[HubspotToken](services, patience, login.edition)
        self._zone: tzinfo | None = None
        self._was_asked = False

    def token(self, wire: HubspotWire) -> HubspotToken:
        """The token in use, renewed if its end is near. **Raises** AuthFailed, TransientError."""
        return self._shared.current(lambda: self._ask(wire))

    def renew(self, failed: HubspotToken, wire: HubspotWire, refusal: str) -> None:
        """Sees to it that the next `token` is not the one that just failed, in these words. **Raises** AuthFailed, TransientError."""
        self._shared.renew(failed, lambda: self._ask(wire), refusal=refusal)

    @property
    def is_trusted(self) -> bool:
        """Whether several calls may carry the token at once. One that a person gave is tried by one call first."""
        return self.login.token is None or self._shared.has_worked

    @property
    def zone_name(self) -> str:
        """Of the account's day; "" where nothing has told it."""
        return str(self._zone or "")

    def learn(self, wire: HubspotWire) -> None:
        """Asks once in which time zone the account's day ends; an account that does not tell is not a reason to stop."""
        if self._was_asked:
            return
        self._was_asked = True
        try:
            answer = wire.plain("GET", DETAILS_PATH, headers={"Authorization": f"Bearer {wire.token}"})
            self._zone = ZoneInfo(orjson.loads(answer.data)["timeZone"])
        except (HTTPError, orjson.JSONDecodeError, LookupError, TypeError, ValueError, ZoneInfoNotFoundError):
            return

    def midnight(self, now: datetime) -> Midnight | None:
        """When the account's day ends."""
        if self._zone is None:
            return None
        here = now.astimezone(self._zone)
        ends_at = (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return Midnight(ends_at, ends_at.timestamp() - now.timestamp())

    def _ask(self, wire: HubspotWire) -> HubspotToken:
        if self.login.token is not None:
            return HubspotToken(self.login.token, is_fixed=True)
        with self.login.turn():
            return self._asked(wire)

    def _asked(self, wire: HubspotWire) -> HubspotToken:
        try:
            answer = wire.plain("POST", TOKEN_PATH, fields=self.login.form(), encode_multipart=False)
        except HTTPError as error:
            raise faults.of_call(error, doing="logging in", at=wire.host) from error
        content = faults.decoded(answer.data)
        if not 200 <= answer.status < 300 or not isinstance(content, Mapping) or not content.get("access_token"):
            raise faults.of_token_answer(answer.status, answer.data, answer.headers, at=wire.host, remedy=self.login.remedy)
        self.login.granted(content)
        told = whole(str(content.get("expires_in")))
        lasts_s = TOKEN_LIFE_S if told is None else float(told)
        return HubspotToken(str(content["access_token"]), renewed_at_s=self._services.monotonic() + lasts_s - RENEWED_BEFORE_S)


class HubspotConnection:
    """One thread's way to one account: renews the token when it was refused, translates every failure, counts data calls."""

    def __init__(self, access: Access, services: Services, patience: Patience, purse: Purse = UNMETERED) -> None:
        self._access = access
        self.services = services
        self._patience = patience
        self._purse = purse
        self._wire = HubspotWire(access.login.base_url, access.pace)
        self._token: HubspotToken | None = None
        self._number = 0  # of the last call that was let through
        self.siblings: Siblings[HubspotConnection] = Siblings(self._sibling)

    @property
    def calls(self) -> int:
        """Data calls of this connection and its siblings."""
        return self.siblings.calls.count

    @contextmanager
    def another(self) -> Iterator[HubspotConnection]:
        """A sibling, for one other thread while the context lasts."""
        with self.siblings.lend() as sibling:
            yield sibling

    def _sibling(self) -> HubspotConnection:
        made = HubspotConnection(self._access, self.services, self._patience, self._purse)
        made.siblings = self.siblings
        return made

    @property
    def parallel_calls(self) -> int:
        """How many calls the portal may have in flight now, for this kind of work."""
        return self._access.turnstile.parallel_calls(self._purse.share)

    @property
    def is_trusted(self) -> bool:
        """Whether several calls may be made at once."""
        return self._access.is_trusted

    def hear(self, errors: Iterable[SyncError | None]) -> None:
        """What the last answer said of its records: where one was locked, there are too many calls at once."""
        if any(map(is_crowd, errors)):
            self._access.turnstile.crowded(self._number)

    def read(self, ask: Ask, *, doing: str, is_counted: bool = True) -> Document:
        """The answer of a call that changes nothing, so that it may be repeated. **Raises** what `crm/port.py` lists."""

        def attempt() -> Document:
            answer = self._once(lambda apis: _document(ask(apis)), Errand(doing, is_counted=is_counted))
            faults.check_whole(answer, doing=doing)
            return answer

        return insist(attempt, patience=self._patience, services=self.services)

    def write(self, send: Ask, *, doing: str, may_wait: MayWait = as_long_as_it_takes) -> Document:
        """The answer of a call that changes something: never repeated here. **Raises** also UncertainWrite, and what `may_wait` does."""
        return self._once(lambda apis: _document(send(apis)), Errand(doing, is_write=True, may_wait=may_wait))

    def define(self, send: Ask, *, doing: str) -> None:
        """A call that changes what records look like; its answer says nothing that is not read back. **Raises** also UncertainWrite."""
        insist(
            lambda: self._once(lambda apis: send(apis).data, Errand(doing, is_write=True, is_counted=False)),
            patience=self._patience,
            services=self.services,
        )

    def now(self) -> datetime:
        """HubSpot's clock: the `Date` of an answer to a call without a token, which no account is charged for. Ours where it tells none."""
        return insist(self._date, patience=self._patience, services=self.services)

    def _date(self) -> datetime:
        _ = self._access.login.token  # where a variable is not set, no call goes out at all
        doing, host = "asking for the time", self._wire.host
        try:
            answer = self._wire.plain("GET", DETAILS_PATH)
        except HTTPError as error:
            raise faults.of_call(error, doing=doing, at=host) from error
        if not silence.is_of_the_server(answer.status):
            raise faults.of_answer(faults.BadReply(answer.status, answer.data, answer.headers), doing=doing, at=host)
        return said_at(answer.headers) or self.services.clock()

    def _once(self, ask: Callable[[Apis], T], errand: Errand) -> T:
        """One attempt, and others with other tokens where the CRM refused the first one's."""
        for _ in range(MOST_LOGINS + 1):
            try:
                return self._counted(ask, errand)
            except Exception as error:
                found = self._translated(error, errand)
                if getattr(error, "status", None) != 401 or self._token is None:
                    raise found from error
            self._access.renew(self._token, self._wire, str(found))
        try:
            return self._counted(ask, errand)
        except Exception as error:
            raise self._translated(error, errand) from error

    def _counted(self, ask: Callable[[Apis], T], errand: Errand) -> T:
        token = self._token = self._access.token(self._wire)
        self._wire.token = token.access_token
        self._access.learn(self._wire)
        self._purse.place(self._access.zone_name)
        with self._access.turnstile.passing(self._purse.share, errand.may_wait) as self._number:
            self._purse.take()
            self.siblings.calls.add(errand.is_counted)
            answer = ask(self._wire.apis)
        token.has_worked = True
        if self._wire.told:
            self._purse.hear(*self._wire.told)
        return answer

    def _translated(self, error: Exception, errand: Errand) -> SyncError:
        now = said_at(getattr(error, "headers", None) or {}) or self.services.clock()
        doing, is_write = errand.doing, errand.is_write
        found = faults.of_call(error, doing=doing, is_write=is_write, midnight=self._access.midnight(now), at=self._wire.host)
        self.hear([found])
        if isinstance(found, RateLimited) and found.retry_after_s <= self._patience.wait.ceiling_s:  # longer ones are the queue's
            return self._rested(found, error)
        return found

    def _rested(self, found: RateLimited, error: Exception) -> RateLimited:
        """The refusal, with the time for which no call of its kind starts from now on."""
        pace, headers, rest_s = self._access.pace, getattr(error, "headers", None) or {}, found.retry_after_s
        is_of_window = getattr(error, "status", None) == 429 and rest_s == faults.WAIT_S_BY_POLICY["TEN_SECONDLY_ROLLING"]
        if is_of_window and retry_after_s(headers) is None:
            return RateLimited(str(found), retry_after_s=pace.refused(headers, rest_s), scope=found.scope)
        pace.rest(rest_s, is_search=rest_s <= faults.WAIT_S_BY_POLICY["SECONDLY"])
        return found


def following(answer: Document) -> str:
    """Where the next page begins; "" after the last, in each of the ways to say so. **Raises** TransientError for what says neither."""
    place: Any = answer
    for name in ("paging", "next", "after"):
        if not isinstance(place, Mapping):
            raise TransientError("HubSpot's answer does not say whether it is the last page")
        place = place.get(name)
        if not place:
            return ""
    return str(place)


def total_of(answer: Document) -> int:
    """How many records a search finds; 0 where its answer does not say so."""
    return whole(str(answer.get("total"))) or 0


def _document(answer: Any) -> Document:
    """The body of an answer: of whatever kind, HubSpot sends `results`, or nothing at all. **Raises** BadAnswer."""
    if not answer.data:
        return {}
    found = faults.decoded(answer.data)
    rows = found.get("results") if isinstance(found, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise BadAnswer("no list of results")
    return found  # type: ignore[no-any-return]
