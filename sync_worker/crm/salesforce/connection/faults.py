"""What each Salesforce answer means to us: one table, by error code (an errorCode beats the HTTP status: 403 is both quota and permission).

    code ─▶ CODES ─▶ our error        for a read
                     UncertainWrite   for a write that may have happened all the same
    Retry-After      RateLimited      whatever the code says of "later"
    not in CODES     RowsRejected     for a write that is refused as a whole for what stands in it (400, 413): its halves are tried
                     ConnectionDown   for one that is refused whatever stands in it: access, address, method, version
                     WriteRejected    for one record

Source: REST API Developer Guide, "Status Codes and Error Responses"; the words in messages are the vendor's own, ours come around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from sync_worker.boundary import silence
from sync_worker.boundary.redaction import masked
from sync_worker.boundary.text import storable
from sync_worker.crm.blame import RowsRejected
from sync_worker.crm.faults import BadAnswer, RecordLocked
from sync_worker.crm.salesforce.connection.wire import API_VERSION, NOTHING_HEARD, Heard
from sync_worker.errors import (
    AuthFailed,
    ConnectionDown,
    FieldRefused,
    RateLimited,
    SchemaChanged,
    StaleRead,
    SyncError,
    TooLarge,
    TransientError,
    UncertainWrite,
    WriteRejected,
    WritesRest,
)

DAILY_WAIT_S = 900.0  # the daily allowance rolls over 24 h: some of it comes back every few minutes
BURST_WAIT_S = 5.0  # concurrent long calls end within seconds

LOCATOR_LOST = "INVALID_QUERY_LOCATOR"
SESSION_ENDED = "INVALID_SESSION_ID"
DUPLICATES_DETECTED = "DUPLICATES_DETECTED"
DUPLICATE_VALUE = "DUPLICATE_VALUE"
UNREADABLE = "JSON_PARSER_ERROR"
FIELD_REFUSED = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})  # hidden, deleted or read-only
OLD_VERSION = ("UNSUPPORTED_API_VERSION", "InvalidVersion")  # the second is the Bulk API's

CODES: Mapping[str, type[SyncError]] = {
    SESSION_ENDED: AuthFailed,
    "InvalidSessionId": AuthFailed,
    "INVALID_AUTH_HEADER": AuthFailed,
    "invalid_grant": AuthFailed,
    "invalid_client": AuthFailed,
    "invalid_client_id": AuthFailed,
    "unsupported_grant_type": AuthFailed,
    "inactive_user": AuthFailed,
    "API_DISABLED_FOR_ORG": ConnectionDown,
    "API_CURRENTLY_DISABLED": ConnectionDown,
    "TXN_SECURITY_METERING_ERROR": ConnectionDown,
    **dict.fromkeys(OLD_VERSION, ConnectionDown),
    "REQUEST_LIMIT_EXCEEDED": RateLimited,
    "SERVER_UNAVAILABLE": TransientError,
    "UNKNOWN_EXCEPTION": TransientError,
    "UNABLE_TO_LOCK_ROW": RecordLocked,
    "ENTITY_IS_LOCKED": TransientError,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": TransientError,
    "server_error": TransientError,
    "temporarily_unavailable": TransientError,
    LOCATOR_LOST: StaleRead,
    "QUERY_TIMEOUT": TooLarge,
    "OPERATION_TOO_LARGE": TooLarge,
    "INVALID_FIELD": SchemaChanged,
    "INVALID_TYPE": SchemaChanged,
    "MALFORMED_QUERY": SchemaChanged,
    "QUERY_TOO_COMPLICATED": SchemaChanged,
}
"""Everything not listed is about one record, unless its status says that no record would have passed."""

RESTS: Mapping[str, tuple[str, float, str]] = {
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": ("crm_in_maintenance", 60.0, "the org is in maintenance"),
    "STORAGE_LIMIT_EXCEEDED": ("no_room_in_crm", 300.0, "free storage of the org, or buy more (Setup, Storage Usage)"),
}
"""Of the org, told of any record → our code, how many seconds writes rest before the next try, what it needs."""

STATUSES: Mapping[int, type[SyncError]] = {
    401: AuthFailed,
    412: StaleRead,
    413: TooLarge,
    414: TooLarge,
    429: RateLimited,
    431: TooLarge,
}
"""For answers without a code of ours; 406, 420 and everything from 500 on may pass later."""

SURELY_UNWRITTEN = frozenset({"SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "ENTITY_IS_LOCKED", LOCATOR_LOST})
_LATER_STATUSES = frozenset({406, 420})
_REMEDIES: Mapping[int, str] = {
    403: "give the integration user back the right that it lacks",
    404: "is there still such a record type, and such a field, and may the integration user see them?",
    410: f"this release speaks version {API_VERSION} of the API, which the org no longer offers: update sync-worker",
}
_MOVED = "is crm.auth.domain right in the portal file?"
_NO_WAY = "something between us and Salesforce changes our requests, or sync-worker is too old for this org: update it"
_GOVERNED = re.compile(
    r"LimitException|time limit exceeded|Too many (?:SOQL|DML|SOSL|query rows|callouts)|heap size too large", re.IGNORECASE
)
_LOCKED = re.compile("UNABLE_TO_LOCK_ROW|unable to obtain exclusive access", re.IGNORECASE)  # a trigger's error may wrap it
_LOGIN_RATE = re.compile("login.rate.exceeded", re.IGNORECASE)  # of one user within an hour; under several codes, invalid_grant too
_COLUMN = re.compile(r"[Nn]o such column '([^']+)'|field '?([\w.]+)'? can not be|duplicate value found: (\w+) duplicates")
_TAG = re.compile(r"<(style|script).*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class LocatorLost(StaleRead):
    """The query cursor is gone (expired, or its session is): start again from the last position."""


class JobLost(StaleRead):
    """A bulk job gives no result: refused, failed, aborted, or gone. The way by pages is left."""


class Governed(WriteRejected):
    """A trigger or flow of the org did too much for the records of one call together; fewer at once may pass."""


def of_call(error: Exception, *, doing: str, is_write: bool = False, heard: Heard = NOTHING_HEARD) -> SyncError:
    """Our error for a call that failed as a whole. **Shapes** `doing`: what was asked, for people."""
    at = heard.at
    if isinstance(error, SalesforceError):
        if 300 <= error.status < 400:
            words = f"Salesforce answered HTTP {error.status} while {doing}{silence.named(at)}"
            return ConnectionDown(silence.redirected(words, heard.location, remedy=_MOVED))
        found = _of_answer(error.status, error.content, doing=doing, is_write=is_write, at=at)
        return _patient(found, error.status, heard.retry_after_s)
    if isinstance(error, requests.RequestException):
        return _of_silence(error, doing=doing, is_write=is_write)
    if isinstance(error, ValueError):
        what = str(error) if isinstance(error, BadAnswer) else "something that is not JSON"
        return _unsure(f"Salesforce sent {what} while {doing}{silence.named(at)}", is_write=is_write)
    raise error


def is_dead_address(error: Exception) -> bool:
    """Whether no org answered at this address: a 404 in no API's shape, or a redirect, as after the org moved. Nothing was done."""
    if not isinstance(error, SalesforceError):
        return False
    return 300 <= error.status < 400 or (error.status == 404 and not _code_and_message(error.content)[0])


