"""What each HubSpot answer means to us: one table, by the vendor's code (`category`, `errorType`, or the first of `errors`).

    code ─▶ CODES ─▶ our error        for a read
                     UncertainWrite   for a write that may have happened all the same
    a 429, 423, 477  RateLimited      as long as its policy or Retry-After says; a day's allowance until the account's midnight

The client raises a class of its own per module, with nothing in common but `status`, `body` and `headers`; urllib3's errors and even a
UnicodeDecodeError (an error page in another encoding) escape from it as they are. Every key of an error body is optional.
Source: https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, MaxRetryError, NewConnectionError, SSLError

from sync_worker.boundary import silence, text
from sync_worker.boundary.headers import retry_after_s
from sync_worker.boundary.redaction import masked
from sync_worker.crm.blame import RowsRejected
from sync_worker.crm.faults import BadAnswer, RecordLocked
from sync_worker.crm.hubspot.connection.wire import API_VERSION, PLATFORM_VERSION
from sync_worker.errors import (
    AuthFailed,
    ConnectionDown,
    FieldRefused,
    RateLimited,
    SchemaChanged,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
    WritesRest,
)

MISSING_SCOPES = "MISSING_SCOPES"
NOT_FOUND = "OBJECT_NOT_FOUND"
NOT_ASSOCIATED = "crm.associations.NO_ASSOCIATIONS_FOUND"
UNIQUE_TAKEN = "CONFLICTING_UNIQUE_VALUE"

CODES: Mapping[str, type[SyncError]] = {
    "EXPIRED_AUTHENTICATION": AuthFailed,
    "INVALID_AUTHENTICATION": AuthFailed,
    "BAD_REFRESH_TOKEN": AuthFailed,
    "BAD_CLIENT_ID": AuthFailed,
    "BAD_CLIENT_SECRET": AuthFailed,
    "invalid_grant": AuthFailed,
    "invalid_client": AuthFailed,
    MISSING_SCOPES: ConnectionDown,
    "RATE_LIMIT": RateLimited,
    "RATE_LIMITS": RateLimited,
    "PROPERTY_DOESNT_EXIST": SchemaChanged,
    "MIGRATION_IN_PROGRESS": RateLimited,
    "LOCKED": RecordLocked,
    "INTERNAL_ERROR": TransientError,
    "TIMEOUT": TransientError,
}
"""Everything not listed is about one record: WriteRejected, with the vendor's code."""

STATUSES: Mapping[int, type[SyncError]] = {
    401: AuthFailed,
    403: ConnectionDown,
    413: TooLarge,
    414: TooLarge,
    423: RecordLocked,
    429: RateLimited,
    477: RateLimited,
}
"""For answers without a code of ours; everything from 500 on may pass later."""

WAIT_S_BY_POLICY = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
LOCKED_WAIT_S = 2.0  # the vendor's own advice for a 423
MIGRATING_WAIT_S = 600.0  # a 477 names its time; this is for one that does not
BLIND_DAY_WAIT_S = 3600.0  # the day's allowance is used up, and we do not know the account's time zone
FULL_REST_S = 300.0  # a person must make room
_REMEDIES: Mapping[int, str] = {
    404: "is there still such a record type, and may the token see it?",
    410: f"this release speaks version {API_VERSION} of the API, which HubSpot no longer offers: update sync-worker",
}
_MOVED = "is something between us and HubSpot, or crm.base_url wrong?"
_NO_WAY = "something between us and HubSpot changes our requests, or sync-worker is too old: update it"
_FULL = re.compile(  # no published code: the words of the account's limits of records
    r"\b(?:record|object|company|deal)[ _]limit|(?:limit|maximum number) of [\d.,]* ?(?:records|companies|deals|objects)",
    re.IGNORECASE,
)
_OF_VERSION = re.compile(
    rf"{re.escape(API_VERSION)}|(?:unsupported|unknown|invalid|deprecated) (?:api )?version|"
    r"version\b.{0,60}(?:not supported|unsupported|no longer|deprecated|invalid|unknown|not exist)",
    re.IGNORECASE,
)
_INSIDE = re.compile(r"Property values were not valid: (\[.*\])", re.DOTALL)
_QUOTED_PROPERTY = re.compile(r'Property "?([\w.]+)"? does not exist|propertyName=(\w+)|property:? "?(\w+)"?')
_OPTION = re.compile(r'label: "?(?P<label>[^"\n]*)"?\s+value: "?(?P<value>[^"\n]*)"?[^\[\]]*?(?=label:|\]|$)')
_ROWS = ("objectWriteTraceId", "ids", "id", "fromObjectId", "toObjectId")  # where a context names rows
_TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says.

    **Shapes** `code`: the most exact one there is; `field`: the property it is about, "" where none is named.
    """

    code: str = ""
    message: str = ""
    field: str = ""
    policy: str = ""
    scopes: tuple[str, ...] = ()
    correlation_id: str = ""

    @property
    def words(self) -> str:
        """For people, with what HubSpot's support asks for."""
        return f"{self.message}{f' (correlation id {self.correlation_id})' if self.correlation_id else ''}"


@dataclass(frozen=True, slots=True)
class Midnight:
    """When the account's day ends, by its own clock, and how long that is."""

    at: datetime
    left_s: float


def of_call(error: Exception, *, doing: str, is_write: bool = False, midnight: Midnight | None = None, at: str = "") -> SyncError:
    """Our error for a call that failed as a whole.

    **Shapes** `doing`: what was asked, for people; `midnight`: None where the zone is not known; `at`: the address that was asked.
    """
    if isinstance(error, SyncError):
        return error
    if isinstance(error, UnicodeDecodeError) and hasattr(error.__context__, "status"):
        error = error.__context__  # type: ignore[assignment]  # the client's own, whose body it could not decode
    if isinstance(error, (HTTPError, UnicodeDecodeError)):
        return _of_silence(error, doing=doing, is_write=is_write, at=at)
    status = getattr(error, "status", None)
    if status is not None:
        headers = getattr(error, "headers", None) or {}
        answer = BadReply(int(status), getattr(error, "body", ""), headers)
        return of_answer(answer, doing=doing, is_write=is_write, midnight=midnight, at=at)
    if isinstance(error, ValueError):
        what = str(error) if isinstance(error, BadAnswer) else "something that is not JSON"
        return _unsure(f"HubSpot sent {what} while {doing}{silence.named(at)}", is_write=is_write)
    raise error


@dataclass(frozen=True, slots=True)
class BadReply:
    """An answer that is not a success. **Shapes** `status` 0: TLS failed, nothing was sent."""

    status: int
    body: Any
    headers: Mapping[str, str]


def of_answer(answer: BadReply, *, doing: str, is_write: bool = False, midnight: Midnight | None = None, at: str = "") -> SyncError:
    """Our error for an answer that is not a success."""
    status, body, headers = answer.status, answer.body, answer.headers
    asked = f"{doing}{silence.named(at)}"
    if status == 0:
        return TransientError(f"HubSpot's certificate was refused, or TLS failed, while {asked}; is something between us and HubSpot?")
    if 300 <= status < 400:
        return ConnectionDown(silence.redirected(f"HubSpot answered HTTP {status} while {asked}", headers.get("Location"), remedy=_MOVED))
    said = read(body)
    kind = CODES.get(said.code) or STATUSES.get(status)
    words = f"HubSpot answered {silence.status_of(status, said.code)} while {asked}: {said.words or _excerpt(body)}"
    if kind is RateLimited:
        return _limited(words, status, said, headers, midnight)
    if is_write and (found := _of_a_whole_write(status, said, words, _blamed(body))):
        return found
    if said.code == MISSING_SCOPES:
        return ConnectionDown(f"{words} — add to the token one of these scopes: {', '.join(said.scopes) or 'see the message'}")
    if kind is AuthFailed:
        return AuthFailed(f"{words}; is the token of crm.auth still valid?")
    if status == 423:
        return RecordLocked(words) if is_write else RateLimited(words, retry_after_s=LOCKED_WAIT_S, scope="burst")
    if kind is TransientError or (kind is None and status >= 500):
        return _unsure(words, is_write=is_write)
    return _of_the_way(status, said, words) if kind is None else kind(words)


def _of_a_whole_write(status: int, said: ErrorBody, words: str, blamed: frozenset[str]) -> SyncError | None:
    """What is special in the refusal of a write: something in it may be to blame, or the account has no room."""
    if _FULL.search(f"{said.code} {said.message}"):
        return _full(words)
    if said.code in CODES or _is_of_version(said):
        return None
    if status in (400, 409, 413) or (status == 404 and blamed):
        return RowsRejected(words, code=said.code or str(status), field=said.field, names=blamed)
    return None


def _of_the_way(status: int, said: ErrorBody, words: str) -> SyncError:
    """What is refused whatever stands in it: by its address, its method, or the version we speak."""
    if status == 400 and not _is_of_version(said):
        return SchemaChanged(words)
    remedy = _REMEDIES.get(410 if status == 400 else status, _NO_WAY)
    return (SchemaChanged if status == 404 else ConnectionDown)(f"{words} — {remedy}")