def of_record(errors: Any, *, ref: str) -> SyncError:
    """Our error for one record of a collection call that the CRM refused: it may pass later, or it is refused."""
    first = _first(errors)
    code = str(first.get("statusCode") or first.get("errorCode") or "UNKNOWN")
    words = _cleaned(str(first.get("message") or ""))
    told = first.get("fields") or []
    fields = [str(field) for field in (told if isinstance(told, list) else [told])] or [name for name in [_column(words)] if name]
    named = f" (fields: {', '.join(fields)})" if first.get("fields") else ""
    matches = _matches(first)
    alike = f" (alike: {', '.join(matches)})" if matches else ""
    message = f"Salesforce refused record {ref}: {code}: {words}{named}{alike}"
    if code in RESTS:
        return _resting(code, message)
    if CODES.get(code) is RecordLocked or _LOCKED.search(words):
        return RecordLocked(message)
    if issubclass(CODES.get(code, WriteRejected), TransientError):
        return TransientError(message)
    kind = FieldRefused if code in FIELD_REFUSED else Governed if _GOVERNED.search(words) else WriteRejected
    return kind(message, code=code, field=fields[0] if fields else "")


def of_token_answer(status: int, content: Any, *, heard: Heard = NOTHING_HEARD, remedy: str = "") -> SyncError:
    """Our error for a token endpoint that did not give a token. What it did give is never quoted.

    **Shapes** `remedy`: where it is the grant that is refused, and not the app.
    """
    retry_after_s, location, at = heard.retry_after_s, heard.location, heard.at
    code, message = _code_and_message(content)
    words = f"Salesforce's log-in{silence.named(at)} answered HTTP {status}{f' ({code})' if code else ''}"
    if status == 429:
        return _patient(_limited(words, is_daily=False), status, retry_after_s)
    if CODES.get(code) is RateLimited or _LOGIN_RATE.search(f"{code} {message}"):
        return _patient(_limited(f"{words}: {message}", is_daily="Concurrent" not in message), status, retry_after_s)
    if status < 300 or status >= 500 or status in _LATER_STATUSES or CODES.get(code) is TransientError:
        return _patient(TransientError(words), status, retry_after_s)
    if status < 400:
        return AuthFailed(silence.redirected(words, location, remedy=_MOVED))
    if code:
        if code != "invalid_grant" or not remedy:
            remedy = "correct crm.auth in the portal file or the variables it names"
        return AuthFailed(f"Salesforce refused the credentials ({code}: {message}); {remedy}")
    return AuthFailed(f"{words}; is crm.auth.domain right in the portal file?")