def _is_of_version(said: ErrorBody) -> bool:
    """Whether a refusal is of the API's version, with which no row of a request has to do."""
    return not said.field and bool(_OF_VERSION.search(said.message))


def _full(words: str) -> WritesRest:
    remedy = "archive records of the account, or raise its limit (Settings, Data Management, Data Model, Usage limits)"
    return WritesRest(f"{words} — {remedy}; the writes go on by themselves", code="no_room_in_crm", rest_s=FULL_REST_S)


def of_record(row: Mapping[str, Any], *, ref: str) -> SyncError:
    """Our error for one row of a batch that HubSpot refused: it may pass later, or it is refused."""
    said = read(row)
    message = f"HubSpot refused record {ref}: {said.code or 'UNKNOWN'}: {said.words}"
    if _FULL.search(f"{said.code} {said.message}"):
        return _full(message)
    found = CODES.get(said.code, WriteRejected)
    if issubclass(found, TransientError):
        return RecordLocked(message) if found is RecordLocked else TransientError(message)
    kind = FieldRefused if found is SchemaChanged else WriteRejected
    return kind(message, code=said.code or "UNKNOWN", field=said.field)


def check_whole(answer: Mapping[str, Any], *, doing: str) -> None:
    """**Raises** TransientError where a read left something out that may be there: it would look deleted."""
    if answer.get("status") not in (None, "COMPLETE"):
        raise TransientError(f"HubSpot answered {answer['status']} instead of COMPLETE while {doing}")
    if "results" not in answer:
        raise TransientError(f"HubSpot sent no list of results while {doing}")
    for error in errors_of(answer):
        if error.get("subCategory") != NOT_ASSOCIATED and read(error).code != NOT_FOUND:
            raise TransientError(f"HubSpot left something out while {doing}: {read(error).words}")


def errors_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What an answer says went wrong: a list of errors, or one alone, or mere words."""
    told = answer.get("errors") or []
    return [error if isinstance(error, Mapping) else {"message": str(error)} for error in (told if isinstance(told, list) else [told])]


def of_token_answer(status: int, body: Any, headers: Mapping[str, str], *, at: str = "", remedy: str = "") -> SyncError:
    """Our error for a token endpoint that did not give a token, which is never quoted. **Shapes** `remedy`: where the grant is refused."""
    said = read(body)
    words = f"HubSpot's log-in{silence.named(at)} answered HTTP {status}{f' ({said.code})' if said.code else ''}"
    if status == 429:
        return _limited(words, status, said, headers, None)
    if status < 300 or status >= 500:
        return TransientError(words)
    if status < 400:
        return AuthFailed(silence.redirected(words, headers.get("Location"), remedy=_MOVED))
    if status == 410:
        return ConnectionDown(f"{words} — {_REMEDIES[410].replace(API_VERSION, PLATFORM_VERSION)}")
    remedy = remedy or "install the app in the account again and put the new refresh token into the variable that crm.auth names"
    if said.code not in ("BAD_REFRESH_TOKEN", "BAD_AUTH_CODE", "invalid_grant"):
        remedy = "correct crm.auth in the portal file or the variables it names"
    return AuthFailed(f"{words}: {said.words}; {remedy}")


def read(body: Any) -> ErrorBody:
    """An error body in our words, whatever of it is there."""
    found = decoded(body)
    if not isinstance(found, Mapping):
        return ErrorBody()
    details = [*_inner(str(found.get("message") or "")), *_outer(found)]
    code, field = next(((code, field) for code, field, _ in details if code), ("", ""))
    field = field or next((field for _, field, _ in details if field), "")
    own = str(found.get("category") or found.get("errorType") or found.get("error") or found.get("code") or "")
    status = str(found.get("status") or "")  # the token endpoint says its code there
    message = _message(found, details)
    return ErrorBody(
        code=code or _named_in(message) or own or (status if status.isupper() else ""),
        message=message,
        field=field or _property_in(message),
        policy=str(found.get("policyName") or ""),
        scopes=tuple(_scopes(found)),
        correlation_id=str(found.get("correlationId") or ""),
    )


def _message(found: Mapping[str, Any], details: Sequence[tuple[str, str, str]]) -> str:
    """The vendor's words; where they are JSON for machines, what stands in it: field, value and options."""
    inner = list(_inner(str(found.get("message") or "")))
    if inner:
        return "; ".join(f"{field}: {_options_in(words)}" for _, field, words in inner)
    message = str(found.get("message") or found.get("error_description") or "")
    more = [words for _, _, words in details if words and words not in message]
    return _cleaned(" ".join([message, *more]))


def _inner(message: str) -> Iterator[tuple[str, str, str]]:
    """(code, property, words) of the JSON inside a message."""
    match = _INSIDE.search(message)
    found = decoded(match[1]) if match else ()
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            yield str(one.get("error") or ""), str(one.get("name") or ""), str(one.get("message") or "")


def _outer(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(code, property, words) of the list beside a message."""
    for one in _listed(found, "errors"):
        if isinstance(one, Mapping):
            names = context_of(one, "propertyName") or [str(one.get("in") or "")]
            yield str(one.get("code") or ""), names[0], str(one.get("message") or "")


def _scopes(found: Mapping[str, Any]) -> Iterator[str]:
    for one in _listed(found, "errors"):
        if isinstance(one, Mapping):
            yield from context_of(one, "requiredGranularScopes") or context_of(one, "requiredScopes")


def context_of(error: Mapping[str, Any], name: str) -> list[str]:
    """What an error says it is about, by this name."""
    context = error.get("context")
    told = context.get(name) if isinstance(context, Mapping) else None
    return [str(one) for one in (told if isinstance(told, list) else [told]) if one is not None]


def _blamed(body: Any) -> frozenset[str]:
    found = decoded(body)
    if not isinstance(found, Mapping):
        return frozenset()
    return frozenset(name.lower() for error in (found, *errors_of(found)) for place in _ROWS for name in context_of(error, place))


def _listed(found: Mapping[str, Any], name: str) -> list[Any]:
    return value if isinstance(value := found.get(name), list) else []


def _options_in(words: str) -> str:
    """One of the vendor's two ways of listing options is lines of YAML: `value (label)` reads better."""
    options = [f"{match['value']} ({match['label']})" for match in _OPTION.finditer(words)]
    return _cleaned(f"{words.partition('[')[0]}[{', '.join(options)}]" if options else words)


def _named_in(message: str) -> str:
    return UNIQUE_TAKEN if UNIQUE_TAKEN in message or "already has that value" in message else ""


def _property_in(message: str) -> str:
    match = _QUOTED_PROPERTY.search(message)
    return next(filter(None, match.groups()), "") if match else ""


def _limited(words: str, status: int, said: ErrorBody, headers: Mapping[str, str], midnight: Midnight | None) -> RateLimited:
    asked = retry_after_s(headers)
    if said.policy == "DAILY" or "daily limit" in said.message:
        wait_s = asked or (midnight.left_s if midnight else BLIND_DAY_WAIT_S)
        until = f"until {midnight.at:%Y-%m-%d %H:%M %Z}, the account's midnight" if midnight else "an hour, as its time zone is not known"
        return RateLimited(f"{words}; the account's calls of the day are used up, so we wait {until}", retry_after_s=wait_s, scope="daily")
    if status == 477:
        return RateLimited(f"{words}; HubSpot is moving the account", retry_after_s=asked or MIGRATING_WAIT_S, scope="burst")
    policy = said.policy or ("SECONDLY" if "secondly limit" in said.message and "ten" not in said.message else "TEN_SECONDLY_ROLLING")
    return RateLimited(words, retry_after_s=asked or WAIT_S_BY_POLICY.get(policy, 10.0), scope="burst")


def _of_silence(error: Exception, *, doing: str, is_write: bool, at: str) -> SyncError:
    """A connection that was never made surely did nothing; anything later may have."""
    words = f"HubSpot did not answer while {doing}{silence.told(error, at=at)}"
    if isinstance(error, LocationValueError):
        return ConnectionDown(f"HubSpot's address is not valid ({error}); correct crm.base_url")
    return _unsure(words, is_write=is_write and not _is_unsent(error))


def _is_unsent(error: Exception) -> bool:
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    reason = getattr(reason, "original_error", reason)  # a proxy's
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError, SSLError))


def _unsure(words: str, *, is_write: bool) -> SyncError:
    return UncertainWrite(words) if is_write else TransientError(words)


def decoded(body: Any) -> Any:
    """JSON as it was meant; None for what is not JSON."""
    if not isinstance(body, (str, bytes)):
        return body
    try:
        return text.loads(body)
    except orjson.JSONDecodeError:
        return None


def _excerpt(body: Any) -> str:
    return _cleaned(_TAG.sub(" ", body if isinstance(body, str) else text.decoded(bytes(body or b""))))[:200]


def _cleaned(words: str) -> str:
    return " ".join(masked(text.storable(words)).split())