def _of_answer(status: int, content: Any, *, doing: str, is_write: bool, at: str) -> SyncError:
    code, message = _code_and_message(content)
    words = f"Salesforce answered {silence.status_of(status, code)} while {doing}{silence.named(at)}: {message or _excerpt(content)}"
    kind = CODES.get(code) or STATUSES.get(status)
    if kind is RateLimited:
        return _limited(words, is_daily=bool(code) and "Concurrent" not in message)
    if code == LOCATOR_LOST:
        return LocatorLost(words)
    if kind is SchemaChanged:
        return SchemaChanged(_with_column(words, message))
    if is_write and (found := _of_a_whole_write(status, code, words, message)):
        return found
    if kind is TransientError or (kind is None and (status >= 500 or status in _LATER_STATUSES)):
        return _unsure(words, is_write=is_write and code not in SURELY_UNWRITTEN)
    if kind is not None:
        return kind(f"{words} — {_REMEDIES[410]}" if code in OLD_VERSION else words)
    if status == 400:
        return SchemaChanged(words)
    return (SchemaChanged if status == 404 else ConnectionDown)(f"{words} — {_REMEDIES.get(status, _NO_WAY)}")


def _of_a_whole_write(status: int, code: str, words: str, message: str) -> SyncError | None:
    """What is special in the refusal of a write: something in it may be to blame, or the org takes none for now."""
    if code in RESTS:
        return _resting(code, words)
    if status == 413 or code == UNREADABLE or (status == 400 and code not in CODES):
        return RowsRejected(words, code=code or str(status), field=_column(message))
    return None


def _resting(code: str, words: str) -> WritesRest:
    ours, rest_s, need = RESTS[code]
    return WritesRest(f"{words} — {need}; the writes go on by themselves", code=ours, rest_s=rest_s)


def _limited(words: str, *, is_daily: bool) -> RateLimited:
    return RateLimited(words, retry_after_s=DAILY_WAIT_S if is_daily else BURST_WAIT_S, scope="daily" if is_daily else "burst")


def _patient(error: SyncError, status: int, retry_after_s: float | None) -> SyncError:
    """The same error, waiting as long as the CRM asks where it asks."""
    if retry_after_s is None or status not in (403, 429, 503):
        return error
    if isinstance(error, RateLimited):
        return RateLimited(str(error), retry_after_s=retry_after_s, scope=error.scope)
    return RateLimited(str(error), retry_after_s=retry_after_s, scope="burst") if type(error) is TransientError else error


def _of_silence(error: requests.RequestException, *, doing: str, is_write: bool) -> SyncError:
    """A refused or timed-out connect surely did nothing; anything later may have."""
    words = f"Salesforce did not answer while {doing}{silence.told(error)}"
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)):
        return ConnectionDown("Salesforce's address cannot be called; correct crm.auth.domain or crm.base_url")
    return _unsure(words, is_write=is_write and not _is_unsent(error))


def _is_unsent(error: requests.RequestException) -> bool:
    """Whether no connection was made: refused, timed out, name unknown (a NewConnectionError too), certificate refused."""
    if isinstance(error, requests.ConnectTimeout) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    reason = getattr(reason, "original_error", reason)  # a proxy's
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError))


def _unsure(words: str, *, is_write: bool) -> SyncError:
    return UncertainWrite(words) if is_write else TransientError(words)


def _code_and_message(content: Any) -> tuple[str, str]:
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return "", ""
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("error") or ""
    message = first.get("message") or first.get("exceptionMessage") or first.get("error_description") or ""
    return str(code), _cleaned(str(message))


def _column(message: str) -> str:
    match = _COLUMN.search(message)
    return next(filter(None, match.groups()), "") if match else ""


def _with_column(words: str, message: str) -> str:
    column = _column(message)
    return f"{words} — grant the integration user access to {column}, or correct the mapping" if column else words


def _matches(error: Mapping[str, Any]) -> list[str]:
    """The records a duplicate rule found. **Source** the key was misspelt until API 59."""
    found = error.get("duplicateResult") or error.get("duplicateResut")
    results = _mappings(found.get("matchResults")) if isinstance(found, Mapping) else []
    records = [match.get("record") for result in results for match in _mappings(result.get("matchRecords"))]
    return [str(record["Id"]) for record in records if isinstance(record, Mapping) and record.get("Id")]


def _mappings(told: Any) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _first(errors: Any) -> Mapping[str, Any]:
    """The first error of a record: of a list, alone, or mere words."""
    first = errors[0] if isinstance(errors, list) and errors else errors
    return first if isinstance(first, Mapping) else {"message": str(first or "")}


def _excerpt(content: Any) -> str:
    return _cleaned(_TAG.sub(" ", str(content)))[:200]


def _cleaned(text: str) -> str:
    return " ".join(masked(storable(text)).split())
